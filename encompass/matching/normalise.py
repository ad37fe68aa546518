"""Names, places and dates as they are compared: without case, diacritics, punctuation and particles."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_UNDECOMPOSED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ŋ": "n", "ħ": "h"}
)
_BETWEEN_WORDS: Final = re.compile(r"[\s\-\u2010-\u2015/,.]+")
PARTICLES: Final = frozenset({
    "al", "ap", "bin", "bint", "binte", "binti", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos",
    "du", "el", "ibn", "la", "le", "na", "st", "ul", "ur", "van", "von",
})  # fmt: skip
_SOUNDS: Final = (
    ("ph", "f"), ("ck", "k"), ("kh", "k"), ("gh", "g"), ("dh", "d"), ("th", "t"), ("sh", "s"), ("ch", "c"),
    ("q", "k"), ("z", "s"), ("v", "w"), ("x", "ks"), ("ou", "u"), ("oo", "u"), ("ee", "i"),
)  # fmt: skip
_SILENT: Final = frozenset("aeiouyhw")
_HOUSE: Final = re.compile(
    r"(?:(?:flat|apartment|apt|unit)\s+(\w+)[\s,]+)?(\d+\s?[a-z]?)\b[\s,]+(.+)", re.IGNORECASE
)
_STREET_WORDS: Final = {"rd": "road", "ave": "avenue", "av": "avenue", "ln": "lane", "cl": "close", "cres": "crescent",
    "dr": "drive", "gdns": "gardens", "gr": "grove", "pl": "place", "sq": "square", "ter": "terrace"}  # fmt: skip


@lru_cache(maxsize=1 << 17)
def normalise_name(name: str) -> str:
    """The letters and digits of a name, casefolded, without diacritics; may be empty."""
    if name.isascii():
        return "".join(c for c in name.lower() if c.isalnum())
    decomposed = unicodedata.normalize("NFKD", name).casefold().translate(_UNDECOMPOSED)
    return "".join(c for c in unicodedata.normalize("NFKD", decomposed) if c.isalnum())


@lru_cache(maxsize=1 << 17)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a name (either barrel, each forename), normalised, particles such as "van" and "al" left out.

    A name of particles only keeps them: it is somebody's name.
    """
    words = tuple(w for w in map(normalise_name, _BETWEEN_WORDS.split(name)) if w)
    return tuple(w for w in words if w not in PARTICLES) or words


@lru_cache(maxsize=1 << 17)
def sound(name: str) -> str:
    """A rough sound of a normalised name: its first sound and the consonants after it, doubles once.

    Spellings of one name mostly share it ("sophia" and "sofia" are "sf"); so do some different names: it finds
    candidates and never decides.
    """
    if not name:
        return ""
    for written, heard in _SOUNDS:
        name = name.replace(written, heard)
    heard = ["a" if name[0] in "aeiou" else name[0]]
    for letter in name[1:]:
        if letter not in _SILENT and letter != heard[-1]:
            heard.append(letter)
    return "".join(heard)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody lives, normalised. None is unknown."""

    postcode: str | None = field(repr=False)
    house: str | None = field(repr=False)
    street: str | None = field(repr=False)

    @property
    def household(self) -> str | None:
        """The house at a postcode, or None where either is unknown."""
        return f"{self.postcode}|{self.house}" if self.postcode and self.house else None


@lru_cache(maxsize=1 << 16)
def place_of(postcode: str | None, address: str | None) -> Place:
    """The place that a postcode and the first line of an address name; a flat is part of the house."""
    code = normalise_name(postcode or "") or None
    if not address or not address.strip():
        return Place(code, None, None)
    found = _HOUSE.match(address.strip())
    if found is None:
        return Place(code, None, _street(address))
    flat, number, street = found.groups()
    house = normalise_name(number) if flat is None else f"{normalise_name(flat)}/{normalise_name(number)}"
    return Place(code, house, _street(street))


def _street(text: str) -> str | None:
    words = [normalise_name(w) for w in re.split(r"[\s,.]+", text.split(",", maxsplit=1)[0])]
    return "".join(_STREET_WORDS.get(w, w) for w in words) or None
