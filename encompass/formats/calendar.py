"""Closed days, open days and start times, as CSV or as iCalendar (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO, Final, cast

from icalendar import Calendar

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import CalendarDay, CalendarScope, DayKind
from encompass.formats.csv_rows import Dialect, Row, WrongField, read_rows
from encompass.formats.faults import BrokenFile, Remark

REQUIRED: Final = ("scope", "code", "date", "reason")
OPTIONAL: Final = ("until", "kind", "starts_at")
SCOPES: Final = {s.value: s for s in CalendarScope}
KINDS: Final = {k.value: k for k in DayKind}
LARGEST_ICS: Final = 4 << 20
LONGEST: Final = timedelta(days=120)
UTF_8: Final = Dialect()


def read_calendar_csv(stream: BinaryIO) -> Iterator[CalendarDay | RefusedRecord | Remark]:
    """The days of a file: a row a day, or a row for every day from `date` until `until`. Raises BrokenFile.

    `kind` is closed (also when empty), open (against a wider scope) or start (the school's day begins at
    `starts_at` from that day on).
    """
    for item in read_rows(stream, UTF_8, REQUIRED, _days, OPTIONAL):
        if isinstance(item, tuple):
            yield from item
        else:
            yield item


def read_calendar_ics(
    stream: BinaryIO, scope: CalendarScope, code: str | None
) -> Iterator[CalendarDay | RefusedRecord | Remark]:
    """The closed days of one school's, trust's or authority's calendar: its all-day events. Raises BrokenFile.

    An all-day DTEND is exclusive. An event at a time of day closes nothing; one that repeats is refused.
    """
    raw = stream.read(LARGEST_ICS + 1)
    if len(raw) > LARGEST_ICS:
        raise BrokenFile("too_large")
    try:
        calendar = cast(Any, Calendar.from_ical(raw.decode("utf-8-sig")))
        events = list(calendar.walk("VEVENT"))
    except UnicodeDecodeError:
        raise BrokenFile("not_utf-8") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise BrokenFile("not_icalendar") from None
    if calendar.name != "VCALENDAR":
        raise BrokenFile("not_icalendar")
    for number, event in enumerate(events, start=1):
        place = f"VEVENT[{number}]"
        try:
            yield from _closed(event, scope, code, place)
        except WrongField as fault:
            yield RefusedRecord(str(fault), _raw(event), path=place)


def _days(row: Row) -> tuple[CalendarDay, ...]:
    scope, code = row.code("scope", SCOPES), row.optional("code")
    if (code is None) != (scope is CalendarScope.DEFAULT):
        raise WrongField("code: does_not_fit_scope")
    kind = row.code("kind", KINDS) if row.optional("kind") else DayKind.CLOSED
    first, last = row.day("date"), row.optional_day("until") or row.day("date")
    starts_at = _time(row)
    if (starts_at is not None) != (kind is DayKind.START):
        raise WrongField("starts_at: does_not_fit_kind")
    reason = row.required("reason")
    return tuple(
        CalendarDay(scope, code, day, kind, reason, starts_at) for day in _range(first, last, "until")
    )


def _time(row: Row) -> time | None:
    text = row.optional("starts_at")
    if text is None:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError:
        raise WrongField("starts_at: not_a_time") from None
    if found.tzinfo is not None:
        raise WrongField("starts_at: not_a_time")
    return found


def _range(first: date, last: date, name: str) -> Iterator[date]:
    if last < first:
        raise WrongField(f"{name}: before_date")
    if last - first > LONGEST:
        raise WrongField(f"{name}: absurd")
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _closed(event: Any, scope: CalendarScope, code: str | None, place: str) -> Iterator[CalendarDay | Remark]:
    start, end = _moment(event, "DTSTART"), _moment(event, "DTEND")
    if start is None:
        raise WrongField("DTSTART: missing")
    if isinstance(start, datetime):
        return iter((Remark("DTSTART: not_all_day", place),))
    if event.get("RRULE") is not None or event.get("RDATE") is not None:
        raise WrongField("RRULE: not_supported")
    if str(event.get("STATUS") or "").upper() == "CANCELLED":
        return iter((Remark("STATUS: cancelled", place),))
    if isinstance(end, datetime):
        raise WrongField("DTEND: not_a_date")
    last = end - timedelta(days=1) if end is not None and end != start else start
    reason = str(event.get("SUMMARY") or "").strip()[:200] or "closed"
    days = _range(start, last, "DTEND")
    return (CalendarDay(scope, code, day, DayKind.CLOSED, reason, None) for day in days)


def _raw(event: Any) -> bytes:
    try:
        return event.to_ical()
    except (ValueError, TypeError, AttributeError):
        return repr(event).encode("utf-8", "replace")


def _moment(event: Any, name: str) -> date | None:
    field = event.get(name)
    if field is None:
        return None
    try:
        value = getattr(field, "dt", None)
    except ValueError:
        value = None
    if not isinstance(value, date):
        raise WrongField(f"{name}: not_a_date")
    return value
