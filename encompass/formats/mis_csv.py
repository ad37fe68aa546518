"""A roll as a local authority's or a school's nightly MIS export: CSV, columns by the names that its supplier gives."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from encompass.domain.days import day_of
from encompass.domain.incident import RefusedRecord
from encompass.domain.school import EnrolStatus, RollEntry
from encompass.formats.csv_rows import LONGEST_NUMBER, Dialect, WrongField, raw_of, read_cells
from encompass.formats.faults import Remark
from encompass.formats.roll_rows import STATUSES, checked, iso_day, remarks, unrepeated

REQUIRED: Final = (
    "pupil_ref", "urn", "legal_forename", "legal_surname", "date_of_birth", "enrol_status", "entry_date",
    "leaving_date",
)  # fmt: skip
OPTIONAL: Final = (
    "upn", "middle_names", "preferred_forename", "preferred_surname", "former_surname", "sex", "postcode",
    "address", "nc_year",
)  # fmt: skip
SEXES: Final[Mapping[str, str]] = {"F": "F", "M": "M", "X": "X"}
ToDay = Callable[[str], date | None]


class RollMapping(BaseModel):
    """How one supplier writes a roll: `columns` are ours to theirs; codes are theirs to ours, besides the census's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str = ""
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    dates: Literal["iso", "day_first"] = "iso"
    columns: Mapping[str, str] = {}
    enrolments: Mapping[str, EnrolStatus] = {}
    sexes: Mapping[str, Literal["F", "M", "X"]] = {}

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: Mapping[str, str]) -> Mapping[str, str]:
        unknown = set(columns) - {*REQUIRED, *OPTIONAL}
        if unknown:
            raise ValueError(f"we have no such columns: {', '.join(sorted(unknown))}")
        return columns


class BadMapping(Exception):
    """A supplier's mapping cannot be used; the text lists every fault by its name."""


PLAIN: Final = RollMapping()


def read_mapping(file: Path) -> RollMapping:
    """A supplier's mapping. Raises BadMapping."""
    try:
        return RollMapping.model_validate(tomllib.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        raise BadMapping(f"{file.name}: no such mapping") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadMapping(f"{file.name}: not TOML") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadMapping(f"{file.name}: {faults}") from None


def read_roll(
    stream: BinaryIO, mapping: RollMapping = PLAIN, urn: int | None = None
) -> Iterator[RollEntry | RefusedRecord | Remark]:
    """The entries of a roll, of many schools, or of the one whose `urn` is given where the file has no such column.

    A second row of the same pupil at the same school is refused. Raises BrokenFile.
    """
    ours = [name for name in (*REQUIRED, *OPTIONAL) if not (name == "urn" and urn is not None)]
    theirs = [mapping.columns.get(name, name) for name in ours]
    required = len(REQUIRED) - (urn is not None)
    entry_of = _entry_of(ours, mapping, urn)
    seen: set[int] = set()
    dialect = Dialect(mapping.encoding, mapping.delimiter)
    for found in read_cells(stream, dialect, theirs[:required], theirs[required:]):
        if isinstance(found, RefusedRecord):
            yield found
            continue
        line, cells = found
        try:
            entry = unrepeated(checked(entry_of(cells)), seen)
        except WrongField as fault:
            yield RefusedRecord(str(fault), raw_of(cells[: len(ours)]), line)
        else:
            yield entry
            if entry.upn is not None:
                yield from remarks(entry, f"line {line}")


def _entry_of(
    ours: Sequence[str], mapping: RollMapping, fixed_urn: int | None
) -> Callable[[Sequence[str]], RollEntry]:
    """What makes an entry of a row's cells. Raises WrongField."""
    statuses: Mapping[str, EnrolStatus] = {**STATUSES, **mapping.enrolments}
    sexes = {**SEXES, **mapping.sexes}
    to_day = iso_day if mapping.dates == "iso" else day_of
    without_urn = "urn" not in ours

    def entry(cells: Sequence[str]) -> RollEntry:
        (pupil_ref, urn, forename, surname, born, status, entered, left, upn, middle, preferred_forename,
         preferred_surname, former, sex, postcode, address, nc_year, _) = (
            cells if not without_urn else (cells[0], "", *cells[1:])
        )  # fmt: skip
        born_on, entered_on = to_day(born), to_day(entered)
        if not (pupil_ref and forename and surname and status in statuses and born_on and entered_on):
            raise _fault(
                ("pupil_ref: missing", not pupil_ref),
                ("legal_forename: missing", not forename),
                ("legal_surname: missing", not surname),
                ("enrol_status: missing", not status),
                ("enrol_status: unknown_code", status not in statuses),
                ("date_of_birth: missing", not born),
                ("date_of_birth: not_a_date", not born_on),
                ("entry_date: missing", not entered),
                ("entry_date: not_a_date", not entered_on),
            )
        return RollEntry(
            pupil_ref,
            fixed_urn if fixed_urn is not None else _urn(urn),
            upn.upper() or None,
            forename,
            middle or None,
            surname,
            preferred_forename or None,
            preferred_surname or None,
            former or None,
            born_on,
            sexes.get(sex),
            postcode or None,
            address or None,
            statuses[status],
            nc_year or None,
            entered_on,
            _leaving_day(left, to_day) if left else None,
        )

    return entry


def _fault(*faults: tuple[str, bool]) -> WrongField:
    return WrongField(next(name for name, is_so in faults if is_so))


@lru_cache(maxsize=1 << 12)
def _urn(text: str) -> int:
    if not text:
        raise WrongField("urn: missing")
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise WrongField("urn: not_a_number")
    return int(text)


def _leaving_day(text: str, to_day: ToDay) -> date:
    day = to_day(text)
    if day is None:
        raise WrongField("leaving_date: not_a_date")
    return day
