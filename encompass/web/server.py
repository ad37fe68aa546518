"""Gunicorn, holding the web application of one installation."""

from __future__ import annotations

import gc
from typing import Any, Final

from gunicorn.app.base import BaseApplication

from encompass.web.app import create_app
from encompass.web.paper import can_be_drawn
from encompass.wiring import Encompass

PROXY_KEEPS_S: Final = 75
"""Longer than a proxy keeps an idle connection (nginx: 60 s), so that it never sends into one that we have closed."""


class _Server(BaseApplication):
    def __init__(self, encompass: Encompass, options: dict[str, Any]) -> None:
        self._encompass, self._options = encompass, options
        super().__init__()  # pyright: ignore[reportUnknownMemberType]

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)  # pyright: ignore

    def load(self) -> Any:
        """The application, ready for its first visitor: its templates compiled, what draws a PDF loaded (a message asks
        whether it is there), and nothing of it ever garbage.
        """
        app = create_app(self._encompass)
        can_be_drawn()
        for name in app.jinja_env.list_templates(filter_func=lambda n: "/" not in n):
            app.jinja_env.get_template(name)
        gc.collect()
        gc.freeze()
        return app


def serve(encompass: Encompass, port: int, workers: int) -> None:
    """Serve on loopback until interrupted; each worker opens its own database connections."""
    _Server(
        encompass,
        {
            "bind": f"127.0.0.1:{port}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": 4,
            "keepalive": PROXY_KEEPS_S,
            "preload_app": False,
            "control_socket_disable": True,
            "accesslog": None,
            "loglevel": "warning",
            "graceful_timeout": 5,
        },
    ).run()  # pyright: ignore[reportUnknownMemberType]
