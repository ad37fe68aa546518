"""A running embedded server with every role, and databases copied from templates on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from sqlalchemy import Connection, create_engine

from encompass.domain.run import LONDON, Run
from encompass.settings import Settings
from encompass.store.database import Database, Role, database_of
from encompass.store.sealed import KeyRing
from encompass.wiring import Clock, Encompass
from sandbox.world import World

FORCE = "riverbend"
FEED_CHECK = time(5, 30)
MEMORY = Path("/dev/shm")
ROOM_BYTES = 6 << 30


@contextmanager
def state_folder() -> Generator[Path]:
    """A state folder while inside. Not one of pytest's: another session may delete those under a running server."""
    with TemporaryDirectory(prefix="encompass-test-", dir=_memory(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as a user of its own
        yield Path(folder)


def _memory() -> Path | None:
    """Where the machine keeps files in memory, if there is room: a database is copied there in a third of the time."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if room > ROOM_BYTES else None


@dataclass
class Cluster:
    """A running server with every role, and the small night's partnership on loopback."""

    var: Path
    settings: Settings
    port: int
    ring: KeyRing
    world: World
    web: str
    force_id: str = FORCE
    _numbers: Iterator[int] = field(default_factory=count)
    _templates: dict[str, str] = field(default_factory=dict)

    def at(self, at: time) -> datetime:
        """An instant of the morning on which the night ends."""
        return datetime.combine(self.world.night, at, LONDON)

    def database(self, name: str) -> Database:
        """The database of this name, on this server."""
        settings = self.settings.database.model_copy(update={"name": name})
        return database_of(settings, self.port, self.settings.database_passwords_file)

    def settings_on(self, name: str) -> Settings:
        """The settings, on the database of this name."""
        database = self.settings.database.model_copy(update={"name": name})
        return self.settings.model_copy(update={"database": database})

    def copy(self, template: str) -> str:
        """A new database like a template; its name."""
        name = f"copy_{next(self._numbers)}"
        with self.superuser() as connection:
            connection.exec_driver_sql(
                f'CREATE DATABASE "{name}" OWNER encompass_owner TEMPLATE "{template}" STRATEGY FILE_COPY'
            )
            connection.exec_driver_sql(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
            roles = ", ".join(role.value for role in Role)
            connection.exec_driver_sql(f'GRANT CONNECT ON DATABASE "{name}" TO {roles}')
            connection.exec_driver_sql(f'GRANT TEMPORARY ON DATABASE "{name}" TO encompass_pipeline')
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected."""
        with self.superuser() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextmanager
    def opened(self, template: str, as_of: datetime | None = None) -> Generator[Encompass]:
        """An installation on a copy of a template, deleted afterwards."""
        name = self.copy(template)
        try:
            with self.on(name, as_of) as encompass:
                yield encompass
        finally:
            self.drop(name)

    @contextmanager
    def on(self, name: str, as_of: datetime | None = None) -> Generator[Encompass]:
        """An installation on a database that exists."""
        database = self.database(name)
        try:
            yield Encompass(self.settings_on(name), database, self.ring, Clock(as_of))
        finally:
            database.dispose()

    def rolled(self) -> str:
        """The template whose registers and rolls have been taken."""
        if "rolled" not in self._templates:
            name = self.copy("encompass")
            with self.on(name) as encompass:
                assert encompass.refresh_rolls(self.run(encompass, time(5, 0))) == 0
            self._templates["rolled"] = name
        return self._templates["rolled"]

    def played(self) -> str:
        """The template in which the small night's schools have been told."""
        if "played" not in self._templates:
            name = self.copy(self.rolled())
            with self.on(name) as encompass:
                run = self.run(encompass)
                for step in (
                    encompass.receive_incidents,
                    encompass.match_children,
                    encompass.prepare_notifications,
                    encompass.send_notifications,
                ):
                    step(run)
            self._templates["played"] = name
        return self._templates["played"]

    def run(self, encompass: Encompass, at: time = FEED_CHECK) -> Run:
        """The small night's run at a time of its morning."""
        return encompass.open_run(FORCE, self.world.night, self.at(at))

    @contextmanager
    def superuser(self, name: str = "postgres") -> Generator[Connection]:
        """The superuser's connection to a database."""
        engine = create_engine(self.database(name).url("postgres", name), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection
        engine.dispose()
