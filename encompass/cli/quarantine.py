"""`encompass quarantine`: records that were refused, until a person has decided on each."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Somebody, force_option, json_option
from encompass.cli.printing import WHEN, out
from encompass.domain.run import LONDON
from encompass.pipeline.resolve_quarantine import (
    CannotRelease,
    discard_quarantined,
    list_quarantine,
    show_quarantined,
)
from encompass.store.database import Role
from encompass.store.force import UnknownRun
from encompass.store.quarantine import Quarantined

id_argument = click.argument("quarantine_id", type=Identifier("encompass quarantine list"))
by_option = click.option(
    "--by",
    required=True,
    type=Somebody(),
    help="Who decides: a staff number or work name, kept with the decision.",
)
why_option = click.option("--reason", "why", required=True, help="Why; kept sealed with the record.")


@click.group()
def quarantine() -> None:
    """Records that were refused: each is kept sealed, with its reason, until a person has decided on it.

    Most are put right where they come from and arrive again. Release takes one after all, once the force's codes
    know it or, for a file that was too short, once somebody has seen that so few is right. Discard says that nothing
    is lost by it. Everything is audited.
    """


@quarantine.command("list")
@force_option
@json_option
def list_(force_id: str | None, *, as_json: bool) -> None:
    """What is held, the oldest first; nothing of the records themselves."""
    with opened_installation() as encompass:
        held = list_quarantine(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
    if as_json:
        out(json.dumps([_row(q) for q in held], indent=2))
        return
    if not held:
        out("nothing is held")
        return
    table = Table("id", "since", "source", "place", "reason")
    for q in held:
        since = q.recorded_at.astimezone(LONDON).strftime(WHEN)
        table.add_row(str(q.quarantine_id), since, q.source, q.place, q.reason)
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@quarantine.command()
@id_argument
@force_option
@click.option("--show-personal", is_flag=True, help="Also the record itself, as it came.")
def show(quarantine_id: UUID, force_id: str | None, *, show_personal: bool) -> None:
    """One record: where it came from and why it was refused. The look is audited."""
    with _told(), opened_installation() as encompass:
        engine, chosen = encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id)
        found = show_quarantined(engine, encompass.ring, chosen, quarantine_id, encompass.clock.now())
    for name, value in _row(found.record).items():
        out(f"{name:<10} {value}")
    out(f"{'size':<10} {len(found.raw):,} bytes")
    if show_personal:
        out(found.raw.decode("utf-8", "replace"))


@quarantine.command()
@id_argument
@by_option
@why_option
@force_option
def release(quarantine_id: UUID, by: str, why: str, force_id: str | None) -> None:
    """Take a police record or a short file after all. A record is matched by the next `encompass match`."""
    with _told(), opened_installation() as encompass:
        run = encompass.last_run(chosen_force(encompass, force_id), None)
        encompass.release_quarantined(run, quarantine_id, by, why)
    out("released")


@quarantine.command()
@id_argument
@by_option
@why_option
@force_option
def discard(quarantine_id: UUID, by: str, why: str, force_id: str | None) -> None:
    """Decide that a record is never to be taken."""
    with _told(), opened_installation() as encompass:
        engine, chosen = encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id)
        discard_quarantined(engine, encompass.ring, chosen, quarantine_id, by, why, encompass.clock.now())
    out("discarded")


@contextmanager
def _told() -> Generator[None]:
    """What cannot be done is told on stderr with exit code 2."""
    try:
        yield
    except CannotRelease as why:
        click.echo(str(why), err=True)
        sys.exit(Exit.USAGE)
    except UnknownRun:
        click.echo("no night has been run yet", err=True)
        sys.exit(Exit.USAGE)


def _row(q: Quarantined) -> dict[str, Any]:
    return {
        "id": str(q.quarantine_id),
        "since": q.recorded_at.isoformat(),
        "source": q.source,
        "place": q.place,
        "reason": q.reason,
    }
