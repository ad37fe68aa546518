"""The texts of the request's language, looked up once a request: a page has dozens of them."""

from __future__ import annotations

from typing import Any, Protocol, cast

import flask_babel
from flask import g
from flask_babel.speaklater import LazyString
from markupsafe import Markup


class _Gettext(Protocol):
    def __call__(self, message: str, /, **values: object) -> str: ...


def _gettext(message: str, /, **values: object) -> str:
    found: str = texts().ugettext(message)
    return found % values if values else found


def _lazy_gettext(message: str, /, **values: object) -> str:
    return cast(str, LazyString(_gettext, message, **values))


gettext: _Gettext = _gettext
lazy_gettext: _Gettext = _lazy_gettext
"""The text in the language of whichever request comes to show it."""


def drawn_text(message: str, /, **values: object) -> Markup:
    """A template's `_`: the text with its values escaped."""
    return Markup(texts().ugettext(message)) % values  # noqa: S704 - of the template or its translation


def texts() -> Any:
    """The catalogue of the request's language."""
    if "texts" not in g:
        g.texts = flask_babel.get_translations()
    return g.texts


def locale() -> str:
    """The request's language, as Babel names it; English where there is no request."""
    if not g:
        return "en"
    if "locale" not in g:
        g.locale = str(flask_babel.get_locale() or "en")
    return g.locale
