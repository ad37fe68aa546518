"""`make bench-scale PUPILS=n`: how loading, matching and nightly change grow with the rolls, in one run."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from bench import population, splink_side
from bench.accuracy import accuracy, best_of_each, recall_at
from encompass import log
from encompass.domain.school import RollEntry
from encompass.formats.match_files import ListedChild, Malformed, read_children_file, read_roll_file
from encompass.matching.parameters import Parameters
from encompass.matching.person import child_of
from encompass.pipeline.find_pupils import Sought, find_pupils
from encompass.pipeline.match_files import TRIAL, counted, load_roll, match_listed, write_decisions
from encompass.pipeline.match_rules import match_rules
from encompass.settings import MatchingSettings
from encompass.store.candidate import Rolls
from encompass.store.database import Role
from encompass.store.scratch import scratch_database
from encompass.store.sealed import KeyRing, fresh_ring
from encompass.training.truth import Accuracy

DAY = date(2026, 3, 10)
SINGLES = 400
CHANGED = 100  # one row in so many moves house overnight
SEED = 20260310


@dataclass(frozen=True)
class Measured:
    """One size. Times in seconds, the peak in MiB of this process."""

    pupils: int
    load: float
    cold: float
    warm: float
    one_p50: float
    one_p95: float
    nightly: float
    peak: float
    accuracy: Accuracy
    recall_999: float
    recall_9999: float
    splink: splink_side.Measured | None


@click.command()
@click.option("--pupils", default=1_000_000, show_default=True, type=click.IntRange(min=1000))
@click.option("--children", default=5_000, show_default=True, type=click.IntRange(min=100))
@click.option("--growth/--no-growth", default=True, help="Also measure a tenth of the size.")
@click.option("--splink/--no-splink", default=True, help="Also score the same children with Splink.")
def main(*, pupils: int, children: int, growth: bool, splink: bool) -> None:
    """Measure loading, matching and nightly change, side by side with Splink, and print them."""
    log.configure("ERROR")
    sizes = [pupils // 10, pupils] if growth and pupils >= 10_000 else [pupils]
    measured = [_measure(size, min(children, size // 2), splink=splink) for size in sizes]
    _print(measured)


def _measure(pupils: int, children: int, *, splink: bool) -> Measured:
    with tempfile.TemporaryDirectory(prefix="encompass-bench-") as name:
        folder = Path(name)
        _tell(f"{pupils:,} pupils: drawing them")
        population.write(folder, pupils, children, SEED)
        ours = _ours(folder, pupils)
        theirs = None
        if splink and splink_side.available():
            _tell(f"{pupils:,} pupils: the same children with Splink")
            theirs = splink_side.measure(folder)
        return replace(ours, splink=theirs)


def _ours(folder: Path, pupils: int) -> Measured:
    parameters = match_rules(MatchingSettings()).parameters
    listed = [c for c in read_children_file(folder / "children.csv") if not isinstance(c, Malformed)]
    with scratch_database(TRIAL) as (database, ring):
        engine = database.engine(Role.PIPELINE)
        load = _seconds(lambda: load_roll(engine, ring, counted(_roll(folder), "loaded", _progress)))
        decided = []
        cold = _seconds(
            lambda: decided.append(match_listed(engine, ring, listed, DAY, parameters, _progress))
        )
        write_decisions(folder / "decisions.csv", listed, decided[0])
        found = accuracy(folder / "truth.csv", folder / "decisions.csv")
        _tell(
            f"{found.wrong} wrong of {found.matched:,} automatic, recall {found.recall:.4f}, "
            f"covered {found.covered:.4f}, review {found.review:.4f}; the same again"
        )
        warm = _seconds(lambda: match_listed(engine, ring, listed, DAY, parameters, _progress))
        _tell("one child at a time")
        singles = sorted(_one(engine, ring, child, parameters) for child in listed[:SINGLES])
        _tell("a night's change: one row in a hundred")
        nightly = _seconds(lambda: load_roll(engine, ring, counted(_moved(folder), "reread", _progress), 2))
        with engine.begin() as connection:
            closed = connection.execute(
                text("SELECT count(*) FROM enrolment WHERE last_generation IS NOT NULL")
            ).scalar_one()
        assert closed == pupils // CHANGED, closed
    ranked = best_of_each(folder / "truth.csv", folder / "decisions.csv")
    return Measured(
        pupils=pupils,
        load=load,
        cold=cold,
        warm=warm,
        one_p50=statistics.median(singles),
        one_p95=singles[int(len(singles) * 0.95)],
        nightly=nightly,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        accuracy=found,
        recall_999=recall_at(ranked, found.on_roll, 0.999),
        recall_9999=recall_at(ranked, found.on_roll, 0.9999),
        splink=None,
    )


def _roll(folder: Path) -> Iterator[RollEntry]:
    return (row for row in read_roll_file(folder / "roll.csv") if not isinstance(row, Malformed))


def _moved(folder: Path) -> Iterator[RollEntry]:
    for number, entry in enumerate(_roll(folder), start=1):
        yield replace(entry, address="1 Removal Way") if number % CHANGED == 0 else entry


def _one(engine: Engine, ring: KeyRing, child: ListedChild, parameters: Parameters) -> float:
    def find() -> None:
        with engine.begin() as connection:
            sought = Sought(child.child_ref, child.incident, child_of(child.child), DAY)
            find_pupils(Rolls(connection, ring, TRIAL, None), [sought], parameters)

    return _seconds(find)


def _seconds(call: object) -> float:
    assert callable(call)
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _print(measured: list[Measured]) -> None:
    table = Table(
        "", *(f"{m.pupils:,} pupils" for m in measured), title="2 cores expected; PostgreSQL included"
    )
    rows = {
        "load, sealed with keys (s)": [f"{m.load:.1f}" for m in measured],
        "  pupils a second": [f"{m.pupils / m.load:,.0f}" for m in measured],
        "nightly change of 1% (s)": [f"{m.nightly:.1f}" for m in measured],
        "match all children, first (s)": [f"{m.cold:.2f}" for m in measured],
        "match all children, again (s)": [f"{m.warm:.2f}" for m in measured],
        "one child, median (ms)": [f"{m.one_p50 * 1000:.1f}" for m in measured],
        "one child, 95th percentile (ms)": [f"{m.one_p95 * 1000:.1f}" for m in measured],
        "peak memory of this process (MiB)": [f"{m.peak:.0f}" for m in measured],
        "children": [f"{m.accuracy.children:,}" for m in measured],
        "wrong of automatic": [f"{m.accuracy.wrong} of {m.accuracy.matched:,}" for m in measured],
        "recall / covered / review": [
            f"{m.accuracy.recall:.3f} / {m.accuracy.covered:.3f} / {m.accuracy.review:.3f}" for m in measured
        ],
        "Splink, same children, ready-loaded roll (s)": [
            f"{m.splink.predict:.2f}" if m.splink else "-" for m in measured
        ],
        "  covered by its best five": [f"{m.splink.covered:.3f}" if m.splink else "-" for m in measured],
        "ours / Splink": [f"{m.warm / m.splink.predict:.2f}" if m.splink else "-" for m in measured],
        "our recall at precision 0.999 / 0.9999": [
            f"{m.recall_999:.3f} / {m.recall_9999:.3f}" for m in measured
        ],
        "Splink recall at precision 0.999 / 0.9999": [
            f"{m.splink.recall_999:.3f} / {m.splink.recall_9999:.3f}" if m.splink else "-" for m in measured
        ],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    Console(file=sys.stdout, width=120).print(table)
    sealing, hashing = _primitives()
    click.echo(f"this machine: a row sealed in {sealing:.1f} us, a key hashed in {hashing:.1f} us")
    if len(measured) == 2:
        small, large = measured
        click.echo(
            f"growth {large.pupils / small.pupils:.0f}x pupils: matching {large.warm / small.warm:.1f}x, "
            f"loading {large.load / small.load:.1f}x"
        )


def _primitives() -> tuple[float, float]:
    """Microseconds to seal 250 bytes and to hash a key: what the seconds above are to be read by."""
    ring, times = fresh_ring((TRIAL,)), 50_000
    key, _ = ring.new_data_key()
    hashed, row = ring.hasher(TRIAL, "blocking"), uuid4()

    def seal() -> None:
        for _ in range(times):
            key.seal("enrolment", "sealed", row, bytes(250))

    def hash_() -> None:
        for n in range(times):
            hashed(f"key|{n}")

    return _seconds(seal) / times * 1e6, _seconds(hash_) / times * 1e6


def _tell(what: str) -> None:
    click.echo(f"\n{what} ...", err=True)


def _progress(what: str, count: int) -> None:
    click.echo(f"\r{what} {count:,} ", err=True, nl=False)


if __name__ == "__main__":
    main()
