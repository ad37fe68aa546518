"""One embedded PostgreSQL and one sandbox partnership a worker; a database of its own for every test.

That server waits for no disk, since no test stops the machine, and a copy of a database is otherwise mostly waiting.
What was committed is there after a crash of the server all the same: some tests crash it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from datetime import time
from types import CodeType

import hypothesis
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from encompass import log
from encompass.settings import load_settings
from encompass.store import embedded
from encompass.store.installation import database_running, migrate
from encompass.store.sealed import read_ring
from encompass.wiring import Encompass
from sandbox import browser
from sandbox.serve import Sandbox
from sandbox.state import kept_port
from sandbox.world import build_world, named_night
from tests.cluster import Cluster, state_folder
from tests.site import Site, serving

hypothesis.settings.register_profile("encompass", database=None, deadline=None)
hypothesis.settings.load_profile("encompass")
SLOWEST_FIRST = (
    "test_whole_night.py",
    "test_killed.py",
    "test_real_scheduler.py",
    "test_every_route.py",
    "test_train.py",
    "test_send_killed.py",
    "test_journey.py",
    "test_match_files.py",
    "test_answer_killed.py",
    "test_own_pages.py",
    "test_alarms.py",
)
NEEDS_CHROMIUM = "Chromium is not installed: `make browser` installs it where it can"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first, so that no worker is left alone with one at the end."""
    items.sort(
        key=lambda item: (
            SLOWEST_FIRST.index(n) if (n := item.path.name) in SLOWEST_FIRST else len(SLOWEST_FIRST)
        )
    )


class Compiled(BytecodeCache):
    """Templates once compiled, by what they say."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Generator[None]:
    """Each test's application finds the pages' templates compiled; to compile them was a third of such a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
        yield


@pytest.fixture(scope="session")
def cluster() -> Generator[Cluster]:
    with state_folder() as var:
        os.environ["ENCOMPASS_VAR"] = str(var)
        log.configure("ERROR")
        world = build_world(*named_night("small"))
        web = f"http://127.0.0.1:{kept_port(var, 'web')}"
        with Sandbox(world, var, web):
            settings = load_settings()
            with embedded.running(var, durable=False), database_running(settings) as database:
                migrate(settings)
                ring = read_ring(settings.ring_file, settings.forces)
                yield Cluster(var, settings, database.port, ring, world, web)


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
    found = browser.chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(NEEDS_CHROMIUM)
        pytest.skip(NEEDS_CHROMIUM)
    return found


@pytest.fixture
def site(cluster: Cluster, played: Encompass) -> Generator[Site]:
    """The small night's pages, with every Key Adult's one-time code."""
    with serving(cluster, played) as served:
        yield served
