"""`encompass exceptions`: what was missed, every day until a person has closed it."""

from __future__ import annotations

import json
import sys
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Somebody, force_option, json_option
from encompass.cli.printing import WHEN, out
from encompass.domain.compliance import CONFLICT_FOUND_LATER, IN_DOUBT, RECALL_UNCONFIRMED, UNFINISHED
from encompass.domain.report_export import exception_row
from encompass.domain.run import LONDON
from encompass.pipeline.change_contacts import unattested
from encompass.pipeline.close_exceptions import NoSuchException, close_exception, list_exceptions
from encompass.store.database import Role

TO_DO = {
    IN_DOUBT: "in_doubt: the school can still read it; decide with `encompass queue show ID` and `queue resolve`",
    RECALL_UNCONFIRMED: "recall_unconfirmed: a second person: `encompass recall ID --by WHO --confirm`, or --withdraw",
    CONFLICT_FOUND_LATER: "conflict_found_later: somebody new to the register cannot open it until a person decides: "
    "`encompass holds conflicts`",
}


@click.group(invoke_without_command=True)
@force_option
@json_option
@click.pass_context
def exceptions(context: click.Context, force_id: str | None, *, as_json: bool) -> None:
    """List every duty missed and every child not placed by the bell, of every night, until a person closes it.

    With them what a person has still to finish: a child who was told of before police corrected the record, and a
    recall that a second person has not confirmed. Exit code 3 while any stands.
    """
    if context.invoked_subcommand is not None:
        return
    with opened_installation() as encompass:
        force = chosen_force(encompass, force_id)
        engine, now = encompass.database.engine(Role.PIPELINE), encompass.clock.now()
        found = list_exceptions(engine, force, now)
        rule = encompass.attestation_rule(force)
        lapsed = [] if as_json else unattested(engine, encompass.ring, force, rule, now)
    if as_json:
        out(json.dumps([exception_row(e) for e in found], indent=2))
    elif not found:
        out("no exception stands")
    else:
        table = Table("id", "night", "before", "school", "why", "now", "acknowledged")
        for e in found:
            before = e.duty_by.astimezone(LONDON).strftime(WHEN)
            answered = e.acknowledged_at.astimezone(LONDON).strftime("%H:%M") if e.acknowledged_at else ""
            school = f"{e.school_name} ({e.urn})" if e.urn else e.school_name or "no school yet"
            table.add_row(str(e.exception_id), str(e.night), before, school, e.reason, e.state, answered)
        Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)
        for reason in sorted({e.reason for e in found} & UNFINISHED):
            out(TO_DO[reason])
    if lapsed:
        out(f"not said this term that its Key Adults are still right: {', '.join(lapsed)}")
    sys.exit(Exit.ALARM if found else Exit.FINE)


@exceptions.command()
@click.argument("exception_id", type=Identifier("encompass exceptions"))
@force_option
@click.option("--by", required=True, type=Somebody(), help="Who closes it: a staff number or work name.")
@click.option("--reason", required=True, metavar="TEXT", help="What was done about it; kept sealed.")
def close(exception_id: UUID, force_id: str | None, by: str, reason: str) -> None:
    """Close an exception: it has been seen to."""
    if not reason.strip():
        raise click.UsageError("--reason must say what was done")
    with opened_installation() as encompass:
        force, now = chosen_force(encompass, force_id), encompass.clock.now()
        engine = encompass.database.engine(Role.PIPELINE)
        try:
            close_exception(engine, encompass.ring, force, exception_id, by, reason.strip(), now)
        except NoSuchException:
            says = (
                "no exception of this id can be closed: what is in doubt or recalled ends when it is decided"
            )
            click.echo(f"encompass: {says}", err=True)
            sys.exit(Exit.FAILED)
    out("closed")
