"""Refused records in a person's hands: seen, taken after all, or discarded with a reason. Each look is audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.run import Run
from encompass.formats.faults import BrokenFile
from encompass.formats.json_text import read_json
from encompass.formats.police_contract import Mapped, TakenRecord, sorted_out
from encompass.pipeline.receive_incidents import SOURCE
from encompass.pipeline.refresh_rolls import SHORT, take_register
from encompass.pipeline.registers import Register
from encompass.store import audit, force, incident, quarantine
from encompass.store.quarantine import Opened, Quarantined
from encompass.store.sealed import KeyRing

NOTHING: Final = "nothing of this id is held: `encompass quarantine list` shows what is"
CORRECT_IT: Final = (
    "a row of a register comes again with its next file: have it corrected at its source, or discard it"
)


class CannotRelease(Exception):
    """The record cannot be taken; the text says why and what to do, and holds nothing of the record."""


def list_quarantine(engine: Engine, force_id: str) -> Sequence[Quarantined]:
    """What is held, the oldest first."""
    with engine.begin() as connection:
        return quarantine.held(connection, force_id)


def show_quarantined(
    engine: Engine, ring: KeyRing, force_id: str, quarantine_id: UUID, now: datetime
) -> Opened:
    """One record, opened; the look is audited. Raises CannotRelease when there is none."""
    with engine.begin() as connection:
        found = _found(connection, ring, force_id, quarantine_id)
        _record(connection, force_id, now, "quarantine_viewed", quarantine_id)
        return found


def discard_quarantined(
    engine: Engine, ring: KeyRing, force_id: str, quarantine_id: UUID, by: str, why: str, now: datetime
) -> None:
    """Never to be taken. Raises CannotRelease."""
    with engine.begin() as connection:
        found = _held(connection, ring, force_id, quarantine_id)
        quarantine.resolve(connection, found, "discarded", by, why, now)
        _record(connection, force_id, now, "quarantine_discarded", quarantine_id)


def release_quarantined(
    engine: Engine,
    ring: KeyRing,
    registers: Iterable[Register],
    mapped: Mapped,
    run: Run,
    quarantine_id: UUID,
    by: str,
    why: str,
) -> None:
    """Take a record after all: a police record as the force's mapping reads it now, a file however short it is.

    A police record then waits for the next matching. Raises CannotRelease.
    """
    with engine.begin() as connection:
        found = _held(connection, ring, run.force_id, quarantine_id)
        if found.record.source == SOURCE:
            _take_record(connection, ring, run, found, mapped)
        elif found.record.reason == SHORT:
            _take_file(connection, ring, run, found, registers)
        else:
            raise CannotRelease(CORRECT_IT)
        quarantine.resolve(connection, found, "released", by, why, run.as_of)
        _record(connection, run.force_id, run.as_of, "quarantine_released", quarantine_id)


def _take_record(connection: Connection, ring: KeyRing, run: Run, found: Opened, mapped: Mapped) -> None:
    try:
        taken, refused = sorted_out([read_json(found.raw)], mapped)
    except BrokenFile as fault:
        raise CannotRelease(f"it is no record at all: {fault.reason}") from None
    if refused:
        raise CannotRelease(
            f"it would be refused again: {refused[0].reason}; have it corrected in the police system, which sends it "
            "again, or extend the force's codes"
        )
    (record,) = taken
    _store(connection, ring, run, record)


def _store(connection: Connection, ring: KeyRing, run: Run, record: TakenRecord) -> None:
    incident.take_version(connection, ring, run, record.incident, bytes.fromhex(record.digest))


def _take_file(
    connection: Connection, ring: KeyRing, run: Run, found: Opened, registers: Iterable[Register]
) -> None:
    register = next((r for r in registers if r.name == found.record.source), None)
    if register is None:
        raise CannotRelease(f"the settings no longer name the register {found.record.source}")
    try:
        take_register(connection, ring, run, register, found.raw)
    except BrokenFile as fault:
        raise CannotRelease(f"it cannot be read: {fault.reason}") from None
    force.set_alarms(connection, run, register.name, {})


def _held(connection: Connection, ring: KeyRing, force_id: str, quarantine_id: UUID) -> Opened:
    found = _found(connection, ring, force_id, quarantine_id)
    if not found.is_held:
        raise CannotRelease(NOTHING)
    return found


def _found(connection: Connection, ring: KeyRing, force_id: str, quarantine_id: UUID) -> Opened:
    found = quarantine.opened(connection, ring, force_id, quarantine_id)
    if found is None:
        raise CannotRelease(NOTHING)
    return found


def _record(connection: Connection, force_id: str, at: datetime, action: str, quarantine_id: UUID) -> None:
    event = AuditEvent(force_id, at, Actor.OPERATOR, None, action, "quarantine", quarantine_id)
    audit.record(connection, event)
