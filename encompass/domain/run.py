"""One force's night at one business instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Run:
    """What a step works on. `night` is the date of the morning on which the night ends; `as_of` is aware."""

    run_id: UUID
    force_id: str
    night: date
    as_of: datetime


class NaiveInstant(Exception):
    """An instant came without its offset from UTC."""


def aware(instant: datetime) -> datetime:
    """The instant, if it says its offset; else NaiveInstant."""
    if instant.tzinfo is None:
        raise NaiveInstant
    return instant
