"""One GET, retried: what may come again later, and what never will."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_exponential_jitter
from urllib3.exceptions import HTTPError

from encompass.gateways.failures import Refused, Unavailable

LARGEST: Final = 256 << 20
CHUNK: Final = 1 << 16
LONGEST_WAIT: Final = 30.0
JITTERED: Final = wait_exponential_jitter(initial=0.2, max=5)
AGAIN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


@dataclass(frozen=True)
class Patience:
    """How often to ask, how long to wait for a word, and how long for a whole answer (seconds)."""

    attempts: int = 4
    timeout: float = 10.0
    longest_answer: float = 120.0
    longest: float = 180.0


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    body: bytes
    headers: Mapping[str, str]


class Busy(Unavailable):
    """The other side said when to come back (seconds)."""

    def __init__(self, path: str, after: float) -> None:
        super().__init__(path)
        self.after = after


def get(
    session: requests.Session, url: str, path: str, headers: Mapping[str, str], patience: Patience
) -> Answer:
    """The answer to a GET. `path` is what a failure is told by, without a query.

    An answer that comes a byte at a time ends after `longest_answer`. Raises Unavailable or Refused.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_attempt(patience.attempts) | stop_after_delay(patience.longest),
        wait=_wait,
        reraise=True,
    )
    return retrying(_get_once, session, url, path, headers, patience)


def _get_once(
    session: requests.Session, url: str, path: str, headers: Mapping[str, str], patience: Patience
) -> Answer:
    try:
        with session.get(
            url, headers=headers, timeout=patience.timeout, allow_redirects=False, stream=True
        ) as answer:
            check(path, answer)
            return Answer(read_body(path, answer, patience.longest_answer), answer.headers)
    except (requests.RequestException, HTTPError):
        raise Unavailable(path) from None


def check(path: str, answer: requests.Response) -> None:
    """Raises Busy, Unavailable or Refused unless the answer is 200."""
    status = answer.status_code
    if status in AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        after = answer.headers.get("Retry-After", "")
        if after.isdigit():
            raise Busy(f"{path}: {status}", float(after))
        raise Unavailable(f"{path}: {status}")
    if status != HTTPStatus.OK:
        raise Refused(f"{path}: {status}")


def read_body(path: str, answer: requests.Response, longest_answer: float) -> bytes:
    """The whole body, if it comes whole and in time. Raises Unavailable or Refused."""
    until = time.monotonic() + longest_answer
    body = bytearray()
    while chunk := answer.raw.read1(CHUNK, decode_content=True):  # what has come, without waiting for more
        body += chunk
        if len(body) > LARGEST:
            raise Refused(f"{path}: too_large")
        if time.monotonic() > until:
            raise Unavailable(f"{path}: too_slow")
    announced = answer.headers.get("Content-Length", "")
    if announced.isdigit() and "Content-Encoding" not in answer.headers and int(announced) != len(body):
        raise Unavailable(f"{path}: half_an_answer")
    return bytes(body)


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, Busy):
        return min(failure.after, LONGEST_WAIT)
    return JITTERED(state)
