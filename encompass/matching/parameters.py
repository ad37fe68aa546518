"""What each level of agreement is worth: one versioned file, read once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log2
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from encompass.matching.names import Spellings, spellings_of

SPELLINGS: Final = "spellings.txt"
Share = Annotated[float, Field(gt=0, lt=1)]


class WrongParameters(Exception):
    """A parameter file cannot be used; the text names the file and each fault."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Table):
    """How often one child's records show this agreement (m), and two children's (u; absent: its share of pupils)."""

    m: Share
    u: Share | None = None


class Prior(_Table):
    """The share of children named by police who are on one of the force's rolls."""

    on_a_roll: Share


class Limits(_Table):
    """When a match is automatic, and what a person is shown. Scores, lift and margin are in bits."""

    automatic: float
    automatic_in_doubt: float
    automatic_elsewhere: float
    margin: Annotated[float, Field(gt=0)]
    review: float
    candidates: Annotated[int, Field(ge=1, le=5)]
    sibling_lift: Annotated[float, Field(ge=0)]
    largest_block: Annotated[int, Field(ge=2)]


class NameRules(_Table):
    """Limits on what a name may be worth, in bits, and which spellings are names of their own."""

    established_share: Share
    established_pupils: Annotated[int, Field(ge=1)]
    most_forename_bits: float
    most_surname_bits: float
    most_barrel_bits: float
    exchanged_bits: Annotated[float, Field(le=0)]
    further_differ_bits: Annotated[float, Field(le=0)]
    precede_others: frozenset[str]


class _File(_Table):
    version: Annotated[str, Field(min_length=1, max_length=40)]
    prior: Prior
    decide: Limits
    names: NameRules
    forename: Mapping[str, Level]
    surname: Mapping[str, Level]
    born: Mapping[str, Level]
    sex: Mapping[str, Level]
    place: Mapping[str, Level]
    school: Mapping[str, Level]
    upn: Mapping[str, Level]


LEVELS: Final[Mapping[str, frozenset[str]]] = {
    "forename": frozenset(["same", "known", "sound", "slip", "middle", "initial", "rival", "differs"]),
    "surname": frozenset(["same", "barrel", "former", "known", "sound", "slip", "rival", "differs"]),
    "born": frozenset(
        ["same", "same_1_january", "exchanged", "day", "month", "year", "year_of_1_january", "differs"]
    ),
    "sex": frozenset(["same", "differs"]),
    "place": frozenset(["house", "house_but_postcode", "postcode", "near", "differs"]),
    "school": frozenset(["same", "differs"]),
    "upn": frozenset(["same"]),
}
BY_FREQUENCY: Final = frozenset(
    {
        *(("forename", level) for level in ("same", "known", "sound", "slip")),
        *(("surname", level) for level in ("same", "barrel", "former", "known", "sound", "slip")),
        *(("born", level) for level in ("same", "same_1_january")),
    }
)


@dataclass(frozen=True, eq=False)
class Parameters:
    """One version of the model: bits of each level, limits and spellings. `digest` is of both files (hex)."""

    version: str
    digest: str
    on_a_roll: float
    limits: Limits
    names: NameRules
    bits: Mapping[str, Mapping[str, float]]
    shares: Mapping[tuple[str, str], float]
    spellings: Spellings = field(repr=False)

    def prior(self, pupils: int) -> float:
        """The score in bits before anything is compared, on rolls of that many pupils."""
        return log2(self.on_a_roll / max(pupils, 1))


def read_parameters(file: Path) -> Parameters:
    """The parameters of a version, with the spellings beside them. Raises WrongParameters."""
    try:
        raw, spellings = file.read_bytes(), (file.parent / SPELLINGS).read_bytes()
        read = _File.model_validate(tomllib.loads(raw.decode()))
    except FileNotFoundError as error:
        raise WrongParameters(f"no file {error.filename}") from None
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongParameters(f"{file.name}: {error}") from None
    tables = {name: getattr(read, name) for name in LEVELS}
    _check_levels(file.name, tables)
    return Parameters(
        version=read.version,
        digest=hashlib.sha256(raw + b"\0" + spellings).hexdigest(),
        on_a_roll=read.prior.on_a_roll,
        limits=read.decide,
        names=read.names,
        bits={
            name: {level: log2(v.m / v.u) for level, v in table.items() if v.u is not None}
            for name, table in tables.items()
        },
        shares={key: tables[key[0]][key[1]].m for key in BY_FREQUENCY},
        spellings=spellings_of(spellings.decode().splitlines()),
    )


def _check_levels(name: str, tables: Mapping[str, Mapping[str, Level]]) -> None:
    faults = [
        f"{table}: levels must be {', '.join(sorted(LEVELS[table]))}"
        for table, levels in tables.items()
        if frozenset(levels) != LEVELS[table]
    ]
    faults += [
        f"{table}.{level}: u {'is the frequency on the rolls' if (table, level) in BY_FREQUENCY else 'is missing'}"
        for table, levels in tables.items()
        for level, given in levels.items()
        if (given.u is None) != ((table, level) in BY_FREQUENCY)
    ]
    if faults:
        raise WrongParameters(f"{name}: {'; '.join(faults)}")
