"""How fast a provider may be used: a token bucket that several threads draw from."""

from __future__ import annotations

import math
import threading
import time
from typing import Final

MINUTE: Final = 60.0


class Pace:
    """Sends spread so that a limit of messages a minute holds, with a burst of a third of a minute at first.

    Source: GOV.UK Notify's own limit, a bucket of a third of a minute's messages and one more, at most 1,001.
    """

    def __init__(self, per_minute: int) -> None:
        self._a_second = per_minute / MINUTE
        self._most = float(min(math.ceil(per_minute / 3), 1000))
        self._tokens, self._at = self._most, time.monotonic()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take the next turn; how many seconds until it comes."""
        with self._lock:
            self._refill()
            self._tokens -= 1
            return max(-self._tokens / self._a_second, 0.0)

    def give_back(self) -> None:
        """A turn that was not used."""
        with self._lock:
            self._tokens += 1

    def pause(self, seconds: float) -> None:
        """The provider said to come back later: no turn comes before that."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 1 - seconds * self._a_second)

    def _refill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self._a_second, self._most)
        self._at = now
