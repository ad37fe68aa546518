"""A hold: why a notification waits, whom it waits for, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID


class HoldKind(StrEnum):
    """Why nobody at the school may read it yet."""

    POLICE = "police"
    CONTENT = "content"
    CONFLICT = "conflict"
    SUSPECT = "suspect"
    RESTRICTED = "restricted"
    DISPUTED = "disputed"


class Scan(StrEnum):
    """What the text seems to give away."""

    ADDRESS = "address"
    POSTCODE = "postcode"
    TELEPHONE = "telephone"
    REFUGE = "refuge"
    OTHER_SCHOOL = "other_school"
    OTHER_CHILD = "other_child"


@dataclass(frozen=True)
class Hit:
    """One place where a text seems to give something away: in which field, and the words."""

    scan: Scan
    name: str
    words: str = field(repr=False)


@dataclass(frozen=True)
class Hold:
    """Why one notification waits: police ask it, or a person has to look first.

    Past `until` a police hold ends by itself, through the release checks; any other goes on waiting, overdue.
    """

    reason: str = field(repr=False)
    owner: str = field(repr=False)
    until: datetime
    kinds: tuple[HoldKind, ...] = (HoldKind.POLICE,)
    hits: tuple[Hit, ...] = field(default=(), repr=False)

    @property
    def ends_by_itself(self) -> bool:
        """Whether its expiry is enough, with no person deciding."""
        return self.kinds == (HoldKind.POLICE,)


OWNER: Final = "MASH"
REPORT_WITHIN: Final = timedelta(hours=72)
"""Within what time of knowing a breach is reported. Source: UK GDPR Art. 33(1)."""


def joined(holds: Iterable[Hold]) -> Hold | None:
    """One hold of several: every kind, reason and hit once, and the latest expiry; None of none."""
    every = list(holds)
    if not every:
        return None
    kinds = {k for h in every for k in h.kinds}
    return Hold(
        "; ".join(dict.fromkeys(h.reason for h in every)),
        "; ".join(dict.fromkeys(h.owner for h in every)),
        max(h.until for h in every),
        tuple(k for k in HoldKind if k in kinds),
        tuple(dict.fromkeys(hit for h in every for hit in h.hits)),
    )


def needs_two(kinds: Iterable[HoldKind], two_people_for: frozenset[str], outcome: str) -> bool:
    """Whether a second person confirms: by the force's profile, and always where a school would never be told."""
    return outcome == "cancelled" or any(kind.value in two_people_for for kind in kinds)


@dataclass(frozen=True)
class HeldNotification:
    """One notification that waits for a person, its recipient by code.

    `proposed` is an outcome that a second person has still to confirm.
    """

    notification_id: UUID
    recipient: str
    kinds: tuple[HoldKind, ...]
    until: datetime
    duty_by: datetime
    prepared_at: datetime
    proposed: str | None
