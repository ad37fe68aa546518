"""Pooled connections: one that the server ended while nobody used it is replaced before anybody notices."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from encompass.store import database
from encompass.store.database import Role
from encompass.wiring import Encompass

OWN = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(:pid, 5000)")


def ended_in_the_pool(encompass: Encompass) -> int:
    """The server's process of one of two pooled connections, which the other ended: the same role may."""
    engine, known = encompass.database.engine(Role.SCHOOL), both(encompass)
    with engine.begin() as connection:
        (ended,) = known - {connection.execute(OWN).scalar_one()}
        assert connection.execute(END, {"pid": ended}).scalar_one()
    return ended


def both(encompass: Encompass) -> set[int]:
    """The server's processes of two connections in use at once."""
    engine = encompass.database.engine(Role.SCHOOL)
    with engine.begin() as one, engine.begin() as other:
        return {c.execute(OWN).scalar_one() for c in (one, other)}


def test_a_connection_that_the_server_ended_is_replaced(empty: Encompass) -> None:
    ended = ended_in_the_pool(empty)
    assert ended not in both(empty)


def test_one_that_rested_longer_is_asked(empty: Encompass, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something between may have dropped it without a word: it answers before it is used."""
    kept = both(empty)
    monkeypatch.setattr(database, "TRUSTED_S", -1.0)
    asked: list[str] = []
    monkeypatch.setattr("psycopg.Connection.execute", lambda _, query: asked.append(query))
    assert both(empty) == kept
    assert asked == ["SELECT 1", "SELECT 1"]


def test_without_the_look_the_page_fails(empty: Encompass) -> None:
    event.remove(empty.database.engine(Role.SCHOOL), "checkout", database._still_there)
    ended_in_the_pool(empty)
    with pytest.raises(OperationalError):
        both(empty)
