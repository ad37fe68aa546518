"""A message to keep: as a PDF, and as CSV for the school's own safeguarding record. Each is an audited reading."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from encompass.domain.message_export import message_csv
from encompass.domain.notification import Reading
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.catalogue import gettext
from encompass.web.paper import can_be_drawn, pdf_of
from encompass.web.parts import encompass_of

blueprint = Blueprint("school_papers", __name__)


@blueprint.get("/notifications/<uuid:notification_id>/content.pdf")
@for_school
def as_pdf(notification_id: UUID) -> ResponseReturnValue:
    """One message as a PDF, marked for the separate safeguarding file."""
    if not can_be_drawn():
        return _no_pdf(), 404
    viewer = key_adult_viewer()
    page = encompass_of().read_notification(viewer, notification_id, Reading.PRINTED)
    return _file(pdf_of(page, viewer), "application/pdf", "message.pdf")


@blueprint.get("/notifications/<uuid:notification_id>/content.csv")
@for_school
def as_csv(notification_id: UUID) -> ResponseReturnValue:
    """One message as CSV."""
    page = encompass_of().read_notification(key_adult_viewer(), notification_id, Reading.EXPORTED)
    # With a byte order mark, without which a spreadsheet takes Welsh names for something else.
    return _file(message_csv(page).encode("utf-8-sig"), "text/csv", "message.csv")


def _no_pdf() -> str:
    return render_template(
        "error.html",
        viewer=key_adult_viewer(),
        title=gettext("A PDF cannot be made here"),
        text=gettext("This server cannot make a PDF just now. Print the page itself instead."),
    )


def _file(content: bytes, mimetype: str, name: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
