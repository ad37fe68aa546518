"""The school register, closed days, and the generations of every register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.placement import ReviewReason
from encompass.domain.run import Run
from encompass.domain.school import (
    CLOSED_STATUS,
    OPEN_STATUS,
    CalendarDay,
    CalendarScope,
    DayKind,
    School,
    SchoolLink,
)
from encompass.domain.school_day import SchoolKeys
from encompass.domain.successors import SchoolsNow
from encompass.store.queries import load

Q: Final = load("school")


@dataclass(frozen=True)
class Generation:
    """One taking of a register from one source."""

    generation_id: UUID
    number: int
    sha256: bytes
    entries: int
    confirmed_at: datetime


@dataclass(frozen=True)
class RegisterState:
    """How fresh one register is, for a status page."""

    kind: str
    source: str
    number: int
    confirmed_at: datetime
    entries: int
    refused: int


@dataclass(frozen=True)
class SchoolFreshness:
    """One open school: where its roll comes from and when that was last confirmed, and its contacts on a day."""

    urn: int
    name: str
    source: str | None
    confirmed_at: datetime | None
    key_adults: int


def freshness(connection: Connection, force_id: str, day: date) -> list[SchoolFreshness]:
    """Every open school of the authorities whose rolls are held: those without a roll, then the stalest first."""
    rows = connection.execute(Q["freshness"], {"force_id": force_id, "day": day})
    return [SchoolFreshness(r.urn, r.name, r.source, r.confirmed_at, r.key_adults) for r in rows]


def schools_now(connection: Connection, force_id: str) -> SchoolsNow:
    """What became of closed schools, and which successors somebody has confirmed."""
    values = {"force_id": force_id}
    followers: dict[int, set[int]] = {}
    for row in connection.execute(Q["links"], values):
        if SchoolLink(row.urn, row.link_urn, row.link_type, None).is_successor:
            followers.setdefault(row.urn, set()).add(row.link_urn)
    status = {r.urn: r.status_code for r in connection.execute(Q["school_las"], values)}
    return SchoolsNow(
        frozenset(urn for urn, code in status.items() if code in OPEN_STATUS),
        frozenset(urn for urn, code in status.items() if code == CLOSED_STATUS),
        {urn: frozenset(after) for urn, after in followers.items()},
        frozenset(connection.execute(Q["confirmed_successors"], values).scalars()),
    )


def confirm_successor(connection: Connection, force_id: str, urn: int, by: str, at: datetime) -> bool:
    """Somebody has checked the contact of a successor; False when that was done before."""
    values = {"force_id": force_id, "urn": urn, "confirmed_by": by, "confirmed_at": at}
    return connection.execute(Q["confirm_successor"], values).first() is not None


def look_again(connection: Connection, force_id: str) -> int:
    """Children who wait for a successor to be confirmed are to be decided anew; how many."""
    reason = ReviewReason.SUCCESSOR_UNCONFIRMED.value
    return len(connection.execute(Q["look_again"], {"force_id": force_id, "reason": reason}).all())


def newest_number(connection: Connection, force_id: str, kind: str) -> int:
    """The number of a register's newest generation from any source; 0 when it was never taken."""
    return connection.execute(Q["newest_number"], {"force_id": force_id, "kind": kind}).scalar_one()


def lock_registers(connection: Connection, force_id: str) -> None:
    """Until the transaction ends nobody else takes a register of this force."""
    connection.execute(Q["lock_registers_of_force"], {"force_id": force_id})


def last_generation(connection: Connection, force_id: str, kind: str, source: str) -> Generation | None:
    """The latest generation of a register from a source."""
    row = connection.execute(
        Q["last_generation"], {"force_id": force_id, "kind": kind, "source": source}
    ).first()
    if row is None:
        return None
    return Generation(row.generation_id, row.number, bytes(row.sha256), row.entries, row.confirmed_at)


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


def replace_links(connection: Connection, force_id: str, links: Iterable[SchoolLink]) -> int:
    """What became of which school, whole; how many links."""
    connection.execute(Q["clear_links"], {"force_id": force_id})
    rows = [{"force_id": force_id, **asdict(link)} for link in links]
    if rows:
        connection.execute(Q["insert_link"], rows)
    return len(rows)


def urns_by_number(connection: Connection, force_id: str) -> dict[tuple[str, str], int]:
    """The URN of each open school by its local authority's code and its own number there."""
    rows = connection.execute(Q["school_numbers"], {"force_id": force_id})
    return {(r.la_code, r.establishment_number): r.urn for r in rows}


def la_codes_by_urn(connection: Connection, force_id: str) -> dict[int, str]:
    """Each known school's local authority code."""
    return {row.urn: row.la_code for row in connection.execute(Q["school_las"], {"force_id": force_id})}


def names_by_urn(connection: Connection, force_id: str) -> dict[int, str]:
    """Each known school's name."""
    return {row.urn: row.name for row in connection.execute(Q["school_las"], {"force_id": force_id})}


def open_urns(connection: Connection, force_id: str) -> set[int]:
    """The schools that are open; one proposed to close still is."""
    rows = connection.execute(Q["school_las"], {"force_id": force_id})
    return {row.urn for row in rows if row.status_code in OPEN_STATUS}


def keys_by_urn(connection: Connection, force_id: str) -> dict[int, SchoolKeys]:
    """By what a calendar knows each school."""
    rows = connection.execute(Q["school_las"], {"force_id": force_id})
    return {r.urn: SchoolKeys(r.urn, r.la_code, r.trust_code) for r in rows}


def replace_calendar(connection: Connection, force_id: str, source: str, days: Iterable[CalendarDay]) -> int:
    """One source's calendar, whole; how many days."""
    connection.execute(Q["clear_calendar"], {"force_id": force_id, "source": source})
    rows = [
        {
            "force_id": force_id,
            "source": source,
            "scope": d.scope.value,
            "code": d.code or "",
            "on_day": d.on,
            "kind": d.kind.value,
            "reason": d.reason,
            "starts_at": d.starts_at,
        }
        for d in days
    ]
    if rows:
        connection.execute(Q["insert_calendar_day"], rows)
    return len(rows)


def calendar_days(connection: Connection, force_id: str) -> list[CalendarDay]:
    """Every day that any source, or a school on its own page, says something of."""
    rows = connection.execute(Q["calendar_days"], {"force_id": force_id})
    return [
        CalendarDay(CalendarScope(r.scope), r.code or None, r.on_day, DayKind(r.kind), r.reason, r.starts_at)
        for r in rows
    ]
