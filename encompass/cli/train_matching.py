"""`encompass train-matching`: a new version of the matching parameters, compared with the one in use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from encompass.cli.commands import opened_installation
from encompass.cli.options import Exit, json_option
from encompass.cli.printing import out
from encompass.domain.run import LONDON
from encompass.formats.faults import BrokenFile
from encompass.matching.parameters import WrongParameters
from encompass.pipeline.match_rules import FOLDER
from encompass.settings import ROOT, MatchingSettings
from encompass.store.database import Role
from encompass.training.splink_model import NotInstalled, TooLittle
from encompass.training.train import Files, NothingToLearnFrom, Trained, decisions_of, train
from encompass.training.truth import Accuracy
from encompass.training.version import VersionExists

CASES = ROOT / "bench" / "cases"
COLUMNS = ("automatic", "wrong", "recall", "covered", "review")


@click.command("train-matching")
@click.option("--roll", type=click.Path(path_type=Path), help="A roll, as `match-files` takes it.")
@click.option(
    "--children", type=click.Path(path_type=Path), help="Past children, as `match-files` takes them."
)
@click.option(
    "--force", "force_id", help="Learn from this force's decisions too: who was placed with which pupil."
)
@click.option("--version", required=True, metavar="NAME", help="The new version's name, such as 2027-01.")
@click.option(
    "--base", default=MatchingSettings().parameters, show_default=True, help="The version to begin with."
)
@click.option(
    "--cases",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with roll.csv, children.csv and truth.csv (child_ref,pupil_ref). [default: the project's own]",
)
@click.option(
    "--folder",
    default=FOLDER,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where versions are kept. [default: config/matching]",
)
@json_option
def train_matching(
    roll: Path | None,
    children: Path | None,
    force_id: str | None,
    version: str,
    base: str,
    cases: tuple[Path, ...],
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """Estimate a new version of the matching parameters and compare it with the one it begins with.

    From a roll and past children, Splink estimates how often the records of one child show each level of agreement
    (m, by expectation maximisation) and how often those of two children do (u, from random pairs): no answers are
    needed, and it all happens in memory. From a force's decisions m is estimated again: what was seen of the pupils
    with whom children were placed, by the engine or by a person.

    The new version is written beside the others, with its comparison on cases whose truth is known, and used by
    nobody until a person names it in a force's settings (matching.parameters). Needs the extra: encompass[training].
    """
    if (roll is None) != (children is None):
        raise click.UsageError("--roll and --children go together")
    try:
        trained = train(
            folder / f"{base}.toml",
            _name(version),
            Files(roll, children) if roll and children else None,
            _decisions(force_id),
            cases or _own_cases(),
            datetime.now(LONDON).date(),
            lambda what: click.echo(f"{what} ...", err=True),
        )
    except (BrokenFile, VersionExists, NothingToLearnFrom, TooLittle) as wrong:
        raise click.UsageError(str(wrong)) from None
    except (NotInstalled, WrongParameters) as wrong:
        click.echo(f"encompass: {wrong}", err=True)
        sys.exit(Exit.CONFIGURATION)
    (folder / f"{version}.comparison.md").write_text(_comparison(trained), "utf-8")
    _print(trained, folder, as_json=as_json)
    sys.exit(Exit.ALARM if trained.left_out else Exit.FINE)


def _name(version: str) -> str:
    if not version.replace("-", "").isalnum() or version != version.lower():
        raise click.UsageError("--version: small letters, digits and hyphens, such as 2027-01")
    return version


def _own_cases() -> tuple[Path, ...]:
    found = tuple(sorted(file.parent for file in CASES.glob("*/truth.csv")))
    if not found:
        raise click.UsageError(f"there is no case in {CASES}: name folders with --cases")
    return found


def _decisions(force_id: str | None) -> Sequence[Any]:
    if force_id is None:
        return ()
    with opened_installation() as encompass:
        if force_id not in encompass.settings.forces:
            raise click.UsageError(f"there is no force {force_id}")
        return decisions_of(encompass.database.engine(Role.PIPELINE), force_id)


def _cells(of: Accuracy) -> tuple[str, ...]:
    return f"{of.matched:,}", f"{of.wrong:,}", f"{of.recall:.4f}", f"{of.covered:.4f}", f"{of.review:.4f}"


def _rows(trained: Trained) -> list[tuple[str, ...]]:
    names = trained.current.version, trained.new.version
    return [
        (judged.case, name, *_cells(of))
        for judged in trained.judgements
        for name, of in zip(names, (judged.current, judged.new), strict=True)
    ]


def _comparison(trained: Trained) -> str:
    """The comparison as Markdown, kept beside the version."""
    heading = ("case", "version", *COLUMNS)
    lines = [
        f"# {trained.new.version} compared with {trained.current.version}",
        "",
        f"Trained from {' and '.join(trained.sources)}.",
        "Recall and covered are of the children on the roll, review is of all.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in (heading, ("---",) * len(heading), *_rows(trained))),
        "",
        "| level | m before | m now | u before | u now | bits more |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for moved in trained.moved:
        u = tuple(f"{share:.3g}" for share in moved.u) if moved.u else ("by frequency", "by frequency")
        bits = f"{moved.bits:+.2f}" if moved.bits is not None else ""
        m = tuple(f"{share:.3g}" for share in moved.m)
        lines.append(f"| {' | '.join((' '.join(moved.level), *m, *u, bits))} |")
    return "\n".join(lines) + "\n"


def _print(trained: Trained, folder: Path, *, as_json: bool) -> None:
    if as_json:
        table = [dict(zip(("case", "version", *COLUMNS), row, strict=True)) for row in _rows(trained)]
        out(json.dumps({"version": trained.new.version, "digest": trained.new.digest, "comparison": table}))
        return
    shown = Table("case", "version", *COLUMNS, title="On cases whose truth is known")
    for row in _rows(trained):
        shown.add_row(*row)
    Console(file=sys.stdout).print(shown)
    if trained.left_out:
        out(f"{trained.left_out} malformed rows were left out; `encompass match-files` names their lines")
    worse = [j.case for j in trained.judgements if j.new.wrong > j.current.wrong]
    if worse:
        out(f"The new version tells MORE WRONG SCHOOLS on {', '.join(worse)}: do not use it.")
    name = trained.new.version
    out(f"Written: {folder / name}.toml and {folder / name}.comparison.md. It is used by nobody yet.")
