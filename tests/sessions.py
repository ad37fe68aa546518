"""Sessions of Key Adults opened straight in the store, for what does not need the pages."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

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
    opened, token, subject = (secrets.token_urlsafe(32) for _ in range(3))
    adult = BoundAdult(
        key_adult_id, force_id, recipient_id, AtSchool(100000), "Crumplewick", bytes(person_hash)
    )
    with encompass.database.engine(Role.SIGN_IN).begin() as connection:
        factor = second_factor.make(connection, encompass.ring, force_id, "issuer", subject, "A" * 32)
        at = encompass.clock.now()
        session.open_school_session(connection, opened, adult, factor, idle, HOUR, at)
        assert second_factor.use_step(connection, second_factor.Person(factor, "issuer", subject), 1)
        assert session.step_up(connection, opened, token)
    return token
