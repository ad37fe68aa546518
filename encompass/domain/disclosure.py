"""Counts of children that leave the partnership: small ones are hidden, and with them what would give them away.

Source: the convention of official statistics in England, as in the Office for National Statistics' "Policy on
protecting confidentiality in tables of birth and death statistics": a small count is suppressed, then so many others
that no total gives it away. A zero says nothing of any child and stays.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from encompass.domain.arrival import Gap
from encompass.domain.compliance import ComplianceReport

TOTAL: Final = "total"


class Shown(StrEnum):
    """How a count is shown: as it is; as fewer than the threshold; or not, since it would give another away."""

    WHOLE = "whole"
    FEWER = "fewer"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class SharedCount:
    """A count as others may see it; None unless it is shown whole."""

    shown: Shown
    count: int | None = None


@dataclass(frozen=True)
class SharedReport:
    """A night's report as it may leave the partnership: no school, no exception, no count that tells of a child."""

    force_name: str
    night: date
    as_of: datetime
    gaps: tuple[Gap, ...]
    threshold: int
    duties: Mapping[str, SharedCount]
    children: Mapping[str, SharedCount]
    on_time_percent: float | None


def shared_report(report: ComplianceReport, threshold: int) -> SharedReport:
    """The report with every count of 1 to threshold - 1 hidden, and what those could be worked out from.

    Most children have one duty, so that one table bounds the other: the children are shown where nothing is hidden.
    """
    parts = {
        "on_time": report.on_time,
        "late": report.late,
        "missed": report.missed,
        "not_yet_due": report.not_yet_due,
    }
    ledger = report.account.involvements
    named = {
        "in_scope": ledger.in_scope,
        "beyond_scope": sum(ledger.beyond_scope.values()),
        "excluded": sum(ledger.excluded.values()),
    }
    duties, children = protected(parts, threshold), protected(named, threshold)
    is_whole = not hides(duties) and not hides(children)
    return SharedReport(
        report.force_name,
        report.account.night,
        report.account.as_of,
        report.account.gaps,
        threshold,
        duties,
        children if is_whole else _withheld(children),
        None if hides(duties) else report.on_time_percent,
    )


def protected(parts: Mapping[str, int], threshold: int) -> dict[str, SharedCount]:
    """The parts and their total, so that nobody can work out a hidden one: by the smallest others that suffice."""
    counts = {TOTAL: sum(parts.values()), **parts}
    small = {name for name, n in counts.items() if 0 < n < threshold}
    others = sorted((n, name) for name, n in parts.items() if n >= threshold)
    hidden: set[str] = set()
    for name in (*(name for _, name in others), TOTAL):
        if not _gives_away(counts, small, hidden, threshold):
            break
        hidden |= {name} - small
    if _gives_away(counts, small, hidden, threshold):
        return _withheld(counts)
    return {name: _as_shown(name, n, small, hidden) for name, n in counts.items()}


def hides(table: Mapping[str, SharedCount]) -> bool:
    """Whether any count of the table is not shown."""
    return any(shared.shown is not Shown.WHOLE for shared in table.values())


def _as_shown(name: str, n: int, small: Collection[str], hidden: Collection[str]) -> SharedCount:
    if name in small:
        return SharedCount(Shown.FEWER)
    return SharedCount(Shown.SUPPRESSED) if name in hidden else SharedCount(Shown.WHOLE, n)


def _withheld(table: Mapping[str, object]) -> dict[str, SharedCount]:
    return {name: SharedCount(Shown.SUPPRESSED) for name in table}


def _gives_away(
    counts: Mapping[str, int], small: Collection[str], hidden: Collection[str], threshold: int
) -> bool:
    """Whether the total and its parts, as shown, leave one possible value for a count that is not.

    A reader knows of a small one that it is 1 to threshold - 1, of another hidden one that it is no less than that.
    """
    low = {n: 1 if n in small else threshold if n in hidden else counts[n] for n in counts}
    high = {n: threshold - 1 if n in small else math.inf if n in hidden else counts[n] for n in counts}
    parts = [name for name in counts if name != TOTAL]
    for name in (*small, *hidden):
        if name == TOTAL:
            least, most = sum(low[p] for p in parts), sum(high[p] for p in parts)
        else:
            least = low[TOTAL] - sum(high[p] for p in parts if p != name)
            most = high[TOTAL] - sum(low[p] for p in parts if p != name)
        if max(low[name], least) == min(high[name], most):
            return True
    return False
