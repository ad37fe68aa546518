"""Placements and the duties that they open, written together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.duty import OwedDuty
from encompass.domain.incident import ReportedChild, ReportedIncident
from encompass.domain.placement import (
    Evidence,
    FieldEvidence,
    PlacementStatus,
    ReviewReason,
    move_placement,
)
from encompass.domain.recipient import AtSchool, Recipient
from encompass.domain.run import Run
from encompass.store import audit, recipient
from encompass.store.data_key import open_keys
from encompass.store.incident import open_child, open_incident
from encompass.store.queries import load
from encompass.store.sealed import KeyRing

Q: Final = load("placement")
EVIDENCE: Final = TypeAdapter(Evidence)


@dataclass(frozen=True)
class StoredPlacement:
    """A placement as its row holds it."""

    status: PlacementStatus
    reason: str | None
    pupil_id: UUID | None


@dataclass(frozen=True)
class NewPlacement:
    """A placement to be written: `duty_by` is the default first bell after the incident.

    `beyond_scope` says why the statutory duty does not reach the child, where it does not.
    """

    involvement_id: UUID
    version: int
    status: PlacementStatus
    reason: str | None
    pupil_id: UUID | None
    duty_by: datetime
    evidence: Evidence
    beyond_scope: str | None = None


@dataclass(frozen=True)
class LiveDuty:
    """A duty still owed, and the notification that tells of it now: about which pupil, where the roll is held."""

    duty_id: UUID
    recipient_id: UUID
    notification_id: UUID | None
    pupil_id: UUID | None


@dataclass(frozen=True)
class ChildOutcome:
    """What became of one child of a night, opened: for comparing a rehearsal with its known truth."""

    incident: ReportedIncident = field(repr=False)
    child: ReportedChild = field(repr=False)
    status: str | None
    reason: str | None
    urns: tuple[int, ...]
    held: bool


def to_decide(connection: Connection, force_id: str) -> dict[UUID, list[UUID]]:
    """Involvements with no decision yet, or whose incident was corrected since, by their incident."""
    waiting: dict[UUID, list[UUID]] = {}
    for row in connection.execute(Q["to_decide"], {"force_id": force_id}):
        waiting.setdefault(row.incident_id, []).append(row.involvement_id)
    return waiting


def involvements_of_incidents(
    connection: Connection, incident_ids: Sequence[UUID]
) -> dict[UUID, UUID | None]:
    """Every involvement of these incidents, with the pupil whom it was decided to be and still is."""
    rows = connection.execute(Q["involvements_of_incidents"], {"incident_ids": list(incident_ids)})
    return {row.involvement_id: row.pupil_id for row in rows}


def stored(connection: Connection, involvement_id: UUID) -> StoredPlacement | None:
    """The involvement's placement, locked until the transaction ends."""
    row = connection.execute(Q["placement_for_update"], {"involvement_id": involvement_id}).first()
    return StoredPlacement(PlacementStatus(row.status), row.reason, row.pupil_id) if row else None


def insert(connection: Connection, run: Run, new: NewPlacement) -> bool:
    """Write the first decision with its audit event; False when another worker was first."""
    written = connection.execute(Q["insert_placement"], _values(run, new)).first() is not None
    if written:
        _record(connection, run, new, "child_placed", Actor.PIPELINE)
    return written


def move(
    connection: Connection,
    run: Run,
    new: NewPlacement,
    expected: PlacementStatus,
    actor: Actor = Actor.PIPELINE,
) -> bool:
    """Compare-and-set a placement to its new decision, with its audit event."""
    values = {**_values(run, new), "expected": expected.value}
    moved = connection.execute(Q["move_placement"], values).first() is not None
    if moved:
        _record(connection, run, new, "placement_moved", actor)
    return moved


def mark_scope(connection: Connection, new: NewPlacement) -> None:
    """Whether the statutory duty reaches the child as he or she is named now; a person's decision leaves it alone."""
    values = {"involvement_id": new.involvement_id, "beyond_scope": new.beyond_scope}
    connection.execute(Q["mark_scope"], values)


def keep(connection: Connection, involvement_id: UUID, version: int) -> None:
    """The correction changed nothing about where the child is placed."""
    connection.execute(Q["keep_placement"], {"involvement_id": involvement_id, "decided_version": version})


def pupils_claimed(connection: Connection, incident_id: UUID, involvement_id: UUID) -> set[UUID]:
    """Pupils whom other children of the incident were placed as."""
    values = {"incident_id": incident_id, "involvement_id": involvement_id}
    return set(connection.execute(Q["pupils_claimed_in_incident"], values).scalars())


def disputed(connection: Connection, force_id: str, pupil_ids: Iterable[UUID]) -> frozenset[tuple[UUID, int]]:
    """Pupil and URN of each school that has sent one of these pupils back, or was told of him or her in error.

    Until a person places the pupil there again.
    """
    values = {"force_id": force_id, "pupil_ids": list(pupil_ids)}
    return frozenset((row.pupil_id, row.urn) for row in connection.execute(Q["disputed"], values))


def is_disputed(connection: Connection, force_id: str, pupil_id: UUID | None, to: Recipient) -> bool:
    """Whether this recipient is such a school; of a child on no roll, and of an office, nobody says so."""
    if pupil_id is None or not isinstance(to, AtSchool):
        return False
    return (pupil_id, to.urn) in disputed(connection, force_id, [pupil_id])


def open_duties(connection: Connection, run: Run, involvement_id: UUID, duties: Sequence[OwedDuty]) -> None:
    """Open a duty to each recipient, with its audit event; one that was withdrawn is opened again."""
    for duty in duties:
        duty_id = connection.execute(
            Q["insert_duty"],
            {
                "duty_id": uuid4(),
                "force_id": run.force_id,
                "involvement_id": involvement_id,
                "recipient_id": recipient.ensure(connection, run.force_id, duty.recipient),
                "duty_by": duty.duty_by,
                "act_by": duty.act_by,
                "opened_at": run.as_of,
                "run_id": run.run_id,
            },
        ).scalar()
        if duty_id is not None:
            event = AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, "duty_opened", "duty", duty_id)
            audit.record(connection, event)


def live_duties(connection: Connection, involvement_id: UUID) -> list[LiveDuty]:
    """The involvement's duties that are still owed."""
    rows = connection.execute(Q["live_duties"], {"involvement_id": involvement_id})
    return [LiveDuty(r.duty_id, r.recipient_id, r.notification_id, r.pupil_id) for r in rows]


def withdraw_duty(connection: Connection, run: Run, duty_id: UUID, actor: Actor = Actor.PIPELINE) -> bool:
    """Close one duty: it is no longer owed to that school, whatever is owed to another. False when it was before."""
    values = {"duty_id": duty_id, "withdrawn_at": run.as_of}
    if connection.execute(Q["withdraw_duty"], values).first() is None:
        return False
    audit.record(
        connection, AuditEvent(run.force_id, run.as_of, actor, None, "duty_withdrawn", "duty", duty_id)
    )
    return True


def reinstate_duty(connection: Connection, run: Run, duty_id: UUID) -> None:
    """A duty that a person had ended is owed after all; nothing more when it is owed already."""
    if connection.execute(Q["reinstate_duty"], {"duty_id": duty_id}).first() is not None:
        event = AuditEvent(run.force_id, run.as_of, Actor.OPERATOR, None, "duty_reinstated", "duty", duty_id)
        audit.record(connection, event)


def reopen(
    connection: Connection,
    run: Run,
    involvement_id: UUID,
    reason: ReviewReason,
    actor: Actor = Actor.PIPELINE,
) -> bool:
    """PLACED or REFERRED -> IN_REVIEW with its candidates as they were; False when the child waits already."""
    found = stored(connection, involvement_id)
    if found is None or found.status not in (PlacementStatus.PLACED, PlacementStatus.REFERRED):
        return False
    wanted = move_placement(found.status, PlacementStatus.IN_REVIEW)
    values = {
        "involvement_id": involvement_id,
        "status": wanted.value,
        "reason": reason.value,
        "expected": found.status.value,
        "decided_at": run.as_of,
        "run_id": run.run_id,
    }
    connection.execute(Q["reopen_placement"], values)
    details = {"status": wanted.value, "reason": reason.value}
    event = AuditEvent(
        run.force_id, run.as_of, actor, None, "placement_moved", "involvement", involvement_id, details
    )
    audit.record(connection, event)
    return True


def withdraw_duties(connection: Connection, run: Run, involvement_id: UUID) -> None:
    """Close the involvement's duties: it is no longer owed to those recipients."""
    values = {"involvement_id": involvement_id, "withdrawn_at": run.as_of}
    for duty_id in connection.execute(Q["withdraw_duties"], values).scalars():
        event = AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, "duty_withdrawn", "duty", duty_id)
        audit.record(connection, event)


def outcomes_of_night(
    connection: Connection, ring: KeyRing, force_id: str, night: date
) -> list[ChildOutcome]:
    """What became of each child named in the night's incidents, opened."""
    rows = connection.execute(Q["outcomes_of_night"], {"force_id": force_id, "night": night}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        ChildOutcome(
            open_incident(keys[row.key_id], row.incident_id, row.incident_sealed),
            open_child(keys[row.key_id], row.involvement_id, row.sealed),
            row.status,
            row.reason,
            tuple(row.urns),
            row.held,
        )
        for row in rows
    ]


def evidence_of_pupils(connection: Connection, force_id: str) -> list[tuple[FieldEvidence, ...]]:
    """What each field said for the pupil with whom a child was placed, where he or she was among the candidates."""
    rows = connection.execute(Q["evidence_of_placed"], {"force_id": force_id})
    return [
        candidate.fields
        for row in rows
        for candidate in evidence_of(row.evidence).candidates
        if candidate.pupil_id == row.pupil_id
    ]


def evidence_of(stored: object) -> Evidence:
    """The evidence of a stored decision."""
    return EVIDENCE.validate_python(stored)


def _values(run: Run, new: NewPlacement) -> dict[str, object]:
    return {
        "involvement_id": new.involvement_id,
        "force_id": run.force_id,
        "status": new.status.value,
        "reason": new.reason,
        "pupil_id": new.pupil_id,
        "duty_by": new.duty_by,
        "evidence": EVIDENCE.dump_json(new.evidence).decode(),
        "beyond_scope": new.beyond_scope,
        "decided_at": run.as_of,
        "decided_version": new.version,
        "run_id": run.run_id,
    }


def _record(connection: Connection, run: Run, new: NewPlacement, action: str, actor: Actor) -> None:
    details = {"status": new.status.value, "reason": new.reason}
    audit.record(
        connection,
        AuditEvent(run.force_id, run.as_of, actor, None, action, "involvement", new.involvement_id, details),
    )
