"""A night's children from the police feed to queued nudges, beside matching the same children alone.

`python -m bench.feed_to_queued --pupils 800000 --children 5000` is the full size: 2,000 schools. The feed is pulled
over HTTP in the force's own form, and every step is the one that a night runs.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, text
from werkzeug.serving import make_server

from bench import population
from bench.sending import KeptAlive, key_adults_of
from encompass import log
from encompass.domain.run import LONDON, Run
from encompass.domain.school import School
from encompass.formats.match_files import ListedChild, Malformed, read_children_file, read_roll_file
from encompass.pipeline.feed_of import feed_of
from encompass.pipeline.match_children import DutyRules, match_children
from encompass.pipeline.match_files import TRIAL, match_listed
from encompass.pipeline.match_rules import match_rules
from encompass.pipeline.prepare_notifications import prepare_notifications
from encompass.pipeline.receive_incidents import Feed, receive_incidents
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import At, Register, Taken, take_roll
from encompass.pipeline.take_contacts import take_contacts
from encompass.pipeline.telling_rules import telling_rules
from encompass.settings import ForceSettings, forces_folder
from encompass.store import force, school
from encompass.store.data_key import new_data_key
from encompass.store.database import Role
from encompass.store.scratch import scratch_database
from encompass.store.sealed import KeyRing
from sandbox.police_feed import CLIENT_ID, police_feed
from sandbox.world import build_world, named_night, names
from sandbox.world.night import NightOfIncidents

NIGHT = date(2026, 3, 10)
ROLLS_AT = datetime.combine(NIGHT, clock_time(5, 0), LONDON)
DAY_STARTS = datetime.combine(NIGHT, clock_time(5, 30), LONDON)
SEED = 20260310
SECRET = "bench"  # pragma: allowlist secret


@dataclass(frozen=True)
class Queued:
    """One measurement: how many there were of each, and the seconds of each step and of matching alone."""

    pupils: int
    children: int
    duties: int
    nudges: int
    received: float
    placed: float
    prepared: float
    matching: float

    @property
    def ratio(self) -> float:
        """Feed to queued, against deciding on the same children and nothing else."""
        return (self.received + self.placed + self.prepared) / self.matching


def measure(pupils: int, children: int) -> Queued:
    """Load rolls of so many pupils, then play a night of so many children up to its queued nudges."""
    log.configure("ERROR")
    with (
        tempfile.TemporaryDirectory(prefix="encompass-bench-") as name,
        scratch_database(TRIAL) as (database, ring),
    ):
        folder = Path(name)
        population.write(folder, pupils, children, SEED)
        engine = database.engine(Role.PIPELINE)
        with database.engine(Role.OWNER).begin() as connection:
            _known_schools(connection, ring, _urns(folder))
            rolls = force.open_run(connection, TRIAL, NIGHT, ROLLS_AT)
        if refresh_rolls(engine, ring, [_register(folder)], rolls):
            raise click.ClickException("the roll was not taken")
        listed = [c for c in read_children_file(folder / "children.csv") if not isinstance(c, Malformed)]
        with engine.begin() as connection:
            run = force.open_run(connection, TRIAL, NIGHT, DAY_STARTS)
        with _served(_records(listed)) as url:
            return _played(engine, ring, run, url, listed, pupils)


def _played(
    engine: Engine, ring: KeyRing, run: Run, url: str, listed: Sequence[ListedChild], pupils: int
) -> Queued:
    settings = _settings(url)
    source, feed_rules = feed_of(settings.feed, _not_pushed)
    p, matching = settings.profile, match_rules(settings.matching)
    duty_rules = DutyRules(p.school_starts, p.chase_after, p.holiday_act_days, p.bank_holidays)
    steps: list[Callable[[], int]] = [
        lambda: receive_incidents(engine, ring, source, feed_rules, run),
        lambda: match_children(engine, ring, duty_rules, matching, run),
        lambda: prepare_notifications(engine, ring, telling_rules(settings), run),
    ]
    took, counts = zip(*map(_timed, steps), strict=True)
    if counts[1] != len(listed):
        raise click.ClickException(f"{counts[1]} of {len(listed)} children were decided on")
    alone, _ = _timed(
        lambda: len(match_listed(engine, ring, listed, NIGHT, matching.parameters, lambda *_: None))
    )
    with engine.begin() as connection:
        nudges = connection.execute(text("SELECT count(*) FROM nudge WHERE status = 'queued'")).scalar_one()
    return Queued(pupils, len(listed), counts[2], nudges, *took, matching=alone)


def _not_pushed(_: object) -> Feed:
    raise AssertionError("the feed is pulled")


def _timed(call: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    count = call()
    return time.perf_counter() - started, count


def _settings(url: str) -> ForceSettings:
    """The fictional force's own settings, its feed at this address."""
    table = tomllib.loads((forces_folder() / "riverbend.toml").read_text("utf-8"))
    table["feed"] |= {"base_url": url, "client_id": CLIENT_ID, "client_secret": SECRET}
    table["registers"] |= {"base_url": url, "token": SECRET, "rolls": ()}
    return ForceSettings.model_validate(table)


def _urns(folder: Path) -> list[int]:
    return sorted(
        {entry.urn for entry in read_roll_file(folder / "roll.csv") if not isinstance(entry, Malformed)}
    )


def _known_schools(connection: Connection, ring: KeyRing, urns: Sequence[int]) -> None:
    force.upsert_force(connection, TRIAL, "Bench Police", TRIAL, "Bench partnership")
    school.upsert_schools(connection, TRIAL, map(_school, urns), 1)
    run = force.open_run(connection, TRIAL, NIGHT - timedelta(days=1), DAY_STARTS - timedelta(days=1))
    key = new_data_key(connection, ring, TRIAL, "register")
    take_contacts(connection, ring, run, key_adults_of(urns), 1, key)


def _school(urn: int) -> School:
    return School(
        urn=urn, name=f"Crumplewick School {urn}", la_code="318", la_name="Riverbend", establishment_number=None,
        status_code=1, phase=None, low_age=None, high_age=None, opened_on=None, closed_on=None, trust_code=None,
        town=None, postcode=None, telephone=None,
    )  # fmt: skip


def _register(folder: Path) -> Register:
    """The roll as any register is taken: fetched whole, stored with its generation."""
    file = folder / "roll.csv"

    def store(at: At, _: object) -> Taken:
        return take_roll(at, (e for e in read_roll_file(file) if not isinstance(e, Malformed)))

    return Register("roll", TRIAL, lambda _: file.read_bytes(), store)


def _records(listed: Sequence[ListedChild]) -> list[dict[str, Any]]:
    """An incident for each home, in the neutral contract, spread over the evening before."""
    incidents: dict[tuple[str, str], list[ListedChild]] = {}
    for child in listed:
        incidents.setdefault(child.incident, []).append(child)
    rng, opens = random.Random(SEED), DAY_STARTS - timedelta(hours=12)
    step = timedelta(hours=10) / len(incidents)
    return [
        _record(rng, number, opens + number * step, children)
        for number, children in enumerate(incidents.values())
    ]


def _record(
    rng: random.Random, number: int, occurred: datetime, children: Sequence[ListedChild]
) -> dict[str, Any]:
    town, postcode = names.town(rng)
    instant = occurred.astimezone(UTC).isoformat()
    return {
        "contract_version": "1.0",
        "incident_reference": f"BENCH/{number:06d}",
        "updated_at": instant,
        "recorded_at": instant,
        "status": "active",
        "domestic_abuse": True,
        "event": {
            "occurred_from": instant,
            "occurred_to": None,
            "nature": "other",
            "narrative": names.narrative(rng, number),
        },
        "location": {
            "address": names.street(rng), "town": town, "postcode": postcode, "in_force_area": True,
        },
        "risk": None,
        "adults": [],
        "children": [_child(rng, child) for child in children],
    }  # fmt: skip


def _child(rng: random.Random, listed: ListedChild) -> dict[str, Any]:
    c, number = listed.child, int(listed.child_ref[1:])
    home = c.address and {"address": c.address.address, "town": None, "postcode": c.address.postcode}
    named = c.school_named
    return {
        "person_id": listed.child_ref,
        "forename": c.forename,
        "middle_names": c.middle_names,
        "surname": c.surname,
        "other_names": list(c.other_names),
        "date_of_birth": c.date_of_birth.isoformat() if c.date_of_birth else None,
        "sex": c.sex,
        "address": home if home and home["address"] else None,
        "resides_in_force_area": True,
        "relationship": "child_of_victim",
        "present": True,
        "present_where": rng.choice(names.WHERE),
        "seen": True,
        "spoken_to": True,
        "spoken_to_by": "the attending officer",
        "in_presence_of": "alone",
        "voice": names.voice(rng, number),
        "circumstances": names.circumstances(rng, number),
        "school_named": {"name": f"Crumplewick School {named.urn}", "urn": named.urn} if named else None,
        "hold": None,
    }


@contextmanager
def _served(records: list[dict[str, Any]]) -> Generator[str]:
    """The force's stand-in serving these records from a process of its own, and its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, records), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Pipe, records: list[dict[str, Any]]) -> None:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    world = replace(build_world(*named_night("small")), incidents=NightOfIncidents(records, [], []))
    server = make_server("127.0.0.1", 0, police_feed(world, SECRET), threaded=True, request_handler=KeptAlive)
    pipe.send(server.port)
    server.serve_forever()


def print_queued(queued: Queued) -> None:
    """The measurement as a table."""
    table = Table(
        "pupils", "children", "duties", "nudges", "received s", "placed s", "prepared s", "matching alone s", "ratio",
        title="From feed to queued",
    )  # fmt: skip
    seconds = (queued.received, queued.placed, queued.prepared, queued.matching)
    counts = (queued.pupils, queued.children, queued.duties, queued.nudges)
    table.add_row(*(f"{n:,}" for n in counts), *(f"{s:.1f}" for s in seconds), f"{queued.ratio:.1f}")
    Console(file=sys.stdout, width=120).print(table)


@click.command()
@click.option("--pupils", default=800_000, show_default=True, help="On the rolls; 400 a school.")
@click.option("--children", default=5000, show_default=True, help="Named by police in one night.")
def main(pupils: int, children: int) -> None:
    """Play a large night up to its queued nudges and print the ratio to matching alone."""
    click.echo(f"{os.cpu_count()} cores", err=True)
    print_queued(measure(pupils, children))


if __name__ == "__main__":
    main()
