"""Cover: who stands in for a Key Adult, for how long."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from encompass.domain.cover import CoverFault, WantedCover
from encompass.domain.own_contact import NewContact
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.parts import contact_asked, date_asked, date_shown, encompass_of

blueprint = Blueprint("school_cover", __name__, url_prefix="/cover")
SAID: Final = frozenset({"named", "ended"})
SOMEBODY_ELSE: Final = "new"


@blueprint.get("")
@for_school
def covers() -> ResponseReturnValue:
    """Who stands in for whom."""
    viewer, said = key_adult_viewer(), request.args.get("said")
    page = encompass_of().read_covers(viewer)
    return render_template("school_cover.html", viewer=viewer, page=page, said=said if said in SAID else None)


@blueprint.get("/new")
@for_school
def new() -> ResponseReturnValue:
    """A form for the viewer's own cover."""
    return _form(None)


@blueprint.post("/new")
@for_school
def name() -> ResponseReturnValue:
    """The viewer names who stands in."""
    fault = _named()
    return (_form(fault), 422) if fault else redirect(url_for("school_cover.covers", said="named"), 303)


@blueprint.post("/<uuid:cover_id>/end")
@for_school
def end(cover_id: UUID) -> ResponseReturnValue:
    """The viewer's own cover ends."""
    encompass_of().end_cover(key_adult_viewer(), cover_id)
    return redirect(url_for("school_cover.covers", said="ended"), 303)


def _named() -> CoverFault | None:
    first, last, stand_in = date_asked("first"), date_asked("last"), _stand_in_asked()
    if stand_in is None:
        return CoverFault.NOBODY
    if first is None:
        return CoverFault.NO_FIRST_DAY
    if last is None:
        return CoverFault.NO_LAST_DAY
    return encompass_of().name_cover(key_adult_viewer(), WantedCover(first, last, stand_in))


def _stand_in_asked() -> UUID | NewContact | None:
    chosen = request.form.get("stand_in", "")
    if chosen == SOMEBODY_ELSE:
        return contact_asked()
    try:
        return UUID(chosen)
    except ValueError:
        return None


def _form(fault: CoverFault | None) -> str:
    viewer = key_adult_viewer()
    page, shown = encompass_of().read_covers(viewer), {name: date_shown(name) for name in ("first", "last")}
    return render_template(
        "school_cover_form.html", viewer=viewer, page=page, fault=fault, shown=shown, filled=request.form
    )
