"""How alike two normalised names are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Final

from nicknames import NickNamer
from rapidfuzz.distance import OSA, JaroWinkler

from encompass.matching.normalise import sound

LEAST_SOUND: Final = 3
SOUNDS_ALIKE: Final = 0.78
NEARLY: Final = 0.92
LEAST_LETTERS: Final = 3
TWO_SLIPS_FROM: Final = 6
NEARLY_FROM: Final = 5


class Likeness(IntEnum):
    """How alike two names are, best first. A rival is another known name that is written much the same."""

    SAME = 0
    KNOWN = 1
    SOUND = 2
    SLIP = 3
    INITIAL = 4
    RIVAL = 5
    NONE = 6


@dataclass(frozen=True, eq=False)
class Spellings:
    """Which names are known spellings or nicknames of which others."""

    known: dict[str, frozenset[str]] = field(repr=False)

    def of(self, name: str) -> frozenset[str]:
        """Every other name that this one is known to be written as."""
        return self.known.get(name, frozenset())


def spellings_of(lines: Iterable[str]) -> Spellings:
    """The spellings of a file with a family a line (`#` begins a comment), and of the nicknames package.

    Two nicknames of one name are each other's; two names that share a nickname are not.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        family = line.split("#")[0].split()
        for name in family:
            found[name].update(family)
    for formal, short in NickNamer().nickname_lookup.items():
        found[formal].update(short)
        for name in short:
            found[name].update(short, (formal,))
    return Spellings({name: frozenset(others - {name}) for name, others in found.items()})


@lru_cache(maxsize=1 << 18)
def likeness(spellings: Spellings, one: str, other: str) -> Likeness:
    """How alike two normalised names are.

    A slip is one wrong, missing, doubled or exchanged letter (two in a longer name; Damerau 1964), or a
    Jaro-Winkler similarity of at least 0.92.
    """
    if one == other:
        return Likeness.SAME
    if min(len(one), len(other)) == 1:
        return Likeness.INITIAL if one[:1] == other[:1] else Likeness.NONE
    if other in spellings.of(one):
        return Likeness.KNOWN
    near = _near(one, other)
    if near is not Likeness.NONE and spellings.of(one) and spellings.of(other):
        return Likeness.RIVAL
    return near


def _near(one: str, other: str) -> Likeness:
    similar = JaroWinkler.similarity(one, other)
    heard = sound(one)
    if len(heard) >= LEAST_SOUND and similar >= SOUNDS_ALIKE and heard == sound(other):
        return Likeness.SOUND
    longer, shorter = max(len(one), len(other)), min(len(one), len(other))
    slips = OSA.distance(one, other, score_cutoff=2)
    if (
        (slips == 1 and longer >= LEAST_LETTERS)
        or (slips == 2 and longer >= TWO_SLIPS_FROM)  # noqa: PLR2004
        or (similar >= NEARLY and shorter >= NEARLY_FROM)
    ):
        return Likeness.SLIP
    return Likeness.NONE
