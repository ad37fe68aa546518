"""The database's catalogue grants what the committed list says, and nothing else."""

from __future__ import annotations

import pytest

from encompass.store.database import Role
from encompass.store.privileges import privileges, shipped_privileges
from encompass.wiring import Encompass

WEB = ("encompass_school", "encompass_mash", "encompass_leader")


def found(encompass: Encompass) -> list[str]:
    with encompass.database.engine(Role.OWNER).connect() as connection:
        return privileges(connection)


def test_the_catalogue_says_what_is_shipped(empty: Encompass) -> None:
    """After a migration: `encompass db privileges >sql/privileges.txt`, and read the difference."""
    assert found(empty) == shipped_privileges()


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        (
            "GRANT SELECT ON encompass.pupil TO encompass_school",
            "grant to encompass_school: SELECT on table pupil",
        ),
        (
            "GRANT UPDATE (sealed) ON encompass.notification_part TO encompass_mash",
            "grant to encompass_mash: UPDATE on table notification_part (sealed)",
        ),
        (
            "GRANT EXECUTE ON FUNCTION encompass.session_force(text) TO PUBLIC",
            "grant to PUBLIC: EXECUTE on function session_force(wanted_role text)",
        ),
        (
            "CREATE POLICY gap ON encompass.notification FOR SELECT TO encompass_school USING (true)",
            "policy on notification: gap, PERMISSIVE SELECT to encompass_school",
        ),
        (
            "ALTER TABLE encompass.pupil NO FORCE ROW LEVEL SECURITY",
            "row-level security not forced on pupil",
        ),
        (
            "ALTER FUNCTION encompass.session_person() RESET search_path",
            "function session_person() runs as encompass_owner, no search_path",
        ),
    ],
)
def test_a_grant_that_nobody_meant_shows(empty: Encompass, statement: str, line: str) -> None:
    with empty.database.engine(Role.OWNER).begin() as connection:
        connection.exec_driver_sql(statement)
    assert set(found(empty)) - set(shipped_privileges()) == {line}


def test_no_web_role_may_delete_truncate_or_pass_anything_on() -> None:
    for line in shipped_privileges():
        if any(f"grant to {role}:" in line for role in (*WEB, "PUBLIC")):
            assert not any(
                word in line for word in ("DELETE", "TRUNCATE", "TRIGGER", "REFERENCES", "CREATE", "TEMP")
            )
        assert "grant option" not in line
        assert "not forced" not in line
        assert "no search_path" not in line
        if line.startswith("role "):
            assert line.endswith("no power of its own")
