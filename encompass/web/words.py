"""What every template may call: the project's words, and the macros of GOV.UK's components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Flask
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader

from encompass.web import language, parts, wording

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


def give_words(app: Flask) -> None:
    """Let the application's templates find their macros and words.

    The macros are loaded once: a template that imports them does it anew on every page, a sixth of its drawing.
    """
    environment = app.jinja_env
    environment.loader = ChoiceLoader(
        [
            PackageLoader("encompass.web"),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    environment.globals.update(WORDS)
    for macro, component in COMPONENTS.items():
        file = f"govuk_frontend_jinja/components/{component}/macro.html"
        environment.globals[macro] = getattr(environment.get_template(file).module, macro)
