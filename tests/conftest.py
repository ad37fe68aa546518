"""One embedded PostgreSQL and one sandbox partnership a worker; a database of its own for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine

from encompass import log
from encompass.domain.run import Run
from encompass.settings import Settings, load_settings
from encompass.store.database import Database, database_of
from encompass.store.installation import database_running, migrate
from encompass.store.sealed import KeyRing, read_ring
from encompass.wiring import Clock, Encompass
from sandbox.serve import Sandbox
from sandbox.state import kept_port
from sandbox.world import World, build_world, named_night

LONDON = ZoneInfo("Europe/London")
FORCE = "riverbend"
FEED_CHECK = time(5, 30)
NEEDS_CHROMIUM = "Chromium is not installed: `make browser` installs it where it can"


@dataclass
class Cluster:
    """A running server with every role, and the small night's partnership on loopback."""

    var: Path
    settings: Settings
    port: int
    ring: KeyRing
    world: World
    web: str
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
        with self._admin() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
            readers = (
                "encompass_owner, encompass_pipeline, encompass_sign_in, encompass_school, encompass_mash"
            )
            connection.exec_driver_sql(
                f'GRANT CONNECT ON DATABASE "{name}" TO {readers}, encompass_leader, encompass_auditor, encompass_backup'
            )
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected."""
        with self._admin() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')

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
    def _admin(self):
        engine = create_engine(
            self.database("postgres").url("postgres", "postgres"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            yield connection
        engine.dispose()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    var = tmp_path_factory.mktemp("var")
    for parent in (var, *var.parents[:3]):
        parent.chmod(0o755)  # PostgreSQL runs as a user of its own
    os.environ["ENCOMPASS_VAR"] = str(var)
    log.configure("ERROR")
    world = build_world(*named_night("small"))
    web = f"http://127.0.0.1:{kept_port(var, 'web')}"
    with Sandbox(world, var, web):
        settings = load_settings()
        with database_running(settings) as database:
            migrate(settings)
            ring = read_ring(settings.ring_file, settings.forces)
            yield Cluster(var, settings, database.port, ring, world, web)
    shutil.rmtree(var, ignore_errors=True)


@pytest.fixture
def empty(cluster: Cluster) -> Generator[Encompass]:
    """A migrated installation that holds nothing."""
    with cluster.opened("encompass") as encompass:
        yield encompass


@pytest.fixture
def rolled(cluster: Cluster) -> Generator[Encompass]:
    """An installation that has the rolls and no incident."""
    with cluster.opened(cluster.rolled()) as encompass:
        yield encompass


@pytest.fixture
def played(cluster: Cluster) -> Generator[Encompass]:
    """An installation in which the small night's schools have been told."""
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass:
        yield encompass


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; its tests are skipped without it, but never in CI."""
    found = next(
        (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
    )
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(NEEDS_CHROMIUM)
        pytest.skip(NEEDS_CHROMIUM)
    return found
