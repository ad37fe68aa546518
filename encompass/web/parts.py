"""What every page uses: the application behind it, the session cookie, times as people read them."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, cast

from babel.dates import format_date
from flask import Response, current_app, request

from encompass.domain.own_contact import NewContact
from encompass.domain.run import LONDON
from encompass.web.catalogue import locale
from encompass.wiring import Encompass

EXTENSION: Final = "encompass"
QUICK_EXIT: Final = "https://www.bbc.co.uk/weather"
"""Where a page is left for in a hurry: a site that anybody might have been looking at."""


def encompass_of() -> Encompass:
    """The installation that the current application serves."""
    return cast(Encompass, current_app.extensions[EXTENSION])


def cookie_name() -> str:
    """A cookie bound to this very host wherever the address is https."""
    return "__Host-encompass" if is_https() else "encompass"


def is_https() -> bool:
    """Whether the pages' public address is https."""
    return encompass_of().settings.web.base_url.startswith("https://")


def session_token() -> str | None:
    """The session token that the browser sent."""
    return request.cookies.get(cookie_name())


def set_session(answer: Response, token: str) -> None:
    """Give the browser its session token."""
    answer.set_cookie(cookie_name(), token, secure=is_https(), httponly=True, samesite="Lax", path="/")


def date_asked(name: str) -> date | None:
    """The date of the form's three fields of this name; None when they make none."""
    parts = (request.form.get(f"{name}-{part}", "").strip() for part in ("year", "month", "day"))
    try:
        year, month, on = (int(p) for p in parts)
        return date(year, month, on)
    except ValueError:
        return None


def date_shown(name: str) -> dict[str, str]:
    """The three fields as they were filled in, to be shown again."""
    return {part: request.form.get(f"{name}-{part}", "") for part in ("day", "month", "year")}


def contact_asked() -> NewContact:
    """The form's three fields of a contact, as they were filled in."""
    return NewContact(*(request.form.get(n, "").strip() for n in ("full_name", "email", "phone")))


def clock_time(instant: datetime) -> str:
    """An instant as 8:45am in London."""
    return bell(instant.astimezone(LONDON).time())


def bell(at: time) -> str:
    """A time of the day as 8:45am."""
    return f"{at.hour % 12 or 12}:{at.minute:02d}{'am' if at.hour < 12 else 'pm'}"  # noqa: PLR2004


def birthday(on: date) -> str:
    """A date of birth as 10 March 2012, or 10 Mawrth 2012."""
    return format_date(on, "d MMMM y", locale=locale())


def day(when: datetime | date) -> str:
    """A date as Tuesday 10 March 2026, or Dydd Mawrth 10 Mawrth 2026."""
    on = when.astimezone(LONDON).date() if isinstance(when, datetime) else when
    return _named_day(on, locale())


@lru_cache(maxsize=1024)
def _named_day(on: date, named_in: str) -> str:
    """Remembered: a page names the same few days again and again. A birth date is nobody's to remember."""
    return format_date(on, "EEEE d MMMM y", locale=named_in)
