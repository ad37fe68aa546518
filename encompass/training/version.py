"""A version of the matching parameters as a file: its shares read, and a new version written beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

from encompass.matching.parameters import LEVELS, Parameters, WrongParameters, read_parameters
from encompass.training.evidence import Shares


class VersionExists(Exception):
    """A version of that name is there already; versions are never written over."""


def shares_of(file: Path) -> Shares:
    """Each level's m, and its u where the file has one. Raises WrongParameters."""
    read_parameters(file)
    tables = _document(file)
    m = {(t, level): float(tables[t][level]["m"]) for t, levels in LEVELS.items() for level in levels}
    u = {(t, level): float(tables[t][level]["u"]) for t, level in m if "u" in tables[t][level]}
    return Shares(m, u)


def write_version(base: Path, version: str, shares: Shares, told: Sequence[str]) -> Parameters:
    """Write `<version>.toml` beside the version it is made from: the same but for its shares, and read it back.

    `told` are lines of comment that say how it was made. Raises VersionExists and WrongParameters; no file is left
    behind then.
    """
    import tomlkit  # noqa: PLC0415 - an optional extra

    file = base.with_name(f"{version}.toml")
    if file.exists():
        raise VersionExists(f"{file.name} is there already; a version is never written over")
    tables = _document(base)
    tables["version"] = version
    for kind, table in (("m", shares.m), ("u", shares.u)):
        for (name, level), share in table.items():
            tables[name][level][kind] = float(f"{share:.3g}")
    partial = base.with_name(f"{version}.partial")
    heading = "".join(f"# {line}\n" for line in told)
    partial.write_text(f"{heading}#\n{tomlkit.dumps(tables)}", "utf-8")
    try:
        read_parameters(partial)
    except WrongParameters:
        partial.unlink()
        raise
    partial.rename(file)
    return read_parameters(file)


def made_from(base: Parameters, day: date, sources: Sequence[str]) -> tuple[str, ...]:
    """The lines that say how a version was made: from counts, never from a person."""
    return (
        f"Trained on {day.isoformat()} from {' and '.join(sources)}, beginning with {base.version}.",
        "Limits, spellings and what is noted below are those of that version.",
    )


def _document(file: Path) -> Any:
    import tomlkit  # noqa: PLC0415 - an optional extra

    return cast(Any, tomlkit.parse(file.read_text("utf-8")))
