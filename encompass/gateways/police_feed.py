"""The police force's incident feed over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import requests
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)
from urllib3.exceptions import HTTPError

from encompass.formats.police_contract import NEUTRAL, Manifest, Page, Shape, read_manifest, read_records
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.http_get import check, read_body


@dataclass(frozen=True)
class FeedAddress:
    """Where the feed is and how we are known to it: by client credentials, by a client certificate, or by both.

    `credentials` are the client's id and secret, `certificate` the files of the certificate and of its key, `ca_file`
    the authority of the feed's own certificate (none: the usual ones).
    """

    base_url: str
    credentials: tuple[str, str] | None = field(repr=False)
    certificate: tuple[str, str] | None = None
    ca_file: str | None = None
    page_size: int = 50
    timeout_seconds: float = 10.0
    attempts: int = 4
    longest_seconds: float = 20.0
    longest_answer: float = 60.0
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
        body = self._authorised(path, query)
        if body is None:
            self._token = None
            body = self._authorised(path, query)
        if body is None:
            raise Refused(f"{path}: {HTTPStatus.UNAUTHORIZED}")
        return body

    def _authorised(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """The answer; None when our token is not known."""
        if self._address.credentials is None:
            return self._call("GET", path, params=query)
        if self._token is None:
            self._token = self._new_token()
        return self._call("GET", path, params=query, headers={"Authorization": f"Bearer {self._token}"})

    def _new_token(self) -> str:
        path = "/oauth2/token"
        asked = {"grant_type": "client_credentials"}
        body = self._call("POST", path, data=asked, auth=self._address.credentials)
        try:
            token = json.loads(body or b"")["access_token"]
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
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
    ) -> bytes | None:
        """The body; None for 401. One that comes a byte at a time is given up. Raises Unavailable or Refused."""
        a = self._address
        try:
            with self._session.request(
                method,
                a.base_url + path,
                params=params,
                headers=headers,
                data=data,
                auth=auth,
                cert=a.certificate,
                verify=a.ca_file or True,
                timeout=a.timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code == HTTPStatus.UNAUTHORIZED:
                    return None
                check(path, answer)
                return read_body(path, answer, a.longest_answer)
        except (OSError, HTTPError):  # also requests' own, and a certificate that cannot be used
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
