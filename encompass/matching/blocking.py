"""Plain blocking keys: two records that share none of them are never compared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from encompass.matching.names import Spellings
from encompass.matching.normalise import sound
from encompass.matching.person import Person, known_surnames


def roll_keys(pupil: Person) -> frozenset[str]:
    """The keys that a pupil is found by: names by their sound, with each other, the birth date and the home."""
    first, last, days = _sounds(pupil.forenames), _sounds(known_surnames(pupil)), _days(pupil.born)
    keys = _dated(first, last, days) | _at_home(first, last, pupil) | _beginnings(first, last, days)
    if pupil.born is None:
        keys |= _undated(first, last)
    return frozenset(keys)


def child_keys(child: Person, spellings: Spellings, birth_years: Iterable[int]) -> frozenset[str]:
    """The keys that a child is looked for by: also names exchanged, day and month exchanged, known spellings.

    Without a birth date the two names are looked for in each of the roll's birth years.
    """
    days = _days(child.born, exchanged(child.born) if child.born else None)
    years = tuple(birth_years) if child.born is None else ()
    surnames = known_surnames(child)
    forenames = (*child.forenames, *child.further)
    spelt = (*forenames, *(other for name in child.forenames for other in spellings.of(name)))
    surnames_spelt = (*surnames, *(other for name in surnames for other in spellings.of(name)))
    keys: set[str] = set()
    for first, last in ((spelt, surnames), (child.forenames, surnames_spelt), (surnames, child.forenames)):
        a, b = _sounds(first), _sounds(last)
        keys |= _dated(a, b, days) | _at_home(a, b, child) | _undated(a, b)
        keys |= {f"fsy|{f}|{s}|{year}" for f in a for s in b for year in years}
    return frozenset(keys)


def wider_keys(child: Person) -> frozenset[str]:
    """The keys that a child is looked for by when nobody found so far fits: birth date and how the names begin."""
    names = _sounds((*child.forenames, *known_surnames(child)))
    return frozenset(_beginnings(names, names, _days(child.born)))


def household_keys(pupil: Person) -> frozenset[str]:
    """The keys by which those of one household, or of one surname and birth date, find each other."""
    keys: set[str] = set()
    if pupil.place.household:
        keys.add(f"h|{pupil.place.household}")
    if pupil.born:
        keys |= {f"sd|{s}|{pupil.born.isoformat()}" for s in map(sound, known_surnames(pupil))}
    return frozenset(keys)


def _dated(first: set[str], last: set[str], days: tuple[date, ...]) -> set[str]:
    keys: set[str] = set()
    for day in days:
        iso, month_and_day = day.isoformat(), _day_and_month(day)
        keys |= {f"fd|{f}|{iso}" for f in first}
        keys |= {f"sd|{s}|{iso}" for s in last}
        keys |= {f"fsy|{f}|{s}|{day.year}" for f in first for s in last}
        keys |= {f"fsm|{f}|{s}|{month_and_day}" for f in first for s in last}
    return keys


def _undated(first: set[str], last: set[str]) -> set[str]:
    return {f"fs|{f}|{s}" for f in first for s in last}


def _at_home(first: set[str], last: set[str], person: Person) -> set[str]:
    place = person.place
    if place.postcode is None:
        return set()
    keys = {f"pf|{place.postcode}|{f}" for f in first} | {f"ps|{place.postcode}|{s}" for s in last}
    return keys | {f"h|{place.household}"} if place.household else keys


def _beginnings(first: set[str], last: set[str], days: tuple[date, ...]) -> set[str]:
    return {f"id|{f[:1]}|{d.isoformat()}" for f in first for d in days} | {
        f"jd|{s[:2]}|{d.isoformat()}" for s in last for d in days
    }


def _sounds(names: Iterable[str]) -> set[str]:
    return {sound(name) for name in names if name}


def _day_and_month(day: date) -> str:
    return "-".join(map(str, sorted((day.day, day.month))))


def _days(*days: date | None) -> tuple[date, ...]:
    return tuple(day for day in days if day is not None)


def exchanged(born: date) -> date | None:
    """The day with its day and month exchanged, where that is another day."""
    if born.day == born.month:
        return None
    try:
        return date(born.year, born.day, born.month)
    except ValueError:
        return None
