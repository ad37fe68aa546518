"""The engine: what is matched, what a person decides, and what must not change a decision."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encompass.domain.placement import Matched, NeedsReview, NotFound, ReviewReason, Veto
from encompass.domain.school import EnrolStatus
from encompass.matching.blocking import child_keys, roll_keys
from encompass.matching.comparison import forename_likeness
from encompass.matching.decision import decide_incident
from encompass.matching.enrolment import Enrolment
from encompass.matching.names import Likeness
from encompass.matching.person import Person
from tests.matching.people import DAY, PARAMETERS, case_of, decide, decide_all, frequencies, on_roll, person

ELSEWHERE = ("SM1 9ZZ", "4 Damson Row")
UNKNOWN = (None, None)


def level(decision: Matched | NeedsReview | NotFound, field: str) -> str:
    return next(f.level for f in decision.evidence.candidates[0].fields if f.field == field)


@pytest.mark.parametrize(
    ("child", "field", "how"),
    [
        (person(), "forename", "same"),
        (person("Ayesha"), "forename", "known"),
        (person("AISHA "), "forename", "same"),
        (person("Aihsa"), "forename", "slip"),
        (person(surname="Crumplewik"), "surname", "sound"),
        (person(surname="Crumplewick-Bobbins"), "surname", "barrel"),
        (person(surname="Bobbins"), "surname", "differs"),
        (person(surname="Oldname"), "surname", "former"),
        (person("Crumplewick", "Aisha"), "names", "exchanged"),
        (person(born=date(2015, 5, 15)), "born", "day"),
        (person(born=date(2016, 5, 14)), "born", "year"),
        (person(born=date(2015, 1, 1)), "born", "year_of_1_january"),
        (person(home=("TW1 1AB", "12 Plum Street")), "place", "house_but_postcode"),
        (person(home=(None, "12 Plum Street")), "place", "house_but_postcode"),
        (person(home=ELSEWHERE), "place", "differs"),
    ],
)
def test_a_child_is_matched_through_an_ordinary_slip(child: Person, field: str, how: str) -> None:
    decision = decide(child, [on_roll(1, person(former="Oldname"))])
    assert isinstance(decision, Matched)
    assert decision.urns == (100001,)
    assert level(decision, field) == how


def test_without_birth_date_the_names_alone_do_not_suffice() -> None:
    rows = [on_roll(1, person("Oliver", "Smith"))]
    known = replace(frequencies(rows), forenames={"oliver": 500}, surnames={"smith": 400})
    assert isinstance(
        decide(person("Oliver", "Smith", born=None, home=UNKNOWN), rows, known=known), NeedsReview
    )
    assert isinstance(decide(person("Oliver", "Smith", born=None), rows, known=known), Matched)
    assert isinstance(decide(person("Oliver", "Smith"), rows, known=known), Matched)


def test_a_rare_name_says_more_than_a_common_one() -> None:
    rows = [on_roll(1, person("Oliver", "Smith"))]
    common = replace(frequencies(rows), forenames={"oliver": 500}, surnames={"smith": 400})
    child = person("Oliver", "Smith", home=UNKNOWN)
    rare, usual = decide(child, rows), decide(child, rows, known=common)
    assert rare.evidence.candidates[0].score > usual.evidence.candidates[0].score + 10


def test_a_spelling_that_many_go_by_is_another_name() -> None:
    rows = [on_roll(1, person("Barnaby"))]
    slip, known = (
        decide(person("Bornaby"), rows),
        replace(frequencies(rows), forenames={"bornaby": 40, "barnaby": 40}),
    )
    name = decide(person("Bornaby"), rows, known=known)
    assert (level(slip, "forename"), level(name, "forename")) == ("sound", "rival")
    assert isinstance(slip, Matched)
    assert isinstance(name, NeedsReview)
    assert name.reason is Veto.FORENAME


def test_nobody_alike_is_not_found_and_a_block_too_large_is_a_persons() -> None:
    child = person("Peregrine", "Bobbins", date(2010, 2, 2), home=ELSEWHERE)
    case = case_of(child, [on_roll(1, person())], frequencies([]))
    assert isinstance(decide(child, [on_roll(1, person())]), NotFound)
    cut = decide_incident({"child": replace(case, cut=True)}, 1000, PARAMETERS)["child"]
    assert isinstance(cut, NeedsReview)
    assert cut.reason is ReviewReason.LARGE_BLOCK


@pytest.mark.parametrize(
    ("changes", "becomes"),
    [
        ([{}], (100001,)),
        ([{"enrol_status": EnrolStatus.MAIN_DUAL}, {"enrol_status": EnrolStatus.SUBSIDIARY_DUAL}], (100001, 100002)),
        ([{"leaving_date": date(2026, 1, 5)}, {"entry_date": date(2026, 1, 6)}], (100002,)),
        ([{"entry_date": None}], (100001,)),
        ([{"leaving_date": DAY}], (100001,)),
        ([{}, {}], ReviewReason.ROLLS_CONFLICT),
        ([{"enrol_status": EnrolStatus.MAIN_DUAL}, {"enrol_status": EnrolStatus.MAIN_DUAL}], ReviewReason.ROLLS_CONFLICT),
        ([{"enrol_status": EnrolStatus.GUEST}], ReviewReason.GUEST),
        ([{"leaving_date": date(2026, 1, 5)}], ReviewReason.NO_CURRENT_ENROLMENT),
        ([{"entry_date": date(2026, 9, 1)}], ReviewReason.NO_CURRENT_ENROLMENT),
        ([{"enrol_status": EnrolStatus.PREVIOUS}], ReviewReason.NO_CURRENT_ENROLMENT),
        ([{"stale": True}], ReviewReason.STALE_ROLL),
    ],
)  # fmt: skip
def test_the_schools_told_are_those_where_the_pupil_is_registered_that_day(
    changes: list[dict], becomes: tuple[int, ...] | ReviewReason
) -> None:
    rows = [on_roll(1, person(), urn=100001 + n, **change) for n, change in enumerate(changes)]
    decision = decide(person(), rows)
    told = decision.urns if isinstance(decision, Matched) else decision.reason
    assert told == becomes


def test_one_who_left_and_came_to_another_roll_without_upn_is_one_person() -> None:
    left = on_roll(1, person(), leaving_date=date(2026, 1, 5))
    came = on_roll(2, person(), urn=100002, entry_date=date(2026, 1, 6))
    decision = decide(person(), [left, came])
    assert isinstance(decision, Matched)
    assert decision.urns == (100002,)


def test_a_siblings_match_lifts_only_after_the_vetoes() -> None:
    known = {"oliver": 500, "poppy": 2, "smith": 400}
    rows = [
        on_roll(1, person("Oliver", "Smith")),
        on_roll(2, person("Poppy", "Smith", date(2012, 3, 4)), urn=100002),
    ]
    poppy = person("Poppy", "Smith", born=None, home=UNKNOWN)
    rolls = replace(frequencies(rows), forenames=known, surnames=known)
    alone = decide(poppy, rows, known=rolls)
    assert isinstance(alone, NeedsReview)
    assert alone.reason is ReviewReason.SCORE

    def together(second: Person) -> Matched | NeedsReview | NotFound:
        cases = {n: case_of(c, rows, rolls) for n, c in {"a": person("Oliver", "Smith"), "b": second}.items()}
        return decide_incident(cases, rolls.pupils, PARAMETERS)["b"]

    assert isinstance(together(poppy), Matched)
    assert isinstance(together(person("P", "Smith", born=None)), NeedsReview)
    assert isinstance(together(person("Peregrine", "Smith", born=None)), NeedsReview)


def test_two_children_cannot_be_one_pupil_but_two_records_of_one_child_can() -> None:
    rows = [on_roll(1, person())]
    two = decide_all({"a": person(), "b": person("Aishah", born=date(2015, 5, 15))}, rows)
    assert all(isinstance(d, Matched) for d in two.values())
    same = decide_all({"a": person(), "b": person(born=None)}, rows)
    assert isinstance(same["a"], Matched)
    assert isinstance(same["b"], NeedsReview)
    assert same["b"].reason is ReviewReason.CLAIMED_TWICE


def test_a_pupil_whom_a_person_gave_to_another_child_is_not_claimed_again() -> None:
    rows, known = [on_roll(1, person())], frequencies([on_roll(1, person())])
    settled = replace(case_of(person("Zebedee", "Bobbins", None), rows, known), claims=rows[0].pupil_id)
    decided = decide_incident({"a": case_of(person(), rows, known), "b": settled}, known.pupils, PARAMETERS)
    assert isinstance(decided["a"], NeedsReview)
    assert decided["a"].reason is ReviewReason.CLAIMED_TWICE


# Properties, the frequencies frozen.

FORENAMES = st.sampled_from(
    ["Aisha", "Ayesha", "Jayden", "Kayden", "Muhammad", "Muhammad Umar", "Poppy", "P", "Zariel"]
)
SURNAMES = st.sampled_from(["Crumplewick", "Crumplewik", "Khan", "Al-Khan", "Smith-Khan", "Smith", "Bobbins"])
BORN = st.sampled_from(
    [date(2015, 5, 14), date(2015, 5, 4), date(2015, 4, 5), date(2015, 1, 1), date(2012, 5, 14)]
)
HOMES = st.sampled_from([("TW1 1AA", "12 Plum Street"), ("TW1 1AB", "12 Plum Street"), ELSEWHERE, UNKNOWN])
PEOPLE = st.builds(person, FORENAMES, SURNAMES, BORN, sex=st.sampled_from([None, "F", "M"]), home=HOMES)
CHILDREN = st.builds(
    person, FORENAMES, SURNAMES, st.one_of(st.none(), BORN), sex=st.sampled_from([None, "F", "M"]), home=HOMES
)
KNOWN = replace(
    frequencies([]),
    forenames=dict.fromkeys(["aisha", "jayden", "muhammad", "poppy"], 60),
    surnames=dict.fromkeys(["smith", "khan"], 200),
)


def rolls_of(people: list[Person]) -> list[Enrolment]:
    return [on_roll(n, who, urn=100001 + n) for n, who in enumerate(people, start=1)]


@settings(max_examples=150, deadline=None)
@given(CHILDREN, st.lists(PEOPLE, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    child: Person, people: list[Person], rng: random.Random
) -> None:
    rows = rolls_of(people)
    shuffled = rng.sample(rows, len(rows))
    assert decide(child, rows, known=KNOWN) == decide(child, shuffled, known=KNOWN)


@settings(max_examples=100, deadline=None)
@given(FORENAMES, SURNAMES, BORN, HOMES, st.lists(PEOPLE, max_size=5))
def test_case_and_spacing_do_not_matter(
    forename: str, surname: str, born: date, home: tuple[str | None, str | None], people: list[Person]
) -> None:
    postcode, address = home
    loud = (postcode and postcode.lower().replace(" ", ""), address and f" {address.upper()} ")
    rows = rolls_of(people)
    plain = decide(person(forename, surname, born, home=home), rows, known=KNOWN)
    assert plain == decide(
        person(f" {forename.upper()}", f"{surname.lower()} ", born, home=loud), rows, known=KNOWN
    )


@settings(max_examples=150, deadline=None)
@given(CHILDREN, st.lists(PEOPLE, max_size=4), st.lists(PEOPLE, min_size=1, max_size=4))
def test_pupils_who_share_no_key_do_not_matter(
    child: Person, people: list[Person], others: list[Person]
) -> None:
    wanted = child_keys(child, PARAMETERS.spellings, KNOWN.birth_years)
    related = {key for who in people for key in roll_keys(who)} | wanted
    strangers = [
        replace(who, place=person(home=(f"ZZ{n} 1ZZ", "9 Fig Row")).place, born=date(2009, 9, n + 1), surnames=(f"qq{n}",),
                forenames=(f"vv{n}",), further=(), barrels=(f"qq{n}",))
        for n, who in enumerate(others)
    ]  # fmt: skip
    assert not any(roll_keys(s) & related for s in strangers)
    rows = rolls_of(people)
    more = rolls_of([*people, *strangers])
    assert decide(child, rows, known=KNOWN) == decide(child, more, known=KNOWN)


@settings(max_examples=300, deadline=None)
@given(CHILDREN, st.lists(PEOPLE, min_size=1, max_size=4), FORENAMES, st.data())
def test_adding_a_twin_who_is_not_the_child_never_makes_a_match(
    child: Person, people: list[Person], forename: str, data: st.DataObject
) -> None:
    twin = replace(data.draw(st.sampled_from(people)), forenames=person(forename).forenames, further=())
    if forename_likeness(child, twin, PARAMETERS) <= Likeness.SLIP:
        return
    rows = rolls_of(people)
    before, after = decide(child, rows, known=KNOWN), decide(child, rolls_of([*people, twin]), known=KNOWN)
    if not isinstance(before, Matched):
        assert not isinstance(after, Matched)
