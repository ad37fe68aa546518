"""What each field of a child and a pupil says about their being one: a level of agreement and its bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import log2
from typing import Final

from rapidfuzz.distance import OSA

from encompass.domain.placement import FieldEvidence
from encompass.matching.names import Likeness, likeness
from encompass.matching.normalise import Place
from encompass.matching.parameters import Parameters
from encompass.matching.person import Person

MISSING: Final = "missing"
EXCHANGED: Final = "exchanged"
FURTHER_DIFFER: Final = "further_differ"
NEAR_POSTCODE: Final = -2
POSTCODE_SLIPS: Final = 2
SMALLEST_ROLL: Final = 1000  # a name is no commoner for standing on a short roll
_LEVEL: Final = {
    Likeness.SAME: "same", Likeness.KNOWN: "known", Likeness.SOUND: "sound", Likeness.SLIP: "slip",
    Likeness.INITIAL: "initial", Likeness.RIVAL: "rival", Likeness.NONE: "differs",
}  # fmt: skip
AGREES: Final = frozenset({"same", "known", "sound", "slip", "barrel", "former"})


@dataclass(frozen=True)
class Frequencies:
    """How many pupils of a force's rolls go by each name that matters here, of how many pupils in all."""

    pupils: int
    forenames: Mapping[str, int] = field(repr=False)
    surnames: Mapping[str, int] = field(repr=False)
    birth_dates: Mapping[date, int] = field(repr=False)
    birth_years: tuple[int, ...]
    same_birth_date: float

    def birth_date_share(self, born: date) -> float:
        """The chance that another pupil was born that day: that of any two pupils, or more for a common date.

        1 January is such a date where it stands for "not known".
        """
        others = max(self.birth_dates.get(born, 0) - 1, 0)
        return max(self.same_birth_date, others / max(self.pupils, 1))


@dataclass(frozen=True, slots=True)
class Compared:
    """The fields of one comparison and the score in bits, the prior included."""

    score: float
    fields: tuple[FieldEvidence, ...]

    def level(self, name: str) -> str:
        """The level of one field, `missing` where either record leaves it empty."""
        return next((f.level for f in self.fields if f.field == name), MISSING)

    def has_note(self, level: str) -> bool:
        """Whether the names carry this note: exchanged, or further forenames that differ."""
        return any(f.field == "names" and f.level == level for f in self.fields)


def compare(child: Person, pupil: Person, known: Frequencies, parameters: Parameters) -> Compared:
    """Score in bits (log2 odds): the prior and, for each field, log2(m / u) (Fellegi and Sunter 1969).

    Fields that either record leaves empty are left out. Forename and surname are tried exchanged where neither
    agrees.
    """
    fields = [*_names(child, pupil, known, parameters)]
    for name, level in (
        ("born", born_level(child.born, pupil.born) if child.born != pupil.born else None),
        ("sex", _same(child.sex, pupil.sex)),
        ("place", _place_level(child.place, pupil.place)),
        ("school", _school_level(child, pupil)),
    ):
        if level is not None:
            fields.append(FieldEvidence(name, level, parameters.bits[name][level]))
    if child.born and child.born == pupil.born:
        share = known.birth_date_share(child.born)
        level = "same_1_january" if _is_1_january(child.born) else "same"
        fields.append(FieldEvidence("born", level, log2(parameters.shares["born", level] / share)))
    if child.upn and child.upn == pupil.upn and _supports_upn(fields):
        fields.append(FieldEvidence("upn", "same", parameters.bits["upn"]["same"]))
    score = parameters.prior(max(known.pupils, SMALLEST_ROLL)) + sum(f.bits for f in fields)
    return Compared(score, tuple(fields))


def forename_likeness(one: Person, other: Person, parameters: Parameters) -> Likeness:
    """How alike the two are at best in the first names that they go by."""
    return min(
        (likeness(parameters.spellings, a, b) for a in one.forenames for b in other.forenames),
        default=Likeness.NONE,
    )


def born_level(one: date | None, other: date | None) -> str | None:
    """How two birth dates agree; None where either is unknown.

    1 January often stands for "some day of that year": it agrees weakly, and with any day of the year.
    """
    if one is None or other is None:
        return None
    if one == other:
        return "same_1_january" if _is_1_january(one) else "same"
    if one.year != other.year:
        one_digit = abs(one.year - other.year) == 1 or sorted(str(one.year)) == sorted(str(other.year))
        return "year" if one_digit and (one.month, one.day) == (other.month, other.day) else "differs"
    if _is_1_january(one) or _is_1_january(other):
        return "year_of_1_january"
    return _within_a_year(one, other)


def _within_a_year(one: date, other: date) -> str:
    if (one.day, one.month) == (other.month, other.day):
        return EXCHANGED
    if one.month == other.month:
        return "day"
    return "month" if one.day == other.day else "differs"


def _is_1_january(day: date) -> bool:
    return (day.month, day.day) == (1, 1)


def _names(
    child: Person, pupil: Person, known: Frequencies, parameters: Parameters
) -> Iterable[FieldEvidence]:
    forename = _forename(child.forenames, pupil, known, parameters, child.further)
    surname = _surname(child.surnames, child.barrels, pupil, known, parameters)
    if forename and surname and forename.level not in AGREES and surname.level not in AGREES:
        other = _forename(child.surnames, pupil, known, parameters, ())
        another = _surname(child.forenames, child.forenames, pupil, known, parameters)
        if other and another and other.level in AGREES and another.level in AGREES:
            return other, another, FieldEvidence("names", EXCHANGED, parameters.names.exchanged_bits)
    found = [f for f in (forename, surname) if f]
    if forename and forename.level in AGREES and _further_differ(child, pupil, parameters):
        found.append(FieldEvidence("names", FURTHER_DIFFER, parameters.names.further_differ_bits))
    return found


def _further_differ(child: Person, pupil: Person, parameters: Parameters) -> bool:
    spellings = parameters.spellings
    return bool(child.further and pupil.further) and not any(
        likeness(spellings, a, b) is not Likeness.NONE
        for a in child.further
        for b in (*pupil.further, *pupil.forenames)
    )


def _forename(
    names: tuple[str, ...],
    pupil: Person,
    known: Frequencies,
    parameters: Parameters,
    further: tuple[str, ...],
) -> FieldEvidence | None:
    if not names or not pupil.forenames:
        return None
    like, name = _best(names, pupil.forenames, known.forenames, known.pupils, parameters)
    if like >= Likeness.INITIAL and _through_middle(names, further, pupil):
        return FieldEvidence("forename", "middle", parameters.bits["forename"]["middle"])
    level = _LEVEL[like]
    most = parameters.names.most_forename_bits
    return FieldEvidence(
        "forename", level, _bits("forename", level, name, most, known.forenames, known, parameters)
    )


def _through_middle(names: tuple[str, ...], further: tuple[str, ...], pupil: Person) -> bool:
    return not {n for n in names if len(n) > 1}.isdisjoint(pupil.further) or not {
        n for n in further if len(n) > 1
    }.isdisjoint(pupil.forenames)


def _surname(
    names: tuple[str, ...],
    barrels: tuple[str, ...],
    pupil: Person,
    known: Frequencies,
    parameters: Parameters,
) -> FieldEvidence | None:
    if not names or not pupil.surnames:
        return None
    rules, counts = parameters.names, known.surnames
    like, name = _best(names, pupil.surnames, counts, known.pupils, parameters)
    shared = set(barrels) & set(pupil.barrels)
    if like is not Likeness.SAME and shared:
        rarest = min(shared, key=lambda n: (counts.get(n, 0), n))
        worth = _bits("surname", "barrel", rarest, rules.most_barrel_bits, counts, known, parameters)
        return FieldEvidence("surname", "barrel", worth)
    if like is not Likeness.SAME and not set(names).isdisjoint(pupil.former):
        rarest = min(set(names) & set(pupil.former), key=lambda n: (counts.get(n, 0), n))
        worth = _bits("surname", "former", rarest, rules.most_surname_bits, counts, known, parameters)
        return FieldEvidence("surname", "former", worth)
    if like is Likeness.NONE:
        like, name = _best(barrels, pupil.barrels, counts, known.pupils, parameters)
    level = "differs" if like is Likeness.INITIAL else _LEVEL[like]
    return FieldEvidence(
        "surname", level, _bits("surname", level, name, rules.most_surname_bits, counts, known, parameters)
    )


def _bits(
    table: str,
    level: str,
    name: str,
    most: float,
    counts: Mapping[str, int],
    known: Frequencies,
    parameters: Parameters,
) -> float:
    """What a name at this level is worth: by the frequency of the pupil's name where the level says so.

    A slip of a rare name says more than a slip of a common one: few other pupils' names are near it.
    """
    share_of_records = parameters.shares.get((table, level))
    if share_of_records is None:
        return parameters.bits[table][level]
    share = (counts.get(name, 0) + 0.5) / (max(known.pupils, SMALLEST_ROLL) + 1)
    return min(most, log2(share_of_records / share))


def _best(
    names: tuple[str, ...],
    others: tuple[str, ...],
    counts: Mapping[str, int],
    pupils: int,
    parameters: Parameters,
) -> tuple[Likeness, str]:
    """The best likeness, and the pupil's name that has it: of several, the rarest.

    A spelling that enough pupils go by is another name, however much it looks like a slip of this one.
    """
    same = [name for name in names if name in others]
    if same:
        return Likeness.SAME, min(same, key=lambda name: (counts.get(name, 0), name))
    found = (Likeness.NONE, 0, "")
    spellings = parameters.spellings
    for name in names:
        for other in others:
            like = likeness(spellings, name, other)
            if like is Likeness.NONE:
                continue
            if like in (Likeness.SOUND, Likeness.SLIP) and _is_name(name, counts, pupils, parameters):
                like = Likeness.RIVAL
            found = min(found, (like, counts.get(other, 0), other))
    return found[0], found[2]


def _is_name(name: str, counts: Mapping[str, int], pupils: int, parameters: Parameters) -> bool:
    count, rules = counts.get(name, 0), parameters.names
    return count >= rules.established_pupils and count >= rules.established_share * pupils


def _same(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return None
    return "same" if one == other else "differs"


def _place_level(one: Place, other: Place) -> str | None:
    if not (one.postcode or one.street) or not (other.postcode or other.street):
        return None
    same_house = one.house is not None and one.house == other.house
    if one.postcode and one.postcode == other.postcode:
        return "house" if same_house else "postcode"
    if same_house and one.street and one.street == other.street:
        if not (one.postcode and other.postcode):
            return "house_but_postcode"
        if OSA.distance(one.postcode, other.postcode) <= POSTCODE_SLIPS:
            return "house_but_postcode"
    if not (one.postcode and other.postcode):
        return None
    return "near" if one.postcode[:NEAR_POSTCODE] == other.postcode[:NEAR_POSTCODE] else "differs"


def _school_level(child: Person, pupil: Person) -> str | None:
    if not child.schools:
        return None
    return "differs" if child.schools.isdisjoint(pupil.schools) else "same"


def _supports_upn(fields: Iterable[FieldEvidence]) -> bool:
    """A UPN counts only beside an agreeing name or birth date: it may have been another child's."""
    return any(
        (f.field in ("forename", "surname") and f.level in AGREES)
        or (f.field == "born" and f.level == "same")
        for f in fields
    )
