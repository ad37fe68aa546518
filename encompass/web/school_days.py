"""A school's days: closed days and the time at which its day starts, entered and taken back."""

from __future__ import annotations

from datetime import date, time
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from encompass.domain.access import NotFound, may_enter_days
from encompass.domain.entered_day import ClosedReason, Closure, DayFault, StartTime
from encompass.domain.school import DayKind
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.parts import date_asked, date_shown, encompass_of

blueprint = Blueprint("school_days", __name__, url_prefix="/school-days")
SAID: Final = frozenset({"entered", "removed"})


@blueprint.get("")
@for_school
def days() -> ResponseReturnValue:
    """The closed days and start times that the school has entered."""
    viewer, said = key_adult_viewer(), request.args.get("said")
    return render_template(
        "school_days.html",
        viewer=viewer,
        entered=encompass_of().read_days(viewer),
        today=encompass_of().today(),
        said=said if said in SAID else None,
    )


@blueprint.get("/closed")
@for_school
def closed() -> ResponseReturnValue:
    """A form for closed days."""
    return _form("school_closed.html", None)


@blueprint.post("/closed")
@for_school
def enter_closed() -> ResponseReturnValue:
    """The school is shut on a day, or on several in a row."""
    fault = _closed()
    return (_form("school_closed.html", fault), 422) if fault else _done("entered")


@blueprint.get("/start")
@for_school
def start() -> ResponseReturnValue:
    """A form for the time at which the school's day starts."""
    return _form("school_start.html", None)


@blueprint.post("/start")
@for_school
def enter_start() -> ResponseReturnValue:
    """When the school's day starts, from a day on."""
    fault = _started()
    return (_form("school_start.html", fault), 422) if fault else _done("entered")


@blueprint.post("/remove")
@for_school
def remove() -> ResponseReturnValue:
    """Take back what was entered, as far as it is not over."""
    try:
        kind = DayKind(request.form.get("kind", ""))
        first, last = (date.fromisoformat(request.form.get(n, "")) for n in ("first", "last"))
    except ValueError:
        raise NotFound from None
    encompass_of().remove_days(key_adult_viewer(), kind, first, last)
    return _done("removed")


def _closed() -> DayFault | None:
    first, reason = date_asked("first"), request.form.get("reason", "")
    last = date_asked("last") if any(date_shown("last").values()) else first
    if first is None:
        return DayFault.NO_FIRST_DAY
    if last is None:
        return DayFault.NO_LAST_DAY
    if reason not in {r.value for r in ClosedReason}:
        return DayFault.NO_REASON
    return encompass_of().enter_closure(key_adult_viewer(), Closure(first, last, ClosedReason(reason)))


def _started() -> DayFault | None:
    since, starts_at = date_asked("first"), _time_asked()
    if starts_at is None:
        return DayFault.NO_TIME
    if since is None:
        return DayFault.NO_FIRST_DAY
    return encompass_of().enter_start(key_adult_viewer(), StartTime(since, starts_at))


def _time_asked() -> time | None:
    hour, _, minute = request.form.get("starts_at", "").strip().replace(".", ":").partition(":")
    try:
        return time(int(hour), int(minute))
    except ValueError:
        return None


def _done(said: str) -> ResponseReturnValue:
    return redirect(url_for("school_days.days", said=said), 303)


def _form(template: str, fault: DayFault | None) -> str:
    viewer = key_adult_viewer()
    if not may_enter_days(viewer):
        raise NotFound
    shown = {name: date_shown(name) for name in ("first", "last")}
    return render_template(template, viewer=viewer, fault=fault, shown=shown, filled=request.form)
