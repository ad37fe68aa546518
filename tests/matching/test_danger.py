"""Ways in which the wrong school was told. Each has a veto; without that veto each of these is matched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import pytest

from encompass.domain.placement import Matched, NeedsReview, Veto
from encompass.domain.school import EnrolStatus
from encompass.matching import vetoes
from encompass.matching.enrolment import Enrolment
from encompass.matching.person import Person
from tests.matching.people import decide, on_roll, person

BORN = date(2015, 5, 14)
ELSEWHERE = ("SM1 9ZZ", "4 Damson Row")
ONE_UPN, OTHER_UPN = "B801200005001", "H801200005002"  # pragma: allowlist secret


@dataclass(frozen=True)
class Danger:
    """A child, the rolls, and the veto that must hold."""

    veto: Veto
    child: Person
    rows: list[Enrolment] = field(default_factory=list)


DANGERS: dict[str, Danger] = {
    "twin not on the roll": Danger(
        Veto.FORENAME, person("Jayden", sex="M"), [on_roll(1, person("Kayden", sex="M", schools={100001}))]
    ),
    "sibling not on the roll": Danger(
        Veto.FORENAME,
        person("Ottilie", born=None, schools={100001}),
        [on_roll(1, person("Peregrine", born=date(2013, 2, 3), schools={100001}))],
    ),
    "father's name given for the child": Danger(
        Veto.FORENAME,
        person("Imran", schools={100001}),
        [on_roll(1, person("Ayaan", further="Imran", schools={100001}))],
    ),
    "initial only": Danger(Veto.FORENAME, person("A"), [on_roll(1, person("Aisha"))]),
    "no forename, and another home": Danger(
        Veto.FORENAME, person("", home=ELSEWHERE, schools={100001}), [on_roll(1, person(schools={100001}))]
    ),
    "brother of the same first name": Danger(
        Veto.BIRTH_DATE,
        person("Muhammad", born=date(2012, 8, 21), schools={100001}),
        [on_roll(1, person("Muhammad", schools={100001}))],
    ),
    "brothers both Muhammad": Danger(
        Veto.COMMON_FIRST_NAME,
        person("Muhammad", further="Bilal", schools={100001}),
        [on_roll(1, person("Muhammad", further="Umar", schools={100001}))],
    ),
    "sister whose name is the brother's with an ending": Danger(
        Veto.SEX, person("Zarielle", sex="F"), [on_roll(1, person("Zariel", sex="M"))]
    ),
    "swapped names": Danger(
        Veto.TWO_DOUBTS,
        person("Thomas", "Barnabus", home=ELSEWHERE, schools={100001}),
        [on_roll(1, person("Barnabus", "Thomas", schools={100001}))],
    ),
    "swapped day and month": Danger(
        Veto.TWO_DOUBTS,
        person("Barnabus", born=date(2015, 5, 4), home=ELSEWHERE, schools={100001}),
        [on_roll(1, person("Barnabus", born=date(2015, 4, 5), schools={100001}))],
    ),
    "cousin of a near surname, elsewhere": Danger(
        Veto.TWO_DOUBTS,
        person("Barnabus", "Crumplewink", home=ELSEWHERE, schools={100001}),
        [on_roll(1, person("Barnabus", schools={100001}))],
    ),
    "twins on the roll, alike by name": Danger(
        Veto.TWIN,
        person("Hassan"),
        [on_roll(1, person("Hassan")), on_roll(2, person("Hussain"), urn=100002)],
    ),
    "cousins of one surname and age at one address": Danger(
        Veto.COUSIN,
        person("Zaynab"),
        [on_roll(1, person("Zainab")), on_roll(2, person("Zaynab", born=date(2015, 5, 17)), urn=100002)],
    ),
    "1 January for a birth date that nobody knows": Danger(
        Veto.TWO_DOUBTS,
        person("Barnabas", born=date(2015, 1, 1)),
        [on_roll(1, person("Barnabus", born=date(2015, 4, 9)))],
    ),
    "same name and birth date twice": Danger(
        Veto.NAMESAKE, person(), [on_roll(1, person()), on_roll(2, person(home=ELSEWHERE), urn=100002)]
    ),
    "UPN of another child": Danger(Veto.UPN, person(upn=ONE_UPN), [on_roll(1, person(upn=OTHER_UPN))]),
    "one UPN given to two children": Danger(
        Veto.RECORDS_DIFFER,
        person(),
        [
            on_roll(1, person(upn=ONE_UPN), enrol_status=EnrolStatus.MAIN_DUAL),
            on_roll(1, person("Zebedee", upn=ONE_UPN), urn=100002, enrol_status=EnrolStatus.SUBSIDIARY_DUAL),
        ],
    ),
}


@pytest.mark.parametrize("name", DANGERS)
def test_a_person_decides(name: str) -> None:
    danger = DANGERS[name]
    decision = decide(danger.child, danger.rows)
    assert isinstance(decision, NeedsReview)
    assert danger.veto in decision.evidence.candidates[0].vetoes


@pytest.mark.parametrize("name", DANGERS)
def test_without_its_veto_the_child_would_be_matched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above fails when the veto is removed: nothing else holds the child back."""
    danger = DANGERS[name]
    others: dict[Veto, Callable[[vetoes.Question], bool]] = {
        veto: stands for veto, stands in vetoes.VETOES.items() if veto is not danger.veto
    }
    monkeypatch.setattr(vetoes, "VETOES", MappingProxyType(others))
    assert isinstance(decide(danger.child, danger.rows), Matched)
