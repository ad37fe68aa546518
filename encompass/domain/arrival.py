"""How a force's feed arrived: each look at it, by which way, what came, and what did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Gap(StrEnum):
    """What is missing of a feed."""

    NOT_LOOKED_AT = "not_looked_at"
    NOTHING_CAME = "nothing_came"
    RECORDS_MISSING = "records_missing"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True)
class ManifestLedger:
    """What the feed announced, and where each announced record went."""

    announced: int | None
    accepted: int
    duplicate: int
    quarantined: int
    refused: int

    @property
    def accounted(self) -> int:
        """How many records went somewhere."""
        return self.accepted + self.duplicate + self.quarantined + self.refused

    @property
    def balances(self) -> bool:
        """Every announced record went somewhere. A feed that announced nothing at all does not balance."""
        return self.announced == self.accounted


@dataclass(frozen=True)
class FeedArrival:
    """One look at the feed, at a run's instant, by one way in.

    `newest_at` is how new the newest of it is. `complete` says that no alarm was raised of it; `made_good` that a
    later look of the night reached back as far and was complete.
    """

    way: str | None
    at: datetime
    newest_at: datetime | None
    records: ManifestLedger
    complete: bool
    made_good: bool

    @property
    def gap(self) -> Gap | None:
        """What is missing of it, and was not made good later."""
        if self.complete or self.made_good:
            return None
        if self.records.announced is None:
            return Gap.NOTHING_CAME
        return Gap.IN_DOUBT if self.records.balances else Gap.RECORDS_MISSING


def gaps_of(arrivals: Sequence[FeedArrival]) -> tuple[Gap, ...]:
    """What is missing of a night's feed. A feed at which nobody looked is a gap too."""
    if not arrivals:
        return (Gap.NOT_LOOKED_AT,)
    return tuple(gap for gap in (a.gap for a in arrivals) if gap)


def manifest_of(arrivals: Sequence[FeedArrival]) -> ManifestLedger:
    """The night's records together. What was missing at one look and came at a later one is not missing."""
    records = [a.records for a in arrivals]
    announced = [a.records.accounted if a.made_good else a.records.announced for a in arrivals]
    known = [n for n in announced if n is not None]
    return ManifestLedger(
        sum(known) if announced and len(known) == len(announced) else None,
        sum(r.accepted for r in records),
        sum(r.duplicate for r in records),
        sum(r.quarantined for r in records),
        sum(r.refused for r in records),
    )
