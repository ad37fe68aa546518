"""Roles log in with a password over TCP: what each can see is what row-level security lets it see."""

from __future__ import annotations

import secrets
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from encompass.domain.access import StaffRole
from encompass.store import session
from encompass.store.database import Role, as_session
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.sessions import key_adult_token, unstepped

HOUR = timedelta(hours=1)
CHILD_TABLES = ("notification", "notification_part", "duty", "data_key", "acknowledgement", "recipient")


def school_token(encompass: Encompass, urn: int, idle: timedelta = HOUR, *, stepped_up: bool = True) -> str:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        adult = connection.execute(
            text(
                "SELECT key_adult_id, recipient_id, person_hash FROM encompass.key_adult WHERE urn = :urn LIMIT 1"
            ),
            {"urn": urn},
        ).one()
    whose = (encompass, FORCE, adult.key_adult_id, adult.recipient_id, adult.person_hash, idle)
    return key_adult_token(*whose) if stepped_up else unstepped(*whose)[0]


def told_schools(encompass: Encompass) -> list[int]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        rows = connection.execute(
            text("SELECT DISTINCT urn FROM encompass.notification WHERE status = 'released'")
        )
        return sorted(rows.scalars())


def count(encompass: Encompass, role: Role, token: str, table: str) -> int:
    with as_session(encompass.database.engine(role), token) as connection:
        return connection.execute(text(f"SELECT count(*) FROM encompass.{table}")).scalar_one()


def test_no_role_is_superuser_owner_of_the_cluster_or_above_the_policies(empty: Encompass) -> None:
    with empty.database.engine(Role.OWNER).begin() as connection:
        rows = connection.execute(
            text(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname LIKE 'encompass%'"
            )
        ).all()
        unforced = connection.execute(
            text(
                "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'encompass' "
                "AND relkind = 'r' AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        ).all()
        owned = connection.execute(
            text(
                "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'encompass' AND tableowner <> 'encompass_owner'"
            )
        ).all()
    assert {r.rolname for r in rows} == {r.value for r in Role}
    assert not any(r.rolsuper or r.rolbypassrls or r.rolcreaterole for r in rows)
    assert unforced == []
    assert owned == []


def test_a_role_with_a_wrong_password_is_refused(empty: Encompass) -> None:
    url = empty.database.url(Role.SCHOOL.value, driver="postgresql").set(
        password="wrong"  # pragma: allowlist secret
    )  # pragma: allowlist secret
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.render_as_string(hide_password=False))


def test_a_school_sees_its_own_released_notifications_and_nothing_without_a_session(
    played: Encompass,
) -> None:
    mine, other, *_ = told_schools(played)
    token = school_token(played, mine)
    with as_session(played.database.engine(Role.SCHOOL), token) as connection:
        seen = set(connection.execute(text("SELECT DISTINCT urn, status FROM encompass.notification")).all())
    assert seen == {(mine, "released")}
    assert mine != other
    for table in CHILD_TABLES:
        assert count(played, Role.SCHOOL, "no such token", table) == 0
        assert count(played, Role.SCHOOL, "", table) == 0


def test_an_injected_setting_opens_nothing(played: Encompass) -> None:
    """The policy looks up the hash of a token: no setting names a school or a force."""
    school_token(played, told_schools(played)[0])
    with played.database.engine(Role.SCHOOL).begin() as connection:
        for name in ("encompass.school", "encompass.urn", "encompass.force", "app.school"):
            connection.execute(text("SELECT set_config(:n, '100000', true)"), {"n": name})
        stored = connection.execute(text("SELECT count(*) FROM encompass.notification")).scalar_one()
    assert stored == 0


ELSEWHERE = "(recipient_id, urn) = (SELECT r.recipient_id, r.urn FROM encompass.recipient r ORDER BY r.urn DESC LIMIT 1)"


@pytest.mark.parametrize("column", ["person_hash = 'another'", ELSEWHERE, "active_to = '2026-03-16'"])
def test_a_session_ends_when_the_register_ends_the_adult_or_gives_the_reference_to_another_person_or_school(
    played: Encompass, column: str
) -> None:
    token = school_token(played, told_schools(played)[0])
    assert count(played, Role.SCHOOL, token, "notification") > 0
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(f"UPDATE encompass.key_adult SET {column}"))
    assert count(played, Role.SCHOOL, token, "notification") == 0


@pytest.mark.parametrize("how", ["revoked", "idle", "expired"])
def test_a_session_that_ended_opens_nothing(played: Encompass, how: str) -> None:
    token = school_token(played, told_schools(played)[0])
    assert count(played, Role.SCHOOL, token, "notification") > 0
    column = {"revoked": "revoked_at = now()", "idle": "idle_until = now()", "expired": "expires_at = now()"}[
        how
    ]
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(f"UPDATE encompass.web_session SET {column}"))
    assert count(played, Role.SCHOOL, token, "notification") == 0


def test_a_school_can_read_only_the_keys_of_what_it_reads(played: Encompass) -> None:
    token = school_token(played, told_schools(played)[0])
    with played.database.engine(Role.OWNER).begin() as connection:
        everything = connection.execute(text("SELECT count(*) FROM encompass.data_key")).scalar_one()
    mine = count(played, Role.SCHOOL, token, "data_key")
    assert 0 < mine < everything


def test_a_school_may_not_change_another_s_notification_or_anything_but_acknowledge(
    played: Encompass,
) -> None:
    mine, other, *_ = told_schools(played)
    token = school_token(played, mine)
    with as_session(played.database.engine(Role.SCHOOL), token) as connection:
        touched = connection.execute(
            text("UPDATE encompass.notification SET status = 'acknowledged' WHERE urn = :urn"), {"urn": other}
        )
        assert touched.rowcount == 0
    for statement in (
        "UPDATE encompass.notification SET status = 'withdrawn'",
        "UPDATE encompass.notification SET urn = 1",
        "DELETE FROM encompass.notification",
        "SELECT count(*) FROM encompass.pupil",
        "SELECT count(*) FROM encompass.incident",
        "SELECT count(*) FROM encompass.web_session",
        "SELECT count(*) FROM encompass.key_adult_identity",
        "SELECT sealed FROM encompass.involvement",
        "SELECT count(*) FROM encompass.audit_event",
        "SELECT count(*) FROM encompass.live_session",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|row-level security"):
            with as_session(played.database.engine(Role.SCHOOL), token) as connection:
                connection.execute(text(statement))


def test_a_school_cannot_write_audit_events_in_another_s_name(played: Encompass) -> None:
    mine = told_schools(played)[0]
    token = school_token(played, mine)
    forged = text(
        "INSERT INTO encompass.audit_event (force_id, happened_at, actor_kind, actor_id, action, subject_kind, subject_id, details) "
        "VALUES (:force, now(), :kind, gen_random_uuid(), 'forged', 'notification', gen_random_uuid(), '{}')"
    )
    for kind in ("key_adult", "pipeline", "staff"):
        with pytest.raises(ProgrammingError, match="row-level security"):
            with as_session(played.database.engine(Role.SCHOOL), token) as connection:
                connection.execute(forged, {"force": FORCE, "kind": kind})


def test_a_leader_counts_the_own_force_and_can_reach_no_sealed_column(played: Encompass) -> None:
    token = secrets.token_urlsafe(32)
    with played.database.engine(Role.SIGN_IN).begin() as connection:
        member = session.staff_id(connection, FORCE, "issuer", "subject", StaffRole.LEADER)
        session.open_staff_session(
            connection, token, FORCE, member, StaffRole.LEADER, HOUR, HOUR, played.clock.now()
        )
    assert count(played, Role.LEADER, token, "duty") > 0
    assert count(played, Role.LEADER, "other", "duty") == 0
    assert count(played, Role.MASH, token, "duty") == 0
    for statement in (
        "SELECT sealed FROM encompass.notification_part",
        "SELECT sealed_child FROM encompass.notification",
        "SELECT * FROM encompass.involvement",
        "SELECT wrapped FROM encompass.data_key",
        "SELECT count(*) FROM encompass.pupil",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            with as_session(played.database.engine(Role.LEADER), token) as connection:
                connection.execute(text(statement))


def test_another_force_s_session_sees_nothing_of_this_one(played: Encompass, cluster: Cluster) -> None:
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("INSERT INTO encompass.partnership VALUES ('other', 'Other') ON CONFLICT DO NOTHING")
        )
        connection.execute(
            text(
                "INSERT INTO encompass.force (force_id, partnership_id, name) VALUES ('other', 'other', 'Other')"
            )
        )
    token = secrets.token_urlsafe(32)
    with played.database.engine(Role.SIGN_IN).begin() as connection:
        member = session.staff_id(connection, "other", "issuer", "subject", StaffRole.LEADER)
        session.open_staff_session(
            connection, token, "other", member, StaffRole.LEADER, HOUR, HOUR, played.clock.now()
        )
    for table in ("duty", "placement", "run", "acknowledgement", "school", "feed_pull"):
        assert count(played, Role.LEADER, token, table) == 0
    assert count(played, Role.LEADER, token, "force") == 1


def test_the_auditor_sees_the_chain_and_nothing_else(played: Encompass) -> None:
    with played.database.engine(Role.AUDITOR).begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM encompass.audit_event")).scalar_one() > 0
    with pytest.raises(ProgrammingError, match="permission denied"):
        with played.database.engine(Role.AUDITOR).begin() as connection:
            connection.execute(text("SELECT count(*) FROM encompass.notification"))
