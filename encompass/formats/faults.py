"""Faults of a whole file."""

from __future__ import annotations


class BrokenFile(Exception):
    """The file cannot be read as its format at all and is refused whole; a reason code, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
