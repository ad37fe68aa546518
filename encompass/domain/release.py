"""The checks before a school is told: what a text gives away, and who at the school must not read it.

A hit is no proof and its absence no clearance: it puts a person between the text and the school.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeVar

from encompass.domain.hold import Hit, Scan
from encompass.domain.incident import ReportedChild, ReportedIncident
from encompass.domain.school import KeyAdultEntry
from encompass.domain.telling import FREE_TEXT, Line

K = TypeVar("K")
_STREETS: Final = (
    "street|st|road|rd|avenue|ave|lane|ln|crescent|cres|terrace|gardens|gdns|grove|mews|parade|broadway|esplanade|"
    "passage|villas|cottages|mansions|wharf|quay"
)
_ALSO_ORDINARY: Final = (
    "close|drive|court|place|way|square|hill|walk|row|rise|green|view|yard|corner|park|house|lodge|heights|gate|bank|"
    "croft|fold|mead|vale"
)
_NUMBER: Final = r"\b\d{1,4}\s?[a-z]?\b,?\s+"
_COUNTED: Final = (
    r"(?!(?:minute|hour|day|week|month|year|mile|metre|officer|time|car|people|child|children|and|or|of)s?\b)"
)
_ADDRESS: Final = re.compile(
    rf"{_NUMBER}(?:{_COUNTED}[a-z'\u2019.-]+\s+){{1,4}}?(?:{_STREETS})\b", re.IGNORECASE
)
_ADDRESS_OF_ONE_WORD: Final = re.compile(
    rf"{_NUMBER}{_COUNTED}[a-z'\u2019-]+\s+(?:{_ALSO_ORDINARY})\b", re.IGNORECASE
)
_ADDRESS_IN_CAPITALS: Final = re.compile(
    rf"{_NUMBER}(?:[A-Z][\w'\u2019-]*\s+){{1,4}}?(?:{_ALSO_ORDINARY.title()})\b"
)
_FLAT: Final = re.compile(r"\b(?:flat|apartment|apt)\s*(?:no\.?\s*)?\d{1,4}\s?[a-z]?\b", re.IGNORECASE)
_POSTCODE: Final = re.compile(r"\b[a-z]{1,2}\d[a-z\d]?\s*\d[a-z]{2}\b", re.IGNORECASE)
_TELEPHONE: Final = re.compile(r"(?<!\d)(?:\+44|0044|\(?0)[\s().-]*\d(?:[\s().-]*\d){8,9}(?!\d)")
_PATTERNS: Final = (
    (Scan.ADDRESS, _ADDRESS),
    (Scan.ADDRESS, _ADDRESS_OF_ONE_WORD),
    (Scan.ADDRESS, _ADDRESS_IN_CAPITALS),
    (Scan.ADDRESS, _FLAT),
    (Scan.POSTCODE, _POSTCODE),
    (Scan.TELEPHONE, _TELEPHONE),
)
_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHES: Final = re.compile(r"['\u2019]")
_OF_ANY_SCHOOL: Final = frozenset(
    {"primary", "secondary", "school", "schools", "academy", "college", "infant", "infants", "junior", "nursery",
     "high", "grammar", "prep", "preparatory", "ce", "cofe", "c", "of", "e", "rc", "catholic", "church", "england",
     "voluntary", "aided", "controlled", "the", "and", "community", "free", "trust", "sixth", "form", "centre"}
)  # fmt: skip
_SAYS_SCHOOL: Final = frozenset(
    {"primary", "school", "academy", "college", "infant", "infants", "junior", "nursery"}
)
_LONG_ENOUGH: Final = 2


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return _WORD.findall(_APOSTROPHES.sub("", plain))


def _school_words(text: str) -> list[str]:
    return ["saint" if word == "st" else word for word in _words(text)]


@dataclass(frozen=True)
class SchoolNames:
    """The schools of the force's register, to be recognised in a text: by name, or by the part that is its own."""

    names: Mapping[int, str] = field(repr=False)

    @cached_property
    def _by_first(self) -> dict[str, list[tuple[tuple[str, ...], bool, int]]]:
        found: dict[str, list[tuple[tuple[str, ...], bool, int]]] = {}
        for urn, name in self.names.items():
            whole = _school_words(name)
            own = tuple(w for w in whole if w not in _OF_ANY_SCHOOL)
            if own:
                found.setdefault(own[0], []).append((own, len(own) >= _LONG_ENOUGH, urn))
        return found

    def others_in(self, text: str, urn: int | None) -> Iterator[str]:
        """The names of schools other than this one that the text seems to say."""
        words = _school_words(text)
        mine = {w for w in _school_words(self.names.get(urn, "") if urn else "") if w not in _OF_ANY_SCHOOL}
        for at, word in enumerate(words):
            for own, suffices, other in self._by_first.get(word, ()):
                after = words[at + len(own) : at + len(own) + 1]
                says_school = bool(after) and after[0] in _SAYS_SCHOOL
                if (
                    other != urn
                    and tuple(words[at : at + len(own)]) == own
                    and (suffices or says_school)
                    and not set(own) <= mine
                ):
                    yield " ".join(own)


@dataclass(frozen=True)
class Knowledge:
    """What must not be said to one recipient of one child: refuges, other schools, children who go elsewhere."""

    urn: int | None
    refuges: tuple[str, ...] = field(repr=False)
    schools: SchoolNames = field(repr=False)
    children_elsewhere: tuple[ReportedChild, ...] = field(repr=False)


def scan(lines: Iterable[Line], child: ReportedChild, known: Knowledge) -> tuple[Hit, ...]:
    """Everything that these lines seem to give away to the school, each place once, in the order of reading."""
    hits = (hit for line in lines for hit in _hits(line, child, known))
    return tuple(dict.fromkeys(hits))


def _hits(line: Line, child: ReportedChild, known: Knowledge) -> Iterator[Hit]:
    for refuge in known.refuges:
        if _said(refuge, line.text):
            yield Hit(Scan.REFUGE, line.name, refuge)
    if line.name not in FREE_TEXT:
        return
    for kind, pattern in _PATTERNS:
        for found in pattern.finditer(line.text):
            yield Hit(kind, line.name, found.group(0))
    for name in known.schools.others_in(line.text, known.urn):
        yield Hit(Scan.OTHER_SCHOOL, line.name, name)
    own = {*_words(child.forename), *_words(child.surname)}
    for other in known.children_elsewhere:
        for name in (other.forename, other.surname):
            if not set(_words(name)) <= own and _said(name, line.text):
                yield Hit(Scan.OTHER_CHILD, line.name, name)


def _said(name: str, text: str) -> bool:
    wanted, words = _words(name), _words(text)
    return bool(wanted) and any(
        words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1)
    )


def works_here(incident: ReportedIncident, urn: int, school_name: str) -> bool:
    """Whether police recorded that a party to the incident works at this school."""
    return any(
        e.urn == urn or (e.urn is None and _words(e.name) == _words(school_name)) for e in incident.employers
    )


def conflicted(
    adults: Sequence[tuple[K, KeyAdultEntry]], surnames: Iterable[str], *, is_party_here: bool
) -> dict[K, str]:
    """Who of a school's Key Adults must not read of a child of these surnames, and why.

    One who declared the surname, always. One who bears it, where a party to the incident works at the school.
    """
    families = {"".join(_words(name)) for name in surnames} - {""}
    found: dict[K, str] = {}
    for adult, entry in adults:
        if families & {"".join(_words(name)) for name in entry.declared_surnames}:
            found[adult] = "declared"
        elif is_party_here and families & _family_names(entry.full_name):
            found[adult] = "party_works_here"
    return found


def _family_names(full_name: str) -> set[str]:
    """What may be the surname of a full name: each ending of it without its first word."""
    words = _words(full_name)
    return {"".join(words[at:]) for at in range(1, len(words))} | set(words[1:])
