"""What a process remembers of the pages it drew is nothing of anybody."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from encompass import web
from encompass.web import parts
from encompass.web.templating import OURS_ALONE

TEMPLATES = Path(str(web.__file__)).parent / "templates"
CALL = re.compile(rf"\b({'|'.join(sorted(OURS_ALONE))})\((\{{.*?\}})\) }}}}")
TEXT = re.compile(r'"(?:text|html|logoText)": *')
OUR_WORD = re.compile(r'_\("[^"]*"\)|wording\.[A-Z_]+\[[a-z.]+\]|"Encompass"')


def foreign(template: str) -> list[str]:
    """The calls of remembered components whose texts are not words of the project's own."""
    return [
        call.group(0)
        for call in CALL.finditer(template)
        if any(not OUR_WORD.match(call.group(2)[text.end() :]) for text in TEXT.finditer(call.group(2)))
    ]


def test_a_component_that_is_drawn_once_says_the_projects_own_words() -> None:
    sources = [f.read_text("utf-8") for f in TEMPLATES.glob("*.html")]
    calls = [call for source in sources for call in CALL.finditer(source)]
    assert len(calls) == sum(len(re.findall(rf"\b{name}\(", s)) for s in sources for name in OURS_ALONE) > 10
    assert [call for source in sources for call in foreign(source)] == []


@pytest.mark.parametrize(
    "said", ["entry.initials", '"of " ~ entry.initials', '_("of %(who)s", who=entry.initials)']
)
def test_one_that_said_a_childs_name_is_found(said: str) -> None:
    assert foreign(f'{{{{ govukTag({{"text": {said}, "classes": "govuk-tag--red"}}) }}}}') != []


def test_a_birth_date_is_not_remembered_as_a_page_s_days_are() -> None:
    kept = parts._named_day.cache_info().currsize
    assert parts.birthday(date(2012, 3, 10)) == "10 March 2012"
    assert parts._named_day.cache_info().currsize == kept
    assert parts.day(date(1912, 3, 10)) == "Sunday 10 March 1912"
    assert parts._named_day.cache_info().currsize == kept + 1
