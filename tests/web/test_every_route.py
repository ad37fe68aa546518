"""A crawl of every route: as everybody, with everybody's ids, reading and writing, with the right token and without."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import time
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from flask import Flask, redirect
from werkzeug.serving import WSGIRequestHandler, make_server

from encompass.domain.access import StaffRole
from encompass.web.access_rules import open_to_all
from encompass.web.app import create_app
from encompass.wiring import Encompass
from sandbox.world import neighbour
from tests.cluster import FORCE, Cluster
from tests.contents import contents, owner
from tests.sessions import staff_token
from tests.store.test_row_level_security import school_token, told_schools
from tests.web.crawl import READING, Crawl, Visitor

#: What a request may leave behind besides what it was for: that it was made.
TRACES = {"audit_event", "web_session", "page_pace"}


@dataclass(frozen=True)
class Scene:
    """A told installation, everybody who may come, and what belongs to whom."""

    encompass: Encompass
    visitors: dict[str, Visitor]
    mine: tuple[UUID, ...]
    secrets: frozenset[str]
    arguments: dict[str, tuple[str, ...]]


class _KeptAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


@contextmanager
def served(scene: Scene, app: Flask) -> Generator[Crawl]:
    """The pages on a port of their own, for sessions that are open already."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_KeptAlive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    identity = scene.encompass.settings.identity
    issuers = map(urlsplit, (identity.school.issuer, identity.staff.issuer))
    providers = frozenset(f"{u.scheme}://{u.netloc}" for u in issuers)
    try:
        yield Crawl(f"http://127.0.0.1:{server.port}", app, scene.arguments, scene.secrets, providers)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ids(encompass: Encompass, urn: int) -> tuple[UUID, ...]:
    """Every id of a school that a page might take: of its messages, its adults, itself."""
    with psycopg.connect(owner(encompass)) as connection:
        return tuple(
            row[0]
            for column, table in (
                ("notification_id", "notification"),
                ("key_adult_id", "key_adult"),
                ("recipient_id", "recipient"),
            )
            for row in connection.execute(
                f"SELECT {column} FROM encompass.{table} WHERE urn = %s ORDER BY 1 LIMIT 1", (urn,)
            )
        )


def unhurried(encompass: Encompass) -> Encompass:
    """The same, of which any number of requests a minute may be made."""
    pace = {"requests_per_minute": 10**6, "address_requests_per_minute": 10**6}
    web = encompass.settings.web.model_copy(update=pace)
    return replace(encompass, settings=encompass.settings.model_copy(update={"web": web}))


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Generator[Scene]:
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as opened:
        encompass = unhurried(opened)
        mine, other, *_ = told_schools(encompass)
        fellgate = neighbour(cluster.world)
        run = cluster.run(encompass)
        encompass.open_run(fellgate.staff[0].force, run.night, run.as_of)
        theirs = ids(encompass, other)
        visitors = {
            v.name: v
            for v in (
                Visitor("nobody", None, theirs),
                Visitor("a forged cookie", "x" * 43, theirs),
                Visitor("a school", school_token(encompass, mine), theirs),
                Visitor(
                    "a school before its second check",
                    school_token(encompass, mine, stepped_up=False),
                    theirs,
                ),
                Visitor("a leader", staff_token(encompass, FORCE, StaffRole.LEADER), theirs),
                Visitor("MASH", staff_token(encompass, FORCE, StaffRole.MASH), theirs),
                Visitor(
                    "a leader of elsewhere", staff_token(encompass, "fellgate", StaffRole.LEADER), theirs
                ),
            )
        }
        children = [
            c
            for e in cluster.world.expected()
            if mine not in e["urns"]
            for r in cluster.world.records
            if r["incident_reference"] == e["incident_reference"]
            for c in r["children"]
        ]
        own = [
            c["surname"]
            for e in cluster.world.expected()
            if mine in e["urns"]
            for r in cluster.world.records
            if r["incident_reference"] == e["incident_reference"]
            for c in r["children"]
        ]
        secrets = {c["voice"] for c in children if c["voice"]} | {c["surname"] for c in children} - set(own)
        arguments = {
            "night": (str(cluster.world.night), "2020-01-01"),
            "force_id": (FORCE, "fellgate", "nowhere"),
            "audience": ("school", "staff", "nobody"),
            "code": ("cy", "en", "xx"),
            "filename": ("encompass.css", "../app.py", "nothing.css"),
        }
        yield Scene(encompass, visitors, ids(encompass, mine), frozenset(secrets), arguments)


@pytest.fixture(scope="module")
def crawl(scene: Scene) -> Generator[Crawl]:
    with served(scene, create_app(scene.encompass)) as crawl:
        yield crawl


WHO = (
    "nobody",
    "a forged cookie",
    "a school",
    "a school before its second check",
    "a leader",
    "MASH",
    "a leader of elsewhere",
)


@pytest.mark.parametrize("who", WHO)
def test_reading_by_other_peoples_ids_shows_nothing_and_changes_nothing(
    scene: Scene, crawl: Crawl, who: str
) -> None:
    before = contents(scene.encompass)
    assert crawl.read(scene.visitors[who]) == []
    assert changed(before, contents(scene.encompass)) <= TRACES


def test_a_scanner_that_follows_every_address_of_the_school_itself_changes_nothing(
    scene: Scene, crawl: Crawl
) -> None:
    school = scene.visitors["a school"]
    before, asked = contents(scene.encompass), crawl.asked
    opened = 0
    for rule in crawl.routes():
        for path in crawl.paths(rule, "GET", scene.mine):
            for verb in READING:
                answer = crawl.ask(school, verb, path)
                assert crawl.faults(school, verb, path, answer) == []
                opened += answer.status == 200 and path.endswith("/content")
    assert opened > 0
    assert crawl.asked > asked
    assert changed(before, contents(scene.encompass)) <= TRACES


@pytest.mark.parametrize("who", WHO)
def test_writing_by_other_peoples_ids_changes_nothing(scene: Scene, crawl: Crawl, who: str) -> None:
    before = contents(scene.encompass)
    assert crawl.write(scene.visitors[who]) == []
    assert changed(before, contents(scene.encompass)) <= TRACES


def test_a_form_sent_from_elsewhere_changes_nothing(scene: Scene, crawl: Crawl) -> None:
    before = contents(scene.encompass)
    assert crawl.forge(scene.visitors["a school"], scene.mine) == []
    assert changed(before, contents(scene.encompass)) <= TRACES


def without_guard(app: Flask) -> None:
    app.before_request_funcs.clear()


def without_token(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False


def without_headers(app: Flask) -> None:
    app.after_request_funcs.clear()


def open_redirect(app: Flask) -> None:
    app.add_url_rule("/gone", "gone", open_to_all(lambda: redirect("https://evil.example/")))


def a_fault(app: Flask) -> None:
    app.add_url_rule("/broken", "broken", open_to_all(lambda: str(1 // 0)))


@pytest.mark.parametrize("removed", [without_guard, without_token, without_headers, open_redirect, a_fault])
def test_the_crawl_finds_a_control_that_was_removed(scene: Scene, removed: Callable[[Flask], None]) -> None:
    app = create_app(scene.encompass)
    removed(app)
    school = scene.visitors["a school"]
    with served(scene, app) as crawl:
        assert crawl.read(scene.visitors["nobody"]) + crawl.forge(school, ()) != []


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The tables that hold something else now."""
    return {name for name in before | after if before.get(name) != after.get(name)}
