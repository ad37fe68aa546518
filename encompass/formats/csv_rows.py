"""Rows of a CSV file by column name, with the line on which each stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from encompass.domain.incident import RefusedRecord
from encompass.formats.faults import BrokenFile

T = TypeVar("T")
LONGEST_NUMBER: Final = 18


class WrongField(Exception):
    """One field of a row is wrong: `column: kind`, never the value."""


@dataclass(frozen=True)
class Row:
    """One row: its fields by column name, stripped."""

    line: int
    fields: Mapping[str, str] = field(repr=False)

    def required(self, column: str) -> str:
        """The field. Raises WrongField when empty."""
        value = self.fields[column]
        if not value:
            raise WrongField(f"{column}: missing")
        return value

    def optional(self, column: str) -> str | None:
        """The field, or None when empty or absent."""
        return self.fields.get(column) or None

    def number(self, column: str) -> int:
        """The field as a whole number. Raises WrongField."""
        value = self.required(column)
        if not (value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER):
            raise WrongField(f"{column}: not_a_number")
        return int(value)

    def day(self, column: str) -> date:
        """The field as an ISO date. Raises WrongField."""
        try:
            return date.fromisoformat(self.required(column))
        except ValueError:
            raise WrongField(f"{column}: not_a_date") from None

    def optional_day(self, column: str) -> date | None:
        """The field as an ISO date, or None when empty. Raises WrongField."""
        return self.day(column) if self.optional(column) else None


def rows(raw: bytes, encoding: str, required: Sequence[str]) -> Iterator[Row]:
    """Every row of a file. Raises BrokenFile for an empty file, another encoding or a missing column."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise BrokenFile(f"not_{encoding}") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        missing = [name for name in required if name not in header]
        if missing:
            raise BrokenFile("empty_file" if not header else f"missing_columns: {', '.join(missing)}")
        for values in reader:
            if values:
                padded = values + [""] * (len(header) - len(values))
                stripped = (v.strip() for v in padded)
                yield Row(reader.line_num, dict(zip(header, stripped, strict=False)))
    except csv.Error:
        raise BrokenFile("not_csv") from None


def read_rows(
    raw: bytes, encoding: str, required: Sequence[str], convert: Callable[[Row], T]
) -> tuple[tuple[T, ...], tuple[RefusedRecord, ...]]:
    """Every row converted, and those refused with their line and reason. Raises BrokenFile."""
    taken: list[T] = []
    refused: list[RefusedRecord] = []
    for row in rows(raw, encoding, required):
        try:
            taken.append(convert(row))
        except WrongField as fault:
            refused.append(RefusedRecord(str(fault), raw_of(row), row.line))
    return tuple(taken), tuple(refused)


def raw_of(row: Row) -> bytes:
    """The row's fields as one CSV line."""
    out = io.StringIO()
    csv.writer(out).writerow(row.fields.values())
    return out.getvalue().encode()
