"""Every statement of the corpus, run as each role of the pages, gives nothing of another and changes nothing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import time
from typing import LiteralString, cast
from uuid import uuid4

import psycopg
import pytest

from encompass.domain.access import StaffRole
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import Cluster
from tests.contents import contents, owner
from tests.sessions import staff_token
from tests.store.attacks import BECOMING, CORPUS, DEFINERS, READING, SETTINGS, WRITING, Corpus
from tests.store.test_row_level_security import school_token, told_schools

WEB = (Role.SCHOOL, Role.LEADER, Role.MASH)
REFUSALS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.FeatureNotSupported,  # an extension or XML that the embedded server was built without
)


@dataclass
class Target:
    """A told installation with a session of each kind, and what belongs to somebody else there."""

    encompass: Encompass
    tokens: dict[Role, str]
    others: dict[str, str]
    before: dict[str, str]
    opened: ExitStack = field(default_factory=ExitStack)
    connections: dict[Role, psycopg.Connection] = field(default_factory=dict[Role, psycopg.Connection])

    def connection(self, role: Role) -> psycopg.Connection:
        """The role's own connection, over TCP with its password."""
        if role not in self.connections:
            url = self.encompass.database.url(role.value, driver="postgresql").render_as_string(
                hide_password=False
            )
            self.connections[role] = self.opened.enter_context(
                psycopg.connect(url, autocommit=True, prepare_threshold=None)
            )
        return self.connections[role]

    def run(self, role: Role, statements: tuple[str, ...]) -> list[str]:
        """What one injected transaction got back and was told in notices; what is refused gives nothing."""
        got: list[str] = []
        connection = self.connection(role)

        def note(notice: psycopg.errors.Diagnostic) -> None:
            got.append(str(notice.message_primary))

        connection.add_notice_handler(note)
        connection.execute("DISCARD ALL")
        connection.execute("SELECT set_config('encompass.session_token', %s, false)", (self.tokens[role],))
        try:
            with connection.transaction(), connection.cursor() as cursor:
                for statement in statements:
                    got.extend(_rows(cursor, statement.format(**self.others)))
        except REFUSALS:
            return []
        finally:
            connection.remove_notice_handler(note)
        return got


@pytest.fixture(scope="module")
def target(cluster: Cluster) -> Generator[Target]:
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass:
        mine, other, *_ = told_schools(encompass)
        tokens = {Role.SCHOOL: school_token(encompass, mine)}
        with psycopg.connect(owner(encompass)) as connection:
            connection.execute("INSERT INTO encompass.partnership VALUES ('elsewhere', 'Elsewhere')")
            connection.execute(
                "INSERT INTO encompass.force (force_id, partnership_id, name) VALUES ('elsewhere', 'elsewhere', 'Elsewhere')"
            )
        for role, staff in ((Role.LEADER, StaffRole.LEADER), (Role.MASH, StaffRole.MASH)):
            tokens[role] = staff_token(encompass, "elsewhere", staff)
        with psycopg.connect(owner(encompass), autocommit=True) as connection:
            connection.execute("ANALYZE")
            found = connection.execute(
                "SELECT n.notification_id, n.recipient_id, k.key_adult_id, n.key_id FROM encompass.notification AS n "
                "JOIN encompass.key_adult AS k USING (recipient_id) WHERE n.urn = %s AND n.status = 'released' LIMIT 1",
                (other,),
            ).fetchone()
        assert found is not None
        others: dict[str, str] = dict(
            zip(("other", "other_recipient", "other_adult", "other_key"), map(str, found), strict=True)
        )
        others["other_change"] = says_of_itself(encompass, others)
        others["other_urn"] = str(other)
        opened = Target(encompass, tokens, others, {})
        opened.before = contents(encompass)
        with opened.opened:
            yield opened


def says_of_itself(encompass: Encompass, others: dict[str, str]) -> str:
    """What the other school has entered on its own pages: a closed day, a cover, its word, a change, whose id it gives."""
    key = "INSERT INTO encompass.data_key (key_id, force_id, purpose, ring_key_id, wrapped) VALUES (%s, 'riverbend', 'contact', 'x', 'x')"
    own = "FROM encompass.key_adult WHERE recipient_id = %s AND key_adult_id = %s"
    whose = (others["other_recipient"], others["other_adult"])
    with psycopg.connect(owner(encompass)) as connection:
        key_id = uuid4()
        connection.execute(key, (key_id,))
        connection.execute(
            "INSERT INTO encompass.entered_day SELECT gen_random_uuid(), force_id, recipient_id, urn, '2026-09-08', 'closed', "
            f"'inset', NULL, key_adult_id, now() {own}",
            whose,
        )
        changed = connection.execute(
            "INSERT INTO encompass.contact_change (change_id, force_id, recipient_id, reference_hash, kind, origin, "
            "content_hash, sealed, key_id, proposed_by, proposed_at) SELECT gen_random_uuid(), force_id, recipient_id, 'x', "
            f"'add', 'school', 'x', 'x', %s, CAST(key_adult_id AS text), now() {own} RETURNING change_id",
            (key_id, *whose),
        ).fetchone()
        assert changed is not None
        connection.execute(
            "INSERT INTO encompass.cover (cover_id, force_id, recipient_id, key_adult_id, person_hash, change_id, first_day, "
            "last_day, named_at) SELECT gen_random_uuid(), force_id, recipient_id, key_adult_id, person_hash, %s, "
            f"'2026-09-08', '2026-09-08', now() {own}",
            (changed[0], *whose),
        )
        connection.execute(
            "INSERT INTO encompass.attestation (attestation_id, force_id, recipient_id, attested_by, attested_on, attested_at) "
            f"SELECT gen_random_uuid(), force_id, recipient_id, key_adult_id, '2026-03-16', now() {own}",
            whose,
        )
        return str(changed[0])


def _rows(cursor: psycopg.Cursor, statement: str) -> list[str]:
    wanted = cast(LiteralString, statement)
    if statement.endswith("TO STDOUT"):
        with cursor.copy(wanted) as copied:
            return [str(row) for row in copied.rows()]
    cursor.execute(wanted)
    says_only_what_was_put_in = "set_config(" in statement
    return [] if cursor.description is None or says_only_what_was_put_in else [str(row) for row in cursor]


def found_by(target: Target, role: Role, corpus: Corpus) -> list[tuple[str, ...]]:
    """The lines of a corpus that got something of another, or anything at all where nothing is to be had."""
    found: list[tuple[str, ...]] = []
    for statements in corpus:
        got = target.run(role, statements)
        of_another = any(other in row for row in got for other in target.others.values())
        if of_another or (got and statements in READING + WRITING):
            found.append(statements)
    return found


@pytest.mark.parametrize("role", WEB, ids=str)
def test_what_is_injected_gives_nothing_of_another_and_changes_nothing(target: Target, role: Role) -> None:
    assert found_by(target, role, CORPUS) == []
    assert contents(target.encompass) == target.before


@pytest.mark.parametrize(
    ("sabotage", "undone", "corpus"),
    [
        (
            "GRANT encompass_pipeline TO encompass_school",
            "REVOKE encompass_pipeline FROM encompass_school",
            BECOMING,
        ),
        (
            # two policies keep a school to its own messages: either is enough
            "ALTER POLICY school_not_excluded ON encompass.notification USING (true); "
            "CREATE POLICY gap ON encompass.notification FOR SELECT TO encompass_school USING "
            "(CAST(recipient_id AS text) = current_setting('encompass.recipient', true))",
            "DROP POLICY gap ON encompass.notification; "
            "ALTER POLICY school_not_excluded ON encompass.notification "
            "USING (notification_id IN (SELECT encompass.session_notifications()))",
            SETTINGS,
        ),
        (
            "CREATE FUNCTION encompass.school_returns(text, text) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS "
            "'SELECT EXISTS (SELECT 1 FROM encompass.notification WHERE notification_id = CAST($1 AS uuid))'",
            "DROP FUNCTION encompass.school_returns(text, text)",
            DEFINERS,
        ),
        (
            "ALTER TABLE encompass.notification DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE encompass.notification ENABLE ROW LEVEL SECURITY",
            READING,
        ),
        (
            "CREATE POLICY gap ON encompass.key_adult FOR SELECT TO encompass_school USING (true)",
            "DROP POLICY gap ON encompass.key_adult",
            READING,
        ),
        (
            "DROP POLICY school_names_cover ON encompass.cover; "
            "CREATE POLICY school_names_cover ON encompass.cover FOR INSERT TO encompass_school WITH CHECK (true)",
            "DELETE FROM encompass.cover WHERE first_day = '2026-09-09'; "
            "DROP POLICY school_names_cover ON encompass.cover; "
            "CREATE POLICY school_names_cover ON encompass.cover FOR INSERT TO encompass_school WITH CHECK (false)",
            WRITING,
        ),
        (
            "GRANT UPDATE (expires_at) ON encompass.web_session TO encompass_school; "
            "CREATE POLICY gap ON encompass.web_session TO encompass_school USING (true)",
            "REVOKE UPDATE (expires_at) ON encompass.web_session FROM encompass_school; "
            "DROP POLICY gap ON encompass.web_session",
            WRITING,
        ),
    ],
)
def test_the_corpus_finds_a_control_that_was_removed(
    target: Target, sabotage: LiteralString, undone: LiteralString, corpus: Corpus
) -> None:
    url = target.encompass.database.url("postgres", driver="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sabotage)
        try:
            assert found_by(target, Role.SCHOOL, corpus) != []
        finally:
            connection.execute(undone)
