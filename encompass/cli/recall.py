"""`encompass recall` and `encompass breaches`: the wrong school was told."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Night, Somebody, force_option, json_option
from encompass.cli.printing import out
from encompass.domain.run import LONDON, Run
from encompass.pipeline.hold_notifications import CannotDecide, night_of_notification
from encompass.pipeline.recall_notification import (
    CannotRecall,
    Opening,
    confirm_recall,
    list_breaches,
    list_told,
    propose_recall,
    show_breach,
    withdraw_recall,
)
from encompass.pipeline.recall_notification import close_breach as close
from encompass.store.database import Role
from encompass.store.recall import Breach, Readable
from encompass.wiring import Encompass

HOUR: Final = timedelta(hours=1)
by_option = click.option(
    "--by",
    required=True,
    type=Somebody(),
    help="Who says so: a staff number or work name, kept with the case.",
)


@click.command()
@click.argument("notification_id", type=Identifier("encompass told"))
@by_option
@click.option("--reason", metavar="TEXT", help="Why it was the wrong school; kept sealed. Begins a recall.")
@click.option(
    "--urn", "right_urn", type=int, help="The school that has this pupil. [default: the queue decides]"
)
@click.option("--confirm", "step", flag_value="confirm", help="Confirm another person's recall.")
@click.option("--withdraw", "step", flag_value="withdraw", help="It was the right school after all.")
@force_option
def recall(
    notification_id: UUID,
    by: str,
    reason: str | None,
    right_urn: int | None,
    step: str | None,
    force_id: str | None,
) -> None:
    """Take a message back from the wrong school; `encompass told` lists what schools can read.

    With --reason nobody there can open it from that moment. When a second person has said --confirm it is gone for
    good, who had opened it is listed, a breach case opens whose clock is the Information Commissioner's 72 hours, and
    the child waits in the queue or, with --urn, is owed to the right school, told by the next `encompass prepare`.
    """
    if (reason is not None and reason.strip() != "") == (step is not None):
        raise click.UsageError("give one of --reason TEXT, --confirm and --withdraw")
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine = encompass.database.engine(Role.PIPELINE)
        if step == "withdraw":
            rules = encompass.telling_rules(run.force_id)
            withdraw_recall(engine, encompass.ring, rules, run, notification_id)
            out(
                "withdrawn: the school can open the message again; what police corrected meanwhile is told or held"
            )
        elif step == "confirm":
            _confirm(encompass, run, notification_id, by)
        else:
            propose_recall(engine, encompass.ring, run, notification_id, right_urn, by, str(reason).strip())
            out("nobody at the school can open the message now; a second person confirms with")
            out(f"  encompass recall {notification_id} --by WHO --confirm")


@click.command()
@force_option
@click.option("--night", type=Night(), help="Of this night alone. [default: every night]")
@click.option("--school", "recipient", metavar="URN", help="To this school alone, or an office by its code.")
@json_option
def told(force_id: str | None, night: date | None, recipient: str | None, *, as_json: bool) -> None:
    """List what schools and offices can read, acknowledged or not, by the id that `recall` is given; nobody's name."""
    with opened_installation() as encompass:
        chosen = chosen_force(encompass, force_id)
        found = list_told(encompass.database.engine(Role.PIPELINE), chosen, night, recipient)
    if as_json:
        out(json.dumps([_told_row(r) for r in found], indent=2))
        return
    if not found:
        out("nothing that a school can read")
        return
    table = Table("id", "night", "school", "told", "acknowledged")
    for r in found:
        school = (
            r.recipient_name if r.recipient in r.recipient_name else f"{r.recipient_name} ({r.recipient})"
        )
        answered = _clock(r.acknowledged_at) if r.acknowledged_at else ""
        table.add_row(str(r.notification_id), str(r.night), school, _clock(r.released_at), answered)
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@click.group()
def breaches() -> None:
    """Personal data breaches: what was told to the wrong school, and the clock for reporting it."""


@breaches.command("list")
@force_option
@json_option
def list_(force_id: str | None, *, as_json: bool) -> None:
    """Every breach, the open ones first."""
    with opened_installation() as encompass:
        found = list_breaches(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
        now = encompass.clock.now()
    if as_json:
        out(json.dumps([_row(b) for b in found], indent=2))
        return
    if not found:
        out("no breaches")
        return
    table = Table("id", "school", "since", "report by", "outcome")
    for b in found:
        table.add_row(
            str(b.breach_id), b.recipient, _clock(b.opened_at), _clock(b.report_by), _outcome(b, now)
        )
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@breaches.command()
@click.argument("breach_id", type=Identifier("encompass breaches list"))
@force_option
@click.option("--show-personal", is_flag=True, help="Also the reasons that people wrote.")
def show(breach_id: UUID, force_id: str | None, *, show_personal: bool) -> None:
    """One breach: its clock, and which Key Adults had opened the message, and when."""
    with _told(), opened_installation() as encompass:
        engine, chosen = encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id)
        found, openings = show_breach(engine, encompass.ring, chosen, breach_id)
        now = encompass.clock.now()
    b = found.breach
    shown = {
        "id": b.breach_id,
        "message": b.notification_id,
        "school": b.recipient,
        "since": _clock(b.opened_at),
        "report by": _clock(b.report_by),
        "outcome": _outcome(b, now),
    }
    for name, value in shown.items():
        out(f"{name:<16}{value}")
    if found.confirmed_by is None:
        out(f"{'decided by':<16}{found.proposed_by}, in the queue: another pupil of the same school")
    else:
        out(f"{'recalled by':<16}{found.proposed_by}, confirmed by {found.confirmed_by}")
    if show_personal:
        out(f"{'why':<16}{found.reason}")
        if found.closing:
            out(f"{'closed because':<16}{found.closing}")
    _say_who_opened(openings)


@breaches.command("close")
@click.argument("breach_id", type=Identifier("encompass breaches list"))
@by_option
@click.option(
    "--outcome", required=True, type=click.Choice(["reported", "not_reportable"]), help="What was decided."
)
@click.option(
    "--reason", required=True, type=Somebody(), metavar="TEXT", help="Why, or the reference; kept sealed."
)
@force_option
def close_(breach_id: UUID, by: str, outcome: str, reason: str, force_id: str | None) -> None:
    """Close a breach that was reported, or that need not be."""
    with _told(), opened_installation() as encompass:
        engine, chosen = encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id)
        close(engine, encompass.ring, chosen, breach_id, outcome, by, reason, encompass.clock.now())
    out("closed")


def _confirm(encompass: Encompass, run: Run, notification_id: UUID, by: str) -> None:
    engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(run.force_id)
    done = confirm_recall(engine, encompass.ring, rules, run, notification_id, by)
    out(f"recalled; breach {done.breach_id}: report by {_clock(done.report_by)}, or close it")
    _say_who_opened(done.openings)
    if not done.is_owed_anew:
        out("nothing more is owed for it: the queue had decided already, or police had taken it back")
    elif done.right_urn is None:
        out("the child waits in the queue: `encompass queue list`")
    else:
        out(f"school {done.right_urn} is told by the next `encompass prepare` and `encompass send`")


def _say_who_opened(openings: Sequence[Opening]) -> None:
    for opening in openings:
        out(f"opened by Key Adult {opening.key_adult_ref} at {_clock(opening.at)}")
    if not openings:
        out("nobody had opened it")


def _run(encompass: Encompass, force_id: str | None, notification_id: UUID) -> Run:
    force = chosen_force(encompass, force_id)
    night = night_of_notification(encompass.database.engine(Role.PIPELINE), force, notification_id)
    return encompass.open_run(force, night, encompass.clock.now())


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except (CannotRecall, CannotDecide) as why:
        click.echo(f"encompass: {why}", err=True)
        sys.exit(Exit.FAILED)


def _clock(instant: datetime) -> str:
    return instant.astimezone(LONDON).strftime("%a %d %b %Y %H:%M")


def _outcome(b: Breach, now: datetime) -> str:
    if b.outcome is not None:
        assert b.closed_at is not None
        return f"{b.outcome.replace('_', ' ')}, by {b.closed_by} on {_clock(b.closed_at)}"
    left = b.report_by - now
    return f"open: {left // HOUR} hours left" if left > timedelta(0) else "open: THE TIME TO REPORT IS OVER"


def _told_row(r: Readable) -> dict[str, Any]:
    return {
        "id": str(r.notification_id),
        "night": r.night.isoformat(),
        "recipient": r.recipient,
        "name": r.recipient_name,
        "status": r.status.value,
        "released_at": r.released_at.isoformat(),
        "acknowledged_at": r.acknowledged_at.isoformat() if r.acknowledged_at else None,
    }


def _row(b: Breach) -> dict[str, Any]:
    return {
        "id": str(b.breach_id),
        "notification": str(b.notification_id),
        "recipient": b.recipient,
        "opened_at": b.opened_at.isoformat(),
        "report_by": b.report_by.isoformat(),
        "outcome": b.outcome,
        "closed_by": b.closed_by,
        "closed_at": b.closed_at.isoformat() if b.closed_at else None,
    }
