"""The police force's incident feed over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

import requests
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from encompass.formats.police_contract import NEUTRAL, Manifest, Page, Shape, read_manifest, read_records
from encompass.gateways.failures import Refused, Unavailable

RETRIED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


@dataclass(frozen=True)
class FeedAddress:
    """Where the feed is and how we are known to it."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    page_size: int = 50
    timeout_seconds: float = 10.0
    attempts: int = 4
    longest_seconds: float = 20.0
    shape: Shape = NEUTRAL


class PoliceFeed:
    """One force's feed: a manifest and the pages of a window of update times."""

    def __init__(self, address: FeedAddress) -> None:
        self._address = address
        self._session = requests.Session()
        self._token: str | None = None

    def manifest(self, updated_from: datetime, updated_to: datetime) -> Manifest:
        """What the window holds. Raises Unavailable, Refused or BrokenFile."""
        return read_manifest(self._get("/v1/manifest", _window(updated_from, updated_to)))

    def pages(self, updated_from: datetime, updated_to: datetime) -> Iterator[Page]:
        """Each page of the window. Raises Unavailable, Refused (a cursor repeats) or BrokenFile."""
        query = {**_window(updated_from, updated_to), "page_size": str(self._address.page_size)}
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            raw = self._get("/v1/incidents", query if cursor is None else {**query, "cursor": cursor})
            page = read_records(raw, self._address.shape)
            yield page
            cursor = page.next
            if cursor is None:
                return
            if cursor in seen:
                raise Refused("/v1/incidents: the cursor repeats")
            seen.add(cursor)

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        for attempt in self._retrying():
            with attempt:
                return self._get_once(path, query)
        raise Unavailable(path)

    def _get_once(self, path: str, query: Mapping[str, str]) -> bytes:
        answer = self._authorised(path, query)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._token = None
            answer = self._authorised(path, query)
        return _checked(path, answer)

    def _authorised(self, path: str, query: Mapping[str, str]) -> requests.Response:
        if self._token is None:
            self._token = self._new_token()
        return self._call("GET", path, params=query, headers={"Authorization": f"Bearer {self._token}"})

    def _new_token(self) -> str:
        path = "/oauth2/token"
        who = (self._address.client_id, self._address.client_secret)
        answer = self._call("POST", path, data={"grant_type": "client_credentials"}, auth=who)
        raw = _checked(path, answer)
        try:
            token = answer.json()["access_token"]
        except (ValueError, KeyError, TypeError):
            token = None
        if not raw or not isinstance(token, str):
            raise Refused(f"{path}: no token in the answer")
        return token

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._address.base_url + path,
                params=params,
                headers=headers,
                data=data,
                auth=auth,
                timeout=self._address.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException:
            raise Unavailable(path) from None

    def _retrying(self) -> Retrying:
        a = self._address
        return Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(a.attempts) | stop_after_delay(a.longest_seconds),
            wait=wait_exponential_jitter(initial=0.2, max=5),
            reraise=True,
        )


def _window(updated_from: datetime, updated_to: datetime) -> dict[str, str]:
    return {"updated_from": updated_from.isoformat(), "updated_to": updated_to.isoformat()}


def _checked(path: str, answer: requests.Response) -> bytes:
    status = answer.status_code
    if status in RETRIED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"{path}: {status}")
    if status != HTTPStatus.OK:
        raise Refused(f"{path}: {status}")
    return answer.content
