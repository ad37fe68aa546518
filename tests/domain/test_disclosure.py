"""No count that a shared report hides can be worked out from what it shows, whoever knows how it hides."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encompass.domain.compliance import (
    Account,
    Bucket,
    ComplianceReport,
    DutyLedger,
    InvolvementLedger,
    SchoolCompliance,
)
from encompass.domain.disclosure import TOTAL, SharedCount, Shown, protected, shared_report
from encompass.domain.report_export import shared_csv, shared_json

NAMES = ("on_time", "late", "missed", "not_yet_due")
FEWER, SUPPRESSED = SharedCount(Shown.FEWER), SharedCount(Shown.SUPPRESSED)


def whole(n: int) -> SharedCount:
    return SharedCount(Shown.WHOLE, n)


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ((20, 6, 0, 0), (whole(26), whole(20), whole(6), whole(0), whole(0))),
        ((20, 6, 3, 0), (whole(29), whole(20), SUPPRESSED, FEWER, whole(0))),
        ((20, 2, 3, 0), (whole(25), whole(20), FEWER, FEWER, whole(0))),
        ((8, 1, 1, 0), (whole(10), SUPPRESSED, FEWER, FEWER, whole(0))),
        ((2, 1, 0, 0), (FEWER, FEWER, FEWER, whole(0), whole(0))),
        ((0, 0, 0, 0), (whole(0), whole(0), whole(0), whole(0), whole(0))),
        ((1, 1, 1, 1), (SUPPRESSED,) * 5),
    ],
)
def test_a_small_count_and_what_would_give_it_away_are_hidden(
    parts: tuple[int, ...], shown: tuple[SharedCount, ...]
) -> None:
    assert tuple(protected(dict(zip(NAMES, parts, strict=True)), 5).values()) == shown


def possible(table: dict[str, SharedCount], threshold: int, beyond: int) -> dict[str, set[int]]:
    """Every value that each count may have, tried one by one up to a number beyond all of them."""
    is_blank = all(count.shown is Shown.SUPPRESSED for count in table.values())
    ranges = {
        Shown.FEWER: range(1, threshold),
        Shown.SUPPRESSED: range(0 if is_blank else threshold, beyond),
    }

    def fits(name: str, n: int) -> bool:
        count = table[name]
        return n == count.count if count.shown is Shown.WHOLE else n in ranges[count.shown]

    names = [name for name in table if name != TOTAL]
    tried = product(*([n for n in range(beyond) if fits(name, n)] for name in names))
    found: dict[str, set[int]] = {name: set() for name in table}
    for values in tried:
        if fits(TOTAL, sum(values)) or (table[TOTAL].shown is Shown.SUPPRESSED and sum(values) >= beyond):
            for name, n in zip((*names, TOTAL), (*values, sum(values)), strict=True):
                found[name].add(n)
    return found


@settings(max_examples=80)
@given(st.lists(st.integers(0, 8), min_size=2, max_size=4), st.integers(3, 6))
def test_whoever_knows_the_rule_cannot_work_out_what_is_hidden(counts: list[int], threshold: int) -> None:
    parts = dict(zip(NAMES, counts, strict=False))
    table = protected(parts, threshold)
    for name, values in possible(table, threshold, 15).items():
        is_hidden = table[name].shown is not Shown.WHOLE
        assert len(values) >= 2 if is_hidden else values == {{TOTAL: sum(counts), **parts}[name]}
    assert not any(0 < (count.count or 0) < threshold for count in table.values())


def report(duties: list[int], children: list[int]) -> ComplianceReport:
    """A night with so many duties and children of each kind, at a school whose name must not leave."""
    ledger = InvolvementLedger(sum(children), children[0], {"abroad": children[1]}, {"adult": children[2]})
    account = Account(
        "fellgate", date(2026, 3, 17), datetime(2026, 3, 17, 9, tzinfo=UTC), (), ledger,
        DutyLedger(sum(duties), {Bucket.ACKNOWLEDGED: sum(duties)}), ("roll_missing: 100000",),
    )  # fmt: skip
    school = SchoolCompliance(100000, "Crumplewick School", sum(duties), *duties)
    return ComplianceReport("Fellgate Police", account, sum(duties), *duties, {}, (school,), ())


COUNTS = st.integers(0, 9)


@given(st.lists(COUNTS, min_size=4, max_size=4), st.lists(COUNTS, min_size=3, max_size=3))
def test_a_shared_report_tells_of_no_school_and_of_no_few_children(
    duties: list[int], children: list[int]
) -> None:
    shared = shared_report(report(duties, children), 5)
    table = json.loads(shared_json(shared))
    hidden = [c for t in ("duties", "children") for c in table[t].values() if c["suppressed"]]
    assert all(c["count"] is None for c in hidden)
    assert bool(hidden) == any(0 < n < 5 for n in (*duties, *children, sum(duties), sum(children)))
    if hidden:
        assert all(c["suppressed"] for c in table["children"].values())
    if any(c["suppressed"] for c in table["duties"].values()):
        assert table["on_time_percent"] is None
    rows = list(csv.DictReader(io.StringIO(shared_csv(shared))))
    assert len(rows) == len(duties) + len(children) + 4, "two totals, the percentage and the feed's gap"
    assert not any(row["shown"] in ("1", "2", "3", "4") for row in rows)
    for text in (shared_json(shared), shared_csv(shared)):
        assert "Crumplewick" not in text and "100000" not in text


@given(st.lists(st.integers(0, 500), min_size=2, max_size=4))
def test_of_a_shown_total_no_single_part_is_hidden(counts: list[int]) -> None:
    table = protected(dict(zip(NAMES, counts, strict=False)), 5)
    hidden = [name for name, count in table.items() if name != TOTAL and count.shown is not Shown.WHOLE]
    assert table[TOTAL].shown is not Shown.WHOLE or len(hidden) != 1
    if all(n == 0 or n >= 5 for n in (sum(counts), *counts)):
        assert hidden == []
