"""The police feed's windows, each record's outcome, and the quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection

from encompass.domain.incident import RefusedRecord
from encompass.domain.run import Run
from encompass.store.data_key import new_data_key
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("feed")


class RecordOutcome(StrEnum):
    """Where one served record went."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(frozen=True)
class Window:
    """A half-open window of update times."""

    updated_from: datetime
    updated_to: datetime


def open_pull(
    connection: Connection, run: Run, way: str, overlap: timedelta, first_window: timedelta
) -> Window:
    """The run's window, fixed at its first call: from the last completed pull less an overlap, to as_of.

    `way` is the way in by which the feed is looked at.
    """
    row = connection.execute(Q["pull_of_run"], {"run_id": run.run_id}).first()
    if row is not None:
        return Window(row.updated_from, row.updated_to)
    last = connection.execute(
        Q["last_completed_to"], {"force_id": run.force_id, "before": run.as_of}
    ).scalar()
    start = last - overlap if last is not None else run.as_of - first_window
    values = {
        "run_id": run.run_id,
        "force_id": run.force_id,
        "updated_from": start,
        "updated_to": run.as_of,
        "way": way,
    }
    connection.execute(Q["open_pull"], values)
    row = connection.execute(Q["pull_of_run"], {"run_id": run.run_id}).one()
    return Window(row.updated_from, row.updated_to)


def record_announced(connection: Connection, run: Run, announced: int) -> None:
    """How many records the manifest announces."""
    connection.execute(Q["record_announced"], {"run_id": run.run_id, "announced": announced})


def record_outcome(
    connection: Connection, run: Run, digest: bytes, occurrence: int, outcome: RecordOutcome
) -> None:
    """Where the n-th copy of a record went; the first answer stands."""
    connection.execute(
        Q["record_outcome"],
        {
            "run_id": run.run_id,
            "force_id": run.force_id,
            "digest": digest,
            "occurrence": occurrence,
            "outcome": outcome.value,
        },
    )


def accepted_this_night(connection: Connection, run: Run) -> int:
    """How many records the night's pulls have accepted so far: what the overlap serves again is not counted."""
    values = {"force_id": run.force_id, "night": run.night, "as_of": run.as_of}
    return connection.execute(Q["accepted_this_night"], values).scalar_one()


def record_newest(connection: Connection, run: Run, newest: datetime | None) -> None:
    """How new the newest of what came is."""
    connection.execute(Q["record_newest"], {"run_id": run.run_id, "newest_at": newest})


def complete_pull(connection: Connection, run: Run) -> None:
    """The window was read to its end: the next starts here."""
    connection.execute(Q["complete_pull"], {"run_id": run.run_id})


def quarantine(
    connection: Connection, ring: KeyRing, run: Run, source: str, refused: Iterable[RefusedRecord]
) -> int:
    """Keep refused records, sealed, each with its reason; how many. The same record is kept once."""
    records = list(refused)
    if not records:
        return 0
    key = new_data_key(connection, ring, run.force_id, "quarantine")
    for record in records:
        quarantine_id = uuid4()
        connection.execute(
            Q["insert_quarantine"],
            {
                "quarantine_id": quarantine_id,
                "force_id": run.force_id,
                "run_id": run.run_id,
                "source": source,
                "line": record.line,
                "path": record.path,
                "reason": record.reason,
                "content_hash": ring.keyed_hash(run.force_id, "quarantine", _hashable(record)),
                "sealed": key.seal("quarantine", "sealed", quarantine_id, record.raw),
                "key_id": key.key_id,
            },
        )
    return len(records)


def quarantined(connection: Connection, force_id: str) -> list[tuple[str, str, int]]:
    """Source, reason and number of the records kept in quarantine."""
    rows = connection.execute(Q["quarantined"], {"force_id": force_id})
    return [(row.source, row.reason, row.records) for row in rows]


def _hashable(record: RefusedRecord) -> bytes:
    return f"{record.line}|".encode() + record.raw
