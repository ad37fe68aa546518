"""The account: first true bucket, sums that hold, and a lost duty that makes one fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.arrival import FeedArrival, Gap, ManifestLedger
from encompass.domain.compliance import (
    Bucket,
    DutyFact,
    Timeliness,
    account_of,
    bucket_of,
    report_of,
    timeliness_of,
)
from encompass.domain.notification import NotificationStatus
from encompass.domain.placement import PlacementStatus
from encompass.domain.report_export import account_json, report_csv, report_json

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=ZoneInfo("Europe/London"))
BELL = NOON.replace(hour=8, minute=45)
TOLD = DutyFact(
    involvement_id=UUID(int=1), placement=PlacementStatus.PLACED, placement_reason=None, duty_id=UUID(int=2),
    duty_by=BELL, withdrawn_at=None, urn=100000, recipient_name="A School", notification=NotificationStatus.RELEASED,
    acknowledged_at=None, phone_task_opened_at=None, phone_task_withdrawn_at=None,
)  # fmt: skip
UNPLACED = replace(
    TOLD, placement=PlacementStatus.IN_REVIEW, duty_id=None, urn=None, recipient_name=None, notification=None
)
LEDGER = ManifestLedger(1, 1, 0, 0, 0)
LOOK = FeedArrival("rest", NOON, None, LEDGER, complete=True, made_good=False)
BALANCED = [LOOK]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (replace(TOLD, duty_by=NOON + timedelta(days=1)), Bucket.AWAITING),
        (TOLD, Bucket.OVERDUE),
        (replace(TOLD, notification=NotificationStatus.HELD), Bucket.WITH_A_PERSON),
        (replace(TOLD, notification=NotificationStatus.NOT_OUR_PUPIL), Bucket.WITH_A_PERSON),
        (replace(TOLD, phone_task_opened_at=NOON), Bucket.ESCALATED),
        (replace(TOLD, phone_task_opened_at=BELL, phone_task_withdrawn_at=NOON), Bucket.OVERDUE),
        (replace(TOLD, phone_task_opened_at=NOON, acknowledged_at=NOON), Bucket.ACKNOWLEDGED),
        (replace(TOLD, acknowledged_at=NOON + timedelta(seconds=1)), Bucket.OVERDUE),
        (replace(TOLD, acknowledged_at=BELL, withdrawn_at=NOON), Bucket.EXCLUDED),
        (replace(UNPLACED, placement=PlacementStatus.EXCLUDED, placement_reason="adult"), Bucket.EXCLUDED),
        (UNPLACED, Bucket.WITH_A_PERSON),
        (replace(UNPLACED, placement=PlacementStatus.NOT_FOUND), Bucket.WITH_A_PERSON),
        # placed, excluded and brought back by a correction: the withdrawn duty must not hide the child
        (
            replace(TOLD, placement=PlacementStatus.IN_REVIEW, withdrawn_at=BELL, acknowledged_at=BELL),
            Bucket.WITH_A_PERSON,
        ),
        # corrected between matching and telling: the duty that nobody will tell of is with a person
        (replace(TOLD, placement=PlacementStatus.IN_REVIEW, notification=None), Bucket.WITH_A_PERSON),
        (replace(UNPLACED, placement=PlacementStatus.UNPLACED), None),
        (replace(UNPLACED, placement=PlacementStatus.PLACED), None),
        (replace(TOLD, notification=None), None),
        (replace(UNPLACED, placement=None), None),
    ],
)
def test_the_first_true_bucket(fact: DutyFact, expected: Bucket | None) -> None:
    assert bucket_of(fact, NOON) is expected


def facts_of(statuses: list[tuple[PlacementStatus, NotificationStatus | None, bool]]) -> list[DutyFact]:
    return [
        replace(
            TOLD if told else UNPLACED,
            involvement_id=uuid4(),
            placement=placement,
            placement_reason="adult" if placement is PlacementStatus.EXCLUDED else None,
            notification=notification if told else None,
        )
        for placement, notification, told in statuses
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PlacementStatus), st.none() | st.sampled_from(NotificationStatus), st.booleans()
        ),
        max_size=30,
    )
)
def test_the_account_balances_only_when_no_duty_is_lost(statuses: list) -> None:
    facts = facts_of(statuses)
    account = account_of("f", date(2026, 3, 10), NOON, BALANCED, facts, ())
    lost = sum(bucket_of(f, NOON) is None for f in facts)
    assert account.duties.total == len(facts)
    assert sum(account.duties.buckets.values()) == len(facts) - lost
    assert account.duties.balances == (lost == 0)


@pytest.mark.parametrize(
    ("ledger", "balances"),
    [
        (ManifestLedger(5, 2, 1, 1, 1), True),
        (ManifestLedger(5, 2, 1, 1, 0), False),
        (ManifestLedger(None, 0, 0, 0, 0), False),
        (ManifestLedger(0, 0, 0, 0, 0), True),
    ],
)
def test_the_manifest(ledger: ManifestLedger, balances: bool) -> None:
    assert ledger.balances is balances


@pytest.mark.parametrize(
    ("acknowledged", "duty_by", "expected"),
    [
        (BELL, BELL, Timeliness.ON_TIME),
        (BELL + timedelta(seconds=1), BELL, Timeliness.LATE),
        (None, BELL, Timeliness.MISSED),
        (None, NOON + timedelta(hours=1), Timeliness.NOT_YET_DUE),
        (NOON + timedelta(minutes=1), BELL, Timeliness.MISSED),
    ],
)
def test_timeliness(acknowledged: datetime | None, duty_by: datetime, expected: Timeliness) -> None:
    assert timeliness_of(replace(TOLD, acknowledged_at=acknowledged, duty_by=duty_by), NOON) is expected


def test_the_report_counts_duties_and_says_with_whom_the_rest_are() -> None:
    facts = [
        replace(TOLD, involvement_id=UUID(int=n), acknowledged_at=at)
        for n, at in enumerate([BELL, BELL, BELL + timedelta(minutes=1), None])
    ]
    facts.append(replace(UNPLACED, involvement_id=UUID(int=9)))
    account = account_of("f", date(2026, 3, 10), NOON, BALANCED, facts, ())
    report = report_of("Force", account, facts, ())
    assert (report.duties, report.on_time, report.late, report.missed) == (5, 2, 1, 2)
    assert report.on_time_percent == 40.0
    assert report.waiting_with == {"mash_in_review": 1, "school": 1}
    assert [(s.duties, s.on_time, s.late, s.missed) for s in report.schools] == [(4, 2, 1, 1)]
    assert report_json(report) == report_json(report)
    assert "A School" in report_csv(report)


def test_no_duty_is_not_full_compliance() -> None:
    look = replace(LOOK, records=ManifestLedger(0, 0, 0, 0, 0))
    account = account_of("f", date(2026, 3, 10), NOON, [look], [], ())
    assert report_of("Force", account, [], ()).on_time_percent is None


def test_the_account_is_the_same_bytes_every_time() -> None:
    account = account_of("f", date(2026, 3, 10), NOON, BALANCED, [TOLD], ("b", "a"))
    assert account_json(account) == account_json(account)
    assert account_json(account).endswith("\n")


NOTHING, SHORT = ManifestLedger(None, 0, 0, 0, 0), ManifestLedger(5, 2, 1, 0, 0)
LATER = LOOK.at + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("looks", "gaps", "announced", "balances"),
    [
        ([], (Gap.NOT_LOOKED_AT,), None, False),
        ([LOOK], (), 1, True),
        ([replace(LOOK, records=NOTHING, complete=False)], (Gap.NOTHING_CAME,), None, False),
        ([replace(LOOK, records=SHORT, complete=False)], (Gap.RECORDS_MISSING,), 5, False),
        ([replace(LOOK, complete=False)], (Gap.IN_DOUBT,), 1, True),
        ([replace(LOOK, records=NOTHING, complete=False, made_good=True), replace(LOOK, at=LATER)], (), 1, True),
        ([replace(LOOK, records=SHORT, complete=False, made_good=True), replace(LOOK, at=LATER)], (), 4, True),
        ([replace(LOOK, records=NOTHING, complete=False), replace(LOOK, at=LATER)], (Gap.NOTHING_CAME,), None, False),
    ],
)  # fmt: skip
def test_a_gap_in_the_feed_stands_until_a_later_look_has_made_it_good(
    looks: list[FeedArrival], gaps: tuple[Gap, ...], announced: int | None, balances: bool
) -> None:
    account = account_of("f", date(2026, 3, 10), NOON, looks, [], ())
    assert account.gaps == gaps
    assert (account.manifest.announced, account.manifest.balances) == (announced, balances)
    assert account.all_well is (not gaps)


def test_an_alarm_alone_is_not_all_well() -> None:
    account = account_of("f", date(2026, 3, 10), NOON, BALANCED, [], ("no_key_adult: 100000",))
    assert (account.balanced, account.gaps, account.all_well) == (True, (), False)
