"""One attempt to reach one person by one channel: content-free, so safe to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from encompass.domain.transitions import check_move


class Channel(StrEnum):
    """How a nudge travels."""

    EMAIL = "email"
    SMS = "sms"


class Rung(StrEnum):
    """Why a nudge is sent: at first, a second time, before the first day back; or beside the ladder.

    NOTICE: a message was withdrawn or recalled. REROUTE: somebody else at the school should not see it.
    CONTACT: to where somebody was reached before a change of the contact.
    """

    FIRST = "first"
    SECOND = "second"
    REMINDER = "reminder"
    NOTICE = "notice"
    REROUTE = "reroute"
    CONTACT = "contact"


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


@dataclass(frozen=True)
class SendingRules:
    """How the outbox is emptied: how many at once, how failures are waited out, when a channel rests.

    `attempts` failures park a nudge whose channel served others meanwhile; `opens_after` failures in a row let the
    whole channel rest for `rests_for`, after which one nudge tries it. An answer that says neither yes nor no is
    looked into after `asks_after`. A pass waits for what comes due within `waits_for`, and leaves the rest to the next.
    """

    workers: int = 8
    lease: timedelta = timedelta(seconds=60)
    first_wait: timedelta = timedelta(seconds=2)
    longest_wait: timedelta = timedelta(minutes=5)
    attempts: int = 5
    opens_after: int = 5
    rests_for: timedelta = timedelta(seconds=60)
    asks_after: timedelta = timedelta(seconds=3)
    waits_for: timedelta = timedelta(seconds=10)


def wait_before_retry(
    rules: SendingRules, strikes: int, asked: timedelta | None, left: timedelta | None
) -> timedelta:
    """How long until the next try: doubled each time, or as the provider asked, but not past the duty's deadline.

    `left` is the time to the deadline. Once that has gone by the nudge is late, and still tried: a person telephones
    meanwhile, and late is better than never.
    """
    doubled = min(rules.first_wait * 2 ** min(strikes, 16), rules.longest_wait)
    wanted = max(doubled, asked or doubled)
    if left is not None and left > timedelta(0):
        return min(wanted, left)
    return wanted


MOBILE: Final = re.compile(r"(?:\+44|0044|0)7[0-9]{9}")


def mobile_of(phone: str | None) -> str | None:
    """A United Kingdom mobile number without its spaces; None for any other telephone, which takes no text message.

    Source: Ofcom's National Telephone Numbering Plan, 07 followed by nine digits.
    """
    plain = re.sub(r"[ ()-]", "", phone or "")
    return plain if MOBILE.fullmatch(plain) else None
