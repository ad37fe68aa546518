"""Sign-in: identities, binding by one-time code, sessions by the hash of their token."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.access import (
    AskedTooOften,
    AwaitingSecondFactor,
    KeyAdultViewer,
    StaffRole,
    StaffViewer,
    Viewer,
)
from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.recipient import Recipient
from encompass.domain.sign_in import Place, PlaceKind
from encompass.store import audit, recipient
from encompass.store.queries import load

Q: Final = load("session")


@dataclass(frozen=True)
class BoundAdult:
    """A Key Adult whom an identity is bound to, and of whom: by name too."""

    key_adult_id: UUID
    force_id: str
    recipient_id: UUID
    recipient: Recipient
    name: str
    person_hash: bytes


@dataclass(frozen=True)
class Ticket:
    """An identity that has no session yet, and where its provider says that it is."""

    issuer: str
    subject: str
    place: Place


def token_hash(token: str) -> bytes:
    """SHA-256 of an opaque token, as the session policy computes it."""
    return hashlib.sha256(token.encode()).digest()


def bound_adults(connection: Connection, issuer: str, subject: str, day: date) -> list[BoundAdult]:
    """The Key Adults of this identity, as far as still such on that day: one a school or office."""
    rows = connection.execute(Q["identities"], {"issuer": issuer, "subject": subject, "day": day}).all()
    return [_bound(connection, row) for row in rows]


def _bound(connection: Connection, row: Row[Any]) -> BoundAdult:
    of = recipient.named(connection, row.recipient_id)
    hashed = bytes(row.person_hash)
    return BoundAdult(row.key_adult_id, row.force_id, row.recipient_id, of.recipient, of.name, hashed)


def insert_ticket(connection: Connection, token: str, ticket: Ticket) -> None:
    """Let this identity try a one-time code, or choose a school, for ten minutes."""
    connection.execute(
        Q["insert_ticket"],
        {
            "ticket_hash": token_hash(token),
            "issuer": ticket.issuer,
            "subject": ticket.subject,
            "place": ticket.place.kind.value,
            "urn": ticket.place.urn,
        },
    )


def read_ticket(connection: Connection, token: str) -> Ticket | None:
    """The ticket, none of its attempts being used up; None when it is too old."""
    row = connection.execute(Q["read_ticket"], {"ticket_hash": token_hash(token)}).first()
    return _ticket(row) if row else None


def try_ticket(connection: Connection, token: str) -> Ticket | None:
    """The ticket, one of its five attempts being used up; None when it is spent."""
    row = connection.execute(Q["try_ticket"], {"ticket_hash": token_hash(token)}).first()
    return _ticket(row) if row else None


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(row.issuer, row.subject, Place(PlaceKind(row.place), row.urn))


def bind(
    connection: Connection,
    force_id: str,
    code_hash: bytes,
    issuer: str,
    subject: str,
    at: datetime,
    day: date,
) -> UUID | None:
    """Use up a one-time code and bind the identity to its Key Adult; None when the code is not good.

    A code that was used holds for the identity that it bound until a second factor has been set up, so that nobody who
    was interrupted there needs another. A binding to a register entry that has since ended, or been given to another
    person, makes way.
    """
    sought = {"code_hash": code_hash, "force_id": force_id, "issuer": issuer, "subject": subject}
    used = connection.execute(Q["use_code"], sought).first()
    if used is None:
        return None
    values = {
        "key_adult_id": used.key_adult_id,
        "force_id": used.force_id,
        "person_hash": used.person_hash,
        "issuer": issuer,
        "subject": subject,
    }
    for stale in connection.execute(Q["unbind_stale"], {**values, "day": day}).all():
        _record(connection, stale.force_id, Actor.KEY_ADULT, stale.key_adult_id, "key_adult_unbound", at)
    if connection.execute(Q["bind_identity"], values).first() is None:
        return None
    _record(connection, used.force_id, Actor.KEY_ADULT, used.key_adult_id, "key_adult_bound", at)
    return used.key_adult_id


def delete_ticket(connection: Connection, ticket: str) -> None:
    """The ticket is done with."""
    connection.execute(Q["delete_ticket"], {"ticket_hash": token_hash(ticket)})


def staff_id(
    connection: Connection, force_id: str, issuer: str, subject: str, role: StaffRole
) -> UUID | None:
    """The id of this member of staff in this role, made at the first sign-in; None before the force's first night."""
    values = {
        "staff_id": uuid4(),
        "force_id": force_id,
        "issuer": issuer,
        "subject": subject,
        "role": role.value,
    }
    connection.execute(Q["insert_staff"], values)
    return connection.execute(Q["find_staff"], values).scalar()


def open_school_session(
    connection: Connection,
    token: str,
    adult: BoundAdult,
    factor_id: UUID,
    idle: timedelta,
    lasts: timedelta,
    at: datetime,
) -> None:
    """Open a Key Adult's session for one recipient. It opens nothing until a code of the factor has stepped it up."""
    _insert(
        connection,
        token,
        idle,
        lasts,
        {
            "force_id": adult.force_id,
            "role": "school",
            "recipient_id": adult.recipient_id,
            "key_adult_id": adult.key_adult_id,
            "person_hash": adult.person_hash,
            "staff_id": None,
            "factor_id": factor_id,
        },
    )
    _record(connection, adult.force_id, Actor.KEY_ADULT, adult.key_adult_id, "signed_in", at)


def open_staff_session(
    connection: Connection,
    token: str,
    force_id: str,
    member: UUID,
    role: StaffRole,
    idle: timedelta,
    lasts: timedelta,
    at: datetime,
) -> None:
    """Open a staff member's session in one role."""
    _insert(
        connection,
        token,
        idle,
        lasts,
        {
            "force_id": force_id,
            "role": role.value,
            "recipient_id": None,
            "key_adult_id": None,
            "person_hash": None,
            "staff_id": member,
            "factor_id": None,
        },
    )
    _record(connection, force_id, Actor.STAFF, member, "signed_in", at)


def step_up(connection: Connection, token: str, new_token: str) -> bool:
    """Go on under a new token that opens the school's pages; False when the session has ended, or was stepped up."""
    values = {"token_hash": token_hash(token), "new_token_hash": token_hash(new_token)}
    return connection.execute(Q["step_up"], values).first() is not None


def record_step(
    connection: Connection, token: str, action: str, at: datetime, details: Mapping[str, str | int | None]
) -> None:
    """Audit what the Key Adult of a session did with the second factor."""
    row = connection.execute(Q["of_session"], {"token_hash": token_hash(token)}).one()
    who = row.key_adult_id
    event = AuditEvent(row.force_id, at, Actor.KEY_ADULT, who, action, "key_adult", who, details)
    audit.record(connection, event)


def viewer(
    connection: Connection, token: str, idle: timedelta, a_minute: int
) -> Viewer | AwaitingSecondFactor | AskedTooOften | None:
    """Whose session the token opens, its request counted; None when unknown, expired or revoked.

    The idle time slides on by no less than a thirtieth of it, so that most requests write nothing.
    """
    values = {"token_hash": token_hash(token), "idle": idle, "a_minute": a_minute}
    row = connection.execute(Q["ask_in_session"], values).first()
    if row is None:
        return None
    if not row.is_within_pace:
        return AskedTooOften()
    if row.role != "school":
        return StaffViewer(token, row.force_id, StaffRole(row.role), row.staff_id)
    own = recipient.recipient_of(row)
    if row.stepped_up_at is None:
        return AwaitingSecondFactor(token, own, row.name)
    return KeyAdultViewer(token, row.force_id, own, row.name, row.key_adult_id)


def revoke(connection: Connection, token: str) -> None:
    """End the session at once."""
    connection.execute(Q["revoke_session"], {"token_hash": token_hash(token)})


def _insert(
    connection: Connection, token: str, idle: timedelta, lasts: timedelta, values: dict[str, Any]
) -> None:
    connection.execute(
        Q["insert_session"], {**values, "token_hash": token_hash(token), "idle": idle, "lasts": lasts}
    )


def _record(
    connection: Connection, force_id: str, actor: Actor, who: UUID, action: str, at: datetime
) -> None:
    kind = "key_adult" if actor is Actor.KEY_ADULT else "staff"
    audit.record(connection, AuditEvent(force_id, at, actor, who, action, kind, who))
