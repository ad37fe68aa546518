"""What one recipient may read about one child, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from encompass.domain.attestation import OwnReminders
from encompass.domain.support import NOTHING_YET, SupportSoFar
from encompass.domain.telling import Advice, Line
from encompass.domain.transitions import check_move


class NotificationStatus(StrEnum):
    """The state of a notification."""

    HELD = "held"
    RELEASED = "released"
    ACKNOWLEDGED = "acknowledged"
    NOT_OUR_PUPIL = "not_our_pupil"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"
    CANCELLED = "cancelled"


_S = NotificationStatus
NOTIFICATION_MOVES: Final[Mapping[NotificationStatus, frozenset[NotificationStatus]]] = {
    _S.HELD: frozenset({_S.RELEASED, _S.CANCELLED}),
    _S.RELEASED: frozenset(
        {_S.HELD, _S.ACKNOWLEDGED, _S.NOT_OUR_PUPIL, _S.WITHDRAWN, _S.SUPERSEDED, _S.RECALLED}
    ),
    _S.ACKNOWLEDGED: frozenset({_S.NOT_OUR_PUPIL, _S.WITHDRAWN, _S.SUPERSEDED, _S.RECALLED}),
    _S.NOT_OUR_PUPIL: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.RECALLED: frozenset(),
    _S.CANCELLED: frozenset(),
}


class Called(StrEnum):
    """Who is telephoned about a notification: a Key Adult first, then who answers for the recipient."""

    KEY_ADULT = "key_adult"
    HEAD = "head"
    CHAIR = "chair"
    LA = "la"


class CallOutcome(StrEnum):
    """What came of a telephone call. TOLD: somebody who is on no register was told, or anybody of a recall."""

    ACKNOWLEDGED = "acknowledged"
    TOLD = "told"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    CALL_BACK = "call_back"


READABLE: Final[frozenset[NotificationStatus]] = frozenset({_S.RELEASED, _S.ACKNOWLEDGED})
"""The statuses in which its school may read a notification."""


class Reading(StrEnum):
    """How a Key Adult takes in a notification, each the audit event that it leaves."""

    VIEWED = "notification_viewed"
    PRINTED = "notification_printed"
    EXPORTED = "notification_exported"


class PartEnd(StrEnum):
    """Why a part of a notification is no longer told in it."""

    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"
    NOT_OURS = "not_ours"
    CANCELLED = "cancelled"


class NoticeKind(StrEnum):
    """What a school is told of a message that it can no longer open."""

    WITHDRAWN = "withdrawn"
    PART_WITHDRAWN = "part_withdrawn"
    RECALLED = "recalled"
    PART_RECALLED = "part_recalled"


def ended_by(current: NotificationStatus, end: PartEnd) -> NotificationStatus:
    """What becomes of a notification whose last part ends so: one that nobody could read is only cancelled."""
    if current is _S.HELD:
        return _S.CANCELLED
    if current not in READABLE:
        return current
    return {
        PartEnd.WITHDRAWN: _S.WITHDRAWN,
        PartEnd.SUPERSEDED: _S.SUPERSEDED,
        PartEnd.RECALLED: _S.RECALLED,
        PartEnd.NOT_OURS: _S.NOT_OUR_PUPIL,
        PartEnd.CANCELLED: _S.CANCELLED,
    }[end]


def move_notification(current: NotificationStatus, wanted: NotificationStatus) -> NotificationStatus:
    """The wanted status, or IllegalMove."""
    return check_move("notification", NOTIFICATION_MOVES, current, wanted)


@dataclass(frozen=True)
class NotificationPart:
    """What a school reads of one incident, as written when it was prepared.

    `changed` are the headings of what a correction changed since an earlier message.
    """

    occurred_from: datetime
    told: tuple[Line, ...] = field(repr=False)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotifiedChild:
    """Who the notification is about, as the school knows the child from its roll."""

    forename: str = field(repr=False)
    surname: str = field(repr=False)
    date_of_birth: date | None = field(repr=False)
    year_group: str | None

    @property
    def initials(self) -> str:
        """First letters of forename and surname, for a list that a passer-by might see."""
        return f"{self.forename[:1]}{self.surname[:1]}".upper()


@dataclass(frozen=True)
class InboxEntry:
    """One line of a school's inbox: enough to choose, too little to identify."""

    notification_id: UUID
    initials: str = field(repr=False)
    year_group: str | None
    status: NotificationStatus
    released_at: datetime
    duty_by: datetime
    acknowledged_at: datetime | None
    incidents: frozenset[UUID] = frozenset()
    replaces: bool = False
    has_support: bool = False


@dataclass(frozen=True)
class NoticeAbout:
    """What a notice says of the child and the message, and no more."""

    initials: str = field(repr=False)
    year_group: str | None
    released_at: datetime


@dataclass(frozen=True)
class Notice:
    """A message was withdrawn or recalled: what its school may still read of it."""

    notification_id: UUID
    kind: NoticeKind
    about: NoticeAbout
    written_at: datetime


@dataclass(frozen=True)
class Inbox:
    """A page of what a school may read: messages, and on the first page notices of those that it can no longer open.

    `waiting` counts all that wait to be acknowledged, on whatever page; `goes_on` says whether another page follows;
    `own` is what the school is reminded of about itself.
    """

    entries: tuple[InboxEntry, ...]
    notices: tuple[Notice, ...]
    waiting: int
    goes_on: bool
    own: OwnReminders


@dataclass(frozen=True)
class NotificationPage:
    """One notification opened by a Key Adult of its school.

    `support` is what was recorded afterwards; `earlier` are the others about this child that the viewer may open, the
    newest first.
    """

    notification_id: UUID
    status: NotificationStatus
    child: NotifiedChild
    parts: tuple[NotificationPart, ...]
    released_at: datetime
    duty_by: datetime
    acknowledged_at: datetime | None
    adds_to: UUID | None
    replaces: bool
    advice: Advice
    notices: tuple[Notice, ...]
    support: SupportSoFar = NOTHING_YET
    earlier: tuple[InboxEntry, ...] = ()
