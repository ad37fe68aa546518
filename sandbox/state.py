"""What the sandbox keeps between starts, in the state folder: secrets, ports, who has answered. No personal data."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from encompass.settings.live import SANDBOX_SECRET
from encompass.store.ports import free_port, is_free


def folder(var: Path) -> Path:
    """The sandbox's own folder of the state folder."""
    found = var / "sandbox"
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    return found


class AlreadyPlaying(Exception):
    """Another rehearsal plays on the same state folder."""


@contextmanager
def only_one(var: Path) -> Generator[None]:
    """The only rehearsal of the state folder while inside. Raises AlreadyPlaying."""
    with (folder(var) / "playing.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyPlaying(f"another rehearsal is running on {var}; stop it first") from None
        yield


def write_private(file: Path, text: str) -> None:
    """Write a file at once, readable by its owner only."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text, "utf-8")
    partial.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON file's object; empty when there is none."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def kept_secrets(var: Path) -> dict[str, str]:
    """Client secrets and tokens of the sandbox's servers, made once."""
    file = folder(var) / "secrets.json"
    known = {n: secret for n, secret in read_json(file).items() if secret.startswith(SANDBOX_SECRET)}
    names = (
        "feed_secret",
        "registers_token",
        "fellgate_registers_token",
        "wonde_token",
        "mail_password",
        "school_secret",
        "staff_secret",
        "fellgate_staff_secret",
        "role_api_secret",
        "web_secret_key",
        "notify_key",
        "notify_callback_token",
    )
    if not set(names) <= set(known):
        fresh = {name: f"{SANDBOX_SECRET}{secrets.token_urlsafe(32)}" for name in names}
        fresh["notify_key"] = f"{SANDBOX_SECRET}{uuid.uuid4()}-{uuid.uuid4()}"
        known = fresh | known
        write_private(file, json.dumps(known))
    return known


class PortTaken(Exception):
    """A port that must stay the same belongs to another process now."""


def kept_port(var: Path, name: str) -> int:
    """The port that a server had last time while it is free, else another; on loopback."""
    file = folder(var) / "ports.json"
    known = read_json(file)
    before = known.get(name)
    if before is None or not is_free(before):
        known[name] = free_port(known.values())
        write_private(file, json.dumps(known))
    return known[name]


def same_port(var: Path, name: str) -> int:
    """The port that a server had last time: people are bound to an issuer by its address. Raises PortTaken."""
    before = read_json(folder(var) / "ports.json").get(name)
    if before is not None and not is_free(before):
        raise PortTaken(
            f"port {before} of the {name} is taken; free it, or delete the state with `make clean`"
        )
    return kept_port(var, name)
