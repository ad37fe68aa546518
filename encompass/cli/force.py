"""`encompass force`: a force's own settings."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from encompass.cli.options import Exit, json_option
from encompass.cli.printing import out
from encompass.pipeline.check_force import check_force
from encompass.settings import forces_folder


@click.group()
def force() -> None:
    """The forces that this installation serves: a file each in config/forces/."""


@force.command()
@click.argument("force_id", metavar="FORCE")
@json_option
def check(force_id: str, *, as_json: bool) -> None:
    """Look through a force's file: what is wrong with it, or what it says, in words.

    Addresses and secrets, which a deployment lays over the file, may be missing. Exit codes: 0 good, 3 faults, 2 there
    is no such file.
    """
    file = forces_folder() / f"{force_id}.toml"
    try:
        found = check_force(file)
    except OSError:
        known = ", ".join(sorted(f.stem for f in forces_folder().glob("*.toml")))
        click.echo(f"no force {force_id}: there are {known or 'none'}", err=True)
        sys.exit(Exit.USAGE)
    if as_json:
        out(json.dumps(asdict(found), indent=2))
    else:
        for fault in found.faults:
            out(f"fault  {fault}")
        for line in found.says:
            out(line)
    sys.exit(Exit.ALARM if found.faults else Exit.FINE)
