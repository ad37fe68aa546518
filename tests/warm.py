"""Commands in processes of their own without an interpreter's start each: a warm process forks one for every command.

`python -m tests.warm` reads a request a line (environment, module, arguments, what is typed), answers each with a
line (exit code, what was printed). Of a command that is only begun it answers the process id, and later, when asked
for so many seconds, the exit code. The warm process itself has imported the code and nothing more: no settings read, no
connection opened, no thread started, so that a fork of it is as good as a new start.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen, TimeoutExpired
from typing import IO, Any

ROOT = Path(__file__).parents[1]
LIMIT_S = 600


class Warm:
    """A warm process and its commands, one at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.warm"]
        self._process = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)

    def run(
        self, module: str, arguments: tuple[str, ...], environment: dict[str, str], typed: str = ""
    ) -> CompletedProcess[str]:
        """Run `python -m MODULE ARGUMENTS` to its end.

        Raises:
            TimeoutExpired: it ran for ten minutes; the warm process has ended too.
        """
        request = {"module": module, "arguments": arguments, "environment": environment, "typed": typed}
        done = self._asked(request)
        return CompletedProcess(arguments, done["code"], done["out"], done["err"])

    def begin(self, module: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Begun:
        """Begin `python -m MODULE ARGUMENTS`, what it prints not kept."""
        request = {"begin": True, "module": module, "arguments": arguments, "environment": environment}
        return Begun(self, self._asked(request)["pid"])

    def wait(self, pid: int, seconds: float) -> int | None:
        """The exit code of a command that was begun, negative for a signal; None while it still runs after that."""
        code: int | None = self._asked({"wait": pid, "seconds": seconds})["code"]
        return code

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        stop = threading.Timer(LIMIT_S, self._process.kill)
        stop.start()
        answer = self._process.stdout.readline()
        stop.cancel()
        if not answer:
            raise TimeoutExpired(str(request.get("arguments")), LIMIT_S)
        answered: dict[str, Any] = json.loads(answer)
        return answered

    def stop(self) -> None:
        """End the warm process."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=10)


@dataclass(frozen=True)
class Begun:
    """A command that runs while the test goes on."""

    of: Warm
    pid: int

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None while it still runs after so many seconds."""
        return self.of.wait(self.pid, seconds)

    def kill(self) -> None:
        """SIGKILL; until it has been waited for, its number is nobody else's."""
        os.kill(self.pid, signal.SIGKILL)


@cache
def warm() -> Warm:
    """The warm process of this test worker, started when first asked for."""
    started = Warm()
    atexit.register(started.stop)
    return started


def _become(request: dict[str, Any], streams: Iterable[IO[bytes]]) -> None:
    """In the fork: be the command; returns never."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = [request["module"], *request["arguments"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - printed as the interpreter prints it
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as typed, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        typed.write(request["typed"].encode())
        typed.seek(0)
        child = os.fork()
        if not child:
            _become(request, (typed, out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return {"code": code, "out": out.read().decode(), "err": err.read().decode()}


def _begin(request: dict[str, Any]) -> dict[str, Any]:
    with Path(os.devnull).open("r+b") as nothing:
        child = os.fork()
        if not child:
            _become(request, (nothing, nothing, nothing))
        return {"pid": child}


def _wait(pid: int, seconds: float) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return {"code": os.waitstatus_to_exitcode(status)}
        if time.monotonic() >= until:
            return {"code": None}
        time.sleep(0.005)


def _asked_for(request: dict[str, Any]) -> dict[str, Any]:
    if "wait" in request:
        return _wait(request["wait"], request["seconds"])
    return _begin(request) if "begin" in request else _answer(request)


def _serve() -> None:
    import encompass.cli  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(_asked_for(json.loads(line))), flush=True)


if __name__ == "__main__":
    _serve()
