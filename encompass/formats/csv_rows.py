"""Rows of a CSV file of any size by column name, with the line on which each begins."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from operator import itemgetter
from typing import BinaryIO, Final, TextIO, TypeVar

from encompass.domain.incident import RefusedRecord
from encompass.formats.faults import BrokenFile, Remark

T = TypeVar("T")
LONGEST_NUMBER: Final = 18
LARGEST_LINE: Final = 1 << 17
LONGEST_CELL: Final = 2_000
LINES_OF_A_ROW: Final = 50
UTF_8_MARK: Final = b"\xef\xbb\xbf"
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
FEW: Final = 10
ONE_IN: Final = 20
UNDECODABLE: Final = "row: not_decodable"


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

    def optional_number(self, column: str) -> int | None:
        """The field as a whole number, or None when empty. Raises WrongField."""
        return self.number(column) if self.optional(column) else None

    def day(self, column: str) -> date:
        """The field as an ISO date. Raises WrongField."""
        try:
            return date.fromisoformat(self.required(column))
        except ValueError:
            raise WrongField(f"{column}: not_a_date") from None

    def optional_day(self, column: str) -> date | None:
        """The field as an ISO date, or None when empty. Raises WrongField."""
        return self.day(column) if self.optional(column) else None

    def code(self, column: str, known: Mapping[str, T]) -> T:
        """What the field's code stands for. Raises WrongField."""
        value = self.required(column)
        if value not in known:
            raise WrongField(f"{column}: unknown_code")
        return known[value]


@dataclass(frozen=True)
class Dialect:
    """How a file is written: its encoding (a byte order mark of UTF-8 goes before it) and what parts its cells."""

    encoding: str = "utf-8"
    delimiter: str = ","


def read_cells(
    stream: BinaryIO, dialect: Dialect, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, Sequence[str]] | RefusedRecord]:
    """Each row's line and its stripped cells, in the order of the columns asked for; or why it is none.

    A row that breaks the form of CSV takes no neighbour with it: an unclosed quote costs the line on which it
    stands. Raises BrokenFile for an empty file, another encoding, a missing or a repeated column.
    """
    lines = _Lines(_decoded(stream, dialect.encoding))
    rows = _rows(lines, dialect.delimiter)
    header = _header(next(rows, None), required)
    absent = len(header)
    columns = (*required, *optional)
    pick = itemgetter(*(header.index(n) if n in header else absent for n in columns), absent)
    count = undecodable = 0
    for line, raw, cells in rows:
        count += 1
        if (
            cells is not None
            and len(cells) == absent
            and len(raw) <= LONGEST_CELL
            and raw.rstrip("\n").isprintable()
        ):
            why = None
        else:
            why = _fault(cells, absent)
        if why is None and cells is not None:
            cells.append("")
            yield line, [*map(str.strip, pick(cells))]
        elif why is not None:
            undecodable += why == UNDECODABLE
            yield RefusedRecord(why, raw.encode(dialect.encoding, "surrogateescape"), line)
    if undecodable > FEW and undecodable * ONE_IN > count:
        raise BrokenFile(f"not_{dialect.encoding}")


def read_rows(
    stream: BinaryIO,
    dialect: Dialect,
    required: Sequence[str],
    convert: Callable[[Row], T],
    optional: Sequence[str] = (),
    warned: Sequence[str] = (),
) -> Iterator[T | RefusedRecord | Remark]:
    """Every row converted, and those refused with their line and reason. Raises BrokenFile.

    A blank cell of a `warned` column is remarked on.
    """
    columns = (*required, *optional)
    watched = [(columns.index(c), f"{c}: blank") for c in warned]
    for found in read_cells(stream, dialect, required, optional):
        if isinstance(found, RefusedRecord):
            yield found
            continue
        line, cells = found
        row = Row(line, dict(zip(columns, cells, strict=False)))
        try:
            yield convert(row)
        except WrongField as fault:
            yield RefusedRecord(str(fault), raw_of(cells[: len(columns)]), line)
        else:
            for at, reason in watched:
                if not cells[at]:
                    yield Remark(reason, f"line {line}")


def raw_of(cells: Sequence[str]) -> bytes:
    """The cells as one CSV line."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode("utf-8", "surrogateescape")


class _TooManyLines(Exception):
    """A row goes on and on: its quote was never closed."""


class _Lines:
    """Physical lines; those of the row at hand are kept, so that all but the first can be given back."""

    def __init__(self, text: TextIO) -> None:
        self._read = partial(text.readline, LARGEST_LINE)
        self._back = deque[str]()
        self.number = 0
        self.of_row: list[str] = []

    def read(self) -> Iterator[str]:
        of_row, back, read = self.of_row, self._back, self._read
        while line := back.popleft() if back else read():
            if len(line) == LARGEST_LINE:
                raise BrokenFile("line_too_long")
            self.number += 1
            of_row.append(line)
            if len(of_row) > LINES_OF_A_ROW:
                raise _TooManyLines
            yield line

    def give_back_all_but_the_first(self) -> None:
        rest = self.of_row[1:]
        self._back.extendleft(reversed(rest))
        self.number -= len(rest)


def _rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, str, list[str] | None]]:
    """The first line, the text and the cells of each row; no cells where the text is no row."""
    reader, width = csv.reader(lines.read(), delimiter=delimiter, strict=True), 0
    while True:
        lines.of_row.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooManyLines):
            cells = None
            reader = csv.reader(lines.read(), delimiter=delimiter, strict=True)
        taken = lines.of_row
        if len(taken) > 1 and (cells is None or len(cells) != width):
            lines.give_back_all_but_the_first()
            yield lines.number, taken[0], None
        elif cells is None or cells:
            width = width or len(cells or ())
            yield lines.number - len(taken) + 1, taken[0] if len(taken) == 1 else "".join(taken), cells


def _decoded(stream: BinaryIO, encoding: str) -> TextIO:
    buffered = io.BufferedReader(_Raw(stream), 1 << 17)
    start = buffered.peek(len(UTF_8_MARK))
    if start.startswith(UTF_16_MARKS) or b"\0" in start.partition(b"\n")[0]:
        raise BrokenFile("utf-16_or_binary")
    name = "utf-8-sig" if start.startswith(UTF_8_MARK) else encoding
    return io.TextIOWrapper(buffered, name, errors="surrogateescape", newline=None)


class _Raw(io.RawIOBase):
    """Any binary stream as a raw one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        data = self._stream.read(len(into))
        into[: len(data)] = data
        return len(data)


def _header(first: tuple[int, str, list[str] | None] | None, required: Sequence[str]) -> list[str]:
    if first is None:
        raise BrokenFile("empty_file")
    if first[2] is None:
        raise BrokenFile("not_csv")
    header = [name.strip() for name in first[2]]
    if any(not _is_decoded(name) for name in header):
        raise BrokenFile("header_not_decodable")
    missing = [name for name in required if name not in header]
    if missing:
        raise BrokenFile(f"missing_columns: {', '.join(missing)}")
    repeated = [name for name in required if header.count(name) > 1]
    if repeated:
        raise BrokenFile(f"repeated_columns: {', '.join(repeated)}")
    return header


def _fault(cells: list[str] | None, width: int) -> str | None:
    """Why the cells are no row, or None when they are one."""
    if cells is None:
        return "row: unclosed_quote"
    if len(cells) != width:
        return "row: too_few_cells" if len(cells) < width else "row: too_many_cells"
    whole = "".join(cells)
    if not whole.isprintable():
        if not _is_decoded(whole):
            return UNDECODABLE
        if any(c < " " and c not in "\n\t" for c in whole):
            return "row: control_character"
    if len(whole) > LONGEST_CELL and any(len(cell) > LONGEST_CELL for cell in cells):
        return "row: cell_too_long"
    return None


def _is_decoded(text: str) -> bool:
    return not any("\udc80" <= c <= "\udcff" for c in text)
