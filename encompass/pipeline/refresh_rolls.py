"""Take every register of a force: each whole, or refused whole, and one that is unbelievably short by a person only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.incident import RefusedRecord
from encompass.domain.run import Run
from encompass.formats.faults import BrokenFile
from encompass.gateways.failures import Refused, Unavailable
from encompass.pipeline.registers import At, Register, Taken, opened
from encompass.store import feed, force, school
from encompass.store.school import Generation
from encompass.store.sealed import KeyRing

SHORT = "file: too_short"


class TooShort(Exception):
    """A register has far fewer entries than it had: what came is kept for a person."""


def refresh_rolls(engine: Engine, ring: KeyRing, registers: Iterable[Register], run: Run) -> int:
    """Refresh every register; how many could not be taken. Each such one is an alarm, the others go on."""
    return sum(not _refresh(engine, ring, run, register) for register in registers)


def take_register(connection: Connection, ring: KeyRing, run: Run, register: Register, raw: bytes) -> Taken:
    """Store what came, however much or little it is. Raises BrokenFile."""
    school.lock_registers(connection, run.force_id)
    last = school.last_generation(connection, run.force_id, register.kind, register.source)
    return _store(connection, ring, run, register, raw, last)


def _refresh(engine: Engine, ring: KeyRing, run: Run, register: Register) -> bool:
    with engine.begin() as connection:
        last = school.last_generation(connection, run.force_id, register.kind, register.source)
    raw = b""
    try:
        raw = register.fetch(last)
        with engine.begin() as connection:
            refused = _take(connection, ring, run, register, raw)
    except Unavailable:
        return _alarm(engine, run, "register_absent", register)
    except (Refused, BrokenFile):
        return _alarm(engine, run, "register_refused", register)
    except TooShort:
        with engine.begin() as connection:
            feed.quarantine(connection, ring, run, register.name, [RefusedRecord(SHORT, raw)])
        return _alarm(engine, run, "register_short", register)
    with engine.begin() as connection:
        force.set_alarms(connection, run, register.name, {"rows_refused": refused > 0})
    return True


def _take(connection: Connection, ring: KeyRing, run: Run, register: Register, raw: bytes) -> int:
    """How many rows were refused. Raises BrokenFile or TooShort, which take the whole of it back.

    Of two who take the same register at once the second finds that it has come.
    """
    school.lock_registers(connection, run.force_id)
    last = school.last_generation(connection, run.force_id, register.kind, register.source)
    if last is not None and last.sha256 == hashlib.sha256(raw).digest():
        school.confirm_generation(connection, last, run.as_of)
        return 0
    taken = _store(connection, ring, run, register, raw, last)
    if last is not None and taken.is_whole and taken.entries * 100 < last.entries * register.fewest_percent:
        raise TooShort
    return len(taken.refused)


def _store(
    connection: Connection, ring: KeyRing, run: Run, register: Register, raw: bytes, last: Generation | None
) -> Taken:
    number = last.number + 1 if last else 1
    taken = opened(raw, register, At(connection, ring, run, register.source, number))
    feed.quarantine(connection, ring, run, register.name, taken.refused)
    school.insert_generation(
        connection,
        run,
        register.kind,
        register.source,
        hashlib.sha256(raw).digest(),
        number=number,
        entries=taken.entries if taken.is_whole or last is None else last.entries,
        refused=len(taken.refused),
        key_id=None,
    )
    log.get_logger().info("register_taken", source=register.source, step=register.kind, count=taken.entries)
    return taken


def _alarm(engine: Engine, run: Run, kind: str, register: Register) -> bool:
    with engine.begin() as connection:
        force.raise_alarm(connection, run, kind, register.name)
    log.get_logger().error("alarm_raised", alarm=kind, source=register.name, run_id=str(run.run_id))
    return False
