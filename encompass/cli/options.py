"""Exit codes, and the options that commands share."""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum
from typing import Any

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


force_option = click.option(
    "--force", "force_id", metavar="FORCE", help="The force. [default: the only one configured]"
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
