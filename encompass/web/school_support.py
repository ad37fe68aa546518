"""Afterwards: the support that a child was given, recorded and amended."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from encompass.domain.support import Support, SupportFault, SupportSoFar, support_of
from encompass.web import wording
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.parts import encompass_of

blueprint = Blueprint("school_support", __name__)


@blueprint.get("/notifications/<uuid:notification_id>/support")
@for_school
def support(notification_id: UUID) -> ResponseReturnValue:
    """The form, with what was recorded last."""
    return _form(notification_id, None, None)


@blueprint.post("/notifications/<uuid:notification_id>/support")
@for_school
def record(notification_id: UUID) -> ResponseReturnValue:
    """Record what was done, or say what is missing."""
    form = request.form
    given = support_of(form.get("kind", ""), form.getlist("steps"), form.get("note", ""))
    if isinstance(given, SupportFault):
        return _form(notification_id, given, None), 422
    after = form.get("after", 0, int)
    fault = encompass_of().record_support(key_adult_viewer(), notification_id, given, after)
    if fault is not None:
        return _form(notification_id, fault, given), 409
    return redirect(url_for("school.notification", notification_id=notification_id, _anchor="support"), 303)


def _form(notification_id: UUID, fault: SupportFault | None, entered: Support | None) -> str:
    viewer = key_adult_viewer()
    entry, so_far = encompass_of().read_support(viewer, notification_id)
    return render_template(
        "support.html",
        viewer=viewer,
        entry=entry,
        so_far=so_far,
        shown=_shown(fault, entered, so_far),
        fault=fault,
        problem=wording.SUPPORT_FAULT[fault] if fault else None,
    )


def _shown(fault: SupportFault | None, entered: Support | None, so_far: SupportSoFar) -> dict[str, object]:
    """What the form's fields hold: what was typed where it was refused, else what was recorded last."""
    if fault is not None and entered is None:
        form = request.form
        return {"kind": form.get("kind"), "steps": form.getlist("steps"), "note": form.get("note", "")}
    last = entered or (so_far.last.support if so_far.last else None)
    if last is None:
        return {"kind": None, "steps": [], "note": ""}
    return {"kind": last.kind.value, "steps": [s.value for s in last.steps], "note": last.note}
