"""English or Welsh: offered where a force's profile says so, chosen by the person, kept in a cookie of the browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from encompass.domain.access import KeyAdultViewer, NotFound
from encompass.web.access_rules import open_to_all
from encompass.web.parts import encompass_of, is_https

blueprint = Blueprint("language", __name__)
ENGLISH, WELSH = "en", "cy"
NAMES: Final = {ENGLISH: "English", WELSH: "Cymraeg"}
KEPT_FOR: Final = timedelta(days=365)


@blueprint.get("/language/<code>")
@open_to_all
def choose(code: str) -> ResponseReturnValue:
    """Remember the language in the browser, and go back to the page: nothing changes here."""
    if code not in NAMES or not is_welsh_offered():
        raise NotFound
    answer = redirect(_own_page(request.args.get("to", "")), 303)
    answer.set_cookie(
        _cookie(), code, max_age=KEPT_FOR, secure=is_https(), httponly=True, samesite="Lax", path="/"
    )
    return answer


def is_welsh_offered() -> bool:
    """Whether the viewer's force offers Welsh; before anybody is known, whether any force does."""
    viewer, forces = getattr(g, "viewer", None), encompass_of().settings.forces
    if isinstance(viewer, KeyAdultViewer):
        return WELSH in forces[viewer.force_id].profile.languages
    return any(WELSH in force.profile.languages for force in forces.values())


def language() -> str:
    """The language of this page, worked out once for whoever looks at it."""
    if not request:
        return ENGLISH
    viewer, known = g.get("viewer"), g.get("language")
    if known is None or known[0] is not viewer:
        chosen = request.cookies.get(_cookie())
        g.language = known = (viewer, WELSH if chosen == WELSH and is_welsh_offered() else ENGLISH)
    return known[1]


def other_language(back: str | None = None) -> tuple[str, str, str] | None:
    """Code, name and link of the other language; None where one is offered.

    `back` is where the link leads to in the end: to the page itself, where that can be read, unless another is named.
    """
    if not is_welsh_offered():
        return None
    code = ENGLISH if language() == WELSH else WELSH
    return code, NAMES[code], url_for("language.choose", code=code, to=back or _this_page())


def as_written(text: str) -> Markup:
    """Words that are not ours, such as those of police, marked as English on a page that is not."""
    if language() == ENGLISH:
        return escape(text)
    return Markup('<span lang="en">{}</span>').format(text)


def _this_page() -> str:
    """The page's own address, where it can be read; the start for one that only a form leads to."""
    adapter = current_app.create_url_adapter(request)
    can_be_read = adapter is not None and adapter.test(request.path, "GET")
    return request.full_path.rstrip("?") if can_be_read else url_for("sign_in.start_page")


def _own_page(path: str) -> str:
    """The path, if it is one of ours and nothing else; else the start."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if is_ours and not parts.scheme and not parts.netloc else url_for("sign_in.start_page")


def _cookie() -> str:
    return "__Host-encompass-language" if is_https() else "encompass-language"
