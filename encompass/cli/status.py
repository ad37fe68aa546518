"""`encompass status`: are we safe by the bell? One screen a force, and what a person must do now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from encompass.cli.commands import forces_meant, opened_installation
from encompass.cli.options import Exit, Instant, each_force_option, json_option
from encompass.cli.printing import out, print_status
from encompass.domain.readiness import Readiness
from encompass.domain.run import LONDON
from encompass.wiring import Encompass


@click.command()
@each_force_option
@click.option("--as-of", type=Instant(), help="The instant asked about. [default: now]")
@json_option
def status(force_id: str | None, as_of: datetime | None, *, as_json: bool) -> None:
    """Are we safe by the bell? What has come, who waits for whom, the forecast, and what to do now.

    Every force, unless one is named. Exit code 3 when one of them is not safe.
    """
    with opened_installation(as_of) as encompass:
        forces = forces_meant(encompass, force_id)
        asked = [(encompass.readiness(force), encompass.status(force)) for force in forces]
        if as_json:
            tables = [{**asdict(state), "readiness": asdict(ready)} for ready, state in asked]
            out(json.dumps(tables[0] if len(tables) == 1 else tables, default=str, indent=2))
        else:
            for ready, state in asked:
                _print(encompass, ready)
                print_status(state)
    sys.exit(Exit.FINE if all(ready.is_safe for ready, _ in asked) else Exit.ALARM)


def _print(encompass: Encompass, ready: Readiness) -> None:
    local = ready.as_of.astimezone(LONDON)
    name = encompass.force(ready.force_id).name
    out(f"{name}, {local:%H:%M on %A %d %B %Y}: {'SAFE' if ready.is_safe else 'NOT SAFE'}")
    out(f"  feed            {'has come' if ready.feed_arrived else 'HAS NOT COME'}")
    if ready.next_bell:
        bell = ready.next_bell.astimezone(LONDON)
        out(f"  next bell       {bell:%H:%M on %A %d %B}, in {ready.minutes_left} minutes")
    else:
        out("  next bell       none ahead for anybody who waits")
    out(f"  acknowledged    {ready.acknowledged_lately} in the last half hour")
    out(f"  forecast        {ready.left_at_bell} not acknowledged at the next bell, at this pace")
    _counts("children", ready.buckets)
    _counts("waiting with", ready.waiting_with)
    for alarm in ready.alarms:
        out(f"  ALARM           {alarm}")
    if ready.to_do:
        out("  Do now:")
    for number, task in enumerate(ready.to_do, start=1):
        out(f"    {number}. {task.says}\n       {task.command} --force {ready.force_id}")
    out("")


def _counts(title: str, counts: Any) -> None:
    said = ", ".join(f"{who.replace('_', ' ')} {n}" for who, n in counts.items() if n)
    out(f"  {title:<15} {said or 'nobody'}")
