"""`encompass freeze`: nothing is sent while a person compares with the provider's records."""

from __future__ import annotations

import sys

import click

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Somebody, force_option
from encompass.cli.printing import out
from encompass.domain.run import LONDON
from encompass.pipeline.freeze_sending import NothingToDo, freeze_sending, let_sending_go_on, read_freeze
from encompass.store.database import Role

by_option = click.option(
    "--by", required=True, type=Somebody(), help="Who decides: a staff number or work name."
)
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why; kept sealed.")


@click.group(invoke_without_command=True)
@force_option
@click.pass_context
def freeze(context: click.Context, force_id: str | None) -> None:
    """Whether sending is frozen. After a restore or a long outage: freeze on, compare, freeze off.

    While it is frozen everything else goes on: children are matched, notifications can be read, people telephone.
    """
    if context.invoked_subcommand is not None:
        return
    with opened_installation() as encompass:
        found = read_freeze(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
    if found is None:
        out("sending is not frozen")
        return
    since = found.frozen_at.astimezone(LONDON)
    out(f"sending is frozen since {since:%H:%M on %A %d %B %Y} by {found.frozen_by} ({found.cause.value})")
    sys.exit(Exit.ALARM)


@freeze.command()
@force_option
@by_option
@reason_option
def on(force_id: str | None, by: str, reason: str) -> None:
    """Freeze sending."""
    with opened_installation() as encompass:
        engine, force, now = (
            encompass.database.engine(Role.PIPELINE),
            chosen_force(encompass, force_id),
            encompass.clock.now(),
        )
        try:
            freeze_sending(engine, encompass.ring, force, by, reason, now)
        except NothingToDo:
            out("sending was frozen already")
            return
    out("frozen: nothing is sent until `encompass freeze off`")


@freeze.command()
@force_option
@by_option
@reason_option
def off(force_id: str | None, by: str, reason: str) -> None:
    """Let sending go on, once the provider's records have been compared."""
    with opened_installation() as encompass:
        engine, force, now = (
            encompass.database.engine(Role.PIPELINE),
            chosen_force(encompass, force_id),
            encompass.clock.now(),
        )
        try:
            let_sending_go_on(engine, encompass.ring, force, by, reason, now)
        except NothingToDo:
            out("sending was not frozen")
            return
    out("lifted: the next `encompass send` sends what waits")
