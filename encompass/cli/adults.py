"""`encompass adults`: contacts of schools, offices and partner forces, changed by one person, confirmed by another."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from encompass.cli.commands import chosen_force, opened_installation
from encompass.cli.options import Exit, Identifier, Night, Somebody, force_option, json_option
from encompass.cli.printing import out
from encompass.domain.recipient import code_of
from encompass.formats.faults import BrokenFile, contents
from encompass.formats.key_adults import fields_of, read_key_adults
from encompass.pipeline import change_contacts as c
from encompass.pipeline.compare_contacts import compare_at_once
from encompass.store.database import Role
from encompass.store.key_adult import ListedAdult

ASKED = {"full_name": "Full name", "email": "Work mailbox", "phone": "Telephone"}
"""Asked for and not given as an option: what is typed on a command line can be read by others of the machine."""

who_option = click.option(
    "--by", required=True, type=Somebody(), help="Who: a staff number or work name, kept."
)
change_argument = click.argument("change_id", type=Identifier("encompass adults list"))
reference_argument = click.argument("reference", metavar="REF")
set_option = click.option(
    "--set", "columns", multiple=True, metavar="COLUMN=VALUE",
    help="A column of the register, such as role=deputy or attested_on=2026-09-04; again for each.",
)  # fmt: skip


@click.group()
def adults() -> None:
    """Key Adults of schools, officers of local authorities and partner forces.

    What one person proposes with `add`, `change`, `end` or `import` holds once another has confirmed it; so does a new
    contact that a register delivers for a recipient who has some. Until then the former contact stays in use. REF is a
    register reference or the id that `list` shows. Everything is audited, by ids.
    """


@adults.command("list")
@force_option
@click.option("--problems", is_flag=True, help="Only those that need seeing to.")
@json_option
def list_(force_id: str | None, *, problems: bool, as_json: bool) -> None:
    """Every contact by id with what is wrong, schools with fewer than two, changes that wait; no names."""
    with opened_installation() as encompass:
        force, engine = chosen_force(encompass, force_id), encompass.database.engine(Role.PIPELINE)
        rule = encompass.attestation_rule(force)
        found = c.list_contacts(engine, encompass.ring, force, rule, encompass.clock.now())
    table = _table(found, problems=problems)
    if as_json:
        out(json.dumps(table, indent=2))
    else:
        _print(table)


@adults.command()
@reference_argument
@force_option
@click.option("--show-personal", is_flag=True, help="Also the name, the mailbox and the telephone.")
def show(reference: str, force_id: str | None, *, show_personal: bool) -> None:
    """One contact; the look is audited."""
    with asked(force_id, "") as (engine, who):
        found = c.show_contact(engine, who, reference)
    personal = {*ASKED, "key_adult_ref", "declared_surnames"}
    for column, value in {"id": str(found.key_adult_id), **fields_of(found.as_attested)}.items():
        if value and (show_personal or column not in personal):
            out(f"{column:<18} {value}")


@adults.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@force_option
@who_option
def import_(file: Path, force_id: str | None, by: str) -> None:
    """Take a register's CSV: first contacts of a recipient at once, all else as proposals. Ends nobody."""
    try:
        with file.open("rb") as stream:
            read = contents(read_key_adults(stream))
    except BrokenFile as fault:
        click.echo(f"encompass: {fault.reason}", err=True)
        sys.exit(Exit.FAILED)
    with asked(force_id, by) as (engine, who):
        done = c.import_contacts(engine, who, read.taken)
        compare_at_once(engine, who.ring, who.force_id, who.at)
    for refused in read.refused:
        click.echo(f"refused  {refused.place}  {refused.reason}", err=True)
    out(
        f"{done.taken} taken, {len(done.proposed)} proposed, {done.unchanged} unchanged, {len(read.refused)} refused"
    )
    _say_proposed(*done.proposed)
    sys.exit(Exit.ALARM if read.refused else Exit.FINE)


@adults.command()
@reference_argument
@set_option
@force_option
@who_option
def add(reference: str, columns: tuple[str, ...], force_id: str | None, by: str) -> None:
    """Propose a new contact; name, mailbox and telephone are asked for.

    Say whose: --set urn=102884, or --set recipient_kind=la_officer --set la_code=318 --set office=cme.
    """
    with asked(force_id, by) as (engine, who):
        given = {"key_adult_ref": reference, "active_from": who.day.isoformat(), **_columns(columns)}
        fields = {
            **given,
            **{k: click.prompt(says, default="", show_default=False) for k, says in ASKED.items()},
        }
        _say_proposed(c.propose_contact(engine, who, fields))


@adults.command()
@reference_argument
@set_option
@click.option(
    "--ask", multiple=True, type=click.Choice(list(ASKED)), help="Ask for this anew; again for each."
)
@force_option
@who_option
def change(
    reference: str, columns: tuple[str, ...], ask: tuple[str, ...], force_id: str | None, by: str
) -> None:
    """Propose other details of a contact. A new work mailbox ends that contact's sign-ins once confirmed."""
    with asked(force_id, by) as (engine, who):
        fields = {**_columns(columns), **{k: click.prompt(ASKED[k]) for k in ask}}
        if not fields:
            raise click.UsageError("say what changes with --set COLUMN=VALUE or --ask")
        _say_proposed(c.propose_change(engine, who, reference, fields))


@adults.command()
@reference_argument
@click.option("--on", "last_day", type=Night(), help="The last day as a contact. [default: yesterday]")
@force_option
@who_option
def end(reference: str, last_day: date | None, force_id: str | None, by: str) -> None:
    """Propose that somebody is a contact no longer."""
    with asked(force_id, by) as (engine, who):
        _say_proposed(c.propose_end(engine, who, reference, last_day or who.day - timedelta(days=1)))


@adults.command()
@change_argument
@force_option
@who_option
def confirm(change_id: UUID, force_id: str | None, by: str) -> None:
    """Confirm another person's proposal, or one of the register's: it holds from now on."""
    with asked(force_id, by) as (engine, who):
        done = c.confirm_change(engine, who, change_id)
        compare_at_once(engine, who.ring, who.force_id, who.at)
    out(f"confirmed: {done.kind.value} at {code_of(done.entry.recipient)}")


@adults.command()
@change_argument
@force_option
@who_option
def withdraw(change_id: UUID, force_id: str | None, by: str) -> None:
    """Drop a proposal: the contact stays as before."""
    with asked(force_id, by) as (engine, who):
        c.withdraw_change(engine, who, change_id)
    out("withdrawn: the contact stays as before")


@adults.command("confirm-school")
@click.argument("urn", type=int)
@force_option
@who_option
def confirm_school(urn: int, force_id: str | None, by: str) -> None:
    """Say that the contact of a school that goes on for a closed one has been checked with that school."""
    with asked(force_id, by) as (engine, who):
        waited = c.confirm_school(engine, who, urn)
    out(f"confirmed; {waited} children waited for it: run `encompass match`, or wait for the next run")


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for text in given:
        column, equals, value = text.partition("=")
        if not equals or column in ASKED or column == "key_adult_ref":
            raise click.UsageError("--set takes COLUMN=VALUE; names, mailboxes and telephones are asked for")
        columns[column.strip()] = value
    return columns


@contextmanager
def asked(force_id: str | None, who: str) -> Generator[tuple[Engine, c.By]]:
    """The database, and who asks for which force now; why a contact cannot be changed so is said in a line."""
    try:
        with opened_installation() as encompass:
            by = c.By(chosen_force(encompass, force_id), who, encompass.clock.now(), encompass.ring)
            yield encompass.database.engine(Role.PIPELINE), by
    except c.CannotChange as why:
        click.echo(f"encompass: {why}", err=True)
        sys.exit(Exit.FAILED)


def _say_proposed(*change_ids: UUID) -> None:
    for change_id in change_ids:
        out(f"proposed: a second person confirms with  encompass adults confirm {change_id} --by WHO")


def _table(found: c.Contacts, *, problems: bool) -> dict[str, Any]:
    return {
        "contacts": [
            _row(adult, [p.value for p in own]) for adult, own in found.adults if own or not problems
        ],
        "too_few": [{"urn": s.urn, "name": s.name, "key_adults": s.key_adults} for s in found.too_few],
        "waiting": [
            {
                "id": str(w.change_id),
                "kind": w.kind.value,
                "recipient": code_of(w.entry.recipient),
                "by": w.by,
                "since": w.at.isoformat(),
            }
            for w in found.waiting
        ],
    }


def _row(adult: ListedAdult, problems: list[str]) -> dict[str, Any]:
    entry = adult.entry
    return {
        "id": str(adult.key_adult_id),
        "recipient": code_of(entry.recipient),
        "role": entry.role.value,
        "language": entry.language,
        "active_to": entry.active_to.isoformat() if entry.active_to else None,
        "problems": problems,
    }


def _print(table: dict[str, Any]) -> None:
    shown = Table("id", "of", "role", "language", "until", "to see to")
    for row in table["contacts"]:
        shown.add_row(
            row["id"],
            row["recipient"],
            row["role"],
            row["language"],
            row["active_to"] or "",
            ", ".join(row["problems"]),
        )
    Console(file=sys.stdout, width=200 if not sys.stdout.isatty() else None).print(shown)
    for s in table["too_few"]:
        out(f"{s['urn']}  {s['name']}: {s['key_adults'] or 'no'} Key Adult{'s' * (not s['key_adults'])}")
    for w in table["waiting"]:
        out(f"waits for a second person: {w['kind']} at {w['recipient']}, asked for by {w['by']}: {w['id']}")
