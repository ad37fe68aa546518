"""What a school's Key Adult can see and do, and what nobody else can."""

from __future__ import annotations

import re
from datetime import time
from uuid import uuid4

import pytest
import requests
from sqlalchemy import text

from encompass.pipeline import read_notifications
from encompass.settings import StaffSettings
from encompass.store.database import Role
from sandbox.people import CouldNotAnswer, sign_in
from sandbox.world import neighbour
from tests.cluster import FORCE
from tests.pipeline.told import Told
from tests.site import Site

NOTIFICATION = re.compile(r"/notifications/([0-9a-f-]{36})")


def child_of(site: Site, urn: int) -> dict:
    expected = next(e for e in site.cluster.world.expected() if urn in e["urns"] and not e["held"])
    record = next(
        r for r in site.cluster.world.records if r["incident_reference"] == expected["incident_reference"]
    )
    return next(c for c in record["children"] if c["person_id"] == expected["person_id"])


def acknowledge(site: Site, session: requests.Session, path: str) -> requests.Response:
    page = session.get(f"{site.web}{path}/content")
    found = re.search(
        r'name="csrf_token" value="([^"]+)"[^<]*>\s*<button[^>]*>\s*Acknowledge', page.text, re.DOTALL
    )
    token = found.group(1) if found else ""
    return session.post(f"{site.web}{path}/acknowledge", {"csrf_token": token}, allow_redirects=False)


def test_a_key_adult_reads_and_acknowledges(site: Site) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path = f"/notifications/{NOTIFICATION.search(inbox).group(1)}"
    page = session.get(f"{site.web}{path}/content").text
    child = child_of(site, urn)
    if child["voice"]:
        assert child["voice"] in page.replace("&#39;", "'")
    assert "What the child said" in page
    answer = acknowledge(site, session, path)
    assert answer.status_code == 303
    assert "Acknowledged at" in session.get(f"{site.web}{path}/content").text
    assert "Nothing waits for you" in session.get(f"{site.web}/inbox").text
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        kept = connection.execute(text("SELECT channel, key_adult_id FROM encompass.acknowledgement")).one()
    assert kept.channel == "page"


def test_what_was_told_after_its_bell_says_so(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    path = f"/notifications/{NOTIFICATION.search(inbox).group(1)}/content"
    assert "This reached you late" not in session.get(site.web + path).text
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.duty SET duty_by = '2026-03-16T08:45:00+00:00'"))
    assert "This reached you late: it was due before 8:45am on" in session.get(site.web + path).text


def test_acknowledging_twice_is_acknowledging_once(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    path = f"/notifications/{NOTIFICATION.search(inbox).group(1)}"
    page = session.get(f"{site.web}{path}/content").text
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[-1]
    for _ in range(2):
        answer = session.post(f"{site.web}{path}/acknowledge", {"csrf_token": token}, allow_redirects=False)
        assert answer.status_code == 303
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.acknowledgement")).scalar_one() == 1


def test_looking_changes_nothing_but_the_audit(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    identifier = NOTIFICATION.search(inbox).group(1)
    for _ in range(2):
        session.get(f"{site.web}/notifications/{identifier}/content")
        session.head(f"{site.web}/notifications/{identifier}/content")
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        status = connection.execute(
            text("SELECT status FROM encompass.notification WHERE notification_id = CAST(:i AS uuid)"),
            {"i": identifier},
        ).scalar_one()
        viewed = connection.execute(
            text(
                "SELECT count(*) FROM encompass.audit_event WHERE action = 'notification_viewed' AND subject_id = CAST(:i AS uuid)"
            ),
            {"i": identifier},
        ).scalar_one()
    assert status == "released"
    assert viewed >= 2


def test_every_look_at_a_child_is_an_audit_event(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    identifier = NOTIFICATION.search(inbox).group(1)
    session.get(f"{site.web}/notifications/{identifier}")
    session.get(f"{site.web}/notifications/{identifier}/content")
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        looked = connection.execute(
            text(
                "SELECT action, subject_kind FROM encompass.audit_event WHERE action LIKE '%\\_viewed' ORDER BY event_id"
            )
        ).all()
    assert [tuple(row) for row in looked] == [
        ("inbox_viewed", "key_adult"),
        ("initials_viewed", "notification"),
        ("notification_viewed", "notification"),
    ]


def test_an_inbox_longer_than_a_page_goes_on_and_loses_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(site.encompass, site.cluster)
    e = told.expected("on_roll", 1)
    with told.second(e, time(6, 10)):
        told.run(time(6, 30))
    monkeypatch.setattr(read_notifications, "INBOX_LINES", 1)
    session, first = site.signed_in(e["urns"][0])
    second = session.get(f"{site.web}/inbox?page=2").text
    for page, there, absent in ((first, "Older", "Newer"), (second, "Newer", "Older")):
        assert f"{there} messages" in page and f"{absent} messages" not in page
        assert "2 messages to acknowledge" in page
    assert len({*NOTIFICATION.findall(first), *NOTIFICATION.findall(second)}) == 2
    for odd in ("0", "-1", "x", "9" * 30):
        assert session.get(f"{site.web}/inbox?page={odd}").status_code == 200


def test_get_never_acknowledges(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    identifier = NOTIFICATION.search(inbox).group(1)
    assert session.get(f"{site.web}/notifications/{identifier}/acknowledge").status_code == 404
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.acknowledgement")).scalar_one() == 0


def test_a_post_without_its_token_is_refused(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    identifier = NOTIFICATION.search(inbox).group(1)
    for fields in ({}, {"csrf_token": "forged"}):
        answer = session.post(f"{site.web}/notifications/{identifier}/acknowledge", fields)
        assert answer.status_code == 403
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.acknowledgement")).scalar_one() == 0


def test_another_school_s_notification_does_not_exist(site: Site) -> None:
    one, other, *_ = site.told()
    _, inbox = site.signed_in(one)
    theirs = NOTIFICATION.search(inbox).group(1)
    session, _ = site.signed_in(other)
    for page in ("", "/content"):
        missing = session.get(f"{site.web}/notifications/{uuid4()}{page}")
        forbidden = session.get(f"{site.web}/notifications/{theirs}{page}")
        assert forbidden.status_code == missing.status_code == 404
        assert forbidden.text == missing.text
    page = session.get(f"{site.web}/inbox").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    posted = session.post(f"{site.web}/notifications/{theirs}/acknowledge", {"csrf_token": token})
    assert posted.status_code == 404


def test_a_held_notification_is_not_shown_to_its_school(site: Site) -> None:
    held = next(e for e in site.cluster.world.expected() if e["held"])
    _, inbox = site.signed_in(held["urns"][0])
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        identifier = connection.execute(
            text("SELECT notification_id FROM encompass.notification WHERE status = 'held'")
        ).scalar_one()
    assert str(identifier) not in inbox


def test_the_inbox_shows_initials_and_no_name(site: Site) -> None:
    urn = site.told()[0]
    _, inbox = site.signed_in(urn)
    child = child_of(site, urn)
    assert child["surname"] not in inbox
    assert child["forename"] not in inbox


def test_a_leader_may_not_read_notifications_nor_a_school_the_report(site: Site) -> None:
    session, report = site.as_staff("leader")
    assert "Compliance report" in report
    assert session.get(f"{site.web}/inbox").status_code == 404
    school, _ = site.signed_in(site.told()[0])
    for path in ("/report", f"/report/{site.cluster.world.night}", f"/report/{site.cluster.world.night}.csv"):
        assert school.get(site.web + path).status_code == 404


def test_mash_has_no_report_yet(site: Site) -> None:
    with pytest.raises(CouldNotAnswer, match="404"):
        site.as_staff("mash")


def test_staff_are_of_the_force_that_their_token_names_and_of_no_other(site: Site) -> None:
    fellgate = next(p for p in neighbour(site.cluster.world).staff if "leader" in p.roles)
    run = site.cluster.run(site.encompass)
    site.encompass.open_run(fellgate.force, run.night, run.as_of)
    with pytest.raises(CouldNotAnswer, match="403"):  # Fellgate's staff have a provider of their own
        sign_in(site.web, "staff", fellgate.username, fellgate.password, None)
    for force_id, staff in ((fellgate.force, StaffSettings()), (FORCE, StaffSettings(value="elsewhere"))):
        forces = site.encompass.settings.forces
        other = forces[force_id].model_copy(update={"staff": staff})
        settings = site.encompass.settings.model_copy(update={"forces": {**forces, force_id: other}})
        object.__setattr__(site.encompass, "settings", settings)
        _, page = sign_in(site.web, "staff", fellgate.username, fellgate.password, None)
        assert "Fellgate Police (fictional)" in page
        assert "Riverbend" not in page
    with pytest.raises(CouldNotAnswer, match="403"):
        site.as_staff("leader")


def test_a_force_s_own_tenant_signs_in_its_own_staff_and_no_other_s(site: Site) -> None:
    fellgate, riverbend = neighbour(site.cluster.world).staff, site.cluster.world.staff
    run = site.cluster.run(site.encompass)
    site.encompass.open_run("fellgate", run.night, run.as_of)
    doors = requests.get(f"{site.web}/sign-in/force").text
    assert re.findall(r'href="(/sign-in/[^"]+)">([^<]+)<', doors) == [
        ("/sign-in/force/fellgate", "Fellgate Police (fictional)"),
        ("/sign-in/staff", "Riverbend Police (fictional)"),
    ]
    _, page = sign_in(site.web, "force/fellgate", fellgate[0].username, fellgate[0].password, None)
    assert "Fellgate Police (fictional)" in page
    with pytest.raises(CouldNotAnswer, match="401"):
        sign_in(site.web, "force/fellgate", riverbend[0].username, riverbend[0].password, None)
    for nowhere in ("force/riverbend", "force/nowhere", "police"):
        assert requests.get(f"{site.web}/sign-in/{nowhere}").status_code == 404
        assert requests.get(f"{site.web}/sign-in/{nowhere}/callback").status_code == 404


def test_a_guest_of_the_tenant_is_refused_whatever_the_role(site: Site) -> None:
    guest = next(p for p in site.cluster.world.staff if p.is_guest)
    assert guest.roles == ("leader",)
    with pytest.raises(CouldNotAnswer, match="403"):
        sign_in(site.web, "staff", guest.username, guest.password, None)


def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    cookie = session.cookies["encompass"]
    token = re.search(r'name="csrf_token" value="([^"]+)"', inbox).group(1)
    assert session.post(f"{site.web}/sign-out", {"csrf_token": token}).url == f"{site.web}/"
    stolen = requests.get(f"{site.web}/inbox", cookies={"encompass": cookie}, allow_redirects=False)
    assert stolen.status_code == 302
    assert stolen.headers["Location"].startswith("/?ended")


def test_a_code_binds_once_and_is_the_register_s_not_the_mail_address_s(site: Site) -> None:
    one, other, *_ = site.told()
    person, stranger = site.lead_of(one), site.lead_of(other)
    code = site.codes[person.key_adult_ref]
    sign_in(site.web, "school", person.username, person.password, code)
    with pytest.raises(CouldNotAnswer, match="422"):
        sign_in(site.web, "school", stranger.username, stranger.password, code)
    sign_in(site.web, "school", person.username, person.password, None)


def test_a_reference_given_to_another_person_ends_the_binding_the_session_and_the_code(site: Site) -> None:
    """The register names another mailbox under the same reference: whoever was bound must not go on."""
    urn = site.told()[0]
    lead = site.lead_of(urn)
    old_code = site.codes[lead.key_adult_ref]
    session, _ = site.signed_in(urn)
    assert session.get(f"{site.web}/inbox").url.endswith("/inbox")
    deputy_code = site.codes[site.lead_of(urn, "deputy").key_adult_ref]
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("UPDATE encompass.key_adult SET person_hash = 'x' WHERE urn = :urn"), {"urn": urn}
        )
    assert "/inbox" not in session.get(f"{site.web}/inbox").url
    for spent in (None, old_code, deputy_code):
        with pytest.raises(CouldNotAnswer, match="422"):
            sign_in(site.web, "school", lead.username, lead.password, spent)
    new = site.encompass.issue_binding_codes(FORCE)
    assert lead.key_adult_ref in new
    _, inbox = sign_in(site.web, "school", lead.username, lead.password, new[lead.key_adult_ref])
    assert NOTIFICATION.search(inbox)


def test_a_ticket_is_spent_after_five_wrong_codes(site: Site) -> None:
    person = site.lead_of(site.told()[0])
    session = requests.Session()
    page = session.get(f"{site.web}/sign-in/school")
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    page = session.post(
        page.url, {"ticket": ticket, "username": person.username, "password": person.password}
    )
    statuses = []
    for _ in range(6):
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        if token is None:
            break
        answer = session.post(
            f"{site.web}/sign-in/bind", {"csrf_token": token.group(1), "code": "AAAA-AAAA-AAAA-AAAA"}
        )
        statuses.append(answer.status_code)
        page = answer if answer.status_code == 422 else page
    assert statuses == [422] * 5 + [403]


def test_a_callback_that_nobody_began_is_refused(site: Site) -> None:
    answer = requests.get(f"{site.web}/sign-in/school/callback", params={"code": "c", "state": "s"})
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text


def test_the_page_says_when_sign_in_is_away(site: Site) -> None:
    identity = site.encompass.settings.identity
    providers = site.encompass._providers
    broken = {
        a: type(p)(p._address.__class__(**{**p._address.__dict__, "issuer": "http://127.0.0.1:1"}))
        for a, p in providers.items()
    }
    object.__setattr__(site.encompass, "__dict__", site.encompass.__dict__ | {"_providers": broken})
    answer = requests.get(f"{site.web}/sign-in/school")
    assert identity.school.issuer
    assert answer.status_code == 503
    assert "Sign-in is not available" in answer.text
