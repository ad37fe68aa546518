"""The benches of sending, of a night's feed and of load still run, and measure what they say."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from bench.feed_to_queued import measure as queue_feed
from bench.pages_load import Ask, run_load, share
from bench.sending import measure


def test_a_few_duties_are_sent_once_each() -> None:
    sent = measure(20, 8)
    assert (sent.duties, sent.messages, sent.doubled) == (20, 16, 0)


def test_a_few_children_come_from_the_feed_to_queued_nudges() -> None:
    """On one machine, in one run: how long it takes is for the bench, that it went through is for here."""
    queued = queue_feed(2_000, 40)
    assert queued.children == 40
    assert 20 < queued.duties <= 40
    assert 0 < queued.nudges <= queued.duties * 2
    assert queued.ratio > 1


class _Slow(BaseHTTPRequestHandler):
    """One request at a time, a tenth of a second each."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        time.sleep(0.1)
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """An access log would be noise."""


def test_a_server_that_falls_behind_cannot_hide_it_from_the_load() -> None:
    """Ten requests due within a tenth of a second, one after another answered: the last waited for all before it."""
    with HTTPServer(("127.0.0.1", 0), _Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asks = [Ask("bare", i / 100, "/health" if i else "/broken", "") for i in range(10)]
        taken = run_load(f"http://127.0.0.1:{server.server_port}", asks)
        server.shutdown()
    assert dict(taken.errors) == {"bare: 500": 1}
    assert len(taken.all()) == 10
    assert taken.all()[-1] > 0.8
    assert share(taken.all(), 0.5) > 0.4
