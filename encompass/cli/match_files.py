"""`encompass match-files`: a shadow run over a force's own files."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from encompass.cli.options import Exit, json_option
from encompass.cli.printing import out
from encompass.domain.run import LONDON
from encompass.formats.faults import BrokenFile
from encompass.pipeline.match_files import Trial
from encompass.pipeline.match_files import match_files as run_trial
from encompass.pipeline.match_rules import match_rules
from encompass.settings import MatchingSettings, SettingsError
from encompass.store.embedded import EmbeddedFailed

MOST_LINES_TOLD = 20


class Day(click.ParamType[date]):
    """An ISO date."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date; a usage error when it is none."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("a day is written as YYYY-MM-DD", param, ctx)


@click.command("match-files")
@click.option("--roll", required=True, type=click.Path(path_type=Path), help="The roll: CSV, or .csv.gz.")
@click.option(
    "--children", required=True, type=click.Path(path_type=Path), help="The children: CSV, or .csv.gz."
)
@click.option(
    "--out", "decisions", required=True, type=click.Path(path_type=Path), help="The decisions, as CSV."
)
@click.option(
    "--as-of", "day", type=Day(), help="The day that decides which enrolments are current. [default: today]"
)
@click.option(
    "--parameters",
    default=MatchingSettings().parameters,
    show_default=True,
    help="A version in config/matching/.",
)
@json_option
def match_files(
    roll: Path, children: Path, decisions: Path, day: date | None, parameters: str, *, as_json: bool
) -> None:
    """Try the matching on your own files: no school is told, and nothing live is touched.

    Each child gets a line in the decisions: matched, needs_review or not_found, with the pupils who may be the
    child, best first. The same code, sealing and SQL as at night run in a database of its own, removed afterwards.

    \b
    Roll:      pupil_ref,urn,upn,legal_forename,middle_names,legal_surname,
               preferred_forename,preferred_surname,former_surname,date_of_birth,
               sex,postcode,address,enrol_status,entry_date,leaving_date
    Children:  child_ref,incident_ref,forename,middle_names,surname,other_names,
               date_of_birth,sex,postcode,address,school_urn,school_name[,upn]

    An empty cell is unknown; blank entry and leaving dates mean current; other_names holds full names with `;`
    between them. A malformed row is told by its line and left out, and the exit code is 3; a file that cannot be
    read or lacks a column is exit code 2.
    """  # noqa: D301
    try:
        rules = match_rules(MatchingSettings(parameters=parameters))
        today = datetime.now(LONDON).date()
        trial = run_trial(roll, children, decisions, day or today, rules.parameters, _progress)
    except BrokenFile as broken:
        raise click.UsageError(broken.reason) from None
    except OSError as error:
        raise click.UsageError(f"{decisions.name} cannot be written: {error.strerror}") from None
    except (SettingsError, EmbeddedFailed) as error:
        click.echo(f"encompass: {error}", err=True)
        sys.exit(Exit.CONFIGURATION if isinstance(error, SettingsError) else Exit.FAILED)
    click.echo("", err=True)
    for name, row in trial.malformed[:MOST_LINES_TOLD]:
        click.echo(f"{name}, line {row.line}: {row.reason}; left out", err=True)
    if len(trial.malformed) > MOST_LINES_TOLD:
        click.echo(f"and {len(trial.malformed) - MOST_LINES_TOLD} more rows left out", err=True)
    _print(trial, as_json=as_json)
    sys.exit(Exit.ALARM if trial.malformed else Exit.FINE)


def _progress(what: str, count: int) -> None:
    click.echo(f"\r{what} {count:,} ", err=True, nl=False)


def _print(trial: Trial, *, as_json: bool) -> None:
    counts = {name: trial.outcomes.get(name, 0) for name in ("matched", "needs_review", "not_found")}
    if as_json:
        table = {
            "model": trial.model,
            "roll_rows": trial.roll_rows,
            "children": trial.children,
            **counts,
            "review_reasons": dict(sorted(trial.reasons.items())),
            "malformed": len(trial.malformed),
            "load_s": round(trial.load_s, 3),
            "match_s": round(trial.match_s, 3),
            "peak_rss_mb": round(trial.peak_rss_mb, 1),
        }
        out(json.dumps(table))
        return
    out(f"{trial.children} children against {trial.roll_rows} rows of the roll, model {trial.model}")
    for name, count in counts.items():
        share = count / trial.children if trial.children else 0
        out(f"  {name:<14}{count:>8}  {share:>6.1%}")
    for reason, count in sorted(trial.reasons.items(), key=lambda item: -item[1]):
        out(f"    {reason:<28}{count:>6}")
    out(
        f"loaded in {trial.load_s:.1f} s, matched in {trial.match_s:.1f} s, {trial.peak_rss_mb:.0f} MiB at most"
    )
