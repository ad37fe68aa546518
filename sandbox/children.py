"""Processes that a rehearsal starts: they end with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests


class DidNotStart(Exception):
    """A process that should serve did not answer; the text names it and its log."""


@contextmanager
def web_server(
    web: str, as_of: str, environment: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """`encompass serve` while inside, its business time going on from `as_of`. Raises DidNotStart."""
    port = web.rsplit(":", 1)[1]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "encompass.cli",
        "serve",
        "--port",
        port,
        "--as-of",
        as_of,
    ]
    with child(command, environment, log) as process:
        _wait_until_it_answers(process, f"{web}/", log)
        yield process


@contextmanager
def child(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """A process in a group of its own, told to stop when we leave or die."""
    with log.open("ab") as out:
        leash = [sys.executable, "-m", "sandbox.leash", str(os.getpid()), *command]
        process = subprocess.Popen(
            leash, env=dict(environment), stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(url, timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
        else:
            return
    raise DidNotStart(f"the web pages did not start; see {log}")
