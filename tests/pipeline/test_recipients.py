"""Officers of local authorities: told, signed in and counted as schools are, and kept from each other."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from encompass.domain.placement import NO_EVIDENCE, PlacementStatus
from encompass.domain.recipient import LaOfficer, Office
from encompass.pipeline.match_children import timetable_of
from encompass.store import placement, session
from encompass.store.database import Role, as_session
from encompass.store.placement import NewPlacement
from encompass.store.session import BoundAdult
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.register import officer, register, take
from tests.site import Site, serving

HOUR = timedelta(hours=1)
OFFICER, OTHER = "KA-102884-dsl", "KA-102885-dsl"


def refer(encompass: Encompass, cluster: Cluster, to: LaOfficer) -> UUID:
    """One child in review, referred to an office and told; the involvement's id."""
    run, rules = cluster.run(encompass), encompass.duty_rules(FORCE)
    with encompass.database.engine(Role.PIPELINE).begin() as connection:
        row = connection.execute(
            text(
                "SELECT p.involvement_id, p.decided_version, p.duty_by, iv.occurred_from FROM encompass.placement p "
                "JOIN encompass.involvement v USING (involvement_id) JOIN encompass.incident_version iv "
                "ON iv.incident_id = v.incident_id WHERE p.status = 'in_review' ORDER BY 1 LIMIT 1"
            )
        ).one()
        new = NewPlacement(
            row.involvement_id, row.decided_version, PlacementStatus.REFERRED, None, None, row.duty_by, NO_EVIDENCE
        )  # fmt: skip
        assert placement.move(connection, run, new, PlacementStatus.IN_REVIEW)
        duty = timetable_of(connection, rules, FORCE).duty(to, row.occurred_from)
        placement.open_duties(connection, run, row.involvement_id, [duty])
    assert encompass.prepare_notifications(run) == 1
    return row.involvement_id


@pytest.fixture
def referred(played: Encompass, cluster: Cluster) -> Encompass:
    """An installation in which one child has been referred to the first of two offices."""
    changes = {OFFICER: officer("318", "cme"), OTHER: officer("318", "ehe")}
    take(played, cluster, register(cluster, changes))
    refer(played, cluster, LaOfficer("318", Office.CME))
    return played


@pytest.fixture
def pages(cluster: Cluster, referred: Encompass) -> Generator[Site]:
    with serving(cluster, referred) as served:
        yield served


def token_at(encompass: Encompass, where: str) -> str:
    """A session of one contact of the recipient of this code."""
    with encompass.database.engine(Role.OWNER).begin() as connection:
        row = connection.execute(
            text(
                "SELECT k.key_adult_id, k.recipient_id, k.person_hash FROM encompass.key_adult k "
                "JOIN encompass.recipient r USING (recipient_id) WHERE r.code = :code LIMIT 1"
            ),
            {"code": where},
        ).one()
    token = secrets.token_urlsafe(32)
    adult = BoundAdult(row.key_adult_id, FORCE, row.recipient_id, bytes(row.person_hash))
    with encompass.database.engine(Role.SIGN_IN).begin() as connection:
        session.open_school_session(connection, token, adult, HOUR, HOUR, encompass.clock.now())
    return token


def seen(encompass: Encompass, token: str) -> set[str]:
    """The recipients whose notifications the session reads."""
    with as_session(encompass.database.engine(Role.SCHOOL), token) as connection:
        rows = connection.execute(
            text(
                "SELECT r.code FROM encompass.notification n JOIN encompass.recipient r USING (recipient_id)"
            )
        )
        return set(rows.scalars())


def test_an_officer_a_school_and_another_office_each_see_their_own_and_no_more(referred: Encompass) -> None:
    with referred.database.engine(Role.OWNER).begin() as connection:
        told = connection.execute(
            text(
                "SELECT urn::text FROM encompass.notification WHERE urn IS NOT NULL AND status = 'released' LIMIT 1"
            )
        ).scalar_one()
    assert seen(referred, token_at(referred, "318 cme")) == {"318 cme"}
    assert seen(referred, token_at(referred, "318 ehe")) == set()
    assert seen(referred, token_at(referred, told)) == {told}
    mine = token_at(referred, "318 ehe")
    with as_session(referred.database.engine(Role.SCHOOL), mine) as connection:
        for change in (
            "UPDATE encompass.notification SET status = 'acknowledged'",
            "UPDATE encompass.phone_task SET withdrawn_at = now()",
        ):
            assert connection.execute(text(change)).rowcount == 0
        for table in ("notification_part", "duty", "data_key", "acknowledgement", "school"):
            assert connection.execute(text(f"SELECT count(*) FROM encompass.{table}")).scalar_one() == 0, (
                table
            )
        own = connection.execute(text("SELECT code FROM encompass.recipient")).scalars().all()
    assert own == ["318 ehe"]


def test_an_officer_signs_in_reads_and_acknowledges_by_the_same_pages(pages: Site, cluster: Cluster) -> None:
    browser, inbox = pages.signed_in(102884)
    assert "Richmond upon Thames: children missing education" in inbox
    path = next(p for p in inbox.split('"') if p.startswith("/notifications/"))
    page = browser.get(pages.web + path, timeout=10).text
    assert "your office has this and will act on it" in page
    assert "expect less" not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    done = browser.post(f"{pages.web}{path}/acknowledge", {"csrf_token": token}, timeout=10)
    assert "Acknowledged at" in done.text
    account = pages.encompass.account(cluster.run(pages.encompass))
    assert account.balanced is True
    report = pages.encompass.report(pages.encompass.last_run(FORCE, None))
    office = next(s for s in report.schools if s.urn is None)
    assert (office.school_name, office.duties) == ("Richmond upon Thames (cme)", 1)
    _, other = pages.signed_in(102885)
    assert "elective home education" in other
    assert "/notifications/" not in other


def test_an_office_without_a_contact_is_telephoned(played: Encompass, cluster: Cluster) -> None:
    involvement_id = refer(played, cluster, LaOfficer("318", Office.VIRTUAL_SCHOOL))
    with played.database.engine(Role.OWNER).begin() as connection:
        task = connection.execute(
            text(
                "SELECT t.reason FROM encompass.phone_task t JOIN encompass.notification_part np USING (notification_id) "
                "JOIN encompass.duty d ON d.duty_id = np.duty_id WHERE d.involvement_id = :id"
            ),
            {"id": involvement_id},
        ).scalars()
        assert list(task) == ["no_key_adult"]
    account = played.account(cluster.run(played))
    assert account.alarms == ("no_key_adult: 318 virtual_school",)
    assert account.duties.buckets["escalated"] == 1
    assert account.balanced is True


def test_a_contact_that_is_no_recipients_is_refused_by_the_database(referred: Encompass) -> None:
    for change in (
        "urn = 102884",
        "recipient_kind = 'school'",
        "role = 'dsl'",
    ):
        with pytest.raises(Exception, match="constraint"):
            with referred.database.engine(Role.OWNER).begin() as connection:
                connection.execute(
                    text(f"UPDATE encompass.key_adult SET {change} WHERE recipient_kind = 'la_officer'")
                )
