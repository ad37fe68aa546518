"""The school register, closed days, and the generations of every register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.run import Run
from encompass.domain.school import ClosedDay, School
from encompass.store.queries import load

Q: Final = load("school")


@dataclass(frozen=True)
class Generation:
    """One taking of a register from one source."""

    generation_id: UUID
    number: int
    sha256: bytes


@dataclass(frozen=True)
class RegisterState:
    """How fresh one register is, for a status page."""

    kind: str
    source: str
    number: int
    confirmed_at: datetime
    entries: int
    refused: int


def last_generation(connection: Connection, force_id: str, kind: str, source: str) -> Generation | None:
    """The latest generation of a register from a source."""
    row = connection.execute(
        Q["last_generation"], {"force_id": force_id, "kind": kind, "source": source}
    ).first()
    return Generation(row.generation_id, row.number, bytes(row.sha256)) if row else None


def confirm_generation(connection: Connection, generation: Generation, at: datetime) -> None:
    """The source served the same bytes again."""
    values = {"generation_id": generation.generation_id, "confirmed_at": at}
    connection.execute(Q["confirm_generation"], values)


def insert_generation(
    connection: Connection,
    run: Run,
    kind: str,
    source: str,
    sha256: bytes,
    *,
    number: int,
    entries: int,
    refused: int,
    key_id: UUID | None,
) -> None:
    """Record that a register was taken whole."""
    connection.execute(
        Q["insert_generation"],
        {
            "generation_id": uuid4(),
            "force_id": run.force_id,
            "kind": kind,
            "source": source,
            "number": number,
            "sha256": sha256,
            "taken_at": run.as_of,
            "entries": entries,
            "refused": refused,
            "key_id": key_id,
            "run_id": run.run_id,
        },
    )


def generations(connection: Connection, force_id: str) -> list[RegisterState]:
    """The latest generation of each register."""
    rows = connection.execute(Q["generations"], {"force_id": force_id})
    return [RegisterState(r.kind, r.source, r.number, r.confirmed_at, r.entries, r.refused) for r in rows]


def upsert_schools(connection: Connection, force_id: str, schools: Iterable[School], generation: int) -> None:
    """Insert or update schools by URN."""
    rows = [{**asdict(s), "force_id": force_id, "seen_in_generation": generation} for s in schools]
    if rows:
        connection.execute(Q["upsert_school"], rows)


def la_codes_by_urn(connection: Connection, force_id: str) -> dict[int, str]:
    """Each known school's local authority code."""
    return {row.urn: row.la_code for row in connection.execute(Q["school_las"], {"force_id": force_id})}


def names_by_urn(connection: Connection, force_id: str) -> dict[int, str]:
    """Each known school's name."""
    return {row.urn: row.name for row in connection.execute(Q["school_las"], {"force_id": force_id})}


def replace_closed_days(connection: Connection, force_id: str, days: Iterable[ClosedDay]) -> None:
    """The closed days, whole."""
    connection.execute(Q["clear_closed_days"], {"force_id": force_id})
    rows = [
        {"force_id": force_id, "scope": d.scope, "code": d.code or "", "closed_on": d.on, "reason": d.reason}
        for d in days
    ]
    if rows:
        connection.execute(Q["insert_closed_day"], rows)


def closed_days(connection: Connection, force_id: str) -> list[ClosedDay]:
    """Every closed day known."""
    rows = connection.execute(Q["closed_days"], {"force_id": force_id})
    return [ClosedDay(r.scope, r.code or None, r.closed_on, r.reason) for r in rows]
