"""The ladder over ten years: a person by the act-by instant, never back down, each step once, both clock changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.ladder import Climb, LadderTimes, Step, StepReason, is_unaccepted, is_untold, steps_due
from encompass.domain.school_day import SchoolKeys, calendar_of, chased_by, first_bell_after
from encompass.formats.bank_holidays import bank_holidays

LONDON = ZoneInfo("Europe/London")
TIMES = LadderTimes(None, time(7, 30), time(8), time(7), (Step.HEAD, Step.LA), timedelta(minutes=30))
LATER_DEPUTY = replace(TIMES, deputy_at=time(6, 45))
ORDER = [Step.DEPUTY, Step.NOT_ACCEPTED, Step.SECOND_CHANNEL, Step.TELEPHONE, Step.HEAD, Step.LA]


def at(clock: str, day: str = "2026-03-10") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=LONDON)


TUESDAY = Climb(
    UUID(int=1), UUID(int=2), at("08:45"), at("08:15"), at("05:31"), is_held=False, is_told_in_school_hours=False,
    is_accepted=True, acknowledged_at=None, taken=frozenset(),
)  # fmt: skip


def steps(climb: Climb, now: datetime, times: LadderTimes = TIMES) -> list[str]:
    return [f"{due.step.value}: {due.reason.value}" for due in steps_due(climb, times, now)]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("05:35", []),
        ("07:59", []),
        ("08:00", ["second_channel: unacknowledged"]),
        ("08:15", ["second_channel: unacknowledged", "telephone: unacknowledged"]),
        ("08:45", ["second_channel: unacknowledged", "telephone: unacknowledged", "head: unacknowledged"]),
        ("08:46", ["second_channel: unacknowledged", "telephone: unacknowledged", "missed: unacknowledged",
                   "head: unacknowledged"]),
        ("09:15", ["second_channel: unacknowledged", "telephone: unacknowledged", "missed: unacknowledged",
                   "head: unacknowledged", "la: unacknowledged"]),
    ],
)  # fmt: skip
def test_an_ordinary_morning(clock: str, expected: list[str]) -> None:
    assert steps(TUESDAY, at(clock)) == expected


def test_what_no_provider_took_is_known_before_it_is_sent_another_way() -> None:
    lost = replace(TUESDAY, is_accepted=False)
    assert steps(lost, at("07:29")) == []
    assert steps(lost, at("07:30")) == ["not_accepted: not_accepted"]
    assert steps(lost, at("08:00")) == ["not_accepted: not_accepted", "second_channel: not_accepted"]
    assert not is_unaccepted(lost, TIMES, at("07:29"))
    assert is_unaccepted(lost, TIMES, at("07:30"))
    assert not is_unaccepted(replace(lost, is_accepted=True), TIMES, at("12:00"))
    assert not is_unaccepted(replace(lost, acknowledged_at=at("07:00")), TIMES, at("12:00"))
    just_told = replace(lost, told_at=at("07:55"))
    assert steps(just_told, at("08:00")) == ["second_channel: not_accepted"]
    assert steps(just_told, at("08:05"))[0] == "not_accepted: not_accepted"


def test_the_deputy_after_a_set_time_where_the_force_says_so() -> None:
    assert steps(TUESDAY, at("06:44"), LATER_DEPUTY) == []
    assert steps(TUESDAY, at("06:45"), LATER_DEPUTY) == ["deputy: unacknowledged"]


def test_who_has_acknowledged_is_left_in_peace_and_late_is_still_missed() -> None:
    assert steps(replace(TUESDAY, acknowledged_at=at("08:45")), at("12:00")) == []
    assert steps(replace(TUESDAY, acknowledged_at=at("08:46")), at("12:00")) == ["missed: unacknowledged"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "unacknowledged"),
        ({"is_accepted": False}, "not_accepted"),
        ({"told_at": at("08:50")}, "told_late"),
        ({"told_at": None, "notification_id": None}, "not_told"),
        ({"told_at": None, "is_held": True}, "held"),
    ],
)
def test_a_missed_duty_says_why(changes: dict, why: str) -> None:
    due = steps_due(replace(TUESDAY, **changes), TIMES, at("13:00"))
    assert [d.reason.value for d in due if d.step is Step.MISSED] == [why]
    if changes.get("told_at", "") is None:
        assert [d.step for d in due] == [Step.MISSED]  # nobody can be telephoned about what may not be told


def test_nobody_told_by_the_act_by_instant_is_known() -> None:
    untold = replace(TUESDAY, told_at=None, notification_id=None)
    assert not is_untold(untold, at("08:14"))
    assert is_untold(untold, at("08:15"))
    assert not is_untold(replace(untold, is_held=True), at("09:00"))


def test_told_in_school_hours_or_too_late_somebody_telephones_at_once() -> None:
    wednesday = replace(TUESDAY, duty_by=at("08:45", "2026-03-11"), act_by=at("08:15", "2026-03-11"),
                        told_at=at("10:00"), is_told_in_school_hours=True)  # fmt: skip
    assert steps(wednesday, at("10:00")) == ["telephone: in_school_hours"]
    climbed = replace(wednesday, taken=frozenset({Step.TELEPHONE}))
    assert steps(climbed, at("08:44", "2026-03-11")) == ["reminder: first_day_back"]  # and nothing lower
    assert "head: unacknowledged" in steps(climbed, at("08:45", "2026-03-11"))
    late = replace(TUESDAY, told_at=at("08:30"))
    assert "telephone: told_late" in steps(late, at("08:30"))
    released_after_a_hold = replace(TUESDAY, told_at=at("11:00"), taken=frozenset({Step.MISSED}))
    assert "telephone: told_late" in steps(released_after_a_hold, at("11:00"))
    assert "head: unacknowledged" not in steps(released_after_a_hold, at("11:29"))
    assert "head: unacknowledged" in steps(released_after_a_hold, at("11:30"))


def test_in_a_holiday_somebody_telephones_and_a_reminder_precedes_the_first_day_back() -> None:
    """Good Friday 2026, told at 05:40 on Saturday; the school is back on Tuesday, after the clocks' change."""
    easter = replace(TUESDAY, told_at=at("05:40", "2026-04-04"), duty_by=at("08:45", "2026-04-07"),
                     act_by=at("08:15", "2026-04-05"))  # fmt: skip
    assert steps(easter, at("08:15", "2026-04-05"))[-1] == "telephone: unacknowledged"
    climbed = replace(easter, taken=frozenset({Step.SECOND_CHANNEL, Step.TELEPHONE}))
    assert steps(climbed, at("06:59", "2026-04-07")) == []
    assert steps(climbed, at("07:00", "2026-04-07")) == ["reminder: first_day_back"]
    reminded = replace(climbed, taken=climbed.taken | {Step.REMINDER})
    assert steps(reminded, at("08:44", "2026-04-07")) == []
    assert steps(climbed, at("08:46", "2026-04-07")) == ["missed: unacknowledged", "head: unacknowledged"]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_on_the_days_on_which_the_clocks_change_the_clock_on_the_wall_decides(day: str) -> None:
    sunday = replace(TUESDAY, told_at=at("05:30", day), act_by=at("08:15", day), duty_by=at("08:45", day))
    assert steps(sunday, at("07:59", day)) == []
    assert steps(sunday, at("08:00", day)) == ["second_channel: unacknowledged"]
    eight_in_utc = {"2026-03-29": "07:00", "2026-10-25": "08:00"}[day]
    since = steps_due(sunday, TIMES, at("08:00", day))[0].since
    assert since.astimezone(UTC).strftime("%H:%M") == eight_in_utc


def test_in_doubt_it_stands_still_but_for_the_missed_bell_and_goes_on_once_it_is_settled() -> None:
    doubted = replace(TUESDAY, is_in_doubt=True)
    assert steps(doubted, at("08:45")) == []
    assert steps(doubted, at("09:15")) == ["missed: unacknowledged"]
    settled = replace(TUESDAY, taken=frozenset({Step.MISSED}))
    assert steps(settled, at("08:50"))[:2] == ["second_channel: unacknowledged", "telephone: unacknowledged"]


CALENDAR = calendar_of(bank_holidays("england-and-wales"), ())
SCHOOL = SchoolKeys(100000, "999")
instants = st.datetimes(datetime(2020, 1, 1), datetime(2029, 12, 20), timezones=st.just(UTC))


def climb_of(occurred: datetime, reached_us_after: int, *, accepted: bool) -> Climb:
    """A duty of an incident that reached us so many minutes after it occurred, and was told at once."""
    told_at = occurred + timedelta(minutes=reached_us_after)
    duty_by = first_bell_after(occurred, CALENDAR, SCHOOL, time(8, 45))
    local = told_at.astimezone(LONDON)
    in_hours = CALENDAR.is_open(local.date(), SCHOOL) and time(8, 45) <= local.time() < time(15, 30)
    return Climb(
        UUID(int=1), UUID(int=2), duty_by, chased_by(occurred, duty_by, time(8, 15), 1), told_at, is_held=False,
        is_told_in_school_hours=in_hours, is_accepted=accepted, acknowledged_at=None, taken=frozenset(),
    )  # fmt: skip


@given(
    instants, st.integers(0, 4000), st.booleans(), st.sampled_from([TIMES, LATER_DEPUTY]), st.integers(1, 90)
)
def test_over_ten_years_every_duty_reaches_a_person_and_the_ladder_never_goes_back(
    occurred: datetime, reached_us_after: int, accepted: bool, times: LadderTimes, tick_minutes: int
) -> None:
    climb = climb_of(occurred, reached_us_after, accepted=accepted)
    assert climb.told_at is not None
    tick = timedelta(minutes=tick_minutes)
    now, taken = climb.told_at, list[tuple[Step, datetime]]()
    while now < max(climb.told_at, climb.duty_by) + timedelta(hours=2) + tick:
        for due in steps_due(replace(climb, taken=frozenset(s for s, _ in taken)), times, now):
            assert due.since <= now
            taken.append((due.step, now))
        now += tick
    when = dict(taken)
    assert len(when) == len(taken)
    assert when[Step.TELEPHONE] <= max(climb.act_by, climb.told_at) + tick
    rungs = [ORDER.index(step) for step, _ in taken if step in ORDER]
    assert rungs == sorted(rungs)
    assert {Step.TELEPHONE, Step.MISSED, Step.HEAD, Step.LA} <= set(when)
    assert when[Step.HEAD] >= climb.duty_by
    if Step.REMINDER in when:
        assert climb.told_at.astimezone(LONDON).date() < climb.duty_by.astimezone(LONDON).date()


@given(instants, st.integers(0, 4000), st.integers(0, 4000))
def test_whoever_acknowledges_is_never_bothered_again(
    occurred: datetime, reached_us_after: int, answered_after: int
) -> None:
    climb = climb_of(occurred, reached_us_after, accepted=True)
    assert climb.told_at is not None
    answered = climb.told_at + timedelta(minutes=answered_after)
    due = steps_due(replace(climb, acknowledged_at=answered), TIMES, answered + timedelta(days=20))
    assert [d.step for d in due] == ([Step.MISSED] if answered > climb.duty_by else [])
    assert all(d.reason in StepReason for d in due)
