"""Plainly fictional names, streets and sentences."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Final

_WORDS: Final = tomllib.loads((Path(__file__).parent.parent / "data" / "words.toml").read_text("utf-8"))
FORENAMES: Final[list[str]] = _WORDS["forenames"]
FIRST: Final[list[str]] = _WORDS["first"]
SECOND: Final[list[str]] = _WORDS["second"]
STREETS: Final[list[str]] = _WORDS["streets"]
TOWNS: Final = (
    ("Twickenham", "TW1"),
    ("Kingston", "KT1"),
    ("Hounslow", "TW3"),
    ("Sutton", "SM1"),
    ("Wandsworth", "SW18"),
)
WHERE: Final = ("asleep upstairs", "in the kitchen", "in the next room", "in the garden", "on the landing")
SUBJECTS: Final = ("The young person", "This pupil", "The child", "She or he", "The little one")
THINGS: Final = ("a purple dinosaur", "the striped umbrella", "a cardboard castle", "the squeaky hamster wheel",
    "a jar of marbles", "the lopsided snowman", "an enormous jigsaw", "the glow-in-the-dark stars")  # fmt: skip
FEELINGS: Final = ("worried about going home", "tired and a bit wobbly", "glad the shouting stopped",
    "cross that nobody listened", "safer with the big light on")  # fmt: skip


def surname(rng: random.Random) -> str:
    """A whimsical compound of at least twelve letters, some commoner than others."""
    while True:
        first = FIRST[int(len(FIRST) * rng.random() ** 1.4)]
        name = first + SECOND[int(len(SECOND) * rng.random() ** 1.4)]
        if len(name) >= 12:
            return name


def street(rng: random.Random) -> str:
    """A house number and a street that does not exist."""
    return f"{rng.randint(1, 180)} {rng.choice(STREETS)}"


def town(rng: random.Random) -> tuple[str, str]:
    """A town, and a postcode whose inward part is not in use."""
    name, outward = rng.choice(TOWNS)
    return name, f"{outward} {rng.randint(1, 9)}{rng.choice('CIKMOV')}{rng.choice('CIKMOV')}"


def narrative(rng: random.Random, number: int) -> str:
    """A gentle sentence of narrative, distinct by its number."""
    return (
        f"Officers attended report {number} and heard raised voices beside {rng.choice(THINGS)}; "
        f"the adults were separated and everyone was spoken with calmly."
    )


def voice(rng: random.Random, number: int) -> str:
    """A gentle sentence that a child might say, distinct by its number."""
    return f"I was looking after {rng.choice(THINGS)} number {number} and felt {rng.choice(FEELINGS)}."


def circumstances(rng: random.Random, number: int) -> str:
    """A sentence on the family's circumstances, distinct by its number."""
    return f"{rng.choice(SUBJECTS)} has bedtime story {number} read by a grandparent most evenings."
