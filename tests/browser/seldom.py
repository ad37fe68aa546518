"""States of pages that no night of the sandbox comes to by itself, drawn from their templates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from flask import Flask, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import InternalServerError, NotFound, RequestEntityTooLarge, TooManyRequests

from encompass import web
from encompass.domain.access import AwaitingSecondFactor, KeyAdultViewer
from encompass.domain.attestation import Attestation, OwnReminders
from encompass.domain.notification import Inbox, InboxEntry, Notice, NoticeAbout, NoticeKind, NotificationPage
from encompass.domain.recipient import LaOfficer, Office
from encompass.domain.sign_in import Choice, SignInUnavailable
from encompass.domain.support import Support, SupportFault, SupportGiven, SupportKind, SupportSoFar
from encompass.pipeline.read_notifications import INBOX_LINES
from encompass.web import wording

TEMPLATES = Path(str(web.__file__)).parent / "templates"
OWN = OwnReminders(Attestation.OVERDUE, changes_to_confirm=1)
LONG_NAME = "The Crumplewick-and-Upper-Riverbend Federation of Church Primary Schools (Fellgate Site)"


def errors(app: Flask) -> dict[str, str]:
    """The page of each error, as the application answers it."""
    raised = {
        "404": NotFound(), "403": CSRFError(), "413": RequestEntityTooLarge(), "429": TooManyRequests(),
        "500": InternalServerError(),
        "503": SignInUnavailable(),
    }  # fmt: skip
    return {
        f"error-{name}": app.make_response(app.handle_user_exception(error)).get_data(as_text=True)
        for name, error in raised.items()
    }


def refusals() -> dict[str, str]:
    """A sign-in that came to nothing, for each reason; a report before the first night."""
    said = re.findall(r'reason == "(\w+)"', (TEMPLATES / "refused.html").read_text("utf-8"))
    reasons = (*said, "no_sign_in_begun")
    refused = {f"refused-{r}": render_template("refused.html", reason=r) for r in reasons}
    return {**refused, "no-report": render_template("no_report.html")}


def of_sign_in(viewer: KeyAdultViewer) -> dict[str, str]:
    """Which of several schools it is, and a second factor that is locked."""
    choices = tuple(Choice(uuid4(), viewer.recipient, name) for name in (viewer.name, LONG_NAME))
    waiting = AwaitingSecondFactor("token", viewer.recipient, LONG_NAME)
    missing = "Select the school or office that you are signing in for"
    locked = "Too many wrong codes. Wait 15 minutes, then try again."
    return {
        "choose": render_template("choose.html", choices=choices, fault=None),
        "choose-missing": render_template("choose.html", choices=choices, fault=missing),
        "second-factor-locked": render_template("second_factor.html", waiting=waiting, fault=locked),
    }


def of_inbox(viewer: KeyAdultViewer, entry: InboxEntry) -> dict[str, str]:
    """Children of one incident together, notices of each kind, an office's inbox, an empty one."""
    family = [
        replace(entry, initials=initials, year_group=year)
        for initials, year in (("WM", "R"), ("ÉÓ", "2"), ("TT", None))
    ]
    at = entry.released_at
    done = [replace(e, acknowledged_at=at) for e in family]
    notices = [
        Notice(entry.notification_id, kind, NoticeAbout("AB", "4", at), at + timedelta(hours=1))
        for kind in NoticeKind
    ]
    nothing = Inbox((), (), 0, goes_on=False, own=OWN)
    shown = {"waiting": [], "together": [], "unsupported": [], "done": [], "answered": None, "page": 1}
    shown |= {"now": at, "viewer": replace(viewer, name=LONG_NAME), "read": nothing}
    full = {"waiting": family, "together": [family, [entry]], "unsupported": done}
    read = Inbox((), tuple(notices), 53, goes_on=True, own=OWN)
    officer = replace(viewer, recipient=LaOfficer("318", Office.VIRTUAL_SCHOOL))
    return {
        "inbox-empty": render_template("inbox.html", **shown),
        "inbox-full": render_template("inbox.html", **(shown | full | {"page": 2, "read": read})),
        "inbox-office": render_template("inbox.html", **(shown | {"viewer": officer, "done": done})),
        **{f"notice-{n.kind}": render_template("notice.html", viewer=viewer, notice=n) for n in notices},
    }


def longest_inbox(viewer: KeyAdultViewer, entry: InboxEntry) -> str:
    """An inbox with as many lines as one page has, each as long as a line can be."""
    at = entry.released_at
    late = replace(entry, replaces=True, duty_by=at - timedelta(days=1))
    lines = [replace(late, notification_id=uuid4()) for _ in range(INBOX_LINES)]
    return render_template(
        "inbox.html", waiting=lines, together=[[line] for line in lines], unsupported=[], done=[], answered=None,
        page=1, now=at, viewer=replace(viewer, name=LONG_NAME), read=Inbox((), (), 53, goes_on=True, own=OWN),
    )  # fmt: skip


def of_messages(viewer: KeyAdultViewer, page: NotificationPage) -> dict[str, str]:
    """A message partly withdrawn, an office's, one acknowledged there, without a PDF; support saved by two at once, and
    recorded of the message before.
    """
    at = page.released_at
    officer = replace(viewer, recipient=LaOfficer("318", Office.EHE))
    about = NoticeAbout("AB", "4", at)
    partly = replace(page, notices=(Notice(page.notification_id, NoticeKind.PART_WITHDRAWN, about, at),))
    given = SupportGiven(1, Support(SupportKind.OTHER, (), "Absent; the office telephoned home at ten."), at)
    before = SupportSoFar((), (given,))
    replaced = replace(page, acknowledged_at=at, replaces=True, support=before)
    entry = InboxEntry(page.notification_id, "AB", "4", page.status, at, at, at)
    shown = {"kind": "silent", "steps": [], "note": "Kept"}
    return {
        "partly-withdrawn": message(viewer, partly),
        "office": message(officer, page),
        "office-acknowledged": message(officer, replace(page, acknowledged_at=at)),
        "support-before": message(viewer, replaced),
        "support-before-form": render_template(
            "support.html", viewer=viewer, entry=entry, so_far=before, fault=None, problem=None,
            shown=shown | {"note": given.support.note},
        ),
        "no-pdf": render_template(
            "error.html", viewer=viewer, title="A PDF cannot be made here", text="Print the page itself instead."
        ),
        "support-amended-meanwhile": render_template(
            "support.html", viewer=viewer, entry=entry, so_far=SupportSoFar((given,)), shown=shown,
            fault=SupportFault.AMENDED_MEANWHILE, problem=wording.SUPPORT_FAULT[SupportFault.AMENDED_MEANWHILE],
        ),
    }  # fmt: skip


def message(viewer: KeyAdultViewer, page: NotificationPage, *, name_at_once: bool = True) -> str:
    """One message's page."""
    return render_template(
        "notification.html", viewer=viewer, page=page, name_at_once=name_at_once, has_pdf=False
    )
