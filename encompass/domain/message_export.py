"""One message as CSV, for a school's own safeguarding record: a line for each thing told, under its heading."""

from __future__ import annotations

import csv
import io
from typing import Final

from encompass.domain.notification import NotificationPage
from encompass.domain.run import LONDON

COLUMNS: Final = ("Incident on", "At", "Heading", "Text")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def message_csv(page: NotificationPage) -> str:
    """The message's lines. A text that a spreadsheet would take for a formula is given a leading apostrophe."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(COLUMNS)
    write(("", "", "Child", _plain(f"{page.child.forename} {page.child.surname}")))
    if page.child.date_of_birth:
        write(("", "", "Date of birth", page.child.date_of_birth.isoformat()))
    if page.child.year_group:
        write(("", "", "Year group", _plain(page.child.year_group)))
    write(("", "", "Sent", f"{page.released_at.astimezone(LONDON):%Y-%m-%d %H:%M}"))
    for part in page.parts:
        occurred = part.occurred_from.astimezone(LONDON)
        for line in part.told:
            write((f"{occurred:%Y-%m-%d}", f"{occurred:%H:%M}", _plain(line.label), _plain(line.text)))
    if page.acknowledged_at:
        write(("", "", "Acknowledged", f"{page.acknowledged_at.astimezone(LONDON):%Y-%m-%d %H:%M}"))
    if page.support.last:
        given = page.support.last.support
        heading = "Support given" if page.support.given else "Support given, earlier message"
        write(("", "", heading, given.kind.value))
        for step in given.steps:
            write(("", "", "What was done", step.value.replace("_", " ")))
        if given.note:
            write(("", "", "Note", _plain(given.note)))
    write(("", "", "Keep", "In a separate safeguarding file; not for parents without advice."))
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
