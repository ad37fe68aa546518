"""Free ports on loopback, for servers that are told theirs before they listen."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Below those of outgoing connections (from 32768 on Linux), one of which would take a port before we listen."""


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class NoFreePort(Exception):
    """Every port that we may choose from is taken."""


def free_port(given: Collection[int] = ()) -> int:
    """A free port, by chance so that two who look at once find two, and none given out already. Raises NoFreePort."""
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        if port not in given and is_free(port):
            return port
    raise NoFreePort("no free port on 127.0.0.1")
