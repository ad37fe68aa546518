"""The registers that a force's settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from encompass.domain.run import LONDON
from encompass.domain.school import CalendarScope
from encompass.formats.mis_csv import read_mapping
from encompass.gateways.roll_feed import RegistersAddress, RollFeed
from encompass.gateways.wonde import Wonde, WondeAddress
from encompass.pipeline import registers as r
from encompass.pipeline.registers import Register, Store
from encompass.settings import CalendarSettings, RegisterSettings, RollSettings, SettingsError, rolls_folder
from encompass.store.school import Generation

SCHOOLS: Final = "/gias/edubasealldata.csv"
LINKS: Final = "/gias/links_edubasealldata.csv"
KEY_ADULTS: Final = "/key-adults.csv"
OVERLAP: Final = timedelta(hours=2)
WHOLE_ON: Final = 6
"""Sundays: every Wonde school is read whole, so that a change that was never announced is found."""


def registers_of(settings: RegisterSettings) -> list[Register]:
    """Every register in the order in which it is taken: schools first. Raises SettingsError or BadMapping."""
    feed = RollFeed(RegistersAddress(settings.base_url, settings.token.get_secret_value()))

    def at(path: str) -> Callable[[Generation | None], bytes]:
        return lambda _last: feed.file(path)

    return [
        Register("schools", r.NATIONAL, at(SCHOOLS), r.store_schools, settings.fewest_schools_percent),
        Register("school_links", r.NATIONAL, at(LINKS), r.store_links),
        *(Register("calendar", c.source, at(c.path), _calendar(c)) for c in settings.calendars),
        *_rolls(settings, at),
        Register(
            "key_adults", r.NATIONAL, at(KEY_ADULTS), _contacts(settings), settings.fewest_pupils_percent
        ),
    ]


def _contacts(settings: RegisterSettings) -> Store:
    return r.store_key_adults if settings.contact_changes == "confirm" else r.store_key_adults_at_once


def _rolls(
    settings: RegisterSettings, at: Callable[[str], Callable[[Generation | None], bytes]]
) -> Iterator[Register]:
    percent = settings.fewest_pupils_percent
    for roll in settings.every_roll:
        fetch = at(roll.path) if roll.path is not None else _students(settings, roll)
        yield Register("roll", roll.source, fetch, _store(roll), percent)


def _store(roll: RollSettings) -> Store:
    match roll.format:
        case "mis-csv":
            return r.store_mis_csv(read_mapping(rolls_folder() / f"{roll.supplier}.toml"), roll.urn)
        case "ctf":
            return r.store_ctf
        case "school-census":
            return r.store_school_census
        case "wonde":
            assert roll.urn is not None
            return r.store_wonde(roll.urn)


def _students(settings: RegisterSettings, roll: RollSettings) -> Callable[[Generation | None], bytes]:
    if settings.wonde is None or roll.school_id is None:
        raise SettingsError(f"registers.wonde is missing: the roll {roll.source} comes from it")
    wonde = Wonde(WondeAddress(settings.wonde.base_url, settings.wonde.token.get_secret_value()))
    school_id = roll.school_id

    def fetch(last: Generation | None) -> bytes:
        if last is None or last.confirmed_at.astimezone(LONDON).weekday() == WHOLE_ON:
            return wonde.students(school_id, None)
        return wonde.students(school_id, last.confirmed_at - OVERLAP)

    return fetch


def _calendar(calendar: CalendarSettings) -> Store:
    if calendar.format == "calendar-csv":
        return r.store_calendar_csv
    return r.store_calendar_ics(CalendarScope(calendar.scope), calendar.code)
