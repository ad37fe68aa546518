"""Wonde's API: a school's students, all of them or those changed, and those deleted since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import requests

from encompass.formats.wonde import collected, next_of
from encompass.gateways.failures import Refused
from encompass.gateways.http_get import Patience, get

INCLUDED: Final = "education_details,extended_details,contact_details"
PER_PAGE: Final = 200
MOST_PAGES: Final = 500
PATIENT: Final = Patience(attempts=6)


@dataclass(frozen=True)
class WondeAddress:
    """Where the API is and the token that opens it."""

    base_url: str
    token: str = field(repr=False)
    patience: Patience = PATIENT


class Wonde:
    """One installation's access to the schools that have approved it."""

    def __init__(self, address: WondeAddress) -> None:
        self._address = address
        self._session = requests.Session()

    def students(self, school_id: str, since: datetime | None) -> bytes:
        """The school's students as `encompass.formats.wonde.read_collected` reads them: all, or what changed since.

        Raises Unavailable, Refused or BrokenFile.
        """
        asked = {"include": INCLUDED, "per_page": str(PER_PAGE)}
        if since is None:
            return collected(self._pages(f"/v1.0/schools/{school_id}/students", asked), (), is_whole=True)
        after = {"updated_after": since.strftime("%Y-%m-%d %H:%M:%S"), "per_page": str(PER_PAGE)}
        changed = self._pages(f"/v1.0/schools/{school_id}/students", {**asked, **after})
        deleted = self._pages(f"/v1.0/schools/{school_id}/deletions", {**after, "type": "student"})
        return collected(list(changed), list(deleted), is_whole=False)

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[bytes]:
        url: str | None = f"{self._address.base_url}{path}?{urlencode(query)}"
        for _ in range(MOST_PAGES):
            raw = get(self._session, url, path, self._headers, self._address.patience).body
            yield raw
            url = next_of(raw)
            if url is None:
                return
            self._check_ours(url, path)
        raise Refused(f"{path}: too_many_pages")

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._address.token}"}

    def _check_ours(self, url: str, path: str) -> None:
        """The token goes to nobody else, whatever a page says is next."""
        if urlsplit(url)[:2] != urlsplit(self._address.base_url)[:2]:
            raise Refused(f"{path}: next_is_elsewhere")
