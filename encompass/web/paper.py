"""A message as a PDF. It is drawn by WeasyPrint, which is given nothing but text: no address is fetched for it."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, cast

from flask import render_template

from encompass.domain.access import KeyAdultViewer
from encompass.domain.notification import NotificationPage


class PaperUnavailable(Exception):
    """This server cannot draw a PDF: the system's Pango is not installed."""


def can_be_drawn() -> bool:
    """Whether this server can draw a PDF."""
    return _weasyprint() is not None


def pdf_of(page: NotificationPage, viewer: KeyAdultViewer) -> bytes:
    """The message as a tagged PDF. Raises PaperUnavailable."""
    drawing = _weasyprint()
    if drawing is None:
        raise PaperUnavailable
    return drawn(drawing, render_template("paper.html", page=page, viewer=viewer))


def drawn(drawing: Any, html: str) -> bytes:
    """HTML as a tagged PDF; whatever address stands in it is refused."""
    refusing = drawing.urls.URLFetcher(allowed_protocols=())
    document = drawing.HTML(string=html, url_fetcher=refusing, base_url=None)
    return cast(bytes, document.write_pdf(pdf_variant="pdf/ua-1"))


@cache
def _weasyprint() -> Any:
    """WeasyPrint, or None where the system's libraries that it calls are absent."""
    try:
        return importlib.import_module("weasyprint")
    except OSError:
        return None
