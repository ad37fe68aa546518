"""Changes of contacts that wait for a second person, sealed; and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.access import KeyAdultViewer
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.school import KeyAdultEntry
from encompass.store import audit, recipient
from encompass.store.data_key import new_data_key, open_keys
from encompass.store.key_adult import ENTRY, Contact, content_hash_of, reference_hash_of
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("contact_change")
REGISTER: Final = "register"
"""Who proposes what a register delivers."""
SCHOOL: Final = "school"


class ChangeKind(StrEnum):
    """What is to become of a contact."""

    ADD = "add"
    CHANGE = "change"
    END = "end"


@dataclass(frozen=True)
class Change:
    """A change that waits for a second person: the contact as he or she is to be."""

    change_id: UUID
    kind: ChangeKind
    entry: KeyAdultEntry = field(repr=False)
    by: str
    at: datetime

    @property
    def is_of_register(self) -> bool:
        """Whether a delivered register asks for it, and not a person."""
        return self.by == REGISTER


def propose(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    kind: ChangeKind,
    entry: KeyAdultEntry,
    by: str,
    at: datetime,
    key: DataKey,
) -> UUID | None:
    """Keep a change until another person confirms it; None when one of this contact waits already."""
    is_of_register = by == REGISTER
    origin = REGISTER if is_of_register else "person"
    to = recipient.ensure(connection, force_id, entry.recipient)
    change_id = _insert(connection, ring, force_id, kind, entry, (origin, by, to), at, key)
    if change_id is not None:
        actor = Actor.PIPELINE if is_of_register else Actor.OPERATOR
        _record(connection, force_id, actor, "contact_change_proposed", change_id, at)
    return change_id


def propose_from_page(
    connection: Connection,
    ring: KeyRing,
    viewer: KeyAdultViewer,
    kind: ChangeKind,
    entry: KeyAdultEntry,
    at: datetime,
) -> UUID | None:
    """The same of a Key Adult's on the school's own page, sealed with a key of its own; None when one waits already."""
    to = recipient.ensure(connection, viewer.force_id, entry.recipient)
    key = new_data_key(connection, ring, viewer.force_id, "contact")
    by = str(viewer.key_adult_id)
    change_id = _insert(connection, ring, viewer.force_id, kind, entry, (SCHOOL, by, to), at, key)
    if change_id is not None:
        _record_by_adult(connection, viewer, "contact_change_proposed", change_id, at)
    return change_id


def withdraw_own(connection: Connection, viewer: KeyAdultViewer, change_id: UUID, at: datetime) -> bool:
    """Drop what the session's own person asked for; False when it no longer waits."""
    values = {"change_id": change_id, "withdrawn_at": at}
    if connection.execute(Q["withdraw_change"], values).first() is None:
        return False
    _record_by_adult(connection, viewer, "contact_change_withdrawn", change_id, at)
    return True


def _insert(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    kind: ChangeKind,
    entry: KeyAdultEntry,
    proposer: tuple[str, str, UUID],
    at: datetime,
    key: DataKey,
) -> UUID | None:
    """Write a change, `proposer` being where it comes from, who asks and for which recipient."""
    change_id, (origin, by, recipient_id) = uuid4(), proposer
    written = connection.execute(
        Q["insert_change"],
        {
            "change_id": change_id,
            "force_id": force_id,
            "recipient_id": recipient_id,
            "reference_hash": reference_hash_of(ring, force_id, entry.key_adult_ref),
            "kind": kind.value,
            "origin": origin,
            "content_hash": content_hash_of(ring, force_id, entry),
            "sealed": key.seal("contact_change", "sealed", change_id, ENTRY.dump_json(entry)),
            "key_id": key.key_id,
            "proposed_by": by,
            "proposed_at": at,
        },
    ).first()
    return change_id if written is not None else None


def withdraw_stale(
    connection: Connection, ring: KeyRing, force_id: str, still: Iterable[KeyAdultEntry], at: datetime
) -> None:
    """Drop what an earlier register asked for and the present one does not."""
    hashes = [content_hash_of(ring, force_id, entry) for entry in still]
    values = {"force_id": force_id, "content_hashes": hashes, "withdrawn_at": at}
    for change_id in connection.execute(Q["withdraw_stale"], values).scalars():
        _record(connection, force_id, Actor.PIPELINE, "contact_change_withdrawn", change_id, at)


def open_changes(connection: Connection, ring: KeyRing, force_id: str) -> list[Change]:
    """Every change that waits, opened, the oldest first."""
    return _opened(connection, ring, connection.execute(Q["open_changes"], {"force_id": force_id}).all())


def confirm(connection: Connection, force_id: str, change_id: UUID, by: str, at: datetime) -> bool:
    """Record who confirmed a change; False when it no longer waits."""
    values = {"change_id": change_id, "confirmed_by": by, "confirmed_at": at}
    if connection.execute(Q["confirm_change"], values).first() is None:
        return False
    _record(connection, force_id, Actor.OPERATOR, "contact_change_confirmed", change_id, at)
    return True


def withdraw(connection: Connection, force_id: str, change_id: UUID, at: datetime) -> bool:
    """Drop a change; False when it no longer waits."""
    values = {"change_id": change_id, "withdrawn_at": at}
    if connection.execute(Q["withdraw_change"], values).first() is None:
        return False
    _record(connection, force_id, Actor.OPERATOR, "contact_change_withdrawn", change_id, at)
    return True


def confirm_own(connection: Connection, viewer: KeyAdultViewer, change_id: UUID, at: datetime) -> bool:
    """The session's person confirms what another of the school asked for; False when that cannot be.

    It holds once a step of the night has taken it.
    """
    if not connection.execute(Q["school_confirms"], {"change_id": change_id, "at": at}).scalar_one():
        return False
    _record_by_adult(connection, viewer, "contact_change_confirmed", change_id, at)
    return True


def to_take(connection: Connection, ring: KeyRing, force_id: str) -> list[Change]:
    """Changes confirmed on a school's page that do not hold yet, opened."""
    return _opened(connection, ring, connection.execute(Q["changes_to_take"], {"force_id": force_id}).all())


def set_taken(
    connection: Connection, change_id: UUID, former: KeyAdultEntry | None, key: DataKey, at: datetime
) -> bool:
    """A confirmed change holds from now on; False when it did before.

    The contact as it was is kept, sealed, so that it can be told so.
    """
    sealed = None
    if former is not None:
        sealed = key.seal("contact_change", "sealed_former", change_id, ENTRY.dump_json(former))
    values = {"sealed_former": sealed, "former_key_id": key.key_id if former is not None else None}
    taken = connection.execute(Q["set_taken"], {"change_id": change_id, "taken_at": at, **values})
    return taken.first() is not None


def to_notice(connection: Connection, force_id: str) -> list[tuple[UUID, UUID, UUID]]:
    """Change, recipient and contact of each change that holds and whose former address was not told so."""
    rows = connection.execute(Q["changes_to_notice"], {"force_id": force_id})
    return [(r.change_id, r.recipient_id, r.key_adult_id) for r in rows]


def set_noticed(connection: Connection, change_id: UUID, at: datetime) -> bool:
    """The former address is told so from now on; False when it was before."""
    return (
        connection.execute(Q["set_noticed"], {"change_id": change_id, "noticed_at": at}).first() is not None
    )


def former_contact(connection: Connection, ring: KeyRing, change_id: UUID) -> Contact:
    """How somebody was reached before a change. Raises CannotOpen or Erased."""
    row = connection.execute(Q["former_contact"], {"change_id": change_id}).one()
    key = open_keys(connection, ring, [row.former_key_id])[row.former_key_id]
    entry = key.open_as(ENTRY, "contact_change", "sealed_former", change_id, row.sealed_former)
    return Contact(row.key_adult_id, entry.email, None, entry.language)


def own_changes(connection: Connection, ring: KeyRing) -> list[Change]:
    """What waits for a second person at the session's school and was asked for on its page, the oldest first."""
    return _opened(connection, ring, connection.execute(Q["own_changes"]).all())


def _opened(connection: Connection, ring: KeyRing, rows: Sequence[Row[Any]]) -> list[Change]:
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        Change(
            row.change_id,
            ChangeKind(row.kind),
            keys[row.key_id].open_as(ENTRY, "contact_change", "sealed", row.change_id, row.sealed),
            row.proposed_by,
            row.proposed_at,
        )
        for row in rows
    ]


def _record(
    connection: Connection, force_id: str, actor: Actor, action: str, change_id: UUID, at: datetime
) -> None:
    audit.record(connection, AuditEvent(force_id, at, actor, None, action, "contact_change", change_id))


def _record_by_adult(
    connection: Connection, viewer: KeyAdultViewer, action: str, change_id: UUID, at: datetime
) -> None:
    who = viewer.key_adult_id
    event = AuditEvent(viewer.force_id, at, Actor.KEY_ADULT, who, action, "contact_change", change_id)
    audit.record(connection, event)
