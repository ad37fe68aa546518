"""Exit codes, and the options that commands share."""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import click

from encompass.domain.run import LONDON


class Exit(IntEnum):
    """What the exit code says."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    ALARM = 3
    CONFIGURATION = 4


class Night(click.ParamType[date]):
    """A night by the ISO date of the morning on which it ends."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date; a usage error when it is none."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("a night is the date of the morning on which it ends, as YYYY-MM-DD", param, ctx)


class Instant(click.ParamType[datetime]):
    """An ISO instant; in London when it has no offset."""

    name = "INSTANT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware instant; a usage error when it is none."""
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail("an instant is written as 2026-03-10T05:30:00+00:00", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=LONDON)


class Identifier(click.ParamType[UUID]):
    """An id as one of our own lists shows it."""

    name = "ID"

    def __init__(self, shown_by: str) -> None:
        self._shown_by = shown_by

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """The id; a usage error when it is none."""
        try:
            return UUID(value)
        except ValueError:
            self.fail(f"an id is one that `{self._shown_by}` shows", param, ctx)


class Somebody(click.ParamType[str]):
    """Who decides; not blank."""

    name = "WHO"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, trimmed; a usage error when nothing is left."""
        if not value.strip():
            self.fail("say who decides", param, ctx)
        return value.strip()


force_option = click.option(
    "--force",
    "force_id",
    metavar="FORCE",
    envvar="ENCOMPASS_FORCE",
    help="The force. [default: ENCOMPASS_FORCE, else the only one configured]",
)
each_force_option = click.option(
    "--force",
    "force_id",
    metavar="FORCE",
    envvar="ENCOMPASS_FORCE",
    help="The force. [default: ENCOMPASS_FORCE, else each one in turn]",
)
night_option = click.option(
    "--night", type=Night(), help="The night, by the date of its morning. [default: newest]"
)
tonight_option = click.option(
    "--night", type=Night(), help="The night, by the date of its morning. [default: today's]"
)
as_of_option = click.option(
    "--as-of",
    type=Instant(),
    help="The business instant (Europe/London when it has no offset). [default: now, or 05:30 of a past night]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")
