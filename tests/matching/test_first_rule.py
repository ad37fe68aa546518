"""The first rule: all three fields of exactly one pupil on a roll, else a person."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.placement import Matched, NeedsReview, NotFound, ReviewReason
from encompass.domain.school import EnrolStatus
from encompass.matching.blocking import blocking_keys, identity_of
from encompass.matching.comparison import CandidateEnrolment
from encompass.matching.decision import MOST_CANDIDATES, decide
from encompass.matching.normalise import normalise_name

DAY = date(2026, 3, 9)
BORN = date(2016, 4, 5)
CHILD = identity_of(("Zoë",), ("O'Brien-Smith",), BORN)


def on_roll(n: int = 1, urn: int = 100000, forename: str = "Zoe", surname: str = "OBrien Smith", **changes):
    values = {
        "pupil_id": UUID(int=n), "urn": urn, "identity": identity_of((forename,), (surname,), changes.pop("born", BORN)),
        "enrol_status": EnrolStatus.SINGLE, "entry_date": date(2020, 9, 1), "leaving_date": None,
    } | changes  # fmt: skip
    return CandidateEnrolment(**values)


def test_one_pupil_agreeing_in_all_is_matched() -> None:
    decision = decide(CHILD, [on_roll()], DAY)
    assert isinstance(decision, Matched)
    assert decision.urns == (100000,)
    assert decision.pupil_id == UUID(int=1)


def test_a_dual_registered_pupil_is_told_to_both_schools() -> None:
    rows = [
        on_roll(urn=100001, enrol_status=EnrolStatus.SUBSIDIARY_DUAL),
        on_roll(urn=100000, enrol_status=EnrolStatus.MAIN_DUAL),
    ]
    decision = decide(CHILD, rows, DAY)
    assert isinstance(decision, Matched)
    assert decision.urns == (100000, 100001)


def test_a_mover_is_told_to_the_school_of_that_day() -> None:
    rows = [
        on_roll(urn=100000, leaving_date=date(2026, 2, 13)),
        on_roll(urn=100001, entry_date=date(2026, 2, 23)),
    ]
    decision = decide(CHILD, rows, DAY)
    assert isinstance(decision, Matched)
    assert decision.urns == (100001,)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([on_roll(1), on_roll(2)], ReviewReason.AMBIGUOUS),
        ([on_roll(forename="Zara")], ReviewReason.PARTIAL),
        ([on_roll(born=date(2016, 5, 4))], ReviewReason.PARTIAL),
        ([on_roll(enrol_status=EnrolStatus.GUEST)], ReviewReason.GUEST),
        ([on_roll(leaving_date=date(2026, 1, 1))], ReviewReason.NO_CURRENT_ENROLMENT),
        ([on_roll(enrol_status=EnrolStatus.PREVIOUS)], ReviewReason.NO_CURRENT_ENROLMENT),
        ([on_roll(entry_date=date(2026, 3, 20))], ReviewReason.NO_CURRENT_ENROLMENT),
        ([on_roll(n) for n in range(1, MOST_CANDIDATES + 2)], ReviewReason.MANY_FIT),
    ],
)
def test_anything_else_with_a_candidate_is_for_a_person(rows: list, reason: ReviewReason) -> None:
    decision = decide(CHILD, rows, DAY)
    assert isinstance(decision, NeedsReview)
    assert decision.reason is reason


def test_a_child_without_birth_date_is_never_matched_by_name_alone() -> None:
    decision = decide(identity_of(("Zoe",), ("O'Brien-Smith",), None), [on_roll()], DAY)
    assert isinstance(decision, NeedsReview)


def test_an_absent_twin_is_for_a_person() -> None:
    twin = identity_of(("Zack",), ("O'Brien-Smith",), BORN)
    decision = decide(twin, [on_roll()], DAY)
    assert isinstance(decision, NeedsReview)
    assert decision.reason is ReviewReason.PARTIAL


def test_no_candidate_is_not_found() -> None:
    assert isinstance(decide(CHILD, [], DAY), NotFound)


def test_the_order_of_the_rows_never_matters() -> None:
    rows = [on_roll(2, forename="Zara"), on_roll(1, urn=100002), on_roll(3, born=date(2016, 4, 6))]
    assert decide(CHILD, rows, DAY) == decide(CHILD, rows[::-1], DAY)


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("Zoë", "ZOE"),
        ("O’Brien", "o'brien"),
        ("Anne-Marie", "Anne Marie"),
        ("Łukasz", "lukasz"),
        ("Ağca", "agca"),
    ],
)
def test_spellings_of_one_name(name: str, same_as: str) -> None:
    assert normalise_name(name) == normalise_name(same_as)


@given(st.text(max_size=40))
def test_normalising_twice_is_normalising_once(name: str) -> None:
    once = normalise_name(name)
    assert normalise_name(once) == once
    assert all(c.isalnum() for c in once)


@given(st.text(max_size=20), st.text(max_size=20))
def test_records_that_agree_in_two_fields_share_a_key(forename: str, surname: str) -> None:
    one, two = identity_of((forename,), (surname,), BORN), identity_of((forename,), (surname,), None)
    if one.forenames and one.surnames:
        assert blocking_keys(one) & blocking_keys(two)
