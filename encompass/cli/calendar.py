"""`encompass calendar`: what is known of a school's days."""

from __future__ import annotations

import json
import sys
from datetime import date

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Night, force_option, json_option
from encompass.cli.printing import out
from encompass.domain.run import LONDON
from encompass.pipeline.show_calendar import UnknownSchool, show_calendar
from encompass.store.database import Role


@click.group()
def calendar() -> None:
    """School days: which days each school is open, and when its day starts."""


@calendar.command()
@click.argument("urn", type=int)
@force_option
@click.option("--from", "first", type=Night(), help="The first day. [default: today]")
@click.option("--days", type=click.IntRange(1, 400), default=14, show_default=True, help="How many days.")
@json_option
def show(urn: int, force_id: str | None, first: date | None, days: int, *, as_json: bool) -> None:
    """A school's days, open or shut and by whose word: the school's, its trust's, the authority's, or everybody's.

    A day about which nothing is known is open. Duties are computed by the same calendar.
    """
    with opened_installation() as encompass:
        chosen = chosen_force(encompass, force_id)
        begins = first or encompass.clock.now().astimezone(LONDON).date()
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(chosen)
        try:
            shown = show_calendar(engine, rules, chosen, urn, begins, days)
        except UnknownSchool:
            click.echo(f"the school register of {chosen} has no school {urn}", err=True)
            sys.exit(Exit.USAGE)
    if as_json:
        rows = [
            {
                "day": d.on.isoformat(),
                "open": d.is_open,
                "says": d.says,
                "bell": d.bell.isoformat("minutes") if d.bell else None,
            }
            for d in shown.days
        ]
        out(json.dumps({"urn": urn, "name": shown.name, "days": rows}, indent=2))
        return
    out(f"{shown.name} ({urn})")
    table = Table("day", "", "starts", "says")
    for d in shown.days:
        starts = d.bell.isoformat("minutes") if d.bell else ""
        table.add_row(f"{d.on:%a %d %b %Y}", "open" if d.is_open else "shut", starts, d.says)
    Console(file=sys.stdout).print(table)
