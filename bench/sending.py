"""Sending a large night's nudges through the GOV.UK Notify stand-in, beside the least time its rate limit allows.

`python -m bench.sending --duties 5000 --schools 2000` is the full size: 4,000 messages, at 3,000 a minute.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from multiprocessing.connection import Connection as Pipe
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text
from werkzeug.serving import WSGIRequestHandler, make_server

from encompass import log
from encompass.domain.nudge import Channel, SendingRules
from encompass.domain.run import Run
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.gateways.notify import NotifyAddress, NotifyGateway
from encompass.gateways.nudge import Provider
from encompass.gateways.pace import Pace
from encompass.pipeline.send_notifications import send_notifications
from encompass.pipeline.take_contacts import take_contacts
from encompass.store import force
from encompass.store.data_key import new_data_key
from encompass.store.database import Database, Role
from encompass.store.scratch import scratch_database
from encompass.store.sealed import KeyRing
from sandbox.notify import TEMPLATES, NotifyStandIn, notify

FORCE = "bench"
NIGHT = date(2026, 3, 10)
DAY_STARTS = datetime.combine(NIGHT, clock_time(5, 30), ZoneInfo("Europe/London"))
KEY = f"encompass-{uuid.UUID(int=1)}-{uuid.UUID(int=2)}"
PER_MINUTE = 3000
ANSWERS_AFTER = 0.05
PASSES = 1.3
SCHOOLS_SQL = """
INSERT INTO encompass.school (force_id, urn, name, la_code, la_name, status_code, seen_in_generation)
SELECT 'bench', 100000 + i, 'Crumplewick School ' || i, '318', 'Riverbend', 1, 1 FROM generate_series(1, :schools) AS i
"""
DUTIES_SQL = """
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
SELECT gen_random_uuid() AS incident_id, gen_random_uuid() AS involvement_id, gen_random_uuid() AS duty_id,
    gen_random_uuid() AS notification_id, gen_random_uuid() AS pupil_id, r.recipient_id, r.urn,
    sha256(convert_to(CAST(i AS text), 'UTF8')) AS hash
FROM generate_series(1, :duties) AS i JOIN encompass.recipient AS r ON r.urn = 100000 + 1 + i % :schools;
INSERT INTO encompass.incident SELECT incident_id, 'bench', hash, :night, 1, :key_id FROM planned;
INSERT INTO encompass.incident_version (incident_id, version, force_id, run_id, updated_at, occurred_from, status,
    domestic_abuse, content_hash, sealed)
SELECT incident_id, 1, 'bench', :run_id, :at, :at, 'active', true, hash, hash FROM planned;
INSERT INTO encompass.involvement (involvement_id, force_id, incident_id, person_hash, version, voice_recorded, sealed)
SELECT involvement_id, 'bench', incident_id, hash, 1, true, hash FROM planned;
INSERT INTO encompass.pupil SELECT pupil_id, 'bench', hash FROM planned;
INSERT INTO encompass.placement (involvement_id, force_id, status, pupil_id, duty_by, evidence, decided_at,
    decided_version, run_id)
SELECT involvement_id, 'bench', 'placed', pupil_id, :at + interval '3 hours', '[]', :at, 1, :run_id FROM planned;
INSERT INTO encompass.duty (duty_id, force_id, involvement_id, recipient_id, duty_by, act_by, opened_at, run_id)
SELECT duty_id, 'bench', involvement_id, recipient_id, :at + interval '3 hours', :at + interval '3 hours', :at, :run_id
FROM planned;
INSERT INTO encompass.notification (notification_id, force_id, recipient_id, recipient_kind, urn, pupil_id, status,
    sealed_child, key_id, prepared_at, released_at, run_id)
SELECT notification_id, 'bench', recipient_id, 'school', urn, pupil_id, 'released', hash, :key_id, :at, :at, :run_id
FROM planned;
INSERT INTO encompass.notification_part SELECT notification_id, duty_id, 'bench', hash, :key_id FROM planned;
INSERT INTO encompass.nudge (nudge_id, force_id, recipient_id, key_adult_id, channel, rung, run_id, status, queued_at)
SELECT gen_random_uuid(), 'bench', k.recipient_id, k.key_adult_id, 'email', 'first', :run_id, 'queued', :at
FROM encompass.key_adult AS k WHERE k.recipient_id IN (SELECT recipient_id FROM planned);
INSERT INTO encompass.nudge_notification
SELECT n.nudge_id, p.notification_id, 'bench', n.key_adult_id, 'email', 'first'
FROM encompass.nudge AS n JOIN planned AS p ON p.recipient_id = n.recipient_id
"""


@dataclass(frozen=True)
class Sent:
    """One measurement: messages sent, how many came twice, seconds taken and the least possible."""

    duties: int
    messages: int
    doubled: int
    seconds: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the least possible."""
        return self.seconds / self.floor


def measure(duties: int, schools: int) -> Sent:
    """Send the nudges of so many duties at so many schools, each with a lead and a deputy."""
    log.configure("ERROR")
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    stand_in = context.Process(target=_serve, args=(theirs, PER_MINUTE), daemon=True)
    stand_in.start()
    port = ours.recv()
    try:
        with scratch_database(FORCE) as (database, ring):
            run = _populate(database, ring, duties, schools)
            started = time.monotonic()
            sent = _send(database, ring, run, f"http://127.0.0.1:{port}")
            seconds = time.monotonic() - started
        ours.send("how many")
        taken, distinct = ours.recv()
    finally:
        stand_in.terminate()
        stand_in.join()
    if distinct != sent:
        raise click.ClickException(f"{sent} were sent and {distinct} taken")
    service = NotifyStandIn(KEY, per_minute=PER_MINUTE, answers_after=ANSWERS_AFTER)
    return Sent(duties, sent, taken - distinct, seconds, service.floor(sent))


def print_sent(sent: Sent) -> None:
    """The measurement as a table; says so when it took longer than it may."""
    table = Table("duties", "messages", "doubled", "seconds", "least possible", "ratio", title="Sending")
    table.add_row(
        f"{sent.duties:,}",
        f"{sent.messages:,}",
        str(sent.doubled),
        f"{sent.seconds:.1f}",
        f"{sent.floor:.1f}",
        f"{sent.ratio:.2f}",
    )
    Console(file=sys.stdout, width=120).print(table)
    if sent.ratio > PASSES:
        click.echo(f"sending took more than {PASSES} times the least possible", err=True)


def _populate(database: Database, ring: KeyRing, duties: int, schools: int) -> Run:
    with database.engine(Role.OWNER).begin() as connection:
        force.upsert_force(connection, FORCE, "Bench Police", "bench", "Bench partnership")
        run = force.open_run(connection, FORCE, NIGHT, DAY_STARTS)
        key = new_data_key(connection, ring, FORCE, "register")
        connection.execute(text(SCHOOLS_SQL), {"schools": schools})
        adults = key_adults_of(range(100001, 100001 + schools))
        take_contacts(connection, ring, run, adults, 1, key)
        values = {
            "duties": duties,
            "schools": schools,
            "night": NIGHT,
            "at": DAY_STARTS,
            "run_id": run.run_id,
        }
        _each_statement(connection, DUTIES_SQL, {**values, "key_id": key.key_id})
    with database.engine(Role.OWNER).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return run


def _each_statement(connection: Connection, script: str, values: dict[str, object]) -> None:
    for statement in script.split(";"):
        connection.execute(text(statement), values)


def key_adults_of(urns: Iterable[int]) -> list[KeyAdultEntry]:
    """A lead and a deputy of each school."""
    return [_adult(urn, role) for urn in urns for role in (KeyAdultRole.DSL, KeyAdultRole.DEPUTY)]


def _adult(urn: int, role: KeyAdultRole) -> KeyAdultEntry:
    return KeyAdultEntry(
        f"KA-{urn}-{role.value}",
        urn,
        role,
        f"Lead-of-{urn}",
        f"{role.value}.{urn}@school-{urn}.example",
        None,
        "en",
        NIGHT,
        None,
    )


def _send(database: Database, ring: KeyRing, run: Run, url: str) -> int:
    address = NotifyAddress(url, KEY, {Channel.EMAIL: {"en": TEMPLATES["email", "en"]}}, 10)
    pace = Pace(PER_MINUTE)
    one = Provider("notify", is_asked=True, connect=lambda: NotifyGateway(address), pace=pace)
    engine = database.engine(Role.PIPELINE)
    return send_notifications(
        engine, ring, {Channel.EMAIL: one}, SendingRules(), "https://pages.example/", run
    )


class KeptAlive(WSGIRequestHandler):
    """Connections stay open from one request to the next."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """An access log would be noise."""


def _serve(pipe: Pipe, per_minute: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    service = NotifyStandIn(KEY, per_minute=per_minute, answers_after=ANSWERS_AFTER)
    server = make_server("127.0.0.1", 0, notify(service), threaded=True, request_handler=KeptAlive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.port)
    pipe.recv()
    pipe.send((len(service.messages), len({m.reference for m in service.messages})))


@click.command()
@click.option("--duties", default=5000, show_default=True)
@click.option("--schools", default=2000, show_default=True)
def main(duties: int, schools: int) -> None:
    """Send a large night's nudges and print the ratio to the least possible."""
    click.echo(f"{os.cpu_count()} cores", err=True)
    print_sent(measure(duties, schools))


if __name__ == "__main__":
    main()
