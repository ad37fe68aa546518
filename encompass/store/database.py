"""Connections: one engine a login role, and the scope of a web session set for one transaction."""

from __future__ import annotations

import select
import time
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from encompass.settings import DatabaseSettings
from encompass.store.queries import load


class Role(StrEnum):
    """The login roles, each with no more than its work needs."""

    OWNER = "encompass_owner"
    PIPELINE = "encompass_pipeline"
    SIGN_IN = "encompass_sign_in"
    SCHOOL = "encompass_school"
    MASH = "encompass_mash"
    LEADER = "encompass_leader"
    AUDITOR = "encompass_auditor"
    BACKUP = "encompass_backup"
    INBOUND = "encompass_inbound"


PAGES: Final = frozenset({Role.SIGN_IN, Role.SCHOOL})
"""Whoever waits for a page: few short statements, asked again and again."""
TRUSTED_S: Final = 30.0
"""For how long after its use a pooled connection is looked at and not asked whether it is still there."""


class NoPassword(Exception):
    """The passwords file has no entry for a role; the text names the role."""


@dataclass(frozen=True)
class Database:
    """Where PostgreSQL is, and each role's password.

    A session that stands still inside a transaction for longer than the limit is ended by PostgreSQL: a process that
    was suspended there would otherwise keep its locks, and with them everybody, for as long as it sleeps.
    """

    host: str
    port: int
    name: str
    sslmode: str
    passwords: dict[str, str] = field(repr=False)
    idle_limit: timedelta = timedelta(seconds=60)

    @cached_property
    def _engines(self) -> dict[Role, Engine]:
        return {}

    def engine(self, role: Role) -> Engine:
        """The role's engine, made once."""
        if role not in self._engines:
            limit = int(self.idle_limit.total_seconds() * 1000)
            # planning through the policies takes longer than such a statement itself, and every one goes by a key
            plans = "force_generic_plan" if role in PAGES else "auto"
            self._engines[role] = create_engine(
                self.url(role.value),
                pool_size=8,
                pool_use_lifo=True,  # the connection whose caches are warm
                hide_parameters=True,
                connect_args={
                    "options": f"-c idle_in_transaction_session_timeout={limit} -c plan_cache_mode={plans}"
                },
            )
            event.listen(self._engines[role], "checkin", _put_back)
            event.listen(self._engines[role], "checkout", _still_there)
        return self._engines[role]

    def url(self, role: str, database: str | None = None, driver: str = "postgresql+psycopg") -> URL:
        """A connection URL with the role's password in it. Raises NoPassword."""
        if role not in self.passwords:
            raise NoPassword(role)
        return URL.create(
            driver,
            username=role,
            password=self.passwords[role],
            host=self.host,
            port=self.port,
            database=database or self.name,
            query={"sslmode": self.sslmode},
        )

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()


def database_of(settings: DatabaseSettings, port: int, passwords_file: Path) -> Database:
    """The database that these settings name, on this port."""
    known = {k: str(v) for k, v in tomllib.loads(passwords_file.read_text("utf-8")).items()}
    return Database(settings.host, port, settings.name, settings.sslmode, known)


def _put_back(_: object, entry: ConnectionPoolEntry) -> None:
    entry.info["put_back"] = time.monotonic()


def _still_there(driver: psycopg.Connection[Any], entry: ConnectionPoolEntry, _: object) -> None:
    """Raises DisconnectionError, upon which the pool makes another.

    A server that ended a connection has written so into it. To ask it takes as long as a small statement, so that one
    which was just in use is not asked; after a longer rest something between us may have dropped it without a word.
    """
    put_back = entry.info.get("put_back")
    if put_back is None:
        return
    watched = select.poll()
    try:
        watched.register(driver.fileno(), select.POLLIN)
        spoken = bool(watched.poll(0))
        if not spoken and time.monotonic() - put_back > TRUSTED_S:
            driver.execute("SELECT 1")
            driver.rollback()
    except (psycopg.Error, OSError):
        raise DisconnectionError from None
    if spoken:
        raise DisconnectionError


@contextmanager
def as_session(engine: Engine, session_token: str) -> Generator[Connection]:
    """A transaction in which row-level security sees what this session token opens, and nothing else."""
    with engine.begin() as connection:
        connection.execute(load("database")["set_session_token"], {"token": session_token})
        yield connection
