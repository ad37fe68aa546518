"""Registers over real HTTP: a file that is not the one announced is refused whole."""

from __future__ import annotations

import hashlib

import pytest
from flask import Flask, Response

from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.roll_feed import RegistersAddress, RollFeed
from tests.gateways.conftest import Serve


def served(serve: Serve, answer) -> RollFeed:
    app = Flask(__name__)
    app.add_url_rule("/rolls/<la>/pupils.csv", "roll", answer)
    return RollFeed(RegistersAddress(serve(app), "token", attempts=2, timeout_seconds=1))


def test_the_file_with_its_hash_is_taken(serve: Serve) -> None:
    headers = {"X-Content-SHA256": hashlib.sha256(b"212").hexdigest()}
    assert served(serve, lambda la: Response(la, headers=headers)).roll("212") == b"212"


@pytest.mark.parametrize("headers", [{}, {"X-Content-SHA256": "0" * 64}])
def test_a_cut_or_changed_file_is_refused(serve: Serve, headers: dict[str, str]) -> None:
    with pytest.raises(Refused, match="hash_mismatch"):
        served(serve, lambda la: Response("half of it", headers=headers)).roll("212")


@pytest.mark.parametrize(
    ("status", "fault"), [(404, Refused), (401, Refused), (302, Refused), (503, Unavailable)]
)
def test_statuses_are_sorted(serve: Serve, status: int, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        served(serve, lambda la: Response("", status)).roll("212")
