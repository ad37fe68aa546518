"""One attempt to reach one person by one channel: content-free, so safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from encompass.domain.transitions import check_move


class Channel(StrEnum):
    """How a nudge travels."""

    EMAIL = "email"


class Rung(StrEnum):
    """On which rung of the ladder a nudge is sent: at first, a second time, or before the first day back."""

    FIRST = "first"
    SECOND = "second"
    REMINDER = "reminder"


class NudgeStatus(StrEnum):
    """The state of a nudge."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    CANCELLED = "cancelled"


_S = NudgeStatus
NUDGE_MOVES: Final[Mapping[NudgeStatus, frozenset[NudgeStatus]]] = {
    _S.QUEUED: frozenset({_S.SENDING, _S.CANCELLED}),
    _S.SENDING: frozenset({_S.ACCEPTED, _S.AMBIGUOUS, _S.FAILED, _S.QUEUED}),
    _S.AMBIGUOUS: frozenset({_S.ACCEPTED, _S.QUEUED}),
    _S.ACCEPTED: frozenset({_S.DELIVERED, _S.FAILED}),
    _S.DELIVERED: frozenset({_S.FAILED}),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


def move_nudge(current: NudgeStatus, wanted: NudgeStatus) -> NudgeStatus:
    """The wanted status, or IllegalMove."""
    return check_move("nudge", NUDGE_MOVES, current, wanted)
