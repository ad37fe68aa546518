"""`encompass holds`: messages that wait for a person before their school may read them."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Somebody, force_option, json_option
from encompass.cli.printing import WHEN, out
from encompass.domain.hold import HeldNotification, HoldKind
from encompass.domain.recipient import code_of
from encompass.domain.run import LONDON, Run
from encompass.pipeline.decide_conflicts import (
    LaterConflict,
    confirm_conflict,
    decide_conflict,
    list_conflicts,
    withdraw_conflict_decision,
)
from encompass.pipeline.hold_notifications import (
    CANCELLED,
    RELEASED,
    CannotDecide,
    HoldDecision,
    ShownHold,
    confirm_hold,
    decide_hold,
    list_holds,
    night_of_notification,
    show_hold,
    withdraw_hold_decision,
)
from encompass.store.conflict import ADMITTED, KEPT_OUT
from encompass.store.database import Role
from encompass.wiring import Encompass

id_argument = click.argument("notification_id", type=Identifier("encompass holds list"))
by_option = click.option(
    "--by",
    required=True,
    type=Somebody(),
    help="Who decides: a staff number or work name, kept with the decision.",
)
reason_option = click.option(
    "--reason", required=True, type=Somebody(), metavar="TEXT", help="Why; kept sealed."
)

adult_option = click.option(
    "--adult", required=True, type=Somebody(), metavar="REFERENCE", help="The Key Adult, by the register."
)
WHY = {
    "declared": "declared the child's surname",
    "party_works_here": "bears the name, and a party works there",
    "unknown": "the record no longer says enough to tell",
}
LABEL = {"recipient": "school", "kinds": "why", "key_adults": "Key Adults"}
OUTCOME = {ADMITTED: "may read it", KEPT_OUT: "never reads it"}


@click.group()
def holds() -> None:
    """Messages that wait for a person: police asked it, or the release checks found something.

    A police hold ends by itself at its time, through the checks. `release` tells the school, `cancel` decides that it
    is never told. To cancel, and to release what the force's profile names, a second person confirms with `confirm`.
    Everything is audited.

    `conflicts` lists Key Adults found in conflict only after a message was told; `admit` and `keep-out` decide.
    """


@holds.command("list")
@force_option
@json_option
def list_(force_id: str | None, *, as_json: bool) -> None:
    """What waits, the earliest duty first; nothing of the children."""
    with opened_installation() as encompass:
        held = list_holds(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
        now = encompass.clock.now()
    rows: list[dict[str, Any]] = [{**_row(h), "overdue": h.until <= now} for h in held]
    if as_json:
        out(json.dumps(rows, indent=2))
        return
    if not held:
        out("nothing is held")
        return
    table = Table("id", "school", "why", "until", "school's bell", "state")
    for h, row in zip(held, rows, strict=True):
        until, bell = (t.astimezone(LONDON).strftime(WHEN) for t in (h.until, h.duty_by))
        table.add_row(row["id"], h.recipient, ", ".join(row["kinds"]), until, bell, _state(h, now))
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@holds.command()
@id_argument
@force_option
@click.option(
    "--show-personal", is_flag=True, help="Also what was found, what would be told, and who would be nudged."
)
@json_option
def show(notification_id: UUID, force_id: str | None, *, show_personal: bool, as_json: bool) -> None:
    """One message that waits: why, for whom, and until when. The look is audited."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.telling_rules(run.force_id)
        shown = show_hold(engine, encompass.ring, rules, run, notification_id)
    table = _shown(shown, show_personal=show_personal)
    if as_json:
        out(json.dumps(table, indent=2))
        return
    said = {
        **table,
        "kinds": ", ".join(table["kinds"]),
        "until": f"{shown.hold.until.astimezone(LONDON):%a %d %b %Y %H:%M}",
    }
    for name, value in said.items():
        for line in value if isinstance(value, list) else [value] if value else []:  # pyright: ignore[reportUnknownVariableType]
            out(f"{LABEL.get(name, name):<12}{line}")


@holds.command()
@id_argument
@by_option
@reason_option
@force_option
def release(notification_id: UUID, by: str, reason: str, force_id: str | None) -> None:
    """Let the school read it: its Key Adults are nudged, but for those in conflict."""
    _decide(notification_id, force_id, HoldDecision(RELEASED, by, reason))


@holds.command()
@id_argument
@by_option
@reason_option
@force_option
def cancel(notification_id: UUID, by: str, reason: str, force_id: str | None) -> None:
    """Decide that this school is never told of it. A second person always confirms."""
    _decide(notification_id, force_id, HoldDecision(CANCELLED, by, reason))


@holds.command()
@id_argument
@by_option
@force_option
def confirm(notification_id: UUID, by: str, force_id: str | None) -> None:
    """Confirm another person's decision."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.telling_rules(run.force_id)
        decided = confirm_hold(engine, encompass.ring, rules, run, notification_id, by)
    out(f"decided: {decided.outcome}")


@holds.command()
@id_argument
@force_option
def withdraw(notification_id: UUID, force_id: str | None) -> None:
    """Drop a decision that waits for a second person."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        withdraw_hold_decision(encompass.database.engine(Role.PIPELINE), run, notification_id)
    out("withdrawn: the message waits again")


@holds.command()
@force_option
@json_option
def conflicts(force_id: str | None, *, as_json: bool) -> None:
    """Key Adults who came, or declared a surname, after a message was told, and seem connected with the child.

    None of them can open it, and nobody nudges them, until a person says `admit` or `keep-out`.
    """
    with opened_installation() as encompass:
        force, engine = chosen_force(encompass, force_id), encompass.database.engine(Role.PIPELINE)
        found = list_conflicts(engine, encompass.ring, force)
    if as_json:
        out(json.dumps([_conflict_row(c) for c in found], indent=2))
        return
    if not found:
        out("nobody waits for a decision")
        return
    table = Table("id", "school", "Key Adult", "why", "since", "state")
    for c in found:
        row = _conflict_row(c)
        since = c.found.since.astimezone(LONDON).strftime(WHEN)
        state = "may read it, once a second person confirms" if c.found.proposed else row["state"]
        table.add_row(row["id"], row["recipient"], row["key_adult"], WHY[row["why"]], since, state)
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@holds.command()
@id_argument
@adult_option
@by_option
@reason_option
@force_option
def admit(notification_id: UUID, adult: str, by: str, reason: str, force_id: str | None) -> None:
    """Let a Key Adult read a message after all: looked into, there is no conflict."""
    _decide_conflict(notification_id, force_id, adult, HoldDecision(ADMITTED, by, reason))


@holds.command("keep-out")
@id_argument
@adult_option
@by_option
@reason_option
@force_option
def keep_out(notification_id: UUID, adult: str, by: str, reason: str, force_id: str | None) -> None:
    """Decide that a Key Adult never reads a message: there is a conflict."""
    _decide_conflict(notification_id, force_id, adult, HoldDecision(KEPT_OUT, by, reason))


@holds.command("confirm-conflict")
@id_argument
@adult_option
@by_option
@force_option
def confirm_conflict_(notification_id: UUID, adult: str, by: str, force_id: str | None) -> None:
    """Confirm another person's `admit`."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine = encompass.database.engine(Role.PIPELINE)
        decided = confirm_conflict(engine, encompass.ring, run, notification_id, adult, by)
    out(f"decided: {OUTCOME[decided.outcome]}")


@holds.command("withdraw-conflict")
@id_argument
@adult_option
@force_option
def withdraw_conflict(notification_id: UUID, adult: str, force_id: str | None) -> None:
    """Drop an `admit` that waits for a second person."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine = encompass.database.engine(Role.PIPELINE)
        withdraw_conflict_decision(engine, encompass.ring, run, notification_id, adult)
    out("withdrawn: the Key Adult waits again")


def _decide_conflict(notification_id: UUID, force_id: str | None, adult: str, decision: HoldDecision) -> None:
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine = encompass.database.engine(Role.PIPELINE)
        two = frozenset(map(str, encompass.force(run.force_id).profile.two_people_for))
        decided = decide_conflict(engine, encompass.ring, two, run, notification_id, adult, decision)
    if decided.needs_two:
        out(f"proposed: {OUTCOME[decided.outcome]}; a second person confirms with")
        out(f"  encompass holds confirm-conflict {notification_id} --adult {adult} --by WHO")
    else:
        out(f"decided: {OUTCOME[decided.outcome]}")


def _decide(notification_id: UUID, force_id: str | None, decision: HoldDecision) -> None:
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, notification_id)
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.telling_rules(run.force_id)
        two = frozenset(map(str, encompass.force(run.force_id).profile.two_people_for))
        decided = decide_hold(engine, encompass.ring, rules, two, run, notification_id, decision)
    if decided.needs_two:
        out(f"proposed: {decided.outcome}; a second person confirms with")
        out(f"  encompass holds confirm {notification_id} --by WHO")
    else:
        out(f"decided: {decided.outcome}")


def _run(encompass: Encompass, force_id: str | None, notification_id: UUID) -> Run:
    """A run of the night in which the message was prepared, of this instant."""
    force = chosen_force(encompass, force_id)
    night = night_of_notification(encompass.database.engine(Role.PIPELINE), force, notification_id)
    return encompass.open_run(force, night, encompass.clock.now())


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except CannotDecide as why:
        click.echo(f"encompass: {why}", err=True)
        sys.exit(Exit.FAILED)


def _state(h: HeldNotification, now: datetime) -> str:
    if h.proposed:
        return f"{h.proposed}, once a second person confirms"
    if h.until > now:
        return ""
    ends_by_itself = h.kinds == (HoldKind.POLICE,)
    return "ended: the next `encompass prepare` looks at it" if ends_by_itself else "OVERDUE: decide"


def _row(h: HeldNotification) -> dict[str, Any]:
    return {
        "id": str(h.notification_id),
        "recipient": h.recipient,
        "kinds": [kind.value for kind in h.kinds],
        "until": h.until.isoformat(),
        "duty_by": h.duty_by.isoformat(),
        "proposed": h.proposed,
    }


def _conflict_row(c: LaterConflict) -> dict[str, Any]:
    return {
        "id": str(c.found.notification_id),
        "recipient": c.found.recipient,
        "key_adult": c.key_adult_ref,
        "why": c.found.reason,
        "since": c.found.since.isoformat(),
        "state": c.found.status.value,
        "proposed": c.found.proposed,
    }


def _shown(shown: ShownHold, *, show_personal: bool) -> dict[str, Any]:
    hold, child = shown.hold, shown.notification.child
    table: dict[str, Any] = {
        "id": str(shown.notification.notification_id),
        "recipient": code_of(shown.notification.to.recipient),
        "kinds": [kind.value for kind in hold.kinds],
        "until": hold.until.isoformat(),
        "found": [f"{hit.scan.value} in {hit.name}" for hit in hold.hits],
        "key_adults": f"{len(shown.would_tell)} would be nudged, {shown.excluded} may never read it",
        "proposed": shown.proposal.outcome if shown.proposal else None,
    }
    if show_personal:
        table |= {
            "reason": hold.reason,
            "owner": hold.owner,
            "found": [f"{hit.scan.value} in {hit.name}: {hit.words}" for hit in hold.hits],
            "nudged": list(shown.would_tell),
            "child": f"{child.forename} {child.surname}",
            "told": [f"{line.label}: {line.text}" for p in shown.parts for line in p.told],
        }
    return table
