"""What forbids an automatic match, whatever the score: each a way in which the wrong school was told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from encompass.domain.placement import Veto
from encompass.matching.comparison import (
    AGREES,
    EXCHANGED,
    FURTHER_DIFFER,
    MISSING,
    Compared,
    born_level,
    forename_likeness,
)
from encompass.matching.enrolment import Enrolment
from encompass.matching.names import Likeness, likeness
from encompass.matching.parameters import Parameters
from encompass.matching.person import Person

SAME_NAME: Final = frozenset({"same", "known", "sound", "barrel", "former"})
SAME_DAY: Final = frozenset({"same", "same_1_january", MISSING})
AT_HOME: Final = ("house", "house_but_postcode")
NO_BIRTH_DATE: Final = frozenset({"same_1_january", "year_of_1_january", MISSING})
ONE_AGE: Final = timedelta(days=366)


@dataclass(frozen=True)
class Question:
    """May this pupil be the child? Everything that a veto looks at.

    `rows` are the pupil's own, `others` those of every other pupil who was compared with the child or who lives
    in the pupil's household or shares his or her surname and birth date.
    """

    child: Person = field(repr=False)
    compared: Compared
    rows: Sequence[Enrolment]
    others: Sequence[Enrolment]
    day: date
    parameters: Parameters = field(repr=False)


def forename(question: Question) -> bool:
    """The forename disagrees, is an initial, or is that of another: a sibling, a twin, a father.

    Where police know no forename, surname and birth date must both agree, and the home where both give one.
    """
    compared = question.compared
    if compared.level("forename") != MISSING:
        return compared.level("forename") not in AGREES
    return not (
        compared.level("surname") in SAME_NAME
        and compared.level("born") == "same"
        and compared.level("place") in (*AT_HOME, MISSING)
    )


def birth_date(question: Question) -> bool:
    """The birth date is another's: a brother of the same first name, a namesake."""
    return question.compared.level("born") == "differs"


def sex(question: Question) -> bool:
    """The sex differs and so does the spelling of the forename: Daniel and Danielle."""
    return question.compared.level("sex") == "differs" and question.compared.level("forename") != "same"


def two_doubts(question: Question) -> bool:
    """Two things are in doubt at once, and the home does not settle them: siblings, cousins and namesakes show that.

    A doubtful surname, or an exchange (forename for surname, day for month), with a home elsewhere; a
    doubtful birth date with a doubtful name; or, even at home, no birth date (1 January often stands for none) with
    a forename that is only like it.
    """
    compared = question.compared
    place, born = compared.level("place"), compared.level("born")
    if compared.level("forename") in ("slip", "sound") and born in NO_BIRTH_DATE:
        return True
    if place in AT_HOME:
        return False
    exchanged = compared.has_note(EXCHANGED)
    surname = compared.level("surname") not in SAME_NAME
    forename_ = compared.level("forename") not in SAME_NAME
    if place in ("near", "differs") and (surname or exchanged or born == EXCHANGED):
        return True
    return born not in SAME_DAY and (surname or forename_ or exchanged)


def common_first_name(question: Question) -> bool:
    """Only a first name that brothers share agrees (Muhammad, Syed): the names after it, or the birth date, do not."""
    child, parameters = question.child, question.parameters
    precede = parameters.names.precede_others
    agreed = {
        name
        for name in child.forenames
        for row in question.rows
        for other in row.person.forenames
        if likeness(parameters.spellings, name, other) <= Likeness.SOUND
    }
    if not agreed or not all(_precedes(name, precede, parameters) for name in agreed):
        return False
    if question.compared.has_note(FURTHER_DIFFER):
        return True
    told_more = bool(child.further) or not any(row.person.further for row in question.rows)
    return not told_more and question.compared.level("born") not in SAME_DAY


def twin(question: Question) -> bool:
    """Another pupil of the same household and birth date has a like forename, or shares the first forename."""
    return any(
        _is_twin(question, row, other)
        for row in question.rows
        for other in question.others
        if other.is_current_on(question.day)
    )


def cousin(question: Question) -> bool:
    """Another pupil of the household and about the age is more alike by forename: cousins, brothers a year apart."""
    return any(
        _is_cousin(question, row, other)
        for row in question.rows
        for other in question.others
        if other.is_current_on(question.day)
    )


def namesake(question: Question) -> bool:
    """Another pupil has the same name and birth date: only a person can say which of them it is."""
    names = set(question.child.forenames), set(question.child.surnames)
    mine = [row.person for row in question.rows]
    return any(
        other.person.born is not None
        and any(other.person.born == p.born for p in mine)
        and not names[0].isdisjoint(other.person.forenames)
        and not names[1].isdisjoint(other.person.surnames)
        for other in question.others
        if other.is_current_on(question.day)
    )


def upn(question: Question) -> bool:
    """The child's UPN is another's than the pupil's, or nothing else agrees with it."""
    given = question.child.upn
    if given is None:
        return False
    theirs = {row.person.upn for row in question.rows if row.person.upn}
    others = {row.person.upn for row in question.others}
    return bool(theirs - {given}) or (given not in theirs and given in others)


def records_differ(question: Question) -> bool:
    """The pupil's rows are of two different children: a UPN given twice."""
    first, *more = (row.person for row in question.rows)
    return any(
        born_level(first.born, other.born) == "differs"
        or forename_likeness(first, other, question.parameters) >= Likeness.RIVAL
        for other in more
    )


VETOES: Mapping[Veto, Callable[[Question], bool]] = MappingProxyType(
    {
        Veto.FORENAME: forename,
        Veto.BIRTH_DATE: birth_date,
        Veto.SEX: sex,
        Veto.UPN: upn,
        Veto.RECORDS_DIFFER: records_differ,
        Veto.COMMON_FIRST_NAME: common_first_name,
        Veto.TWO_DOUBTS: two_doubts,
        Veto.NAMESAKE: namesake,
        Veto.TWIN: twin,
        Veto.COUSIN: cousin,
    }
)


def vetoes_of(question: Question) -> tuple[Veto, ...]:
    """Every veto that stands against this pupil."""
    return tuple(veto for veto, stands in VETOES.items() if stands(question))


def _precedes(name: str, precede: Iterable[str], parameters: Parameters) -> bool:
    return any(likeness(parameters.spellings, name, common) <= Likeness.KNOWN for common in precede)


def _is_twin(question: Question, row: Enrolment, other: Enrolment) -> bool:
    mine, theirs = row.person, other.person
    if mine.born is None or mine.born != theirs.born or not _one_family(mine, theirs):
        return False
    if not question.child.forenames:
        return True
    like = forename_likeness(question.child, theirs, question.parameters)
    return like is not Likeness.NONE or mine.forenames[:1] == theirs.forenames[:1]


def _is_cousin(question: Question, row: Enrolment, other: Enrolment) -> bool:
    mine, theirs = row.person, other.person
    if mine.place.household is None or mine.place.household != theirs.place.household:
        return False
    if mine.born is None or theirs.born is None or abs(mine.born - theirs.born) > ONE_AGE:
        return False
    child, parameters = question.child, question.parameters
    return forename_likeness(child, theirs, parameters) < forename_likeness(child, mine, parameters)


def _one_family(one: Person, other: Person) -> bool:
    if one.place.household and other.place.household:
        return one.place.household == other.place.household
    known_apart = one.place.postcode and other.place.postcode and one.place.postcode != other.place.postcode
    return not known_apart and not set(one.barrels).isdisjoint(other.barrels)
