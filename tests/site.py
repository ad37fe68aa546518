"""The pages over real HTTP, on the address that the identity provider sends browsers back to."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from werkzeug.serving import make_server

from encompass.web.app import create_app
from encompass.wiring import Encompass
from sandbox.people import sign_in
from sandbox.world import Person
from tests.cluster import Cluster


@dataclass
class Site:
    """A served installation whose small night has been told to schools."""

    web: str
    encompass: Encompass
    cluster: Cluster
    codes: dict[str, str]

    def lead_of(self, urn: int, role: str = "dsl") -> Person:
        """The school's designated safeguarding lead, or its deputy."""
        return next(p for p in self.cluster.world.people if p.urn == urn and p.role == role)

    def told(self) -> list[int]:
        """The schools that have something to read."""
        return sorted({u for e in self.cluster.world.expected() if not e["held"] for u in e["urns"]})

    def signed_in(self, urn: int, role: str = "dsl") -> tuple[requests.Session, str]:
        """A session of one school's lead, and the inbox."""
        person = self.lead_of(urn, role)
        return sign_in(
            self.web, "school", person.username, person.password, self.codes.get(person.key_adult_ref)
        )

    def as_staff(self, role: str) -> tuple[requests.Session, str]:
        """A session of the fictional leader or MASH officer, and the page arrived at."""
        person = next(p for p in self.cluster.world.staff if role in p.roles)
        return sign_in(self.web, "staff", person.username, person.password, None)


@contextmanager
def serving(cluster: Cluster, encompass: Encompass) -> Generator[Site]:
    """The installation's pages, served while inside."""
    codes = encompass.issue_binding_codes(cluster.force_id)
    port = urlsplit(cluster.web).port
    assert port is not None
    server = make_server("127.0.0.1", port, create_app(encompass), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Site(cluster.web, encompass, cluster, codes)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
