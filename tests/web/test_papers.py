"""A message on paper and in a school's own system: marked, audited, and nobody else's."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import zlib
from datetime import datetime
from tempfile import TemporaryFile
from uuid import uuid4

import pytest
import requests
from flask import render_template
from sqlalchemy import text

from encompass.domain.message_export import message_csv
from encompass.domain.notification import (
    NotificationPage,
    NotificationPart,
    NotificationStatus,
    NotifiedChild,
)
from encompass.domain.run import LONDON
from encompass.domain.telling import Advice, Line
from encompass.store.database import Role
from encompass.web import paper
from encompass.web.app import create_app
from tests.pipeline.told import Told
from tests.site import Site
from tests.web.test_answers import first
from tests.web.test_school_pages import child_of

NEEDS_PANGO = "Pango is not installed: `make pango` installs it where it can"


@pytest.fixture(scope="session")
def drawing() -> object:
    """What draws PDFs; its tests are skipped without the system's Pango, but never in CI."""
    found = paper._weasyprint()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(NEEDS_PANGO)
        pytest.skip(NEEDS_PANGO)
    return found


def audited(site: Site, action: str) -> int:
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        return connection.execute(
            text("SELECT count(*) FROM encompass.audit_event WHERE action = :a"), {"a": action}
        ).scalar_one()


def test_a_pdf_is_marked_audited_and_named_like_any_other_file(site: Site, drawing: object) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path = first(site, inbox)
    assert f'href="{path}/content.pdf"' in session.get(f"{site.web}{path}/content").text
    answer = session.get(f"{site.web}{path}/content.pdf")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="message.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", answer.content, re.DOTALL)
    assert b"/StructTreeRoot" in b"".join(
        zlib.decompressobj().decompress(s) for s in streams if s[:1] == b"x"
    )
    assert audited(site, "notification_printed") == 1
    assert audited(site, "notification_acknowledged") == 0


def test_nothing_is_fetched_for_a_pdf(drawing: object, tmp_path) -> None:
    """Whatever stands in the text: an address there would tell somebody else that the child's message was printed."""
    asked: list[str] = []

    class Listening(drawing.urls.URLFetcher):  # type: ignore[name-defined]
        def open(self, *args: object, **kwargs: object) -> object:
            asked.append(str(args))
            return super().open(*args, **kwargs)

    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }", "utf-8")
    html = (
        f'<html lang="en"><title>t</title><link rel="stylesheet" href="{secret.as_uri()}">'
        '<p>Words</p><img alt="x" src="http://127.0.0.1:9/x.png"></html>'
    )
    original = drawing.urls.URLFetcher
    drawing.urls.URLFetcher = Listening
    try:
        assert paper.drawn(drawing, html).startswith(b"%PDF-")
    finally:
        drawing.urls.URLFetcher = original
    assert asked == []


def test_a_pdf_is_drawn_in_memory_alone(drawing: object) -> None:
    """What is written to a disk, if only for a moment, outlives the key that seals the child's record."""
    written: list[str] = []
    drawn: list[bool] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and not drawn and (int(str(args[2] or 0)) & (os.O_WRONLY | os.O_RDWR)):
            written.append(str(args[0]))

    sys.addaudithook(hook)  # stays for the life of the process, and sees nothing more once the PDF is drawn
    with TemporaryFile():
        assert written
    written.clear()
    try:
        assert paper.drawn(drawing, "<html lang='en'><title>t</title><p>Words</p></html>").startswith(
            b"%PDF-"
        )
    finally:
        drawn.append(True)
    assert written == []


def test_without_pango_a_page_says_so_and_no_link_leads_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, inbox = site.signed_in(site.told()[0])
    path = first(site, inbox)
    monkeypatch.setattr(paper, "_weasyprint", lambda: None)
    assert "content.pdf" not in session.get(f"{site.web}{path}/content").text
    answer = session.get(f"{site.web}{path}/content.pdf")
    assert answer.status_code == 404
    assert "Print the page itself instead" in answer.text
    assert audited(site, "notification_printed") == 0


def test_csv_says_what_the_page_says_and_is_audited(site: Site) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path, child = first(site, inbox), child_of(site, urn)
    answer = session.get(f"{site.web}{path}/content.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="message.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["Incident on", "At", "Heading", "Text"]
    told = {row[2]: row[3] for row in rows[1:]}
    assert child["surname"] in told["Child"]
    if child["voice"]:
        assert child["voice"] in told["What the child said"]
    assert "separate safeguarding file" in told["Keep"]
    assert audited(site, "notification_exported") == 1


def a_page(*lines: Line) -> NotificationPage:
    at = datetime(2026, 3, 10, 1, 30, tzinfo=LONDON)
    return NotificationPage(
        uuid4(), NotificationStatus.RELEASED, NotifiedChild("@Cole", "Example-of-1", None, None),
        (NotificationPart(at, lines),), at, at, None, None, False, Advice(), (),
    )  # fmt: skip


def test_paper_is_marked_for_the_separate_file_and_takes_no_markup_from_a_text(site: Site) -> None:
    viewer = Told(site.encompass, site.cluster).viewer(site.told()[0])
    page = a_page(Line("voice", "What the child said", '<img src="http://x.example/seen">'))
    app = create_app(site.encompass)
    with app.test_request_context():
        html = render_template("paper.html", page=page, viewer=viewer)
    assert "separate safeguarding file. Not for the main pupil record" in html
    assert "<img" not in html and "&lt;img" in html


def test_a_spreadsheet_runs_nothing_of_a_message() -> None:
    page = a_page(
        Line("circumstances", "Circumstances", '=HYPERLINK("http://x.example")'), Line("x", "-1", "+44")
    )
    cells = [cell for row in csv.reader(io.StringIO(message_csv(page))) for cell in row]
    assert not [c for c in cells if re.match(r"[=+\-@\t\r]", c)]
    assert "'@Cole Example-of-1" in cells and "'+44" in cells


@pytest.mark.parametrize("kind", ["pdf", "csv"])
def test_another_school_s_papers_do_not_exist(site: Site, kind: str) -> None:
    one, other, *_ = site.told()
    theirs = first(site, site.signed_in(other)[1])
    session, _ = site.signed_in(one)
    missing = session.get(f"{site.web}/notifications/{uuid4()}/content.{kind}")
    forbidden = session.get(f"{site.web}{theirs}/content.{kind}")
    assert forbidden.status_code == missing.status_code == 404
    assert forbidden.text == missing.text
    assert requests.get(f"{site.web}{theirs}/content.{kind}", allow_redirects=False).status_code == 302
