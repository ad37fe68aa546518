"""What every template may call: the project's words, and the macros of GOV.UK's components."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader

from encompass.web import language, parts, wording
from encompass.web.catalogue import drawn_text, texts

WORDS: Final[Mapping[str, Any]] = {
    "wording": wording,
    "clock_time": parts.clock_time,
    "bell": parts.bell,
    "language": language.language,
    "other_language": language.other_language,
    "as_written": language.as_written,
    "day": parts.day,
    "birthday": parts.birthday,
    "quick_exit": parts.QUICK_EXIT,
}
OURS_ALONE: Final = frozenset({"govukGenericHeader", "govukPhaseBanner", "govukSkipLink", "govukTag"})
"""Components that say the project's own words and nothing of anybody: each is drawn once for each wording."""
COMPONENTS: Final = {
    "govukButton": "button",
    "govukCheckboxes": "checkboxes",
    "govukDateInput": "date-input",
    "govukDetails": "details",
    "govukErrorSummary": "error-summary",
    "govukGenericHeader": "generic-header",
    "govukInput": "input",
    "govukInsetText": "inset-text",
    "govukNotificationBanner": "notification-banner",
    "govukPhaseBanner": "phase-banner",
    "govukRadios": "radios",
    "govukSkipLink": "skip-link",
    "govukSummaryList": "summary-list",
    "govukTag": "tag",
    "govukTextarea": "textarea",
    "govukWarningText": "warning-text",
}


def furnish_templates(app: Flask) -> None:
    """Let the application's templates find their macros and words; Babel is to be there already.

    The macros are loaded once: a template that imports them does it anew on every page, a sixth of its drawing.
    """
    environment = app.jinja_env
    environment.loader = ChoiceLoader(
        [
            PackageLoader("encompass.web"),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    macros = {name: _macro(environment, name, component) for name, component in COMPONENTS.items()}
    # Flask-Babel's own look for the catalogue anew at each of a page's many texts
    environment.install_gettext_callables(  # pyright: ignore
        gettext=_text, ngettext=_text_of_number, newstyle=True
    )
    # "_" as Jinja's own, which goes through two more calls
    environment.globals.update({**WORDS, **macros, "_": drawn_text})  # pyright: ignore[reportArgumentType, reportCallIssue]


def _macro(environment: Environment, name: str, component: str) -> Any:
    module = environment.get_template(f"govuk_frontend_jinja/components/{component}/macro.html").module
    macro = getattr(module, name)
    return _remembered(macro) if name in OURS_ALONE else macro


def _text(text: str) -> str:
    return texts().ugettext(text)


def _text_of_number(one: str, many: str, number: int) -> str:
    return texts().ungettext(one, many, number)


def _remembered(macro: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any]], str]:
    drawn: dict[str, str] = {}

    def draw(said: Mapping[str, Any]) -> str:
        key = str(said)  # a text is in it as the request's language has it
        if key not in drawn:
            drawn[key] = macro(said)
        return drawn[key]

    return draw
