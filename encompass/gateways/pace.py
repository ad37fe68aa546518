"""How fast a provider may be used: a token bucket that several threads, processes and forces draw from."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Final

from sqlalchemy import Engine

from encompass.store import pace

MINUTE: Final = 60.0
AT_A_TIME: Final = 20
"""How many turns a process takes from the shared bucket at once: what it leaves unused is lost to the others."""


def burst_of(per_minute: int) -> float:
    """How many may be sent at once after a rest.

    Source: GOV.UK Notify's own limit, a bucket of a third of a minute's messages and one more, at most 1,001.
    """
    return float(min(math.ceil(per_minute / 3), 1000))


class Pace:
    """One process's sends, spread so that a limit of messages a minute holds, with a burst at first."""

    def __init__(self, per_minute: int) -> None:
        self._a_second = per_minute / MINUTE
        self._most = burst_of(per_minute)
        self._tokens, self._at = self._most, time.monotonic()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take the next turn; how many seconds until it comes."""
        with self._lock:
            self._refill()
            self._tokens -= 1
            return max(-self._tokens / self._a_second, 0.0)

    def give_back(self, turn: float) -> None:
        """A turn, as `reserve` said it, that was not used."""
        del turn  # one is as good as another
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


class SharedPace:
    """The sends of every process and force by one account, whose bucket is in the database."""

    def __init__(self, engine: Engine, account_hash: bytes, per_minute: int) -> None:
        self._engine, self.account_hash = engine, account_hash
        self._a_second, self._most = per_minute / MINUTE, burst_of(per_minute)
        self._turns = deque[float]()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Take the next turn; how many seconds until it comes."""
        with self._lock:
            if not self._turns:
                self._take()
            return max(self._turns.popleft() - time.monotonic(), 0.0)

    def give_back(self, turn: float) -> None:
        """A turn, as `reserve` said it, that was not used."""
        with self._lock:
            self._turns.appendleft(time.monotonic() + turn)

    def pause(self, seconds: float) -> None:
        """The provider said to come back later: no turn comes before that, to anybody."""
        with self._lock:
            self._turns.clear()
            with self._engine.begin() as connection:
                pace.pause(connection, self.account_hash, a_second=self._a_second, seconds=seconds)

    def _take(self) -> None:
        turns = max(1, min(AT_A_TIME, int(self._most) // 4))
        with self._engine.begin() as connection:
            left = pace.take(
                connection, self.account_hash, a_second=self._a_second, most=self._most, turns=turns
            )
        now, had = time.monotonic(), left + turns
        self._turns.extend(now + max((n - had) / self._a_second, 0.0) for n in range(1, turns + 1))
