"""The partnership's registers over HTTP: a file each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

import requests

from encompass.gateways.failures import Refused
from encompass.gateways.http_get import Patience, get

PATIENT: Final = Patience(attempts=3, timeout=30.0)


@dataclass(frozen=True)
class RegistersAddress:
    """Where the registers are and the token that opens them."""

    base_url: str
    token: str = field(repr=False)
    patience: Patience = PATIENT


class RollFeed:
    """Each register as one file, checked against the hash that it is served with."""

    def __init__(self, address: RegistersAddress) -> None:
        self._address = address
        self._session = requests.Session()

    def file(self, path: str) -> bytes:
        """The file at a path. Raises Unavailable or Refused."""
        headers = {"Authorization": f"Bearer {self._address.token}"}
        answer = get(self._session, self._address.base_url + path, path, headers, self._address.patience)
        if answer.headers.get("X-Content-SHA256") != hashlib.sha256(answer.body).hexdigest():
            raise Refused(f"{path}: hash_mismatch")
        return answer.body
