"""The authenticator app of every fictional person: keys as typed from the page, and codes, each given once."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyotp.totp import TOTP

from sandbox.state import folder, read_json, write_private

STEP = 30


class NoKey(Exception):
    """This person's authenticator has no key yet; the text says what to do."""


def add_key(var: Path, username: str, key: str) -> None:
    """Put a key into a person's authenticator, in place of one before."""
    with _kept(var) as known:
        known[username] = {"key": "".join(key.split()).upper(), "step": 0}


def next_code(var: Path, username: str) -> str:
    """A code that counts now and was not given before; waits for one where all that count have been. Raises NoKey."""
    while True:
        with _kept(var) as known:
            if username not in known:
                raise NoKey(
                    f"{username} has not set up a second check here: sign in, then give the key that the page shows "
                    f"with  python -m sandbox code {username} --key KEY"
                )
            now, own = int(time.time()) // STEP, known[username]
            step = max(own["step"] + 1, now - 1)  # a step before and one after count too
            if step <= now + 1:
                own["step"] = step
                return TOTP(own["key"]).generate_otp(step)
        time.sleep(1)


@contextmanager
def _kept(var: Path) -> Generator[dict[str, dict[str, Any]]]:
    """What the authenticators hold, for one at a time to change."""
    file = folder(var) / "authenticators.json"
    with (folder(var) / "authenticators.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read_json(file)
        yield known
        write_private(file, json.dumps(known))
