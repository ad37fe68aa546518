"""One record's facts as matching sees them, whether police or a school wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from encompass.domain.incident import ReportedChild
from encompass.domain.school import RollEntry
from encompass.domain.upn import valid_upn
from encompass.matching.normalise import Place, name_words, normalise_name, place_of

LEAST_LETTERS_OF_A_BARREL = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A child as police named him or her, or a pupil as a roll does, normalised. Empty or None is unknown.

    `forenames` are the first names gone by (legal, preferred, given as an alias), `further` every other
    forename, `surnames` the whole surnames (legal, preferred, alias), `former` those given up, `barrels` the single
    words of the surnames.
    """

    forenames: tuple[str, ...] = field(repr=False)
    further: tuple[str, ...] = field(repr=False)
    surnames: tuple[str, ...] = field(repr=False)
    former: tuple[str, ...] = field(repr=False)
    barrels: tuple[str, ...] = field(repr=False)
    born: date | None = field(repr=False)
    sex: str | None = field(repr=False)
    place: Place = field(repr=False)
    upn: str | None = field(repr=False)
    schools: frozenset[int] = frozenset()


def pupil_of(entry: RollEntry) -> Person:
    """A pupil as one school's roll has him or her."""
    return _person(
        (entry.legal_forename, entry.preferred_forename),
        (entry.middle_names,),
        (entry.legal_surname, entry.preferred_surname),
        (entry.former_surname,),
        born=entry.date_of_birth,
        sex=entry.sex,
        place=place_of(entry.postcode, entry.address),
        upn=entry.upn,
        schools=frozenset({entry.urn}),
    )


def known_surnames(person: Person) -> tuple[str, ...]:
    """Every surname that the person goes or went by, whole and in single words."""
    return _once((*person.surnames, *person.former, *person.barrels))


def child_of(
    child: ReportedChild, schools_of_that_name: Iterable[int] = (), upn: str | None = None
) -> Person:
    """A child as police reported him or her. Other names are whole names: forename first, surname last."""
    others = [words for name in child.other_names if (words := name.split())]
    named = child.school_named
    return _person(
        (child.forename, *(words[0] for words in others)),
        (child.middle_names, *(" ".join(words[1:-1]) for words in others)),
        (child.surname, *(words[-1] for words in others if len(words) > 1)),
        (),
        born=child.date_of_birth,
        sex=child.sex,
        place=place_of(child.address.postcode, child.address.address)
        if child.address
        else Place(None, None, None),
        upn=upn,
        schools=frozenset({named.urn} if named and named.urn is not None else schools_of_that_name),
    )


def _person(
    forenames: tuple[str | None, ...],
    further: tuple[str | None, ...],
    surnames: tuple[str | None, ...],
    former: tuple[str | None, ...],
    *,
    born: date | None,
    sex: str | None,
    place: Place,
    upn: str | None,
    schools: frozenset[int],
) -> Person:
    first, more = _forenames(forenames, further)
    whole, given_up, barrels = _surnames(surnames, former)
    return Person(
        forenames=first,
        further=more,
        surnames=whole,
        former=given_up,
        barrels=barrels,
        born=born,
        sex=_sex(sex),
        place=place,
        upn=upn if upn and valid_upn(upn) else None,
        schools=schools,
    )


@lru_cache(maxsize=1 << 16)
def _forenames(
    forenames: tuple[str | None, ...], further: tuple[str | None, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The first names gone by, and every other forename."""
    first: list[str] = []
    more: list[str] = []
    for name in filter(None, forenames):
        words = name_words(name)
        first += [normalise_name(name), *words[:1]]
        more += words[1:]
    for name in filter(None, further):
        more += name_words(name)
    return _once(first), _once(more)


@lru_cache(maxsize=1 << 16)
def _surnames(
    surnames: tuple[str | None, ...], former: tuple[str | None, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The whole surnames, those given up, and the single words of the first."""
    whole: list[str] = []
    barrels: list[str] = []
    for name in filter(None, surnames):
        words = name_words(name)
        whole += [normalise_name(name), "".join(words)]
        barrels += [w for w in words if len(w) >= LEAST_LETTERS_OF_A_BARREL] if len(words) > 1 else words
    given_up = [n for name in filter(None, former) for n in (normalise_name(name), "".join(name_words(name)))]
    return _once(whole), _once(n for n in given_up if n not in whole), _once(barrels)


def _sex(given: str | None) -> str | None:
    letter = (given or "").strip()[:1].upper()
    return letter if letter in ("M", "F") else None


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, names)))
