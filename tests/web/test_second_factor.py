"""The second factor over real HTTP: set up once, then a code at each sign-in; guessed, replayed or skipped, it holds."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
from pyotp.totp import TOTP
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from encompass.domain.second_factor import CodeFault, WrongCodes, judge
from encompass.pipeline.change_contacts import By, CannotChange
from encompass.pipeline.reset_second_factor import (
    confirm_reset,
    propose_reset,
    waiting_resets,
    withdraw_reset,
)
from encompass.store.database import Role, as_session
from sandbox.authenticator import next_code
from sandbox.people import CouldNotAnswer, sign_in
from sandbox.world import Person
from tests.site import Site

GROUPS = re.compile(r"<span>([A-Z2-7]{4})</span>")
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
NOON = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)


def halfway(site: Site, person: Person, code: str | None = None) -> tuple[requests.Session, str]:
    """A session that waits for its second factor, and the page that asks for it."""
    session = requests.Session()
    page = session.get(f"{site.web}/sign-in/school")
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    page = session.post(
        page.url, {"ticket": ticket, "username": person.username, "password": person.password}
    )
    if page.url.endswith("/sign-in/bind"):
        fields = {
            "csrf_token": CSRF.search(page.text).group(1),
            "code": code or site.codes[person.key_adult_ref],
        }
        page = session.post(page.url, fields)
    assert page.url.endswith("/second-factor"), page.url
    return session, page.text


def enter(site: Site, session: requests.Session, page: str, code: str) -> requests.Response:
    fields = {"csrf_token": CSRF.search(page).group(1), "code": code}
    return session.post(f"{site.web}/second-factor", fields)


def rows(site: Site, query: str) -> list:
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query)).all())


def test_a_key_is_shown_until_a_code_of_it_confirms_it_and_never_again(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    session, page = halfway(site, lead)
    key = "".join(GROUPS.findall(page))
    assert len(key) == 32
    assert "<svg" in page and "style=" not in page
    again = session.get(f"{site.web}/second-factor").text
    assert "".join(GROUPS.findall(again)) == key
    inbox = enter(site, session, page, TOTP(key).now())
    assert inbox.url.endswith("/inbox")
    _, later = halfway(site, lead)
    assert GROUPS.findall(later) == [] and "<svg" not in later
    stored = rows(site, "SELECT sealed, confirmed_at FROM encompass.second_factor")
    assert len(stored) == 1 and stored[0].confirmed_at and key.encode() not in bytes(stored[0].sealed)


@pytest.mark.parametrize("path", ["/inbox", "/notifications/{id}", "/notifications/{id}/content", "/report"])
def test_before_the_second_factor_no_page_opens(site: Site, path: str) -> None:
    urn = site.told()[0]
    found = rows(site, f"SELECT notification_id FROM encompass.notification WHERE urn = {urn} LIMIT 1")
    session, _ = halfway(site, site.lead_of(urn))
    answer = session.get(site.web + path.format(id=found[0][0]), allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/second-factor")
    assert "Inbox" not in answer.text


def test_before_the_second_factor_the_database_gives_nothing_either(site: Site) -> None:
    """Whatever statement runs with the session's token: a fault in the pages skips nothing."""
    session, page = halfway(site, site.lead_of(site.told()[0]))
    engine, before = site.encompass.database.engine(Role.SCHOOL), session.cookies["encompass"]
    enter(site, session, page, TOTP("".join(GROUPS.findall(page))).now())
    for token, seen in ((before, False), (session.cookies["encompass"], True)):
        for table in ("notification", "notification_part", "data_key", "recipient", "school", "duty"):
            with as_session(engine, token) as connection:
                count = connection.execute(text(f"SELECT count(*) FROM encompass.{table}")).scalar_one()
            assert (count > 0) is seen, (table, seen)


@pytest.mark.parametrize("before", ["enrolment", "the code"])
def test_a_live_session_that_is_not_stepped_up_gives_nothing_by_sql(site: Site, before: str) -> None:
    urn = site.told()[0]
    if before == "the code":
        site.signed_in(urn)
    session, _ = halfway(site, site.lead_of(urn))
    with as_session(site.encompass.database.engine(Role.SCHOOL), session.cookies["encompass"]) as connection:
        for table in ("notification", "notification_part", "data_key", "recipient", "school"):
            assert connection.execute(text(f"SELECT count(*) FROM encompass.{table}")).scalar_one() == 0
        for call in ("session_key_adult()", "session_recipient()", "session_force('school')"):
            assert connection.execute(text(f"SELECT encompass.{call}")).scalar() is None


def test_a_code_counts_once_in_every_session(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    session, page = halfway(site, lead)
    key = "".join(GROUPS.findall(page))
    code = TOTP(key).now()
    assert enter(site, session, page, code).url.endswith("/inbox")
    other, page = halfway(site, lead)
    refused = enter(site, other, page, code)
    assert refused.status_code == 422
    if TOTP(key).now() == code:
        assert "has been used" in refused.text
    later = TOTP(key).at(int(time.time()) + 30)
    assert enter(site, other, refused.text, later).url.endswith("/inbox")


def test_the_fifth_wrong_code_locks_the_person_in_every_session_and_each_is_audited(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    site.signed_in(lead.urn)
    first, page = halfway(site, lead)
    for _ in range(3):
        refused = enter(site, first, page, "000000 1")
        assert refused.status_code == 422
    second, page = halfway(site, lead)
    enter(site, second, page, "")
    locked = enter(site, second, page, "abcdef")
    assert "Wait 15 minutes" in locked.text
    right = next_code(site.cluster.var, lead.username)
    third, page = halfway(site, lead)
    assert "Too many wrong codes" in enter(site, third, page, right).text
    audited = rows(
        site,
        "SELECT details FROM encompass.audit_event WHERE action = 'second_factor_refused' ORDER BY event_id",
    )
    assert [a.details for a in audited] == [{"reason": "wrong"}] * 5 + [{"reason": "locked"}]
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.second_factor SET locked_until = now()"))
    assert site.signed_in(lead.urn)


def test_the_token_of_before_is_dead_after_the_step_and_a_second_step_is_not_made_of_it(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    session, page = halfway(site, lead)
    old = session.cookies["encompass"]
    assert enter(site, session, page, TOTP("".join(GROUPS.findall(page))).now()).url.endswith("/inbox")
    new = session.cookies["encompass"]
    assert new != old
    for path in ("/inbox", "/second-factor"):
        answer = requests.get(site.web + path, cookies={"encompass": old}, allow_redirects=False)
        assert answer.headers["Location"].startswith("/?ended")
    assert requests.get(f"{site.web}/inbox", cookies={"encompass": new}).status_code == 200


def test_a_session_fixed_before_sign_in_does_not_survive_it(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    mine, _ = site.signed_in(lead.urn)
    planted = mine.cookies["encompass"]
    victim = site.lead_of(site.told()[1])
    session = requests.Session()
    session.cookies.set("encompass", planted, domain="127.0.0.1", path="/")
    page = session.get(f"{site.web}/sign-in/school")
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    fields = {"ticket": ticket, "username": victim.username, "password": victim.password}
    page = session.post(page.url, fields)
    code = site.codes[victim.key_adult_ref]
    session.post(page.url, {"csrf_token": CSRF.search(page.text).group(1), "code": code})
    tokens = [c.value for c in session.cookies if c.name == "encompass"]
    assert planted not in tokens and tokens
    answer = requests.get(f"{site.web}/inbox", cookies={"encompass": planted}, allow_redirects=False)
    assert answer.headers["Location"].startswith("/?ended")


def test_a_password_alone_never_sets_up_a_second_factor(site: Site) -> None:
    """Interrupted after the one-time code: the same code again, by the same person, and by nobody else."""
    one, other, *_ = site.told()
    lead, stranger = site.lead_of(one), site.lead_of(other)
    _, first = halfway(site, lead)
    with pytest.raises(CouldNotAnswer, match="422"):
        sign_in(site.web, "school", lead.username, lead.password, None)
    with pytest.raises(CouldNotAnswer, match="422"):
        sign_in(site.web, "school", stranger.username, stranger.password, site.codes[lead.key_adult_ref])
    _, again = halfway(site, lead)
    assert GROUPS.findall(again) != GROUPS.findall(first)
    _, inbox = site.signed_in(one)
    assert "Inbox" in inbox
    assert lead.key_adult_ref not in site.encompass.issue_binding_codes(site.cluster.force_id)
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.second_factor SET ended_at = now()"))
    with pytest.raises(CouldNotAnswer, match="422"):
        sign_in(site.web, "school", lead.username, lead.password, site.codes[lead.key_adult_ref])


def test_the_other_key_of_two_begun_at_once_ends_when_one_is_confirmed(site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    first, page = halfway(site, lead)
    second, other = halfway(site, lead)
    assert enter(site, first, page, TOTP("".join(GROUPS.findall(page))).now()).url.endswith("/inbox")
    assert "/inbox" not in enter(site, second, other, TOTP("".join(GROUPS.findall(other))).now()).url


def test_ending_the_factor_ends_its_sessions_on_the_next_request(site: Site) -> None:
    session, _ = site.signed_in(site.told()[0])
    token = session.cookies["encompass"]
    assert session.get(f"{site.web}/inbox").url.endswith("/inbox")
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.second_factor SET ended_at = now()"))
    assert "/inbox" not in session.get(f"{site.web}/inbox").url
    with as_session(site.encompass.database.engine(Role.SCHOOL), token) as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.notification")).scalar_one() == 0


def test_five_wrong_within_a_quarter_of_an_hour_lock_for_one() -> None:
    wrong = WrongCodes()
    for minute in range(4):
        wrong = wrong.again(NOON + timedelta(minutes=minute))
        assert not wrong.is_locked(NOON + timedelta(minutes=minute))
    assert wrong.count == 4
    assert wrong.again(NOON + timedelta(minutes=15)).count == 1
    locked = wrong.again(NOON + timedelta(minutes=4))
    assert locked.is_locked(NOON + timedelta(minutes=18, seconds=59))
    assert not locked.is_locked(NOON + timedelta(minutes=19))


def test_one_step_either_side_counts_and_none_that_was_used() -> None:
    step = 59_124_960  # 2026-03-17 12:00 UTC, in steps of 30 seconds
    assert int(NOON.timestamp()) == step * 30
    for off, judged in (
        (-2, CodeFault.WRONG),
        (-1, step - 1),
        (0, step),
        (1, step + 1),
        (2, CodeFault.WRONG),
    ):
        assert judge(lambda s, at=step + off: s == at, None, NOON) == judged
    assert judge(lambda s: s == step, step, NOON) is CodeFault.USED
    assert judge(lambda s: s == step - 1, step, NOON) is CodeFault.USED
    assert judge(lambda s: s == step + 1, step, NOON) == step + 1


def test_two_people_reset_a_lost_authenticator_and_its_owner_needs_a_new_code(site: Site) -> None:
    lead, engine = site.lead_of(site.told()[0]), site.encompass.database.engine(Role.PIPELINE)
    session, _ = site.signed_in(lead.urn)
    waiting, _ = halfway(site, lead)

    def by(who: str) -> By:
        return By(site.cluster.force_id, who, site.encompass.clock.now(), site.encompass.ring)

    reset_id = propose_reset(engine, by("PC 1234"), lead.key_adult_ref)
    with pytest.raises(CannotChange, match="waits already"):
        propose_reset(engine, by("Sgt 55"), lead.key_adult_ref)
    with pytest.raises(CannotChange, match="second person"):
        confirm_reset(engine, by("pc 1234"), reset_id)
    assert session.get(f"{site.web}/inbox").url.endswith("/inbox")
    confirm_reset(engine, by("Sgt 55"), reset_id)
    for ended in (session, waiting):
        assert ended.get(f"{site.web}/second-factor").url.endswith("/?ended=1")
    ended = rows(
        site,
        "SELECT d.wrapped FROM encompass.second_factor JOIN encompass.data_key AS d USING (key_id) WHERE ended_at IS NOT NULL",
    )
    assert ended and all(e.wrapped is None for e in ended)
    for code in (None, site.codes[lead.key_adult_ref]):
        with pytest.raises(CouldNotAnswer, match="422"):
            sign_in(site.web, "school", lead.username, lead.password, code)
    new = site.encompass.issue_binding_codes(site.cluster.force_id, lead.key_adult_ref)
    assert set(new) == {lead.key_adult_ref}
    _, inbox = sign_in(site.web, "school", lead.username, lead.password, new[lead.key_adult_ref])
    assert "Inbox" in inbox
    actions = rows(
        site,
        "SELECT action FROM encompass.audit_event WHERE action LIKE 'second_factor%' AND actor_kind = 'operator' ORDER BY event_id",
    )
    assert [a.action for a in actions] == ["second_factor_reset_proposed", "second_factor_reset_confirmed"]


def test_a_reset_is_dropped_and_there_is_nothing_to_reset_of_somebody_without(site: Site) -> None:
    one, other, *_ = site.told()
    site.signed_in(one)
    engine = site.encompass.database.engine(Role.PIPELINE)
    by = By(site.cluster.force_id, "PC 1234", site.encompass.clock.now(), site.encompass.ring)
    with pytest.raises(CannotChange, match="no second check"):
        propose_reset(engine, by, site.lead_of(other).key_adult_ref)
    reset_id = propose_reset(engine, by, site.lead_of(one).key_adult_ref)
    assert [r.reset_id for r in waiting_resets(engine, by)] == [reset_id]
    withdraw_reset(engine, by, reset_id)
    assert waiting_resets(engine, by) == []
    with pytest.raises(CannotChange, match="no reset"):
        confirm_reset(engine, replace(by, who="Sgt 55"), reset_id)
    assert site.signed_in(one)


def test_the_pipeline_cannot_read_a_second_factor_and_a_school_none_of_it(site: Site) -> None:
    site.signed_in(site.told()[0])
    for role, statement in (
        (Role.PIPELINE, "SELECT sealed FROM encompass.second_factor"),
        (Role.PIPELINE, "UPDATE encompass.second_factor SET last_step = 0"),
        (Role.SCHOOL, "SELECT count(*) FROM encompass.second_factor"),
        (Role.SCHOOL, "UPDATE encompass.web_session SET stepped_up_at = now()"),
        (Role.LEADER, "SELECT count(*) FROM encompass.second_factor"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            with site.encompass.database.engine(role).begin() as connection:
                connection.execute(text(statement))


def test_a_fictional_person_whose_code_grew_old_on_its_way_types_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = iter([TOTP("A" * 32).generate_otp(1)])
    monkeypatch.setattr("sandbox.people.next_code", lambda *of: next(stale, None) or next_code(*of))
    _, page = site.signed_in(site.told()[0])
    assert "/notifications/" in page
    refused = "SELECT count(*) FROM encompass.audit_event WHERE action = 'second_factor_refused'"
    assert rows(site, refused) == [(1,)]
