"""From an identity provider's claims to a session: known by issuer and subject, bound by a one-time code."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.access import AskedTooOften, Audience, AwaitingSecondFactor, StaffRole, Viewer
from encompass.domain.run import LONDON
from encompass.domain.sign_in import (
    Choice,
    Claims,
    NeedsBinding,
    NeedsChoice,
    Place,
    SignedIn,
    SignInRefused,
)
from encompass.pipeline.issue_codes import hash_code
from encompass.pipeline.second_factor import new_secret
from encompass.store import second_factor, session
from encompass.store.sealed import KeyRing
from encompass.store.session import BoundAdult, Ticket

TOKEN_BYTES: Final = 32


@dataclass(frozen=True)
class SessionRules:
    """How long a session lasts, idle and at most, and how many requests a minute it may make."""

    idle: timedelta
    lasts: timedelta
    a_minute: int


def sign_in_school(
    engine: Engine, rules: SessionRules, claims: Claims, place: Place, now: datetime
) -> SignedIn | NeedsChoice | NeedsBinding:
    """Open a session for the bound Key Adult at that place; for several, one has to be chosen.

    Whoever is bound to nobody there, or has no second factor, gets a ticket to try a one-time code: what the identity
    provider vouches for is never enough to set up a second factor.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ticket = Ticket(claims.issuer, claims.subject, place)
    with engine.begin() as connection:
        factor_id = second_factor.of_person(connection, claims.issuer, claims.subject)
        adults = _adults(connection, ticket, now)
        if factor_id is not None and len(adults) == 1:
            session.open_school_session(connection, token, adults[0], factor_id, rules.idle, rules.lasts, now)
            return SignedIn(token, Audience.SCHOOL)
        session.insert_ticket(connection, token, ticket)
    return NeedsBinding(token) if factor_id is None or not adults else NeedsChoice(token)


def begin_binding(engine: Engine, claims: Claims, place: Place) -> NeedsBinding:
    """A ticket to try a one-time code, also for somebody who is bound: the code of another school or office."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with engine.begin() as connection:
        session.insert_ticket(connection, token, Ticket(claims.issuer, claims.subject, place))
    return NeedsBinding(token)


def read_choices(engine: Engine, ticket: str, now: datetime) -> tuple[Choice, ...]:
    """The schools and offices that the ticket's person may sign in for, by name; none when the ticket is too old."""
    with engine.begin() as connection:
        found = session.read_ticket(connection, ticket)
        adults = _adults(connection, found, now) if found else []
    return tuple(sorted((Choice(a.key_adult_id, a.recipient, a.name) for a in adults), key=lambda c: c.name))


def choose(
    engine: Engine, rules: SessionRules, ticket: str, key_adult_id: UUID, now: datetime
) -> SignedIn | SignInRefused:
    """Open a session for the school or office chosen, with the second factor that the person has."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with engine.begin() as connection:
        found = session.read_ticket(connection, ticket)
        if found is None:
            return SignInRefused("ticket_spent")
        factor_id = second_factor.of_person(connection, found.issuer, found.subject)
        adult = next((a for a in _adults(connection, found, now) if a.key_adult_id == key_adult_id), None)
        if factor_id is None or adult is None:
            return SignInRefused("not_a_choice")
        session.delete_ticket(connection, ticket)
        session.open_school_session(connection, token, adult, factor_id, rules.idle, rules.lasts, now)
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
        found = session.try_ticket(connection, ticket)
    if found is None:
        return SignInRefused("ticket_spent")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with engine.begin() as connection:
        bound = _bind(connection, ring, force_ids, found, code, now)
        if bound is None:
            connection.rollback()
            return SignInRefused("code_not_good")
        adult = next((a for a in _adults(connection, found, now) if a.key_adult_id == bound), None)
        if adult is None:
            connection.rollback()
            return SignInRefused("code_of_another_place")
        factor_id = second_factor.of_person(connection, found.issuer, found.subject)
        if factor_id is None:
            factor_id = second_factor.make(
                connection, ring, adult.force_id, found.issuer, found.subject, new_secret()
            )
        session.delete_ticket(connection, ticket)
        session.open_school_session(connection, token, adult, factor_id, rules.idle, rules.lasts, now)
    return SignedIn(token, Audience.SCHOOL)


def _bind(
    connection: Connection, ring: KeyRing, force_ids: Iterable[str], ticket: Ticket, code: str, now: datetime
) -> UUID | None:
    """The Key Adult whom the code, of whichever force, bound the ticket's identity to."""
    day = now.astimezone(LONDON).date()
    bound = [
        session.bind(connection, f, hash_code(ring, f, code), ticket.issuer, ticket.subject, now, day)
        for f in force_ids
    ]
    return next((b for b in bound if b is not None), None)


def _adults(connection: Connection, ticket: Ticket, now: datetime) -> list[BoundAdult]:
    day = now.astimezone(LONDON).date()
    adults = session.bound_adults(connection, ticket.issuer, ticket.subject, day)
    return [a for a in adults if ticket.place.allows(a.recipient)]


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
        if member is None:
            return SignInRefused("not_begun")
        session.open_staff_session(connection, token, force_id, member, role, rules.idle, rules.lasts, now)
    return SignedIn(token, Audience.STAFF)


def read_viewer(
    engine: Engine, rules: SessionRules, token: str
) -> Viewer | AwaitingSecondFactor | AskedTooOften | None:
    """Whose session this is, its request counted; None when unknown, expired or revoked.

    One statement before every page: it needs no transaction around it.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return session.viewer(connection, token, rules.idle, rules.a_minute)


def sign_out(engine: Engine, token: str) -> None:
    """End the session at once."""
    with engine.begin() as connection:
        session.revoke(connection, token)
