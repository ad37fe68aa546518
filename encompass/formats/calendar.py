"""Closed days as CSV: for every school, for a local authority's, or for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import ClosedDay
from encompass.formats.csv_rows import Row, WrongField, read_rows

REQUIRED: Final = ("scope", "code", "date", "reason")
SCOPES: Final = frozenset({"school", "la", "default"})


@dataclass(frozen=True)
class ClosuresFile:
    """The closed days of a file, and the rows refused."""

    days: tuple[ClosedDay, ...]
    refused: tuple[RefusedRecord, ...]


def read_closures(raw: bytes) -> ClosuresFile:
    """The closed days of a file. Raises BrokenFile."""
    return ClosuresFile(*read_rows(raw, "utf-8-sig", REQUIRED, _day))


def _day(row: Row) -> ClosedDay:
    scope, code = row.required("scope"), row.optional("code")
    if scope not in SCOPES:
        raise WrongField("scope: unknown_code")
    if (code is None) != (scope == "default"):
        raise WrongField("code: does_not_fit_scope")
    return ClosedDay(scope, code, row.day("date"), row.required("reason"))
