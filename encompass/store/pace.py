"""The bucket of turns that every sender by one account at a provider draws from."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from encompass.store.queries import load

Q: Final = load("pace")


def take(connection: Connection, account_hash: bytes, *, a_second: float, most: float, turns: int) -> float:
    """Take turns; how many tokens are left, fewer than none where turns were taken ahead of their time."""
    values = {"account_hash": account_hash, "a_second": a_second, "most": most, "turns": turns}
    return connection.execute(Q["take"], values).scalar_one()


def pause(connection: Connection, account_hash: bytes, *, a_second: float, seconds: float) -> None:
    """No turn comes to anybody before that many seconds."""
    values = {"account_hash": account_hash, "a_second": a_second, "seconds": seconds}
    connection.execute(Q["pause"], values)
