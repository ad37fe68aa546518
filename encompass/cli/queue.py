"""`encompass queue`: the MASH queue at the command line, until its pages exist."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Somebody, force_option, json_option
from encompass.cli.printing import WHEN, out
from encompass.domain.placement import PlacementStatus
from encompass.domain.recipient import LaOfficer, Office, PartnerForce, code_of
from encompass.domain.run import LONDON, Run
from encompass.pipeline.review_children import (
    CannotResolve,
    Decided,
    IsAtUnheldSchool,
    IsCandidate,
    IsNotFound,
    IsNotNamed,
    Refer,
    Resolution,
    Resolved,
    confirm_child,
    list_queue,
    night_of,
    resolve_child,
    withdraw_decision,
)
from encompass.pipeline.show_child import ShownChild, reason_in_words, show_child
from encompass.store.database import Role
from encompass.store.review import Waiting
from encompass.wiring import Encompass

WHO = "Who decides: a staff number or work name, kept with the decision."


id_argument = click.argument("involvement_id", type=Identifier("encompass queue list"))
by_option = click.option("--by", required=True, type=Somebody(), help=WHO)


@click.group()
def queue() -> None:
    """The children whom the rules could not place: a person decides.

    A decision against a veto (say, another forename), for a school whose roll is not held, or that police are right to
    name a child no longer, is proposed by one person with `resolve` and carried out when another has confirmed it with
    `confirm`. Everything is audited; the recipient is told by the next `encompass prepare` and `send`, or the next run
    of the DAG. Where another school had been told of the child, it can read that no longer from that moment, and a
    second person confirms its recall.
    """


@queue.command("list")
@force_option
@json_option
def list_(force_id: str | None, *, as_json: bool) -> None:
    """Who waits, the earliest duty first; no names."""
    with opened_installation() as encompass:
        waiting = list_queue(encompass.database.engine(Role.PIPELINE), chosen_force(encompass, force_id))
    if as_json:
        out(json.dumps([_row(w) for w in waiting], indent=2))
        return
    if not waiting:
        out("nobody waits")
        return
    table = Table("id", "night", "before", "state", "why", "candidates", "best score")
    for w in waiting:
        row = _row(w)
        before = w.duty_by.astimezone(LONDON).strftime(WHEN)
        state = f"{row['status']}, a second person to confirm {w.proposed}" if w.proposed else row["status"]
        best = "" if row["best_score"] is None else f"{row['best_score']:.1f}"
        table.add_row(row["id"], str(w.night), before, state, row["why"], str(row["candidates"]), best)
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(table)


@queue.command()
@id_argument
@force_option
@click.option("--show-personal", is_flag=True, help="Also the names, birth dates and homes compared.")
@json_option
def show(involvement_id: UUID, force_id: str | None, *, show_personal: bool, as_json: bool) -> None:
    """One child: each candidate, what every field says in bits, and what forbids a match. The look is audited."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, involvement_id)
        shown = show_child(encompass.database.engine(Role.PIPELINE), encompass.ring, run, involvement_id)
    table = _shown(shown, show_personal=show_personal)
    if as_json:
        out(json.dumps(table, indent=2))
    else:
        _print(table)


@queue.command()
@id_argument
@force_option
@click.option(
    "--candidate", "number", type=click.IntRange(min=1), help="The candidate who is the child, by number."
)
@click.option(
    "--urn", "urns", type=int, multiple=True, help="A school to tell; again for each. [default: by the rolls]"
)
@click.option("--not-found", is_flag=True, help="None of them is the child.")
@click.option(
    "--not-named",
    is_flag=True,
    help="Police are right to name the child no longer: tell nobody, or say so to whom was told.",
)
@click.option(
    "--refer",
    type=click.Choice([*(o.value for o in Office), "force"]),
    help="Tell a local authority's office (with --la) or another force (with --to): no school here has the child.",
)
@click.option("--la", metavar="CODE", help="The local authority of --refer.")
@click.option("--to", metavar="NAME", help="The force of --refer force.")
@click.option(
    "--school", type=int, metavar="URN", help="The child's school, as police state it; its roll is not held."
)
@by_option
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept sealed.")
def resolve(
    involvement_id: UUID,
    force_id: str | None,
    number: int | None,
    urns: tuple[int, ...],
    refer: str | None,
    la: str | None,
    to: str | None,
    school: int | None,
    by: str,
    reason: str,
    *,
    not_found: bool,
    not_named: bool,
) -> None:
    """Decide who the child is, or that no candidate is, or who is told in a school's stead."""
    told = _referred_to(refer, la, to)
    given: list[Decided] = [
        *([IsCandidate(number, urns)] if number is not None else []),
        *([IsNotFound()] if not_found else []),
        *([IsNotNamed()] if not_named else []),
        *([Refer(told)] if told is not None else []),
        *([IsAtUnheldSchool(school)] if school is not None else []),
    ]
    if len(given) != 1:
        raise click.UsageError(
            "give one of --candidate NUMBER, --not-found, --not-named, --refer and --school"
        )
    if not reason.strip():
        raise click.UsageError("--reason must say why")
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, involvement_id)
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(run.force_id)
        decision = Resolution(given[0], by, reason.strip())
        resolved = resolve_child(engine, encompass.ring, rules, run, involvement_id, decision)
    if resolved.proposal.overrides:
        out(f"proposed against {', '.join(resolved.proposal.overrides)}: a second person confirms with")
        out(f"  encompass queue confirm {involvement_id} --by WHO")
    else:
        _say_done(resolved)


@queue.command()
@id_argument
@force_option
@by_option
def confirm(involvement_id: UUID, force_id: str | None, by: str) -> None:
    """Confirm another person's decision: against a veto, or where no pupil or no school is known."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, involvement_id)
        engine, rules = encompass.database.engine(Role.PIPELINE), encompass.duty_rules(run.force_id)
        resolved = confirm_child(engine, encompass.ring, rules, run, involvement_id, by)
    _say_done(resolved)


@queue.command()
@id_argument
@force_option
def withdraw(involvement_id: UUID, force_id: str | None) -> None:
    """Drop a decision that waits for a second person."""
    with _told(), opened_installation() as encompass:
        run = _run(encompass, force_id, involvement_id)
        withdraw_decision(encompass.database.engine(Role.PIPELINE), run, involvement_id)
    out("withdrawn: the child waits again")


def _referred_to(refer: str | None, la: str | None, to: str | None) -> LaOfficer | PartnerForce | None:
    by_force = refer == "force"
    if (la is not None) != (refer is not None and not by_force):
        raise click.UsageError("--la CODE goes with --refer to an office")
    if (to is not None and to.strip() != "") != by_force:
        raise click.UsageError("--to NAME goes with --refer force")
    if la is not None:
        return LaOfficer(la.strip(), Office(refer))
    return PartnerForce(to.strip()) if to is not None else None


def _run(encompass: Encompass, force_id: str | None, involvement_id: UUID) -> Run:
    """A run of the night in which the child was named, of this instant."""
    force = chosen_force(encompass, force_id)
    night = night_of(encompass.database.engine(Role.PIPELINE), force, involvement_id)
    return encompass.open_run(force, night, encompass.clock.now())


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except CannotResolve as why:
        click.echo(f"encompass: {why}", err=True)
        sys.exit(Exit.FAILED)


def _say_done(resolved: Resolved) -> None:
    proposal = resolved.proposal
    if proposal.to is not None:
        told = f" to {code_of(proposal.to)}"
    elif proposal.urns:
        told = f" at {', '.join(map(str, proposal.urns))}"
    else:
        told = " with the MASH" if proposal.outcome is PlacementStatus.NOT_FOUND else ": no school is told"
    out(f"decided: {proposal.outcome.value}{told}")
    for other in resolved.told_elsewhere:
        out(f"{other.recipient} had been told of the child: nobody there can open the message now,")
        out("and a second person confirms its recall, which opens a breach case, with")
        out(f"  encompass recall {other.notification_id} --by WHO --confirm")


def _row(w: Waiting) -> dict[str, Any]:
    candidates = w.evidence.candidates
    return {
        "id": str(w.involvement_id),
        "night": w.night.isoformat(),
        "status": w.status.value,
        "reason": w.reason,
        "why": reason_in_words(w.reason),
        "duty_by": w.duty_by.isoformat(),
        "candidates": len(candidates),
        "best_score": round(candidates[0].score, 2) if candidates else None,
        "proposed": w.proposed,
    }


def _shown(shown: ShownChild, *, show_personal: bool) -> dict[str, Any]:
    evidence, child = shown.held.evidence, shown.child
    personal: Callable[[str | None], str | None] = lambda text: text if show_personal else None  # noqa: E731
    return {
        "id": str(shown.held.involvement_id),
        "status": shown.held.status.value,
        "why": shown.reason,
        "child": personal(f"{child.forename} {child.surname}, born {child.date_of_birth or 'not known'}"),
        "model": evidence.model,
        "automatic_from": evidence.automatic,
        "margin": evidence.margin,
        "proposed": shown.proposal.outcome.value if shown.proposal else None,
        "told": list(shown.told),
        "school_named": personal(child.school_named.name if child.school_named else None),
        "offered": [f"--refer {o.office.value} --la {o.la_code}" for o in shown.offices],
        "placed_before": [
            {
                "night": e.night.isoformat(),
                "candidate": e.number,
                "schools": {str(urn): name for urn, name in e.schools.items()},
            }
            for e in shown.earlier
        ],
        "candidates": [
            {
                "number": c.number,
                "score": round(c.candidate.score, 2),
                "schools": {str(urn): name for urn, name in c.schools.items()},
                "in_words": personal(c.in_words),
                "fields": {f.field: {"level": f.level, "bits": round(f.bits, 2)} for f in c.candidate.fields},
                "sibling_lift": c.candidate.lift,
                "vetoes": list(c.vetoes),
            }
            for c in shown.candidates
        ],
    }


def _print(table: dict[str, Any]) -> None:
    out(f"{table['id']}  {table['status']}: {table['why']}")
    if table["child"]:
        out(table["child"])
    if table["proposed"]:
        out(f"a decision waits for a second person: {table['proposed']}")
    for told in table["told"]:
        out(f"told before the record was corrected, and can still read it: {told}")
    if table["school_named"]:
        out(f"police name the school: {table['school_named']}")
    for offer in table["offered"]:
        out(f"on no roll any more; the local authority: encompass queue resolve {table['id']} {offer}")
    limits = f"{table['automatic_from']:.1f} bits with a margin of {table['margin']:.1f}"
    out(f"automatic from {limits} (model {table['model']})")
    _print_placed_before(table["placed_before"])
    _print_candidates(table["candidates"])


def _print_candidates(candidates: list[dict[str, Any]]) -> None:
    for c in candidates:
        schools = ", ".join(f"{name or 'a school'} ({urn})" for urn, name in c["schools"].items())
        out(f"\n{c['number']}. {c['score']:.1f} bits  {schools or 'on no roll that day'}")
        if c["in_words"]:
            out(f"   {c['in_words']}")
        for name, evidence in c["fields"].items():
            out(f"   {name:<10}{evidence['level']:<20}{evidence['bits']:>+6.1f}")
        for veto in c["vetoes"]:
            out(f"   VETO  {veto}")
    if not candidates:
        out("no candidates")


def _print_placed_before(placed: list[dict[str, Any]]) -> None:
    for e in placed:
        who = f"as candidate {e['candidate']}" if e["candidate"] else "as a pupil who is no candidate"
        schools = ", ".join(f"{name or 'a school'} ({urn})" for urn, name in e["schools"].items())
        at = f"on the night of {e['night']}, at {schools or 'no school'}"
        out(f"this force's same person was placed {who} {at}")
