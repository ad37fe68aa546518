"""`encompass calls`: who is to be telephoned, the sheet to call from, and what came of each call."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.call_sheet import sheet_html, sheet_text
from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Instant, Somebody, force_option, json_option
from encompass.cli.printing import WHEN, out
from encompass.domain.notification import CallOutcome
from encompass.domain.run import LONDON
from encompass.pipeline.make_calls import (
    CannotRecord,
    call_sheet,
    list_calls,
    record_call,
    with_people,
)
from encompass.store.database import Role
from encompass.store.phone_task import ToCall

OUTCOMES = {o.value.replace("_", "-"): o for o in CallOutcome}


@click.group()
def calls() -> None:
    """Telephone the schools that have not acknowledged. A task is withdrawn when the school does so meanwhile."""


@calls.command("list")
@force_option
@click.option("--all", "everything", is_flag=True, help="Also those whom nobody has to telephone yet.")
@json_option
def list_(force_id: str | None, *, everything: bool, as_json: bool) -> None:
    """Who is to be telephoned, the earliest duty first; no names of people."""
    with opened_installation() as encompass:
        found = list_calls(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
    shown = [t for t in found if everything or t.called is not None]
    if as_json:
        out(json.dumps([_row(t) for t in shown], indent=2))
        return
    if not shown:
        out("nobody is to be telephoned")
        return
    table = Table("id", "before", "call", "recipient", "number", "why", "calls", "last")
    for t in shown:
        before = t.duty_by.astimezone(LONDON).strftime(WHEN)
        who = t.called.value if t.called else "nobody yet"
        school = f"{t.recipient_name} ({t.urn})" if t.urn else t.recipient_name
        last = t.last_outcome.value if t.last_outcome else ""
        why = "in doubt: do not telephone before it is settled" if t.is_in_doubt else t.reason or ""
        called = [str(t.notification_id), before, who, school, t.telephone or "", why]
        table.add_row(*called, str(t.calls), last)
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@calls.command()
@force_option
@click.option("--format", "form", type=click.Choice(["text", "html"]), default="text", show_default=True)
@click.option("--show-personal", is_flag=True, help="Also the children's and Key Adults' names; audited.")
def sheet(force_id: str | None, form: str, *, show_personal: bool) -> None:
    """The sheet to call from, to be printed: number, script, school. HTML is ready for a printer or a PDF."""
    with opened_installation() as encompass:
        force = chosen_force(encompass, force_id)
        engine, now = encompass.database.engine(Role.PIPELINE), encompass.clock.now()
        to_make = call_sheet(engine, force, encompass.force(force).ladder.la_telephones)
        if show_personal:
            to_make = with_people(engine, encompass.ring, force, to_make, now)
    click.echo(sheet_html(to_make) if form == "html" else sheet_text(to_make), nl=False)


@calls.command()
@click.argument("called_id", type=Identifier("encompass calls list"))
@force_option
@click.option("--outcome", type=click.Choice(sorted(OUTCOMES)), required=True, help="What came of the call.")
@click.option(
    "--spoke-to",
    metavar="REFERENCE|ROLE",
    help="The Key Adult who acknowledged, by the register; with told, the role of whoever was: kept sealed.",
)
@click.option("--by", required=True, type=Somebody(), help="Who telephoned: a staff number or work name.")
@click.option("--at", type=Instant(), help="When, if not now: also before the system was up again.")
def done(
    called_id: UUID, force_id: str | None, outcome: str, spoke_to: str | None, by: str, at: datetime | None
) -> None:
    """Record what came of a call. An acknowledgement by telephone counts from the moment of the call.

    With `told` somebody on no register, a head teacher say, knows of it: the task stays until a Key Adult acknowledges.
    A recall is told to whoever answers for the school, and done with.
    """
    with opened_installation() as encompass:
        force, now = chosen_force(encompass, force_id), encompass.clock.now()
        engine = encompass.database.engine(Role.PIPELINE)
        try:
            record_call(
                engine,
                encompass.ring,
                force,
                called_id,
                OUTCOMES[outcome],
                by=by,
                spoke_to=spoke_to,
                at=at or now,
                now=now,
            )
        except CannotRecord as why:
            click.echo(f"encompass: {why}", err=True)
            sys.exit(Exit.FAILED)
    out(f"recorded: {outcome}")


def _row(t: ToCall) -> dict[str, Any]:
    return {
        "id": str(t.notification_id),
        "task": str(t.phone_task_id) if t.phone_task_id else None,
        "call": t.called.value if t.called else None,
        "why": t.reason,
        "in_doubt": t.is_in_doubt,
        "duty_by": t.duty_by.isoformat(),
        "urn": t.urn,
        "name": t.recipient_name,
        "telephone": t.telephone,
        "calls": t.calls,
        "last_outcome": t.last_outcome.value if t.last_outcome else None,
    }
