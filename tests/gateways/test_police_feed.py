"""The feed over real HTTP: what is retried, what is refused, and what is never followed."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime

import pytest
from flask import Flask, Response, redirect, request

from encompass.formats.faults import BrokenFile
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.police_feed import FeedAddress, PoliceFeed
from tests.gateways.conftest import Serve

WINDOW = (datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
MANIFEST = {
    "contract_version": "1.0", "count": 0, "sha256": "0" * 64,
    "updated_from": "2026-03-09T00:00:00+00:00", "updated_to": "2026-03-10T00:00:00+00:00",
}  # fmt: skip
SECRET = "s3cret-of-the-feed"  # pragma: allowlist secret


def feed_at(url: str, **changes) -> PoliceFeed:
    return PoliceFeed(
        FeedAddress(url, ("encompass", SECRET), longest_seconds=3, timeout_seconds=0.5, **changes)
    )


def an_app(manifest=None, incidents=None, tokens: list[str] | None = None) -> Flask:
    app = Flask(__name__)
    app.calls = []

    @app.post("/oauth2/token")
    def token():
        app.calls.append("token")
        if request.authorization is None or request.authorization.password != SECRET:
            return {"error": "invalid_client"}, 401
        return {"access_token": (tokens or ["t"]).pop(0) if tokens else "t"}

    @app.get("/v1/manifest")
    def get_manifest():
        app.calls.append("manifest")
        return manifest(len(app.calls)) if manifest else MANIFEST

    @app.get("/v1/incidents")
    def get_incidents():
        app.calls.append(request.args.get("cursor", ""))
        return incidents(request.args.get("cursor")) if incidents else {"records": [], "next": None}

    return app


def test_a_server_that_comes_back_is_asked_again(serve: Serve) -> None:
    app = an_app(lambda calls: ("busy", 503) if calls < 4 else MANIFEST)
    assert feed_at(serve(app)).manifest(*WINDOW).count == 0
    assert app.calls.count("manifest") == 3


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_stays_away_is_unavailable(serve: Serve, status: int) -> None:
    with pytest.raises(Unavailable):
        feed_at(serve(an_app(lambda _: ("away", status))), attempts=2).manifest(*WINDOW)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_no_is_not_asked_again(serve: Serve, status: int) -> None:
    app = an_app(lambda _: ("no", status))
    with pytest.raises(Refused):
        feed_at(serve(app)).manifest(*WINDOW)
    assert app.calls.count("manifest") == 1


def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable):
        feed_at(f"http://127.0.0.1:{port}", attempts=2).manifest(*WINDOW)


def test_a_server_that_never_answers_is_given_up(serve: Serve) -> None:
    def sleepy(_: int):
        time.sleep(1.5)
        return MANIFEST

    started = time.monotonic()
    with pytest.raises(Unavailable):
        feed_at(serve(an_app(sleepy)), attempts=2).manifest(*WINDOW)
    assert time.monotonic() - started < 5


def test_a_wrong_secret_is_refused_and_never_named(serve: Serve) -> None:
    feed = PoliceFeed(FeedAddress(serve(an_app()), ("encompass", "wrong-secret-value")))
    with pytest.raises(Refused) as refused:
        feed.manifest(*WINDOW)
    assert "wrong-secret-value" not in str(refused.value)


def test_an_expired_token_is_renewed_once(serve: Serve) -> None:
    app = an_app(lambda calls: ("expired", 401) if calls < 3 else MANIFEST)
    assert feed_at(serve(app)).manifest(*WINDOW).count == 0
    assert app.calls == ["token", "manifest", "token", "manifest"]


def test_a_redirect_is_not_followed_with_the_token(serve: Serve) -> None:
    thief = an_app()
    elsewhere = serve(thief)
    app = an_app(lambda _: redirect(f"{elsewhere}/v1/manifest"))
    with pytest.raises(Refused):
        feed_at(serve(app)).manifest(*WINDOW)
    assert thief.calls == []


def test_a_cursor_that_repeats_is_refused(serve: Serve) -> None:
    app = an_app(incidents=lambda _: {"records": [], "next": "same"})
    with pytest.raises(Refused, match="cursor repeats"):
        list(feed_at(serve(app)).pages(*WINDOW))


def test_pages_are_followed_to_the_end(serve: Serve) -> None:
    following = {None: "2", "2": "3", "3": None}
    app = an_app(incidents=lambda cursor: {"records": [cursor], "next": following[cursor]})
    pages = list(feed_at(serve(app)).pages(*WINDOW))
    assert [[json.loads(r.raw) for r in p.refused] for p in pages] == [[None], ["2"], ["3"]]


def test_a_page_that_is_not_json_is_broken(serve: Serve) -> None:
    app = an_app(incidents=lambda _: Response("<html>sign in</html>"))
    with pytest.raises(BrokenFile):
        list(feed_at(serve(app)).pages(*WINDOW))


def test_a_byte_a_second_is_given_up(serve: Serve) -> None:
    def drip(_cursor: str | None) -> Response:
        def bytes_slowly():
            for _ in range(40):
                time.sleep(0.25)
                yield b" "

        return Response(bytes_slowly())

    began = time.monotonic()
    with pytest.raises(Unavailable, match="too_slow"):
        list(feed_at(serve(an_app(incidents=drip)), attempts=1, longest_answer=1).pages(*WINDOW))
    assert time.monotonic() - began < 8
