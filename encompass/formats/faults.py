"""What may be wrong with a file: all of it, or something in it worth knowing of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from encompass.domain.incident import RefusedRecord

T = TypeVar("T")


class BrokenFile(Exception):
    """The file cannot be read as its format at all and is refused whole; a reason code, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Remark:
    """Something of a record that was taken: a reason code and its place."""

    reason: str
    place: str


@dataclass(frozen=True)
class Contents(Generic[T]):
    """A whole file: the records taken, those refused, and what there is to remark."""

    taken: tuple[T, ...]
    refused: tuple[RefusedRecord, ...]
    remarks: tuple[Remark, ...]


def contents(read: Iterable[T | RefusedRecord | Remark]) -> Contents[T]:
    """Everything that a reader yields, sorted. Raises BrokenFile."""
    taken: list[T] = []
    refused: list[RefusedRecord] = []
    remarks: list[Remark] = []
    for item in read:
        if isinstance(item, RefusedRecord):
            refused.append(item)
        elif isinstance(item, Remark):
            remarks.append(item)
        else:
            taken.append(item)
    return Contents(tuple(taken), tuple(refused), tuple(remarks))
