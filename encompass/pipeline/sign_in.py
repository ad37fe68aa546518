"""From an identity provider's claims to a session: known by issuer and subject, bound by a one-time code."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from encompass.domain.access import Audience, StaffRole, Viewer
from encompass.domain.run import LONDON
from encompass.domain.sign_in import Claims, NeedsBinding, SignedIn, SignInRefused
from encompass.pipeline.issue_codes import hash_code
from encompass.store import session
from encompass.store.sealed import KeyRing

TOKEN_BYTES: Final = 32


@dataclass(frozen=True)
class SessionRules:
    """How long a session lasts, idle and at most."""

    idle: timedelta
    lasts: timedelta


def sign_in_school(
    engine: Engine, rules: SessionRules, claims: Claims, now: datetime
) -> SignedIn | NeedsBinding:
    """Open a session for the bound Key Adult; a stranger gets a ticket to try a one-time code."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with engine.begin() as connection:
        day = now.astimezone(LONDON).date()
        adult = session.bound_adult(connection, claims.issuer, claims.subject, day)
        if adult is None:
            session.insert_ticket(connection, token, claims.issuer, claims.subject)
            return NeedsBinding(token)
        session.open_school_session(connection, token, adult, rules.idle, rules.lasts, now)
    return SignedIn(token, Audience.SCHOOL)


def bind_key_adult(
    engine: Engine,
    ring: KeyRing,
    rules: SessionRules,
    force_ids: Iterable[str],
    ticket: str,
    code: str,
    now: datetime,
) -> SignedIn | SignInRefused:
    """Bind the ticket's identity by a one-time code and open a session. A ticket gives five attempts."""
    with engine.begin() as connection:
        identity = session.try_ticket(connection, ticket)
    if identity is None:
        return SignInRefused("ticket_spent")
    issuer, subject = identity
    token, day = secrets.token_urlsafe(TOKEN_BYTES), now.astimezone(LONDON).date()
    with engine.begin() as connection:
        bound = [
            session.bind(connection, force_id, hash_code(ring, force_id, code), issuer, subject, now, day)
            for force_id in force_ids
        ]
        if not any(bound):
            connection.rollback()
            return SignInRefused("code_not_good")
        adult = session.bound_adult(connection, issuer, subject, day)
        if adult is None:
            connection.rollback()
            return SignInRefused("not_a_key_adult")
        session.delete_ticket(connection, ticket)
        session.open_school_session(connection, token, adult, rules.idle, rules.lasts, now)
    return SignedIn(token, Audience.SCHOOL)


def sign_in_staff(
    engine: Engine, rules: SessionRules, force_id: str, claims: Claims, now: datetime
) -> SignedIn | SignInRefused:
    """Open a session in the first role that the staff provider's token grants."""
    role = next((r for r in StaffRole if r.value in claims.roles), None)
    if role is None:
        return SignInRefused("no_role")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with engine.begin() as connection:
        member = session.staff_id(connection, force_id, claims.issuer, claims.subject, role)
        session.open_staff_session(connection, token, force_id, member, role, rules.idle, rules.lasts, now)
    return SignedIn(token, Audience.STAFF)


def read_viewer(engine: Engine, rules: SessionRules, token: str) -> Viewer | None:
    """Whose session this is, its idle time slid on; None when unknown, expired or revoked."""
    with engine.begin() as connection:
        return session.viewer(connection, token, rules.idle)


def sign_out(engine: Engine, token: str) -> None:
    """End the session at once."""
    with engine.begin() as connection:
        session.revoke(connection, token)
