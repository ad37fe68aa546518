"""Many independent things, one after another: what fails holds up none of the others, and is not forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from encompass import log
from encompass.store.sealed import CannotOpen, Erased

T = TypeVar("T")


@dataclass
class Failed:
    """What could not be done: sealed data that does not open, and surprises."""

    unreadable: list[Exception] = field(default_factory=list[Exception])
    surprises: list[Exception] = field(default_factory=list[Exception])

    def add(self, more: Failed) -> None:
        """What failed in another part of the same step."""
        self.unreadable += more.unreadable
        self.surprises += more.surprises

    @property
    def is_any(self) -> bool:
        """Whether anything failed."""
        return bool(self.unreadable or self.surprises)

    def raise_surprises(self, step: str) -> None:
        """Fail the step when anything unforeseen happened. Raises ExceptionGroup."""
        if self.surprises:
            raise ExceptionGroup(step, self.surprises)


def each(things: Iterable[T], do: Callable[[T], object]) -> Failed:
    """Do it to each thing in a transaction of its own, the others going on when one fails.

    A night must not stop at one child: the caller raises an alarm for what was unreadable and fails for the
    rest once every other child has been served.
    """
    failed = Failed()
    for thing in things:
        try:
            do(thing)
        except (CannotOpen, Erased) as fault:
            failed.unreadable.append(fault)
        except Exception as surprise:  # noqa: BLE001 - raised again by the caller, after the others
            log.get_logger().error("one_failed", reason=type(surprise).__name__)
            failed.surprises.append(surprise)
    return failed
