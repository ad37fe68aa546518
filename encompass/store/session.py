"""Sign-in: identities, binding by one-time code, sessions by the hash of their token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.access import KeyAdultViewer, StaffRole, StaffViewer, Viewer
from encompass.domain.audit import Actor, AuditEvent
from encompass.store import audit, recipient
from encompass.store.queries import load

Q: Final = load("session")


@dataclass(frozen=True)
class BoundAdult:
    """The Key Adult whom an identity is bound to."""

    key_adult_id: UUID
    force_id: str
    recipient_id: UUID
    person_hash: bytes


def token_hash(token: str) -> bytes:
    """SHA-256 of an opaque token, as the session policy computes it."""
    return hashlib.sha256(token.encode()).digest()


def bound_adult(connection: Connection, issuer: str, subject: str, day: date) -> BoundAdult | None:
    """The Key Adult of this identity, if bound and still one on that day."""
    row = connection.execute(Q["identity"], {"issuer": issuer, "subject": subject, "day": day}).first()
    if row is None:
        return None
    return BoundAdult(row.key_adult_id, row.force_id, row.recipient_id, bytes(row.person_hash))


def insert_ticket(connection: Connection, ticket: str, issuer: str, subject: str) -> None:
    """Let this identity try a one-time code for ten minutes."""
    values = {"ticket_hash": token_hash(ticket), "issuer": issuer, "subject": subject}
    connection.execute(Q["insert_ticket"], values)


def try_ticket(connection: Connection, ticket: str) -> tuple[str, str] | None:
    """Issuer and subject of the ticket, one of its five attempts being used up; None when it is spent."""
    row = connection.execute(Q["try_ticket"], {"ticket_hash": token_hash(ticket)}).first()
    return (row.issuer, row.subject) if row else None


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

    A binding to a register entry that has since ended, or been given to another person, makes way.
    """
    used = connection.execute(Q["use_code"], {"code_hash": code_hash, "force_id": force_id}).first()
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


def staff_id(connection: Connection, force_id: str, issuer: str, subject: str, role: StaffRole) -> UUID:
    """The id of this member of staff in this role, made at the first sign-in."""
    values = {
        "staff_id": uuid4(),
        "force_id": force_id,
        "issuer": issuer,
        "subject": subject,
        "role": role.value,
    }
    connection.execute(Q["insert_staff"], values)
    return connection.execute(Q["find_staff"], values).one().staff_id


def open_school_session(
    connection: Connection, token: str, adult: BoundAdult, idle: timedelta, lasts: timedelta, at: datetime
) -> None:
    """Open a Key Adult's session for one recipient."""
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
        },
    )
    _record(connection, force_id, Actor.STAFF, member, "signed_in", at)


def viewer(connection: Connection, token: str, idle: timedelta) -> Viewer | None:
    """Whose session the token opens, sliding its idle time; None when unknown, expired or revoked."""
    row = connection.execute(Q["touch_session"], {"token_hash": token_hash(token), "idle": idle}).first()
    if row is None:
        return None
    if row.role == "school":
        own = recipient.named(connection, row.recipient_id)
        return KeyAdultViewer(token, row.force_id, own.recipient, own.name, row.key_adult_id)
    return StaffViewer(token, row.force_id, StaffRole(row.role), row.staff_id)


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
