"""A second factor of our own: codes by time (RFC 6238), each good once, and wrong ones throttled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
MOST_WRONG: Final = 5
WITHIN: Final = timedelta(minutes=15)
LOCKED_FOR: Final = timedelta(minutes=15)


class FactorKind(StrEnum):
    """What a second factor is. Passkeys will be another."""

    TOTP = "totp"


class CodeFault(StrEnum):
    """Why a code did not count."""

    WRONG = "wrong"
    USED = "used"
    LOCKED = "locked"
    ENDED = "ended"


@dataclass(frozen=True)
class WrongCodes:
    """A person's wrong codes of late, over all sessions."""

    count: int = 0
    since: datetime | None = None
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Whether no code counts just now, not even the right one."""
        return self.locked_until is not None and self.locked_until > now

    def again(self, now: datetime) -> WrongCodes:
        """One more: the fifth within fifteen minutes locks for fifteen."""
        is_recent = self.since is not None and now - self.since < WITHIN
        count, since = (self.count + 1, self.since) if is_recent else (1, now)
        if count >= MOST_WRONG:
            return WrongCodes(locked_until=now + LOCKED_FOR)
        return WrongCodes(count, since)


@dataclass(frozen=True)
class Enrolment:
    """The key that a person puts into an authenticator, once: base32, and the same as an otpauth address."""

    key: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True)
class SteppedUp:
    """The code counted: the session goes on under a new token, and the old one is dead."""

    session_token: str = field(repr=False)


@dataclass(frozen=True)
class CodeRefused:
    """The code did not count, and for how many minutes none will."""

    fault: CodeFault
    minutes: int = 0


def steps_around(now: datetime) -> tuple[int, ...]:
    """The time steps whose codes may count: this one and one on either side, for a clock that is off."""
    step = int(now.timestamp()) // STEP_SECONDS
    return tuple(range(step - DRIFT_STEPS, step + DRIFT_STEPS + 1))


def judge(fits: Callable[[int], bool], last_step: int | None, now: datetime) -> int | CodeFault:
    """The step whose code this is, later than the last that was used; else the fault.

    `fits` says whether the code is that of a step; every step is tried, whichever fits, so that time tells nothing.
    """
    fitting = [step for step in steps_around(now) if fits(step)]
    fresh = [step for step in fitting if last_step is None or step > last_step]
    if fresh:
        return fresh[0]
    return CodeFault.USED if fitting else CodeFault.WRONG
