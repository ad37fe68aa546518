"""A recipient's pages, a school's or an office's: the inbox, one notification behind its cover, and the answers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from encompass.domain.notification import InboxEntry, Notice
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.paper import can_be_drawn
from encompass.web.parts import encompass_of

blueprint = Blueprint("school", __name__)
ANSWERS = frozenset({"not-ours", "not-for-me"})
LAST_PAGE = 10_000


@blueprint.get("/inbox")
@for_school
def inbox() -> ResponseReturnValue:
    """What waits for this school or office, what was withdrawn from it, and what it has acknowledged."""
    viewer = key_adult_viewer()
    page = min(max(request.args.get("page", 1, int), 1), LAST_PAGE)
    read = encompass_of().read_inbox(viewer, page)
    waiting = [e for e in read.entries if e.acknowledged_at is None]
    done = [e for e in read.entries if e.acknowledged_at is not None]
    return render_template(
        "inbox.html",
        viewer=viewer,
        page=page,
        read=read,
        waiting=waiting,
        together=_together(waiting),
        unsupported=[e for e in done if not e.has_support] if viewer.is_at_school else [],
        done=[e for e in done if e.has_support or not viewer.is_at_school],
        now=encompass_of().clock.now(),
        answered=request.args.get("answered") if request.args.get("answered") in ANSWERS else None,
    )


@blueprint.get("/notifications/<uuid:notification_id>")
@for_school
def cover(notification_id: UUID) -> ResponseReturnValue:
    """What stands before the content: enough to know that one should not see it."""
    viewer = key_adult_viewer()
    found = encompass_of().read_cover(viewer, notification_id)
    if isinstance(found, Notice):
        return render_template("notice.html", viewer=viewer, notice=found)
    return render_template("cover.html", viewer=viewer, entry=found)


@blueprint.get("/notifications/<uuid:notification_id>/content")
@for_school
def notification(notification_id: UUID) -> ResponseReturnValue:
    """One notification; its viewing is audited, nothing else changes."""
    viewer = key_adult_viewer()
    page = encompass_of().read_notification(viewer, notification_id)
    return render_template(
        "notification.html",
        viewer=viewer,
        page=page,
        name_at_once=encompass_of().name_is_shown_at_once(viewer),
        has_pdf=can_be_drawn(),
    )


@blueprint.post("/notifications/<uuid:notification_id>/acknowledge")
@for_school
def acknowledge(notification_id: UUID) -> ResponseReturnValue:
    """A named adult acknowledges."""
    encompass_of().acknowledge(key_adult_viewer(), notification_id)
    return redirect(url_for("school.notification", notification_id=notification_id), 303)


@blueprint.post("/notifications/<uuid:notification_id>/not-ours")
@for_school
def not_ours(notification_id: UUID) -> ResponseReturnValue:
    """The child is not this school's pupil."""
    encompass_of().return_notification(key_adult_viewer(), notification_id)
    return redirect(url_for("school.inbox", answered="not-ours"), 303)


@blueprint.post("/notifications/<uuid:notification_id>/not-for-me")
@for_school
def not_for_me(notification_id: UUID) -> ResponseReturnValue:
    """This Key Adult should not see it."""
    encompass_of().excuse_from(key_adult_viewer(), notification_id)
    return redirect(url_for("school.inbox", answered="not-for-me"), 303)


def _together(entries: Sequence[InboxEntry]) -> list[list[InboxEntry]]:
    """The entries in their order, those that tell of the same incident side by side."""
    groups: list[list[InboxEntry]] = []
    for entry in entries:
        of_family = next((g for g in groups if any(entry.incidents & e.incidents for e in g)), None)
        if of_family is None:
            groups.append([entry])
        else:
            of_family.append(entry)
    return groups
