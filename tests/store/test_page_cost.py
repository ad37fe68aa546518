"""What a school's page reads depends on what the school was told, not on what all the others were."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from datetime import time

import psycopg
import pytest
from sqlalchemy import text

from encompass.store.database import Role, as_session
from encompass.store.queries import load
from encompass.wiring import Encompass
from tests.cluster import Cluster
from tests.contents import owner
from tests.store.test_row_level_security import school_token, told_schools

OTHERS = 8_000
"""Half of them replaced by a correction."""
LEVELS = 100  # a few levels more of the indexes of a few tables
Grows = tuple[Callable[[], set[str]], str]
PAGES = (
    ("inbox", "inbox", {"lines": 51, "after": 0}),
    ("inbox", "beside", {}),
    ("inbox", "cover", {"notification_id": None}),
    ("inbox", "one", {"notification_id": None}),
    ("inbox", "earlier", {"notification_id": None}),
    ("notice", "notices", {}),
    ("notice", "notices_of", {"notification_id": None}),
    ("support", "support_of", {"notification_id": None}),
    ("part", "parts", {"notification_id": None}),
    ("data_key", "data_keys", {"key_ids": None}),
)
REPLACE_ONE = """
CREATE TEMP TABLE replaced AS
    SELECT n.notification_id AS by, gen_random_uuid() AS notification_id
    FROM encompass.notification AS n WHERE n.urn = %(urn)s AND n.status = 'released' LIMIT 1;
INSERT INTO encompass.notification
    SELECT (jsonb_populate_record(
        n, jsonb_build_object('notification_id', r.notification_id, 'status', 'superseded')
    )).*
    FROM replaced AS r JOIN encompass.notification AS n ON n.notification_id = r.by;
INSERT INTO encompass.notification_part
    SELECT (jsonb_populate_record(p, jsonb_build_object(
        'notification_id', r.notification_id, 'ended', 'superseded', 'ended_at', now()
    ))).*
    FROM replaced AS r JOIN encompass.notification_part AS p ON p.notification_id = r.by;
UPDATE encompass.notification AS n SET supersedes = r.notification_id
    FROM replaced AS r WHERE n.notification_id = r.by;
ANALYZE;
"""
TELL_THE_OTHERS = """
CREATE TEMP TABLE told AS
    SELECT n.notification_id AS of, gen_random_uuid() AS notification_id
    FROM encompass.notification AS n, generate_series(1, %(each)s)
    WHERE n.urn <> %(urn)s AND n.status = 'released';
-- that a duty is told once is let go: there are not that many duties
DROP INDEX encompass.notification_part_one_current;
CREATE INDEX notification_part_one_current ON encompass.notification_part (duty_id) WHERE ended_at IS NULL;
INSERT INTO encompass.notification
    SELECT (jsonb_populate_record(
        n, jsonb_build_object('notification_id', t.notification_id, 'adds_to', n.notification_id)
    )).*
    FROM told AS t JOIN encompass.notification AS n ON n.notification_id = t.of;
INSERT INTO encompass.notification_part
    SELECT (jsonb_populate_record(p, jsonb_build_object('notification_id', t.notification_id))).*
    FROM told AS t JOIN encompass.notification_part AS p ON p.notification_id = t.of;
INSERT INTO encompass.notice
    (notice_id, force_id, notification_id, recipient_id, kind, sealed, key_id, written_at, run_id)
    SELECT gen_random_uuid(), n.force_id, n.notification_id, n.recipient_id, 'withdrawn', '\\x00', n.key_id,
        n.released_at, n.run_id
    FROM told AS t JOIN encompass.notification AS n ON n.notification_id = t.notification_id;
DELETE FROM told WHERE ctid IN (SELECT ctid FROM told LIMIT (SELECT count(*) / 2 FROM told));
UPDATE encompass.notification AS n SET status = 'superseded'
    FROM told AS t WHERE n.notification_id = t.notification_id;
UPDATE encompass.notification_part AS p SET ended = 'superseded', ended_at = now()
    FROM told AS t WHERE p.notification_id = t.notification_id;
ANALYZE;
"""


def pages_read(encompass: Encompass, token: str) -> dict[str, int]:
    """How many pages of the database each query of the school's pages looks at."""
    read: dict[str, int] = {}
    with as_session(encompass.database.engine(Role.SCHOOL), token) as connection:
        row = connection.execute(
            text("SELECT notification_id, key_id FROM encompass.notification LIMIT 1")
        ).one()
        ids = {"notification_id": row.notification_id, "key_ids": [row.key_id]}
        for module, name, values in PAGES:
            query = text(f"EXPLAIN (ANALYZE, BUFFERS) {load(module)[name].text}")
            asked = {k: ids[k] if v is None else v for k, v in values.items()}
            connection.execute(query, asked).all()  # the first time reads the catalogue too
            plan = connection.execute(query, asked).scalars().all()
            top = next(line for line in plan if "Buffers:" in line)
            read[name] = sum(int(n) for n in re.findall(r"(?:hit|read)=(\d+)", top))
    return read


def replace_one(encompass: Encompass, urn: int) -> None:
    with psycopg.connect(owner(encompass)) as connection:
        _execute(connection, REPLACE_ONE, {"urn": urn})


def _execute(connection: psycopg.Connection, statements: str, values: dict[str, int]) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement, values if "%(" in statement else None)


def tell_the_others(encompass: Encompass, urn: int) -> None:
    with psycopg.connect(owner(encompass)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM encompass.notification WHERE urn <> %s AND status = 'released'", (urn,)
        ).fetchone()
        _execute(connection, TELL_THE_OTHERS, {"urn": urn, "each": OTHERS // row[0]})


@pytest.fixture(scope="module")
def grows(cluster: Cluster) -> Generator[Grows]:
    """Says which queries read more, by more than a few levels of their indexes, than before the others were told."""
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass:
        urn = told_schools(encompass)[0]
        token = school_token(encompass, urn)
        replace_one(encompass, urn)
        before = pages_read(encompass, token)
        assert sum(before.values()) > 20
        tell_the_others(encompass, urn)

        def grown() -> set[str]:
            after = pages_read(encompass, token)
            return {name for name, n in before.items() if after[name] > n + LEVELS}

        yield grown, owner(encompass)


def test_a_page_reads_no_more_when_thousands_of_messages_of_others_are_there(grows: Grows) -> None:
    grown, _ = grows
    assert grown() == set()


@pytest.mark.parametrize(
    ("removed", "slower"),
    [
        (
            "ALTER POLICY school_key ON encompass.data_key USING ("
            "key_id IN (SELECT p.key_id FROM encompass.notification_part AS p))",
            {"data_keys"},
        ),
        ("DROP INDEX encompass.notification_part_replaced", {"support_of"}),
        ("DROP INDEX encompass.notification_by_recipient", {"inbox", "one", "parts"}),
    ],
    ids=[
        "a policy that goes through everybody's parts",
        "no index of what was replaced",
        "no index by recipient",
    ],
)
def test_what_makes_a_page_read_everybodys_rows_is_found(
    grows: Grows, removed: str, slower: set[str]
) -> None:
    grown, database = grows
    with psycopg.connect(database) as connection:
        connection.execute(removed)
    assert slower <= grown()
