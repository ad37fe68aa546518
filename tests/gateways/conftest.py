"""Real servers that misbehave, on loopback."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest
from flask import Flask
from werkzeug.serving import make_server

Serve = Callable[[Flask], str]


@pytest.fixture
def serve() -> Generator[Serve]:
    """Serves a Flask application; its base URL."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with ExitStack() as stack:

        def start(app: Flask) -> str:
            server = make_server("127.0.0.1", 0, app, threaded=True)
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            )
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.port}"

        yield start
