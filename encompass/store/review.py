"""Children who wait for a person, and what was decided of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from encompass.domain.placement import Evidence, PlacementStatus
from encompass.domain.recipient import Recipient
from encompass.store import recipient
from encompass.store.placement import evidence_of
from encompass.store.queries import load
from encompass.store.sealed import DataKey

Q: Final = load("review")


@dataclass(frozen=True)
class Waiting:
    """A child who waits for a person. `proposed` is an outcome that a second person has still to confirm."""

    involvement_id: UUID
    night: date
    status: PlacementStatus
    reason: str | None
    duty_by: datetime
    decided_at: datetime
    evidence: Evidence
    proposed: str | None


@dataclass(frozen=True)
class Held:
    """One waiting child's placement, locked until the transaction ends."""

    involvement_id: UUID
    status: PlacementStatus
    reason: str | None
    duty_by: datetime
    version: int
    evidence: Evidence


@dataclass(frozen=True)
class PlacedBefore:
    """Where the same person of the force's was placed in another incident."""

    night: date
    pupil_id: UUID
    urns: tuple[int, ...]


@dataclass(frozen=True)
class Proposal:
    """What one person decided: placed with schools, referred to another recipient, not found, or not of the incident.

    `overrides` are the vetoes against it; NO_ROLL_HELD is that no pupil is known, at a school whose roll is not held,
    NO_LONGER_NAMED that police leave the child out of the corrected record.
    """

    decision_id: UUID
    version: int
    outcome: PlacementStatus
    pupil_id: UUID | None
    urns: tuple[int, ...]
    to: Recipient | None
    overrides: tuple[str, ...]
    by: str
    at: datetime


def waiting(connection: Connection, force_id: str) -> list[Waiting]:
    """Everybody who waits, the earliest duty first."""
    rows = connection.execute(Q["waiting"], {"force_id": force_id})
    return [
        Waiting(
            row.involvement_id,
            row.night,
            PlacementStatus(row.status),
            row.reason,
            row.duty_by,
            row.decided_at,
            evidence_of(row.evidence),
            row.proposed,
        )
        for row in rows
    ]


def hold(connection: Connection, force_id: str, involvement_id: UUID) -> Held | None:
    """The placement of one child who waits; None when he or she does not."""
    values = {"force_id": force_id, "involvement_id": involvement_id}
    row = connection.execute(Q["one_waiting"], values).first()
    if row is None:
        return None
    return Held(
        row.involvement_id,
        PlacementStatus(row.status),
        row.reason,
        row.duty_by,
        row.decided_version,
        evidence_of(row.evidence),
    )


def placed_before(connection: Connection, force_id: str, involvement_id: UUID) -> list[PlacedBefore]:
    """Where whom police know by the same person id was placed, the latest night first."""
    rows = connection.execute(Q["placed_before"], {"force_id": force_id, "involvement_id": involvement_id})
    return [PlacedBefore(row.night, row.pupil_id, tuple(row.urns)) for row in rows]


def propose(
    connection: Connection, force_id: str, involvement_id: UUID, proposal: Proposal, reason: str, key: DataKey
) -> bool:
    """Keep a decision with its reason, sealed; False when another waits to be confirmed."""
    values = {
        "decision_id": proposal.decision_id,
        "force_id": force_id,
        "involvement_id": involvement_id,
        "decided_version": proposal.version,
        "outcome": proposal.outcome.value,
        "pupil_id": proposal.pupil_id,
        "urns": list(proposal.urns),
        "recipient_id": recipient.ensure(connection, force_id, proposal.to) if proposal.to else None,
        "overrides": list(proposal.overrides),
        "sealed_reason": key.seal("review_decision", "sealed_reason", proposal.decision_id, reason.encode()),
        "key_id": key.key_id,
        "proposed_by": proposal.by,
        "proposed_at": proposal.at,
    }
    return connection.execute(Q["insert_review_decision"], values).first() is not None


def proposal_of(connection: Connection, involvement_id: UUID) -> Proposal | None:
    """The decision that waits for a second person, locked until the transaction ends."""
    row = connection.execute(Q["proposal"], {"involvement_id": involvement_id}).first()
    if row is None:
        return None
    to = recipient.named(connection, row.recipient_id).recipient if row.recipient_id else None
    return _proposal(row, to)


def confirm(connection: Connection, decision_id: UUID, by: str, at: datetime) -> bool:
    """Record who confirmed a decision, and when; False when it was confirmed or withdrawn before."""
    values = {"decision_id": decision_id, "confirmed_by": by, "confirmed_at": at}
    return connection.execute(Q["confirm_review_decision"], values).first() is not None


def withdraw(connection: Connection, involvement_id: UUID, at: datetime) -> None:
    """Drop the decision that waits for a second person."""
    connection.execute(Q["withdraw_review_decision"], {"involvement_id": involvement_id, "withdrawn_at": at})


def _proposal(row: Row[Any], to: Recipient | None) -> Proposal:
    return Proposal(
        row.decision_id,
        row.decided_version,
        PlacementStatus(row.outcome),
        row.pupil_id,
        tuple(row.urns),
        to,
        tuple(row.overrides),
        row.proposed_by,
        row.proposed_at,
    )
