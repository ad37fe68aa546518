"""Whether somebody may ask for one more page."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import Engine

from encompass.store import page_pace


@dataclass(frozen=True)
class PagePace:
    """Requests a minute: of one session, and of all at one address who are not signed in."""

    a_session: int
    an_address: int


def session_may_ask(engine: Engine, pace: PagePace, session_token: str) -> bool:
    """Count a request of a session; False where it has asked too often."""
    with engine.begin() as connection:
        return page_pace.take(connection, hashlib.sha256(session_token.encode()).digest(), pace.a_session)


def address_may_ask(engine: Engine, pace: PagePace, key: bytes, address: str) -> bool:
    """Count a request from an address without a session; False where it has asked too often.

    Only a keyed hash of the address is kept, for an hour at most.
    """
    asker = hmac.digest(key, address.encode(), "sha256")
    with engine.begin() as connection:
        return page_pace.take(connection, asker, pace.an_address)


def forget_askers(engine: Engine) -> None:
    """Drop what is known of those who have not asked for an hour."""
    with engine.begin() as connection:
        page_pace.forget(connection)
