"""A piece of work in a process of its own, which can kill itself before its statement or commit of any number."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError

from sqlalchemy import event

from encompass import log
from encompass.store.database import Database, Role

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.night.test_send_killed", "tests.night.test_answer_killed"])
JOINED_WITHIN_S = 60
MET_WITHIN_S = 0.5


@dataclass(frozen=True)
class Signal:
    """What a process sends itself before its statement or commit of that number; 0 is none of them."""

    number: int = 0
    what: signal.Signals = signal.SIGKILL

    def __call__(self) -> None:
        """Send it."""
        os.kill(os.getpid(), self.what)


@dataclass(frozen=True)
class Meeting:
    """Where a process waits for the other before its statement or commit of that number, as long as both can come."""

    number: int
    barrier: Barrier

    def __call__(self) -> None:
        """Wait; one that waits for a lock of the other's does not come."""
        with suppress(BrokenBarrierError):
            self.barrier.wait(MET_WITHIN_S)


NEVER = Signal()


def _work(
    database: Database,
    role: Role,
    isolation: str,
    before: Signal | Meeting,
    do: Callable[..., object],
    arguments: tuple[object, ...],
) -> None:
    log.configure("CRITICAL")
    numbers = count(1)

    def step(*_: object) -> None:
        if next(numbers) == before.number:
            before()

    engine = database.engine(role).execution_options(isolation_level=isolation)
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    do(engine, *arguments)


@dataclass(frozen=True)
class Worker:
    """Who works on a database: a role's engine, in a process of its own each time. Broken on purpose by isolation."""

    database: Database
    role: Role
    isolation: str = "READ COMMITTED"

    def start(
        self, do: Callable[..., object], *arguments: object, before: Signal | Meeting = NEVER
    ) -> BaseProcess:
        """Begin `do(engine, *arguments)`, a function of a module."""
        database = replace(self.database, idle_limit=timedelta(seconds=2))
        process = SPAWN.Process(
            target=_work, args=(database, self.role, self.isolation, before, do, arguments)
        )
        process.start()
        return process

    def killed_ever_later(self, do: Callable[..., object], *arguments: object) -> Generator[int]:
        """Begin it anew, killed before its first statement, its second and so on, until it ends by itself.

        After each kill, which one it was: so every boundary is met, however many there are.
        """
        for number in count(1):
            process = self.start(do, *arguments, before=Signal(number))
            process.join(JOINED_WITHIN_S)
            if process.exitcode == 0:
                return
            assert process.exitcode == -signal.SIGKILL, (number, process.exitcode)
            yield number

    def two_meet(self, number: int, do: Callable[..., object], *arguments: object) -> list[int | None]:
        """Begin it twice, each waiting for the other before its statement or commit of that number; how both ended."""
        barrier = SPAWN.Barrier(2)
        both = [self.start(do, *arguments, before=Meeting(number, barrier)) for _ in range(2)]
        for process in both:
            process.join(JOINED_WITHIN_S)
        return [process.exitcode for process in both]
