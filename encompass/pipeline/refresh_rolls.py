"""Take the school register, rolls, Key Adults and closed days: each whole, or refused whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.incident import RefusedRecord
from encompass.domain.run import LONDON, Run
from encompass.domain.school import RollEntry
from encompass.domain.upn import valid_upn
from encompass.formats.calendar import read_closures
from encompass.formats.faults import BrokenFile
from encompass.formats.gias import read_schools
from encompass.formats.key_adults import read_key_adults
from encompass.formats.mis_csv import read_roll
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.roll_feed import RollFeed
from encompass.store import feed, force, key_adult, roll, school
from encompass.store.data_key import new_data_key
from encompass.store.sealed import KeyRing

NATIONAL = "national"


@dataclass(frozen=True)
class Taken:
    """What one register's file came to."""

    entries: int
    refused: Sequence[RefusedRecord]


@dataclass(frozen=True)
class Register:
    """One register from one source: how to fetch it and how to store it."""

    kind: str
    source: str
    fetch: Callable[[], bytes]
    store: Callable[[Connection, bytes, int], Taken]
    sealed: bool


def refresh_rolls(
    engine: Engine, ring: KeyRing, feed_: RollFeed, local_authorities: Iterable[str], run: Run
) -> int:
    """Refresh every register; how many could not be taken. Each such one is an alarm, the others go on."""
    return sum(not _refresh(engine, ring, run, r) for r in _registers(ring, feed_, local_authorities, run))


def _registers(ring: KeyRing, source: RollFeed, las: Iterable[str], run: Run) -> Iterable[Register]:
    yield Register(
        "schools", NATIONAL, source.schools, lambda c, raw, n: _schools(c, run, raw, n), sealed=False
    )
    yield Register(
        "school_days",
        NATIONAL,
        source.school_days,
        lambda c, raw, _n: _school_days(c, run, raw),
        sealed=False,
    )
    for la in las:
        yield Register(
            "roll",
            la,
            lambda la=la: source.roll(la),
            lambda c, raw, n, la=la: _roll(c, ring, run, la, raw, n),
            sealed=True,
        )
    yield Register(
        "key_adults",
        NATIONAL,
        source.key_adults,
        lambda c, raw, n: _key_adults(c, ring, run, raw, n),
        sealed=True,
    )


def _refresh(engine: Engine, ring: KeyRing, run: Run, register: Register) -> bool:
    name = f"{register.kind}/{register.source}"
    try:
        raw = register.fetch()
        refused = _take(engine, ring, run, register, raw)
    except Unavailable:
        return _alarm(engine, run, "register_absent", name)
    except (Refused, BrokenFile):
        return _alarm(engine, run, "register_refused", name)
    with engine.begin() as connection:
        force.set_alarms(connection, run, name, {"rows_refused": refused > 0})
    return True


def _take(engine: Engine, ring: KeyRing, run: Run, register: Register, raw: bytes) -> int:
    sha256 = hashlib.sha256(raw).digest()
    with engine.begin() as connection:
        last = school.last_generation(connection, run.force_id, register.kind, register.source)
        if last is not None and last.sha256 == sha256:
            school.confirm_generation(connection, last, run.as_of)
            return 0
        number = last.number + 1 if last else 1
        taken = register.store(connection, raw, number)
        feed.quarantine(connection, ring, run, f"{register.kind}/{register.source}", taken.refused)
        school.insert_generation(
            connection,
            run,
            register.kind,
            register.source,
            sha256,
            number=number,
            entries=taken.entries,
            refused=len(taken.refused),
            key_id=None,
        )
    log.get_logger().info("register_taken", source=register.source, step=register.kind, count=taken.entries)
    return len(taken.refused)


def _schools(connection: Connection, run: Run, raw: bytes, number: int) -> Taken:
    read = read_schools(raw)
    school.upsert_schools(connection, run.force_id, read.schools, number)
    return Taken(len(read.schools), read.refused)


def _school_days(connection: Connection, run: Run, raw: bytes) -> Taken:
    read = read_closures(raw)
    school.replace_closed_days(connection, run.force_id, read.days)
    return Taken(len(read.days), read.refused)


def _roll(connection: Connection, ring: KeyRing, run: Run, la: str, raw: bytes, number: int) -> Taken:
    read = read_roll(raw)
    known = school.la_codes_by_urn(connection, run.force_id)
    rows = [roll.RollRow(e, _identity(la, e)) for e in read.entries if e.urn in known]
    strangers = [_refused(e, "urn: not_in_school_register") for e in read.entries if e.urn not in known]
    key = new_data_key(connection, ring, run.force_id, "register")
    roll.take_generation(connection, ring, run.force_id, la, rows, number, key)
    return Taken(len(rows), (*read.refused, *strangers))


def _key_adults(connection: Connection, ring: KeyRing, run: Run, raw: bytes, number: int) -> Taken:
    read = read_key_adults(raw)
    known = school.la_codes_by_urn(connection, run.force_id)
    entries = [e for e in read.entries if e.urn in known]
    key = new_data_key(connection, ring, run.force_id, "register")
    day = run.as_of.astimezone(LONDON).date()
    key_adult.take_register(connection, ring, run.force_id, entries, number, key, day)
    strangers = [
        RefusedRecord("urn: not_in_school_register", key_adult.ENTRY.dump_json(e))
        for e in read.entries
        if e.urn not in known
    ]
    return Taken(len(entries), (*read.refused, *strangers))


def _identity(la: str, entry: RollEntry) -> str:
    """A pupil is one person across schools and authorities where a valid UPN says so."""
    if entry.upn is not None and valid_upn(entry.upn):
        return f"upn|{entry.upn}"
    return f"row|{la}|{entry.urn}|{entry.pupil_ref}"


def _refused(entry: RollEntry, reason: str) -> RefusedRecord:
    return RefusedRecord(reason, roll.ENTRY.dump_json(entry))


def _alarm(engine: Engine, run: Run, kind: str, name: str) -> bool:
    with engine.begin() as connection:
        force.raise_alarm(connection, run, kind, name)
    log.get_logger().error("alarm_raised", alarm=kind, source=name, run_id=str(run.run_id))
    return False
