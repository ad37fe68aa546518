"""Sessions of Key Adults and staff opened straight in the store, for what does not need the pages."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from encompass.domain.access import StaffRole
from encompass.domain.recipient import AtSchool
from encompass.store import second_factor, session
from encompass.store.database import Role
from encompass.store.session import BoundAdult
from encompass.wiring import Encompass

HOUR = timedelta(hours=1)


def key_adult_token(
    encompass: Encompass,
    force_id: str,
    key_adult_id: UUID,
    recipient_id: UUID,
    person_hash: bytes,
    idle: timedelta = HOUR,
) -> str:
    """The token of a Key Adult's session that a second factor has stepped up."""
    opened, factor = unstepped(encompass, force_id, key_adult_id, recipient_id, person_hash, idle)
    token = secrets.token_urlsafe(32)
    with encompass.database.engine(Role.SIGN_IN).begin() as connection:
        assert second_factor.use_step(connection, factor, 1)
        assert session.step_up(connection, opened, token)
    return token


def unstepped(
    encompass: Encompass,
    force_id: str,
    key_adult_id: UUID,
    recipient_id: UUID,
    person_hash: bytes,
    idle: timedelta = HOUR,
) -> tuple[str, second_factor.Person]:
    """The token of a Key Adult's session that waits for the second factor, and the factor that it waits for."""
    opened, subject = (secrets.token_urlsafe(32) for _ in range(2))
    adult = BoundAdult(
        key_adult_id, force_id, recipient_id, AtSchool(100000), "Crumplewick", bytes(person_hash)
    )
    with encompass.database.engine(Role.SIGN_IN).begin() as connection:
        factor = second_factor.make(connection, encompass.ring, force_id, "issuer", subject, "A" * 32)
        at = encompass.clock.now()
        session.open_school_session(connection, opened, adult, factor, idle, HOUR, at)
    return opened, second_factor.Person(factor, "issuer", subject)


def staff_token(encompass: Encompass, force_id: str, role: StaffRole) -> str:
    """The token of a session of a member of a force's staff."""
    token = secrets.token_urlsafe(32)
    with encompass.database.engine(Role.SIGN_IN).begin() as connection:
        member = session.staff_id(connection, force_id, "issuer", f"{force_id} {role}", role)
        at = encompass.clock.now()
        session.open_staff_session(connection, token, force_id, member, role, HOUR, HOUR, at)
    return token
