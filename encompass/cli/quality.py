"""`encompass quality`: what police left unsaid, for those who can have it asked."""

from __future__ import annotations

import sys
from datetime import date

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, force_option, night_option
from encompass.cli.printing import out
from encompass.domain.quality import SHORT, WORDS, Quality, quality_csv, quality_json
from encompass.pipeline.read_quality import read_quality
from encompass.store.database import Role
from encompass.store.force import UnknownRun


@click.command()
@force_option
@night_option
@click.option("--json", "form", flag_value="json", help="Print JSON for a machine.")
@click.option("--csv", "form", flag_value="csv", help="Print the incidents for a spreadsheet, a row each.")
def quality(force_id: str | None, night: date | None, form: str | None) -> None:
    """What the night's police records did not say of the children in them, by team.

    Was the child seen, spoken to, alone or with whom, and what did he or she say? Inspectors found that this is what
    is missing. The list names incidents by the force's own reference, and no child.
    """
    with opened_installation() as encompass:
        try:
            run = encompass.last_run(chosen_force(encompass, force_id), night)
        except UnknownRun:
            click.echo("no such night has been run", err=True)
            sys.exit(Exit.USAGE)
        found = read_quality(encompass.database.engine(Role.PIPELINE), encompass.ring, run)
    if form is not None:
        click.echo(quality_json(found) if form == "json" else quality_csv(found), nl=False)
        return
    _print(found)


def _print(found: Quality) -> None:
    out(f"Night of {found.night} for {found.force_id}: of how many children this was not recorded")
    table = Table("team", "children", *(SHORT[name] for name in WORDS))
    for team, children in found.children.items():
        table.add_row(team or "no team", str(children), *(str(found.missing[team][name]) for name in WORDS))
    table.add_section()
    sums = (sum(missing[name] for missing in found.missing.values()) for name in WORDS)
    table.add_row("all", str(sum(found.children.values())), *map(str, sums))
    Console(file=sys.stdout, width=120 if not sys.stdout.isatty() else None).print(table)
    out(f"{len(found.shortfalls)} incidents lack something; --csv lists them for their supervisors.")
