"""What every kind of roll has in common: one pupil's row checked and made, whatever it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from encompass.domain.school import EnrolStatus, RollEntry
from encompass.domain.upn import valid_upn
from encompass.formats.csv_rows import WrongField
from encompass.formats.faults import Remark

BORN: Final = range(1990, 2100)
STATUSES: Final[Mapping[str, EnrolStatus]] = {s.value: s for s in EnrolStatus}


@dataclass(frozen=True)
class RollHeader:
    """What a roll says of itself: whose it is, and whether it is all of the school's pupils or some.

    `urn` is None where the file does not say; `la_code` and `establishment` may say it instead.
    """

    urn: int | None
    la_code: str | None
    establishment: str | None
    is_whole: bool


@dataclass(frozen=True)
class Leaver:
    """A pupil who is no longer on the school's roll, by the reference that the roll had."""

    pupil_ref: str
    urn: int


def checked(entry: RollEntry) -> RollEntry:
    """The entry, if it can be true. Raises WrongField."""
    if entry.date_of_birth is None:
        raise WrongField("date_of_birth: missing")
    if entry.date_of_birth.year not in BORN:
        raise WrongField("date_of_birth: absurd")
    if entry.leaving_date and entry.entry_date and entry.leaving_date < entry.entry_date:
        raise WrongField("leaving_date: before_entry_date")
    return entry


def remarks(entry: RollEntry, place: str) -> Iterator[Remark]:
    """What there is to say of a good entry."""
    if entry.upn is not None and not valid_upn(entry.upn):
        yield Remark("upn: wrong_check_letter", place)


def status_of(code: str | None) -> EnrolStatus:
    """The school census enrolment status of this code; none is a pupil registered at this school only."""
    if code is None:
        return EnrolStatus.SINGLE
    if code not in STATUSES:
        raise WrongField("enrol_status: unknown_code")
    return STATUSES[code]


@lru_cache(maxsize=1 << 15)
def iso_day(text: str) -> date | None:
    """The day of ISO text, a time after it left out; None when it is none."""
    try:
        return date.fromisoformat(text[:10] if text[10:11] in {"T", " "} else text)
    except ValueError:
        return None


def unrepeated(entry: RollEntry, seen: set[int]) -> RollEntry:
    """The entry, noted in `seen`. Raises WrongField for a second row of the same pupil at the same school."""
    key = hash((entry.pupil_ref, entry.urn))
    if key in seen:
        raise WrongField("pupil_ref: repeated")
    seen.add(key)
    return entry
