"""The shape of a state machine, so that each noun has one table and one door."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Exception):
    """A status was asked to go where its transition table has no arrow."""

    def __init__(self, noun: str, current: StrEnum, wanted: StrEnum) -> None:
        super().__init__(f"{noun}: {current.value} -> {wanted.value} is not allowed")


def check_move(noun: str, table: Mapping[S, frozenset[S]], current: S, wanted: S) -> S:
    """The wanted status, if the table allows it from the current one; else IllegalMove."""
    if wanted not in table[current]:
        raise IllegalMove(noun, current, wanted)
    return wanted
