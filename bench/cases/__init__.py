"""Matching cases with known truth."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
UK_30K = FOLDER / "uk_30k"
FEBRL4_HALF = FOLDER / "febrl4_half"


def rows_of(file: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, plain or gzipped."""
    with (
        gzip.open(file, "rt", encoding="utf-8")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8") as text
    ):
        yield from csv.DictReader(text)
