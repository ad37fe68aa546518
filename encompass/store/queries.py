"""Named queries: sql/queries/<module>.sql, each under a line `-- name: <query>`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import TextClause, text

from encompass.settings import ROOT

FOLDER: Final = ROOT / "sql" / "queries"
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


class UnknownQuery(Exception):
    """No query of that name stands in the module's file."""


class Queries:
    """The named queries of one store module."""

    def __init__(self, queries: Mapping[str, TextClause]) -> None:
        self._queries = queries

    def __getitem__(self, name: str) -> TextClause:
        """The query. Raises UnknownQuery."""
        if name not in self._queries:
            raise UnknownQuery(name)
        return self._queries[name]


@cache
def load(module: str) -> Queries:
    """The queries of sql/queries/<module>.sql."""
    return Queries({name: text(sql) for name, sql in read(FOLDER / f"{module}.sql").items()})


def read(file: Path) -> dict[str, str]:
    """Name to SQL of one file."""
    parts = _NAME.split(file.read_text("utf-8"))
    return {name: sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}
