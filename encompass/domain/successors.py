"""What became of schools: a closed school's pupils are the one open school's that goes on for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from encompass.domain.placement import ReviewReason


@dataclass(frozen=True)
class SchoolsNow:
    """Which schools are closed, which follow which, and of which followers somebody has checked the contact.

    Source: a school that becomes an academy or merges gets a new URN; its pupils stay on rolls under the old one.
    """

    open: frozenset[int]
    closed: frozenset[int]
    followers: Mapping[int, frozenset[int]]
    confirmed: frozenset[int]

    def told(self, urns: Iterable[int]) -> tuple[int, ...] | ReviewReason:
        """The schools to tell in the stead of these, or why a person has to say."""
        told: set[int] = set()
        for urn in urns:
            if urn not in self.closed:
                told.add(urn)
                continue
            after = self.successors(urn)
            if not after:
                return ReviewReason.SCHOOL_CLOSED
            if len(after) > 1:
                return ReviewReason.SCHOOL_SPLIT
            if not after <= self.confirmed:
                return ReviewReason.SUCCESSOR_UNCONFIRMED
            told |= after
        return tuple(sorted(told))

    def successors(self, urn: int) -> frozenset[int]:
        """The open schools that go on for a closed one, through any that have closed in between."""
        found: set[int] = set()
        seen, ahead = {urn}, [urn]
        while ahead:
            for after in self.followers.get(ahead.pop(), frozenset()) - seen:
                seen.add(after)
                if after in self.closed:
                    ahead.append(after)
                elif after in self.open:
                    found.add(after)
        return frozenset(found)

    @property
    def all_successors(self) -> frozenset[int]:
        """Every open school that goes on for a closed one."""
        return frozenset(
            after for urn in self.closed & self.followers.keys() for after in self.successors(urn)
        )
