"""Failures of the outside world, sorted where they happen."""

from __future__ import annotations


class Unavailable(Exception):
    """The other side did not answer, or said to come back: the same call may succeed later."""


class Refused(Exception):
    """The other side said no, or answered what cannot be right: the same call would fail again."""
