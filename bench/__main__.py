"""`python -m bench`: what each choice costs against its alternative, measured in the same run."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock_time
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench import pages_paint, splink_side
from bench.accuracy import accuracy, best_of_each, recall_at
from bench.cases import FEBRL4_HALF, UK_30K
from bench.feed_to_queued import measure as queue_feed
from bench.feed_to_queued import print_queued
from bench.intake import readings
from bench.pages_load import measure as load_pages
from bench.pages_load import print_load
from bench.sending import measure, print_sent
from encompass import log, wiring
from encompass.formats.faults import contents
from encompass.formats.mis_csv import read_roll
from encompass.matching.comparison import compare
from encompass.matching.person import child_of, pupil_of
from encompass.pipeline.find_pupils import Sought, find_pupils
from encompass.pipeline.match_files import match_files
from encompass.pipeline.match_rules import match_rules
from encompass.settings import MatchingSettings, load_settings
from encompass.store.candidate import Rolls
from encompass.store.data_key import open_keys
from encompass.store.database import Role
from encompass.store.incident import CHILD
from encompass.store.installation import database_running, migrate
from encompass.wiring import Encompass
from sandbox.serve import Sandbox
from sandbox.world import World, build_world, named_night
from sandbox.world.exports import LARKFIELD

FORCE = "riverbend"
LONDON = ZoneInfo("Europe/London")
Ratio = tuple[str, float, str, float]


def main() -> None:
    """Play a night on a state folder of its own and print the ratios."""
    log.configure("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        var.chmod(0o755)
        os.environ["ENCOMPASS_VAR"] = str(var)
        world = build_world(*named_night("ordinary"))
        with Sandbox(world, var, "http://127.0.0.1:8400"):
            settings = load_settings()
            migrate(settings)
            with database_running(settings), wiring.opened(settings) as encompass:
                _print([*_registers(encompass, world), *_matching(encompass, world), *_sealing(encompass)])
    duties = int(os.environ.get("DUTIES", "5000"))
    print_sent(measure(duties, duties * 2 // 5))
    print_queued(queue_feed(duties * 160, duties))
    print_load(load_pages(rate=100, seconds=60, schools=50))
    _print_readings()
    _print_cases()
    pages_paint.print_painted(pages_paint.measure())


def _print_readings() -> None:
    """Large files read as intake reads them, beside the plain parser."""
    table = Table("read", "taken", "seconds", "plain parser", "ratio", "peak MiB", title="Intake")
    for r in readings():
        table.add_row(
            r.what,
            f"{r.records:,}",
            f"{r.ours:.1f}",
            f"{r.plain:.1f}",
            f"{r.ours / r.plain:.1f}",
            f"{r.peak:.0f}",
        )
    Console(file=sys.stdout, width=120).print(table)


def _registers(encompass: Encompass, world: World) -> list[Ratio]:
    run = encompass.open_run(FORCE, world.night, datetime.combine(world.night, clock_time(5, 0), LONDON))
    first, second = (
        _seconds(lambda: encompass.refresh_rolls(run)),
        _seconds(lambda: encompass.refresh_rolls(run)),
    )
    return [("registers taken anew", first, "registers unchanged, confirmed", second)]


def _matching(encompass: Encompass, world: World) -> list[Ratio]:
    """One child against the roll: pupils found by hashed keys, and every pupil of the roll compared."""
    named = next(c for r in world.records for c in r["children"] if c["date_of_birth"] and c["surname"])
    child = child_of(CHILD.validate_python({**named, "resides_in_force_area": True, "hold": None}))
    parameters = match_rules(MatchingSettings()).parameters
    engine = encompass.database.engine(Role.PIPELINE)

    def by_keys() -> None:
        with engine.begin() as connection:
            rolls = Rolls(connection, encompass.ring, FORCE, None)
            find_pupils(rolls, [Sought(1, 1, child, world.night)], parameters)

    with engine.begin() as connection:
        known = Rolls(connection, encompass.ring, FORCE, None).frequencies([child])
    exports = (BytesIO(world.pupils_csv(la)) for la in world.la_codes if la != LARKFIELD)
    whole = [pupil_of(e) for export in exports for e in contents(read_roll(export)).taken]
    scanned = _median(lambda: [compare(child, pupil, known, parameters) for pupil in whole], 3)
    return [
        ("every pupil of the roll compared, in memory", scanned, "found by hashed keys", _median(by_keys, 20))
    ]


def _sealing(encompass: Encompass) -> list[Ratio]:
    """The roll's rows read from PostgreSQL, with and without opening them."""
    engine = encompass.database.engine(Role.PIPELINE)
    query = text("SELECT enrolment_id, key_id, sealed FROM encompass.enrolment LIMIT 20000")

    def read() -> list[tuple[object, object, bytes]]:
        with engine.begin() as connection:
            return [(r.enrolment_id, r.key_id, bytes(r.sealed)) for r in connection.execute(query)]

    rows = read()
    with engine.begin() as connection:
        keys = open_keys(connection, encompass.ring, {r[1] for r in rows})

    def read_and_open() -> None:
        for enrolment_id, key_id, sealed in read():
            keys[key_id].open("enrolment", "sealed", enrolment_id, sealed)

    return [("20,000 rows read and opened", _median(read_and_open, 5), "20,000 rows read", _median(read, 5))]


def _print_cases() -> None:
    """The cases with known truth, at the shipped limits, beside Splink with a threshold chosen with hindsight."""
    table = Table(
        "case", "automatic", "wrong", "recall", "covered", "review", "recall at 0.999 / 0.9999", "Splink's",
        title="Matching, no labels used",
    )  # fmt: skip
    parameters = match_rules(MatchingSettings()).parameters
    for case, roll in ((UK_30K, "roll.csv.gz"), (FEBRL4_HALF, "roll.csv")):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "decisions.csv"
            match_files(
                case / roll, case / "children.csv", out, date(2026, 3, 10), parameters, lambda _w, _n: None
            )
            found = accuracy(case / "truth.csv", out)
            ranked = best_of_each(case / "truth.csv", out)
        ours = " / ".join(f"{recall_at(ranked, found.on_roll, p):.3f}" for p in (0.999, 0.9999))
        theirs = splink_side.measure(case, roll) if splink_side.available() else None
        beside = f"{theirs.recall_999:.3f} / {theirs.recall_9999:.3f}" if theirs else "not installed"
        shares = (f"{found.recall:.4f}", f"{found.covered:.4f}", f"{found.review:.4f}")
        table.add_row(case.name, f"{found.matched:,}", str(found.wrong), *shares, ours, beside)
    Console(file=sys.stdout, width=140).print(table)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _median(call: Callable[[], object], times: int) -> float:
    return statistics.median(_seconds(call) for _ in range(times))


def _print(ratios: list[Ratio]) -> None:
    table = Table(
        "this",
        "seconds",
        "against",
        "seconds",
        "ratio",
        title=f"{os.cpu_count()} cores, Python {sys.version.split()[0]}",
    )
    for one, seconds, other, base in ratios:
        table.add_row(one, f"{seconds:.4f}", other, f"{base:.4f}", f"{seconds / base:.1f}")
    Console(file=sys.stdout, width=140).print(table)
    click.echo(
        "Seconds are this machine's and change with it; the ratios are what a choice rests on.", err=True
    )


if __name__ == "__main__":
    main()
