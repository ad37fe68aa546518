"""What commands print on stdout: accounts, the status, and exit codes that agree with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final, cast

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.options import Exit
from encompass.domain.arrival import FeedArrival, Gap
from encompass.domain.compliance import Account
from encompass.domain.key_adults import FEWEST_ADULTS
from encompass.domain.report_export import account_json, account_table
from encompass.domain.run import LONDON
from encompass.pipeline.read_status import SchoolState, Status

WHEN: Final = "%a %d %b %H:%M"
WAYS: Final = {
    "rest": "over REST",
    "folder": "from its folder",
    "sftp": "over SFTP",
    "push": "pushed to us",
}
GAPS: Final = {
    Gap.NOT_LOOKED_AT: "nobody has looked at the feed: `encompass receive` does",
    Gap.NOTHING_CAME: "nothing came: telephone the force's desk",
    Gap.RECORDS_MISSING: "records that were announced did not come",
    Gap.IN_DOUBT: "what came is not believable: the alarm says why",
}

SHOWN: Final = 10


def code_of(account: Account) -> Exit:
    """FINE when the account balances, the feed has no gap and no alarm stands, else ALARM."""
    return Exit.FINE if account.all_well else Exit.ALARM


def print_accounts(accounts: Sequence[Account], *, as_json: bool) -> None:
    """The accounts of one or of several forces; for a machine an object, or a list of them."""
    if not as_json:
        for number, account in enumerate(accounts):
            if number:
                out("")
            _print_account(account)
        return
    if len(accounts) == 1:
        click.echo(account_json(accounts[0]), nl=False)
    else:
        click.echo(json.dumps([account_table(a) for a in accounts], indent=2))


def _print_account(account: Account) -> None:
    table = account_table(account)
    as_of = account.as_of.astimezone(LONDON).strftime("%H:%M on %A %d %B %Y")
    out(f"Night of {account.night} for {account.force_id}, as of {as_of}")
    for arrival in account.arrivals:
        out(f"\nfeed {in_words(arrival)}")
    for gap in account.gaps:
        out(f"\nGAP    {GAPS[gap]}")
    for ledger in ("manifest", "involvements", "duties"):
        out(f"\n{ledger}")
        for name, value in _flat(table[ledger]):
            out(f"  {name:<36} {'unknown' if value is None else value:>6}")
    for alarm in account.alarms:
        out(f"\nALARM  {alarm}")
    if not account.balanced:
        out("\nTHE ACCOUNT DOES NOT BALANCE.")
    elif account.all_well:
        out("\nThe account balances.")
    else:
        out("\nThe account balances, AND YET IT IS NOT ALL WELL: a gap or an alarm stands above.")


def in_words(arrival: FeedArrival) -> str:
    """One look at the feed: which way in, when, and what came."""
    at = arrival.at.astimezone(LONDON).strftime("%H:%M")
    newest = arrival.newest_at.astimezone(LONDON).strftime("%H:%M on %d %B") if arrival.newest_at else None
    records = arrival.records
    if records.announced is None:
        came = "nothing came"
    else:
        came = (
            f"{records.announced} announced, {records.accepted} accepted, {records.duplicate} duplicate, "
            f"{records.quarantined} quarantined, {records.refused} refused"
        )
    parts = [f"{WAYS.get(arrival.way or '', 'by a way not kept')} at {at}: {came}"]
    parts += [f"the newest of {newest}"] if newest else []
    parts += ["made good by a later look"] if arrival.made_good else []
    return "; ".join(parts)


def _flat(table: dict[str, Any]) -> list[tuple[str, int | None]]:
    rows: list[tuple[str, int | None]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            counts = cast(dict[str, int], value)
            rows += [(f"{name}: {inner}", count) for inner, count in counts.items()]
        else:
            rows.append((name, value))
    return rows


def _print_schools(console: Console, schools: Sequence[SchoolState]) -> None:
    """What needs seeing to; `--json` has every school."""
    unheld = sum(s.source is None for s in schools)
    stale = [s for s in schools if s.is_stale]
    few = sum(s.key_adults < FEWEST_ADULTS for s in schools)
    console.print(
        f"schools {len(schools)}: no roll {unheld}, stale roll {len(stale)}, fewer than two Key Adults {few}"
    )
    for s in [s for s in schools if s.source is None or s.is_stale or s.key_adults < FEWEST_ADULTS][:SHOWN]:
        roll = (
            "no roll" if s.source is None else f"roll {s.age_days} days old{', STALE' if s.is_stale else ''}"
        )
        console.print(f"  {s.urn}  {s.name}: {roll}, Key Adults {s.key_adults}")


def print_status(found: Status) -> None:
    """How fresh the registers are, what waits, and what is in quarantine."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"{found.force_id}: newest night {found.newest_night or 'none yet'}")
    table = Table("register", "source", "generation", "confirmed", "entries", "refused")
    for r in found.registers:
        confirmed = r.confirmed_at.astimezone(LONDON).strftime("%Y-%m-%d %H:%M")
        table.add_row(r.kind, r.source, str(r.number), confirmed, str(r.entries), str(r.refused))
    console.print(table)
    _print_schools(console, found.schools)
    for nudge_status, count in found.nudges.items():
        console.print(f"nudges {nudge_status}: {count}")
    for source, reason, count in found.quarantined:
        console.print(f"quarantine  {source}  {reason}: {count}")
    for alarm in found.alarms:
        console.print(f"alarm  {alarm}")


def out(line: str) -> None:
    """A line of the result."""
    click.echo(line)
