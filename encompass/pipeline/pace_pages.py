"""Whether somebody who has not signed in may ask for one more page."""

from __future__ import annotations

import hmac

from sqlalchemy import Engine

from encompass.store import page_pace


def address_may_ask(engine: Engine, a_minute: int, key: bytes, address: str) -> bool:
    """Count a request from an address without a session; False where it has asked too often.

    Only a keyed hash of the address is kept, for an hour at most.
    """
    asker = hmac.digest(key, address.encode(), "sha256")
    with engine.begin() as connection:
        return page_pace.take(connection, asker, a_minute)


def forget_askers(engine: Engine) -> None:
    """Drop what is known of those who have not asked for an hour."""
    with engine.begin() as connection:
        page_pace.forget(connection)
