"""A recipient's pages, a school's or an office's: the inbox, one notification, and acknowledging it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.parts import encompass_of

blueprint = Blueprint("school", __name__)


@blueprint.get("/inbox")
@for_school
def inbox() -> ResponseReturnValue:
    """What waits for this school or office, then what it has acknowledged."""
    viewer = key_adult_viewer()
    entries = encompass_of().read_inbox(viewer)
    waiting = [e for e in entries if e.acknowledged_at is None]
    done = [e for e in entries if e.acknowledged_at is not None]
    now = encompass_of().clock.now()
    return render_template("inbox.html", viewer=viewer, waiting=waiting, done=done, now=now)


@blueprint.get("/notifications/<uuid:notification_id>")
@for_school
def notification(notification_id: UUID) -> ResponseReturnValue:
    """One notification; its viewing is audited, nothing else changes."""
    viewer = key_adult_viewer()
    page = encompass_of().read_notification(viewer, notification_id)
    return render_template("notification.html", viewer=viewer, page=page)


@blueprint.post("/notifications/<uuid:notification_id>/acknowledge")
@for_school
def acknowledge(notification_id: UUID) -> ResponseReturnValue:
    """A named adult acknowledges."""
    encompass_of().acknowledge(key_adult_viewer(), notification_id)
    return redirect(url_for("school.notification", notification_id=notification_id), 303)
