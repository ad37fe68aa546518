"""Each term a school says that its Key Adults are still the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

TERMS: Final = ((1, 1), (4, 15), (9, 1))
"""Month and day on which spring, summer and autumn term are taken to begin: not before most schools do."""
GIVEN: Final = timedelta(days=28)
"""How far into a term a school may be before its word is overdue."""


class AttestationRule(StrEnum):
    """Whether a force asks for it."""

    NEVER = "never"
    TERM = "term"


class Attestation(StrEnum):
    """Where a school stands with it."""

    NOT_ASKED = "not_asked"
    GIVEN = "given"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class OwnReminders:
    """What a school's inbox says of the school itself."""

    attestation: Attestation
    changes_to_confirm: int


def term_began(day: date) -> date:
    """The first day of the term of that day; in the holidays, of the term before."""
    begins = [date(year, month, on) for year in (day.year - 1, day.year) for month, on in TERMS]
    return max(b for b in begins if b <= day)


def attestation_of(attested: date, day: date, rule: AttestationRule) -> Attestation:
    """Where the word of that day stands: asked for from the first day of a term, overdue four weeks into it."""
    if rule is AttestationRule.NEVER:
        return Attestation.NOT_ASKED
    began = term_began(day)
    if attested >= began:
        return Attestation.GIVEN
    return Attestation.OVERDUE if day - began > GIVEN else Attestation.DUE
