"""What commands print on stdout: accounts, the status, and exit codes that agree with them."""

from __future__ import annotations

import sys
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.options import Exit
from encompass.domain.compliance import Account
from encompass.domain.report_export import account_json, account_table
from encompass.domain.run import LONDON
from encompass.pipeline.read_status import Status


def code_of(account: Account) -> Exit:
    """FINE when the account balances and no alarm stands, else ALARM."""
    return Exit.FINE if account.balanced and not account.alarms else Exit.ALARM


def print_account(account: Account, *, as_json: bool) -> None:
    """The account, for a person or for a machine."""
    if as_json:
        click.echo(account_json(account), nl=False)
        return
    table = account_table(account)
    as_of = account.as_of.astimezone(LONDON).strftime("%H:%M on %A %d %B %Y")
    out(f"Night of {account.night} for {account.force_id}, as of {as_of}")
    for ledger in ("manifest", "involvements", "duties"):
        out(f"\n{ledger}")
        for name, value in _flat(table[ledger]):
            out(f"  {name:<36} {'unknown' if value is None else value:>6}")
    for alarm in account.alarms:
        out(f"\nALARM  {alarm}")
    out("\nThe account balances." if account.balanced else "\nTHE ACCOUNT DOES NOT BALANCE.")


def _flat(table: dict[str, Any]) -> list[tuple[str, int | None]]:
    rows: list[tuple[str, int | None]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            counts = cast(dict[str, int], value)
            rows += [(f"{name}: {inner}", count) for inner, count in counts.items()]
        else:
            rows.append((name, value))
    return rows


def print_status(found: Status) -> None:
    """How fresh the registers are, what waits, and what is in quarantine."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"{found.force_id}: newest night {found.newest_night or 'none yet'}")
    table = Table("register", "source", "generation", "confirmed", "entries", "refused")
    for r in found.registers:
        confirmed = r.confirmed_at.astimezone(LONDON).strftime("%Y-%m-%d %H:%M")
        table.add_row(r.kind, r.source, str(r.number), confirmed, str(r.entries), str(r.refused))
    console.print(table)
    for nudge_status, count in found.nudges.items():
        console.print(f"nudges {nudge_status}: {count}")
    for source, reason, count in found.quarantined:
        console.print(f"quarantine  {source}  {reason}: {count}")
    for alarm in found.alarms:
        console.print(f"alarm  {alarm}")


def out(line: str) -> None:
    """A line of the result."""
    click.echo(line)
