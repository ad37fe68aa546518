"""A night told to its schools without Airflow, its pages served: for what is measured of them, or drawn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from datetime import time as clock_time
from pathlib import Path

from sqlalchemy import text

from encompass import log, wiring
from encompass.domain.run import LONDON
from encompass.settings import load_settings
from encompass.store.database import Role
from encompass.store.installation import database_running, migrate
from encompass.wiring import Encompass
from sandbox.children import web_server
from sandbox.serve import Sandbox
from sandbox.state import folder, kept_port
from sandbox.world import Person, World

ROLLS_AT, TOLD_AT, OPENED_AT = clock_time(5, 0), clock_time(5, 30), clock_time(7, 50)


@dataclass(frozen=True)
class ToldNight:
    """Where the pages are, whose night it is, and every Key Adult's one-time code by his or her reference."""

    web: str
    var: Path
    world: World
    encompass: Encompass
    codes: dict[str, str]

    def lead_of(self, urn: int) -> Person:
        """The school's designated safeguarding lead."""
        return next(p for p in self.world.people if p.urn == urn and p.role == "dsl")

    def told(self) -> list[int]:
        """The schools that have something to read, those with most first."""
        urns = [u for e in self.world.expected() if not e["held"] for u in e["urns"]]
        return sorted(set(urns), key=lambda u: (-urns.count(u), u))


@contextmanager
def told_night(world: World) -> Generator[ToldNight]:
    """The night's children placed and their schools' messages released, on a state folder of its own, while inside."""
    log.configure("ERROR")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        var = Path(name)
        var.chmod(0o755)  # PostgreSQL may run as a user of its own
        os.environ["ENCOMPASS_VAR"] = name
        web = f"http://127.0.0.1:{kept_port(var, 'web')}"
        with Sandbox(world, var, web):
            settings = load_settings()
            migrate(settings)
            with database_running(settings), wiring.opened(settings) as encompass:
                codes = _tell(encompass, world)
                _analyse(encompass)
                opened = datetime.combine(world.night, OPENED_AT, LONDON).isoformat()
                with web_server(web, opened, os.environ, folder(var) / "web.log"):
                    yield ToldNight(web, var, world, encompass, codes)


def _analyse(encompass: Encompass) -> None:
    """As autovacuum has done long before a school that was told at half past five opens its pages."""
    owner = encompass.database.engine(Role.OWNER)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _tell(encompass: Encompass, world: World) -> dict[str, str]:
    force_id = world.staff[0].force
    rolls = encompass.open_run(force_id, world.night, datetime.combine(world.night, ROLLS_AT, LONDON))
    encompass.refresh_rolls(rolls)
    run = encompass.open_run(force_id, world.night, datetime.combine(world.night, TOLD_AT, LONDON))
    encompass.receive_incidents(run)
    encompass.match_children(run)
    encompass.prepare_notifications(run)
    return encompass.issue_binding_codes(force_id)
