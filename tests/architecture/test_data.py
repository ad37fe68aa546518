"""The database against what is said of it: queries, inventory, sealing, row-level security."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from encompass.store import queries
from encompass.store.database import Role
from encompass.wiring import Encompass

ROOT = Path(__file__).parents[2]
NAMED = [
    (f.stem, name, sql) for f in sorted(queries.FOLDER.glob("*.sql")) for name, sql in queries.read(f).items()
]
UTILITY = {"stage_rows", "copy_rows", "clear_staged", "unstage_rows"}  # PREPARE takes no utility statement
PLACEHOLDER = re.compile(r"(?<!:):(\w+)")


@pytest.fixture(scope="module")
def inventory() -> dict:
    return tomllib.loads((ROOT / "config" / "data_inventory.toml").read_text("utf-8"))


def columns(encompass: Encompass) -> dict[str, str]:
    """`table.column` to its type, of every table; a view keeps nothing."""
    with encompass.database.engine(Role.OWNER).begin() as connection:
        rows = connection.execute(
            text(
                "SELECT c.table_name || '.' || c.column_name, c.data_type FROM information_schema.columns AS c "
                "JOIN information_schema.tables AS t USING (table_schema, table_name) "
                "WHERE c.table_schema = 'encompass' AND t.table_type = 'BASE TABLE'"
            )
        ).all()
    return {row[0]: row[1] for row in rows}


def test_every_named_query_prepares_against_the_migrated_schema(empty: Encompass) -> None:
    assert len(NAMED) > 100
    faults = []
    url = empty.database.url(Role.OWNER.value, driver="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            queries.read(queries.FOLDER / "roll.sql")["stage_rows"].replace("ON COMMIT DROP", "")
        )
        for number, (module, name, sql) in enumerate(NAMED):
            if name in UTILITY:
                continue
            names: list[str] = []

            def numbered(match: re.Match[str], names: list[str] = names) -> str:
                if match.group(1) not in names:
                    names.append(match.group(1))
                return f"${names.index(match.group(1)) + 1}"

            try:
                connection.execute(f"PREPARE q{number} AS {PLACEHOLDER.sub(numbered, sql)}")
            except psycopg.Error as error:
                faults.append(f"{module}.{name}: {error}")
    assert faults == []


def test_every_placeholder_is_literal_typed() -> None:
    loose = [
        f"{module}.{name}: {m.group(0)}"
        for module, name, sql in NAMED
        for m in PLACEHOLDER.finditer(sql)
        if not sql[: m.start()].endswith("CAST(")
    ]
    assert loose == []
    assert not [name for _, name, sql in NAMED if "::" in sql]


def test_every_named_query_is_used() -> None:
    code = "\n".join(f.read_text("utf-8") for f in (ROOT / "encompass").rglob("*.py"))
    assert [f"{m}.{n}" for m, n, _ in NAMED if f'"{n}"' not in code] == []


def test_every_column_is_in_the_inventory_once(empty: Encompass, inventory: dict) -> None:
    personal = set(inventory["personal"])
    not_personal = {f"{table}.{c}" for table, names in inventory["not_personal"].items() for c in names}
    assert personal & not_personal == set()
    assert personal | not_personal == set(columns(empty))


def test_every_personal_column_says_why_for_whom_and_how_long(inventory: dict) -> None:
    for name, entry in inventory["personal"].items():
        assert set(entry) == {"form", "purpose", "basis", "retention"}, name
        assert entry["basis"] in inventory["basis"], name
        assert entry["retention"] in inventory["retention"], name
        assert entry["form"] in {"sealed", "hash", "token", "pseudonym"}, name


def test_sealed_columns_are_bytes_that_open_only_with_their_key(empty: Encompass, inventory: dict) -> None:
    types = columns(empty)
    for name, entry in inventory["personal"].items():
        if entry["form"] in {"sealed", "hash", "token"}:
            assert types[name] == "bytea", name
    bytes_ = {name for name, kind in types.items() if kind == "bytea"}
    known = {
        "audit_link.event_hash", "audit_link.link_hash", "data_key.wrapped", "generation.sha256",
        "provider_pace.account_hash",
    }  # fmt: skip
    assert bytes_ - set(inventory["personal"]) == known


def test_no_column_is_free_text_about_a_person(empty: Encompass, inventory: dict) -> None:
    """A text column that may hold a person's data would have to be sealed; these are codes and ids."""
    types = columns(empty)
    texts = {n for n in inventory["personal"] if types[n] == "text"}
    assert texts == {
        "incident_version.status", "placement.status", "placement.reason", "placement.beyond_scope", "notification.year_group",
        "enrolment.enrol_status", "enrolment.nc_year", "key_adult.role", "key_adult.language",
        "key_adult_identity.issuer", "key_adult_identity.subject", "binding_ticket.issuer", "binding_ticket.subject",
        "staff.issuer", "staff.subject", "staff.role", "web_session.role", "review_decision.proposed_by",
        "review_decision.confirmed_by", "contact_change.proposed_by", "contact_change.confirmed_by",
        "school_confirmation.confirmed_by", "notification_exclusion.reason", "hold_decision.proposed_by",
        "hold_decision.confirmed_by", "conflict_decision.proposed_by", "conflict_decision.confirmed_by", "recall.proposed_by", "recall.confirmed_by",
            "breach.opened_by", "breach.closed_by",
        "duty_exception.reason", "duty_exception.closed_by", "phone_call.called_by", "sending_freeze.frozen_by",
        "sending_freeze.lifted_by", "second_factor.issuer", "second_factor.subject", "second_factor_reset.proposed_by",
        "second_factor_reset.confirmed_by",
    }  # fmt: skip


def test_row_level_security_is_forced_on_every_table(empty: Encompass) -> None:
    with empty.database.engine(Role.OWNER).begin() as connection:
        loose = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'encompass'::regnamespace AND relkind = 'r' "
                "AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        ).scalars()
        assert list(loose) == []


def test_no_web_role_is_granted_a_sealed_column_but_the_school_s_own(
    empty: Encompass, inventory: dict
) -> None:
    sealed = {n for n, e in inventory["personal"].items() if e["form"] == "sealed"}
    with empty.database.engine(Role.OWNER).begin() as connection:
        granted = connection.execute(
            text(
                "SELECT grantee, table_name || '.' || column_name AS name FROM information_schema.column_privileges "
                "WHERE table_schema = 'encompass' AND privilege_type = 'SELECT' "
                "AND grantee IN ('encompass_school', 'encompass_mash', 'encompass_leader', 'encompass_auditor')"
            )
        ).all()
    assert {(g, n) for g, n in granted if n in sealed} == {
        ("encompass_school", "contact_change.sealed"),
        ("encompass_school", "contact_change.sealed_former"),
        ("encompass_school", "key_adult.sealed"),
        ("encompass_school", "notice.sealed"),
        ("encompass_school", "notification.sealed_child"),
        ("encompass_school", "notification_part.sealed"),
        ("encompass_school", "support.sealed"),
    }


def test_every_definer_function_pins_its_search_path(empty: Encompass) -> None:
    with empty.database.engine(Role.OWNER).begin() as connection:
        loose = connection.execute(
            text(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'encompass'::regnamespace AND prosecdef "
                "AND NOT coalesce(array_to_string(proconfig, ','), '') LIKE 'search_path=%'"
            )
        ).scalars()
        assert list(loose) == []
