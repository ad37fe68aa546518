"""What happened, by ids only, and the chain that shows it was not changed afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class Actor(StrEnum):
    """Who did it."""

    PIPELINE = "pipeline"
    KEY_ADULT = "key_adult"
    STAFF = "staff"
    OPERATOR = "operator"


@dataclass(frozen=True)
class AuditEvent:
    """One event: who did what to which row. `details` holds ids, codes and counts, never a person's data."""

    force_id: str | None
    happened_at: datetime
    actor: Actor
    actor_id: UUID | None
    action: str
    subject_kind: str
    subject_id: UUID
    details: Mapping[str, str | int | None] = dataclass_field(default_factory=dict[str, str | int | None])


@dataclass(frozen=True)
class RecordedEvent:
    """An event as its row holds it, timestamps in UTC."""

    event_id: int
    recorded_at: datetime
    event: AuditEvent


@dataclass(frozen=True)
class Link:
    """One link of the chain: the event it covers, the event's hash, and the hash of all links so far."""

    position: int
    event_id: int
    event_hash: bytes
    link_hash: bytes


@dataclass(frozen=True)
class Head:
    """The chain's end at one moment, signed and kept outside the database."""

    position: int
    link_hash: bytes


START: Final = Head(0, bytes(32))


def event_hash(recorded: RecordedEvent) -> bytes:
    """SHA-256 over the event's canonical JSON, 32 bytes."""
    e = recorded.event
    body = {
        "event_id": recorded.event_id,
        "recorded_at": recorded.recorded_at.isoformat(),
        "force_id": e.force_id,
        "happened_at": e.happened_at.isoformat(),
        "actor": e.actor.value,
        "actor_id": str(e.actor_id) if e.actor_id else None,
        "action": e.action,
        "subject_kind": e.subject_kind,
        "subject_id": str(e.subject_id),
        "details": dict(e.details),
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).digest()


def link_after(head: Head, event_id: int, hashed: bytes) -> Link:
    """The next link: SHA-256 over the last link's hash, the position, the event's id and its hash."""
    position = head.position + 1
    body = head.link_hash + position.to_bytes(8) + event_id.to_bytes(8) + hashed
    return Link(position, event_id, hashed, hashlib.sha256(body).digest())


@dataclass(frozen=True)
class ChainFault:
    """Where the chain does not hold: the position of the link and what is wrong there."""

    position: int
    fault: str


def find_fault(
    links: Iterable[Link], events: Mapping[int, RecordedEvent], heads: Iterable[Head]
) -> ChainFault | None:
    """The first fault of the whole chain against its events and the signed heads, or None when it holds."""
    signed = {h.position: h.link_hash for h in heads}
    head = START
    for link in links:
        fault = _fault_of(link, head, events.get(link.event_id))
        if fault:
            return ChainFault(head.position + 1, fault)
        head = Head(link.position, link.link_hash)
        if signed.get(link.position, link.link_hash) != link.link_hash:
            return ChainFault(link.position, "differs from the signed head")
    last_signed = max(signed, default=0)
    if last_signed > head.position:
        return ChainFault(head.position + 1, f"the tail is cut: a head was signed at position {last_signed}")
    return None


def _fault_of(link: Link, head: Head, recorded: RecordedEvent | None) -> str | None:
    if link.position != head.position + 1:
        return "a link is missing"
    if recorded is None:
        return "its event is missing"
    if event_hash(recorded) != link.event_hash:
        return "its event was changed"
    if link_after(head, link.event_id, link.event_hash).link_hash != link.link_hash:
        return "the links were changed or reordered"
    return None
