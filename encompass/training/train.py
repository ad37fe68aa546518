"""Estimate a new version of the matching parameters, compare it with the current one, and write both down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import log2
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from encompass.domain.placement import FieldEvidence
from encompass.formats.match_files import Malformed, read_children_file, read_roll_file
from encompass.matching.parameters import Parameters, read_parameters
from encompass.matching.person import child_of, pupil_of
from encompass.store import placement
from encompass.training.evidence import LevelOf, Shares, blended, counted
from encompass.training.splink_model import estimate, require_installed
from encompass.training.truth import Accuracy, judged
from encompass.training.version import made_from, shares_of, write_version

WORTH_OF_CURRENT: Final = 300
Progress = Callable[[str], None]


class NothingToLearnFrom(Exception):
    """Neither files nor decisions were given, or no decision has been taken yet."""


@dataclass(frozen=True)
class Files:
    """A roll and past children, as `encompass match-files` takes them."""

    roll: Path
    children: Path


@dataclass(frozen=True)
class Judgement:
    """One case with truth: how right the current version is on it, and how right the new one."""

    case: str
    current: Accuracy
    new: Accuracy


@dataclass(frozen=True)
class Moved:
    """One level whose m or u moved."""

    level: LevelOf
    m: tuple[float, float]
    u: tuple[float, float] | None

    @property
    def bits(self) -> float | None:
        """By how many bits the level is now worth more; None where its u is a frequency of the rolls."""
        if self.u is None:
            return None
        return log2(self.m[1] / self.u[1]) - log2(self.m[0] / self.u[0])


@dataclass(frozen=True)
class Trained:
    """A new version, never the one in use: that takes a person's change of the settings."""

    current: Parameters = field(repr=False)
    new: Parameters = field(repr=False)
    sources: tuple[str, ...]
    left_out: int
    moved: tuple[Moved, ...]
    judgements: tuple[Judgement, ...]


def train(
    base: Path,
    version: str,
    files: Files | None,
    decisions: Sequence[Iterable[FieldEvidence]],
    cases: Sequence[Path],
    day: date,
    progress: Progress,
) -> Trained:
    """Write `<version>.toml` and its comparison beside the base, from files, from decisions, or from both.

    Files give m and u with Splink, without labels; decisions, each told by the evidence for the pupil who was
    decided on, then move m further. Raises NothingToLearnFrom, NotInstalled, TooLittle, VersionExists,
    WrongParameters, and BrokenFile for a file or a case that cannot be read; nothing is left behind then.
    """
    require_installed()
    current, before = read_parameters(base), shares_of(base)
    shares, sources, left_out = before, list[str](), 0
    if files is not None:
        seen, told, left_out = _from_files(files, current, progress)
        shares, sources = blended(shares, seen, WORTH_OF_CURRENT), [told]
    if decisions:
        shares = blended(shares, counted(decisions), WORTH_OF_CURRENT)
        sources.append(f"{len(decisions):,} decisions")
    if not sources:
        raise NothingToLearnFrom(
            "there is nothing to learn from: give a roll and children, or a force's decisions"
        )
    new = write_version(base, version, shares, made_from(current, day, sources))
    try:
        judgements = [_judged(case, current, new, day, progress) for case in cases]
    except BaseException:
        base.with_name(f"{version}.toml").unlink()
        raise
    moved = _moved(before, shares_of(base.with_name(f"{version}.toml")))
    return Trained(current, new, tuple(sources), left_out, moved, tuple(judgements))


def decisions_of(engine: Engine, force_id: str) -> list[tuple[FieldEvidence, ...]]:
    """The evidence for each pupil with whom a child of the force was placed, by the engine or by a person."""
    with engine.begin() as connection:
        return placement.evidence_of_pupils(connection, force_id)


def _from_files(files: Files, current: Parameters, progress: Progress) -> tuple[Shares, str, int]:
    progress("reading the roll and the children")
    children = list(read_children_file(files.children))
    rows = list(read_roll_file(files.roll))
    pupils = [pupil_of(row) for row in rows if not isinstance(row, Malformed)]
    sought = [child_of(c.child, (), c.upn) for c in children if not isinstance(c, Malformed)]
    progress(f"estimating from {len(pupils):,} pupils and {len(sought):,} children")
    seen = estimate(pupils, sought, current)
    left_out = len(rows) - len(pupils) + len(children) - len(sought)
    return seen, f"{len(pupils):,} rows of a roll and {len(sought):,} children", left_out


def _judged(case: Path, current: Parameters, new: Parameters, day: date, progress: Progress) -> Judgement:
    progress(f"comparing on {case.name}")
    return Judgement(case.name, *judged(case, [current, new], day))


def _moved(before: Shares, after: Shares) -> tuple[Moved, ...]:
    return tuple(
        Moved(key, (m, after.m[key]), (before.u[key], after.u[key]) if key in before.u else None)
        for key, m in before.m.items()
        if m != after.m[key] or before.u.get(key) != after.u.get(key)
    )
