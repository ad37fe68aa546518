"""Registers over real HTTP: a file that is not the one announced is refused whole."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from flask import Flask, Response

from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.http_get import Patience
from encompass.gateways.roll_feed import RegistersAddress, RollFeed
from tests.gateways.conftest import Serve


def served(serve: Serve, answer) -> RollFeed:
    app = Flask(__name__)
    app.add_url_rule("/rolls/<la>/pupils.csv", "roll", answer)
    patience = Patience(attempts=2, timeout=1, longest_answer=2)
    return RollFeed(RegistersAddress(serve(app), "token", patience))


def test_the_file_with_its_hash_is_taken(serve: Serve) -> None:
    headers = {"X-Content-SHA256": hashlib.sha256(b"212").hexdigest()}
    assert served(serve, lambda la: Response(la, headers=headers)).file("/rolls/212/pupils.csv") == b"212"


@pytest.mark.parametrize("headers", [{}, {"X-Content-SHA256": "0" * 64}])
def test_a_cut_or_changed_file_is_refused(serve: Serve, headers: dict[str, str]) -> None:
    with pytest.raises(Refused, match="hash_mismatch"):
        served(serve, lambda la: Response("half of it", headers=headers)).file("/rolls/212/pupils.csv")


@pytest.mark.parametrize(
    ("status", "fault"), [(404, Refused), (401, Refused), (302, Refused), (503, Unavailable)]
)
def test_statuses_are_sorted(serve: Serve, status: int, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        served(serve, lambda la: Response("", status)).file("/rolls/212/pupils.csv")


def test_a_byte_a_second_and_half_an_answer_do_not_hold_the_night_up(serve: Serve) -> None:
    def slowly(la: str) -> Response:
        def drip():
            for _ in range(60):
                time.sleep(0.25)
                yield b"x"

        return Response(drip())

    began = time.monotonic()
    with pytest.raises(Unavailable, match="too_slow"):
        served(serve, slowly).file("/rolls/212/pupils.csv")
    assert time.monotonic() - began < 12
    with half_an_answer() as base, pytest.raises(Unavailable):
        RollFeed(RegistersAddress(base, "token", Patience(attempts=1, timeout=2))).file(
            "/rolls/212/pupils.csv"
        )


@contextmanager
def half_an_answer() -> Generator[str]:
    """A server that says five hundred bytes and sends four."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_who_says_when_to_come_back_is_asked_then(serve: Serve) -> None:
    asked: list[float] = []

    def busy(la: str) -> Response:
        asked.append(time.monotonic())
        if len(asked) == 1:
            return Response(status=429, headers={"Retry-After": "1"})
        return Response(la, headers={"X-Content-SHA256": hashlib.sha256(b"212").hexdigest()})

    assert served(serve, busy).file("/rolls/212/pupils.csv") == b"212"
    assert asked[1] - asked[0] >= 1
