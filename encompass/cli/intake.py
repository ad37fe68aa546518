"""`encompass intake`: look through a file before it is ever sent."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click
from pydantic import ValidationError

from encompass.cli.options import Exit, json_option
from encompass.formats.mis_csv import BadMapping, read_mapping
from encompass.formats.police_mapping import PoliceMapping
from encompass.pipeline.check_intake import FORMATS, Checked, How, NeedsMapping, Seen, check_intake
from encompass.settings import forces_folder, rolls_folder


@click.group()
def intake() -> None:
    """What comes in: files looked through without storing anything."""


@intake.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--as", "kind", required=True, type=click.Choice(list(FORMATS)), help="What the file should be."
)
@click.option(
    "--force", "force_id", metavar="FORCE", help="The force whose own export it is (police formats)."
)
@click.option(
    "--supplier", metavar="NAME", default="plain", show_default=True,
    help="The supplier whose columns a mis-csv has: a file of config/rolls.",
)  # fmt: skip
@json_option
def check(path: Path, kind: str, force_id: str | None, supplier: str, *, as_json: bool) -> None:
    """Validate a file as intake would, and store nothing.

    Prints how many records would be taken, and each fault and warning by its reason, with the lines or paths where it
    stands; never a value. A gzip, or a zip of one file, is looked into. Exit codes: 0 all would be taken (warnings
    do not count), 3 faults, 2 a usage error or a file that cannot be read.
    """
    try:
        how = How(_police_of(force_id), read_mapping(rolls_folder() / f"{supplier}.toml"))
        found = check_intake(path, kind, how, _progress)
    except OSError as error:
        _unusable(f"{path}: {error.strerror or 'cannot be read'}")
    except BadMapping as fault:
        _unusable(str(fault))
    except NeedsMapping:
        _unusable("a police-csv is a force's own: name one that sends rows (--force)")
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        _print(path, found)
    sys.exit(Exit.ALARM if found.faults else Exit.FINE)


def _police_of(force_id: str | None) -> PoliceMapping | None:
    if force_id is None:
        return None
    file = forces_folder() / f"{force_id}.toml"
    try:
        feed: dict[str, Any] = tomllib.loads(file.read_text("utf-8")).get("feed", {})
        return PoliceMapping.model_validate(feed["mapping"]) if "mapping" in feed else None
    except FileNotFoundError:
        _unusable(f"no force {force_id}: {file.name} is not in {file.parent.name}/")
    except (tomllib.TOMLDecodeError, ValidationError):
        _unusable(f"{file.name} is wrong; `encompass force check {force_id}` says how")


def _print(path: Path, found: Checked) -> None:
    click.echo(
        f"{path.name} as {found.format}: {found.taken:,} records would be taken, {found.refused:,} refused"
    )
    for title, seen in (("fault", found.faults), ("warning", found.warnings)):
        for reason, at in sorted(seen.items()):
            click.echo(f"  {title}  {reason}: {at.count:,}{_places(at)}")


def _places(seen: Seen) -> str:
    if not seen.places:
        return ""
    lines = [p.removeprefix("line ") for p in seen.places[:5]]
    said = "line " if seen.places[0].startswith("line ") else ""
    more = ", ..." if seen.count > len(lines) else ""
    return f"  ({said}{', '.join(lines)}{more})"


def _progress(read: int) -> None:
    click.echo(f"\rread {read:,} ", err=True, nl=False)


def _unusable(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(Exit.USAGE)
