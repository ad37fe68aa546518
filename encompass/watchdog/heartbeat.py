"""The heartbeat: a signed sign of life of one force's night, with the hash of its telephone list."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import TypeAdapter

from encompass.watchdog.keys import write_private
from encompass.watchdog.phone_list import list_file


@dataclass(frozen=True)
class Heartbeat:
    """What the night says of itself. `waiting` counts duties not told and nudges not taken; `counts` is the account.

    `phone_list` is the SHA-256 of the sealed list written with it.
    """

    force_id: str
    night: date
    as_of: datetime
    written_at: datetime
    waiting: int
    unacknowledged: int
    alarms: int
    counts: dict[str, int]
    phone_list: str


BEAT: Final = TypeAdapter(Heartbeat)


class NoHeartbeat(Exception):
    """No heartbeat of this force has been written."""


class HeartbeatTampered(Exception):
    """The heartbeat, or the list beside it, is not what was signed."""


def heartbeat_file(folder: Path, force_id: str) -> Path:
    """Where a force's heartbeat is kept."""
    return folder / f"{force_id}.heartbeat.json"


def write_heartbeat(folder: Path, beat: Heartbeat, sealed_list: bytes, key: Ed25519PrivateKey) -> None:
    """Write the sealed list, then the signed heartbeat that names its hash."""
    write_private(list_file(folder, beat.force_id), sealed_list)
    body = cast(dict[str, Any], BEAT.dump_python(beat, mode="json"))
    signature = base64.b64encode(key.sign(_canonical(body))).decode()
    text = json.dumps({"body": body, "signature": signature}, indent=2)
    write_private(heartbeat_file(folder, beat.force_id), text.encode())


def read_heartbeat(folder: Path, force_id: str, key: Ed25519PublicKey) -> Heartbeat:
    """A force's heartbeat, its signature verified. Raises NoHeartbeat or HeartbeatTampered."""
    try:
        raw = heartbeat_file(folder, force_id).read_text("utf-8")
    except FileNotFoundError:
        raise NoHeartbeat(force_id) from None
    try:
        table = cast(dict[str, Any], json.loads(raw))
        key.verify(base64.b64decode(table["signature"]), _canonical(table["body"]))
        beat = BEAT.validate_python(table["body"])
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise HeartbeatTampered(force_id) from None
    if beat.force_id != force_id:
        raise HeartbeatTampered(force_id)
    return beat


def verify_list(folder: Path, beat: Heartbeat) -> bytes:
    """The sealed list that was written with the heartbeat. Raises HeartbeatTampered."""
    try:
        sealed = list_file(folder, beat.force_id).read_bytes()
    except FileNotFoundError:
        raise HeartbeatTampered(beat.force_id) from None
    if hash_of(sealed) != beat.phone_list:
        raise HeartbeatTampered(beat.force_id)
    return sealed


def hash_of(sealed: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(sealed).hexdigest()


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
