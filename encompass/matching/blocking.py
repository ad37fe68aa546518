"""Plain blocking keys: two records that share none of them are never compared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from encompass.matching.names import Spellings
from encompass.matching.normalise import sound
from encompass.matching.person import Person, known_surnames


def roll_keys(pupil: Person) -> frozenset[str]:
    """The keys that a pupil is found by: names by their sound or its beginning, with the birth date and the home."""
    first, last, days = _sounds(pupil.forenames), _sounds(known_surnames(pupil)), _days(pupil.born)
    keys = _dated(first, last, days) | _beginning(first, last, pupil.born) | _at_home(first, last, pupil)
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
    keys = _beginning(_sounds(child.forenames), _sounds(surnames), child.born)
    for first, last in ((spelt, surnames), (child.forenames, surnames_spelt), (surnames, child.forenames)):
        a, b = _sounds(first), _sounds(last)
        keys |= _dated(a, b, days) | _at_home(a, b, child) | _undated(a, b)
        keys |= {f"fsy|{f}|{s}|{year}" for f in a for s in b for year in years}
    return frozenset(keys)


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
        keys.update([f"fd|{f}|{iso}" for f in first], [f"sd|{s}|{iso}" for s in last])
        for f in first:
            for s in last:
                keys.update((f"fsy|{f}|{s}|{day.year}", f"fsm|{f}|{s}|{month_and_day}"))
    return keys


def _beginning(first: set[str], last: set[str], born: date | None) -> set[str]:
    return {f"ijd|{f[:1]}|{s[:1]}|{born.isoformat()}" for f in first for s in last} if born else set()


def _undated(first: set[str], last: set[str]) -> set[str]:
    return {f"fs|{f}|{s}" for f in first for s in last}


def _at_home(first: set[str], last: set[str], person: Person) -> set[str]:
    place = person.place
    if place.postcode is None:
        return set()
    keys = {f"pf|{place.postcode}|{f}" for f in first} | {f"ps|{place.postcode}|{s}" for s in last}
    return keys | {f"h|{place.household}"} if place.household else keys


def _sounds(names: Iterable[str]) -> set[str]:
    return set(map(sound, names)) - {""}


def _day_and_month(day: date) -> str:
    return f"{min(day.day, day.month)}-{max(day.day, day.month)}"


def _days(*days: date | None) -> tuple[date, ...]:
    return tuple(filter(None, days))


def exchanged(born: date) -> date | None:
    """The day with its day and month exchanged, where that is another day."""
    if born.day == born.month:
        return None
    try:
        return date(born.year, born.day, born.month)
    except ValueError:
        return None
