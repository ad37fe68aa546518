"""What a school did for a child afterwards: silent or overt support, as the child needs, amended and never lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class SupportKind(StrEnum):
    """Silent: expectations adjusted, nothing said. Overt: the child was spoken to. Source: the scheme's own terms."""

    SILENT = "silent"
    OVERT = "overt"
    OTHER = "other"


class SupportStep(StrEnum):
    """What was done, from a short list."""

    STAFF_WATCH = "staff_watch"
    EXPECTATIONS = "expectations"
    TRUSTED_ADULT = "trusted_adult"
    QUIET_PLACE = "quiet_place"
    FOOD_OR_KIT = "food_or_kit"
    OTHER_AGENCY = "other_agency"


class SupportFault(StrEnum):
    """Why what was entered cannot be recorded."""

    NO_KIND = "no_kind"
    NO_NOTE = "no_note"
    LONG_NOTE = "long_note"
    AMENDED_MEANWHILE = "amended_meanwhile"


LONGEST_NOTE: Final = 2000


@dataclass(frozen=True)
class Support:
    """The support given: of which kind, what was done, and a note, which may be empty."""

    kind: SupportKind
    steps: tuple[SupportStep, ...] = ()
    note: str = field(default="", repr=False)


@dataclass(frozen=True)
class SupportGiven:
    """One version of what was recorded."""

    version: int
    support: Support
    recorded_at: datetime


@dataclass(frozen=True)
class SupportSoFar:
    """What was recorded of a message, and `before` of those that it replaced: each the newest first."""

    given: tuple[SupportGiven, ...] = ()
    before: tuple[SupportGiven, ...] = ()

    @property
    def last(self) -> SupportGiven | None:
        """What was recorded last: of the message itself, where anything was."""
        return next(iter((*self.given, *self.before)), None)


NOTHING_YET: Final = SupportSoFar()


def support_of(kind: str, steps: Iterable[str], note: str) -> Support | SupportFault:
    """The support as a form gives it, or why it cannot be recorded: another kind has to be said in the note."""
    if kind not in set(SupportKind):
        return SupportFault.NO_KIND
    said = note.replace("\r\n", "\n").strip()
    if len(said) > LONGEST_NOTE:
        return SupportFault.LONG_NOTE
    if kind == SupportKind.OTHER and not said:
        return SupportFault.NO_NOTE
    chosen = set(steps)
    return Support(SupportKind(kind), tuple(s for s in SupportStep if s.value in chosen), said)
