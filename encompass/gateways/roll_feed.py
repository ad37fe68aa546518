"""The partnership's registers over HTTP: schools, rolls, Key Adults, closed days."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from encompass.gateways.failures import Refused, Unavailable

LARGEST: Final = 64 * 1024 * 1024
CHUNK: Final = 1024 * 1024


@dataclass(frozen=True)
class RegistersAddress:
    """Where the registers are and the token that opens them."""

    base_url: str
    token: str = field(repr=False)
    timeout_seconds: float = 30.0
    attempts: int = 3


class RollFeed:
    """Each register as one file, checked against the hash that it is served with."""

    def __init__(self, address: RegistersAddress) -> None:
        self._address = address
        self._session = requests.Session()

    def schools(self) -> bytes:
        """The GIAS extract. Raises Unavailable or Refused, as do all of these."""
        return self._get("/gias/edubasealldata.csv")

    def roll(self, la_code: str) -> bytes:
        """A local authority's roll export."""
        return self._get(f"/rolls/{la_code}/pupils.csv")

    def key_adults(self) -> bytes:
        """The Key Adult register."""
        return self._get("/key-adults.csv")

    def school_days(self) -> bytes:
        """The closed days."""
        return self._get("/school-days.csv")

    def _get(self, path: str) -> bytes:
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(self._address.attempts),
            wait=wait_exponential_jitter(initial=0.2, max=5),
            reraise=True,
        )
        return retrying(self._get_once, path)

    def _get_once(self, path: str) -> bytes:
        try:
            with self._session.get(
                self._address.base_url + path,
                headers={"Authorization": f"Bearer {self._address.token}"},
                timeout=self._address.timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status = answer.status_code
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise Unavailable(f"{path}: {status}")
                if status != HTTPStatus.OK:
                    raise Refused(f"{path}: {status}")
                return _read(path, answer)
        except requests.RequestException:
            raise Unavailable(path) from None


def _read(path: str, answer: requests.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(CHUNK):
        body += chunk
        if len(body) > LARGEST:
            raise Refused(f"{path}: too_large")
    if answer.headers.get("X-Content-SHA256") != hashlib.sha256(body).hexdigest():
        raise Refused(f"{path}: hash_mismatch")
    return bytes(body)
