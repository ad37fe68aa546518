"""One browser and one told night for all that is looked at in it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import time
from uuid import UUID

import pytest
from flask import template_rendered
from playwright.sync_api import Browser, sync_playwright

from encompass.pipeline.recall_notification import confirm_recall, propose_recall
from encompass.store.database import Role
from tests.browser.looking import Glass
from tests.cluster import FORCE, Cluster
from tests.pipeline.told import Told
from tests.site import Site, serving


@pytest.fixture(scope="session")
def browser(chromium: str) -> Generator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Generator[Site]:
    """The small night told, then added to at one school, corrected at another, withdrawn and recalled at others."""
    with cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass:
        told = Told(encompass, cluster)
        recalled = told.only(told.expected("family", 0)["urns"][0], "released")
        changes = {"voice": "I hid with my rabbit until it was quiet.", "spoken_to": True}
        with (
            told.second(told.expected("on_roll", 1), time(6, 10)),
            told.recorded(told.expected("on_roll", 2), time(6, 10), child=changes),
            told.recorded(told.expected("dual"), time(6, 10), status="retracted"),
        ):
            told.run(time(6, 30))
        recall(told, recalled)
        with serving(cluster, encompass) as served:
            yield served


def recall(told: Told, notification_id: UUID) -> None:
    """Two people take a message back."""
    encompass = told.encompass
    engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(FORCE)
    run = told.cluster.run(encompass, time(7, 0))
    why = "the child left this school in January"
    propose_recall(engine, encompass.ring, run, notification_id, None, "PC 1234", why)
    confirm_recall(engine, encompass.ring, rules, run, notification_id, "Sgt 55")


@pytest.fixture(scope="module")
def seen() -> Generator[set[str]]:
    """The templates that were drawn while the file's tests ran."""
    names: set[str] = set()

    def note(_: object, template: object, **__: object) -> None:
        names.add(str(getattr(template, "name", "")))

    with template_rendered.connected_to(note):
        yield names


@pytest.fixture(scope="module")
def glass(browser: Browser, site: Site, seen: set[str]) -> Generator[Glass]:
    """Where each state of a page is looked at."""
    opened = Glass(browser, site.web)
    yield opened
    opened.page.context.close()
