"""A school's own pages, as its lead, its deputy and another school's lead use them."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import requests
from sqlalchemy import text

from encompass.store.database import Role
from tests.cluster import Cluster
from tests.site import Site, serving

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class OwnPages:
    """One served installation, and who is signed in."""

    site: Site
    urn: int
    lead: requests.Session
    deputy: requests.Session
    stranger: requests.Session

    def get(self, path: str, who: requests.Session | None = None, status: int = 200) -> str:
        """A page, of the lead unless somebody else is named."""
        answer = (who or self.lead).get(self.site.web + path, allow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.text

    def post(
        self, path: str, fields: dict[str, str], who: requests.Session | None = None, *, status: int = 303
    ) -> str:
        """What a form sent with its token gets; after a redirect, the page that it leads to."""
        session = who or self.lead
        found = CSRF.search(self.get("/inbox", session))
        assert found
        given = {"csrf_token": found.group(1), **fields}
        answer = session.post(self.site.web + path, given, allow_redirects=False)
        assert answer.status_code == status, (path, answer.status_code)
        return session.get(self.site.web + answer.headers["Location"]).text if status == 303 else answer.text

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Rows, as the owner."""
        with self.site.encompass.database.engine(Role.OWNER).begin() as connection:
            found = connection.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    def audited(self, *actions: str) -> list[str]:
        """Which of these actions of Key Adults were audited, in their order."""
        rows = self.sql(
            "SELECT action FROM encompass.audit_event WHERE actor_kind = 'key_adult' AND action = ANY (:actions) "
            "ORDER BY event_id",
            actions=list(actions),
        )
        return [action for (action,) in rows]

    @property
    def today(self) -> date:
        """The day of the small night's morning."""
        return self.site.cluster.world.night


def day_fields(name: str, day: date) -> dict[str, str]:
    """A date as the three fields of a form."""
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


@contextmanager
def own_pages(cluster: Cluster) -> Generator[OwnPages]:
    """The small night's pages with two people of one school and one of another signed in."""
    with (
        cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass,
        serving(cluster, encompass) as site,
    ):
        urn, other, *_ = site.told()
        people = (site.signed_in(urn)[0], site.signed_in(urn, "deputy")[0], site.signed_in(other)[0])
        yield OwnPages(site, urn, *people)
