"""Sealing: personal data is AES-256-GCM under a data key, the data key under a key ring kept elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar, cast
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError

from encompass.settings.live import SANDBOX_SECRET

T = TypeVar("T")
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
HASH_BYTES: Final = 16
SHORT_HASH_BYTES: Final = 8
UUID_BYTES: Final = 16
NS_IN_MS: Final = 1_000_000
UUID_7_MASK: Final = 0xF << 76 | 0b11 << 62
UUID_7_BITS: Final = 7 << 76 | 0b10 << 62


class RandomBytes:
    """The system's random bytes, asked for in large pieces: many small askings cost more than what they seal."""

    def __init__(self, piece: int = 1 << 16) -> None:
        self._piece, self._bytes, self._at = piece, b"", 0

    def __call__(self, count: int) -> bytes:
        """That many bytes, each given once."""
        if self._at + count > len(self._bytes):
            self._bytes, self._at = secrets.token_bytes(self._piece), 0
        taken = self._bytes[self._at : self._at + count]
        self._at += count
        return taken

    def uuid7(self) -> UUID:
        """A UUID whose first 48 bits are the time in ms and the others random (RFC 9562, version 7).

        An index of such takes new rows at its end, and not all over.
        """
        number = (time.time_ns() // NS_IN_MS << 80) | int.from_bytes(self(UUID_BYTES - 6))
        return UUID(int=number & ~UUID_7_MASK | UUID_7_BITS)


class CannotOpen(Exception):
    """A sealed value does not open: wrong key, moved to another row, or changed. Names the column only."""


class NoKeyRing(Exception):
    """The key ring's file is missing or lacks a key; the text names the file or the key's id."""


class Erased(Exception):
    """The data key was destroyed: what it sealed is gone for good."""


@dataclass(frozen=True)
class DataKey:
    """One data key, opened. Additional data binds a value to its table, column, row and key."""

    key_id: UUID
    secret: bytes = field(repr=False)

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.secret)

    def seal(
        self,
        table: str,
        column: str,
        row_id: UUID,
        plain: bytes,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> bytes:
        """Nonce (12 bytes) and ciphertext with its tag. `random` gives that many random bytes, never the same twice."""
        nonce = random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, self._bound(table, column, row_id))

    def open(self, table: str, column: str, row_id: UUID, sealed: bytes) -> bytes:
        """The plain bytes. Raises CannotOpen."""
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, self._bound(table, column, row_id))
        except (InvalidTag, ValueError):
            raise CannotOpen(f"{table}.{column}") from None

    def open_as(self, kind: TypeAdapter[T], table: str, column: str, row_id: UUID, sealed: bytes) -> T:
        """The value sealed as JSON. Raises CannotOpen, also for JSON of another shape: its text would name people."""
        plain = self.open(table, column, row_id, bytes(sealed))
        try:
            return kind.validate_json(plain)
        except ValidationError:
            raise CannotOpen(f"{table}.{column}") from None

    def _bound(self, table: str, column: str, row_id: UUID) -> bytes:
        return f"{table}|{column}|{row_id}|{self.key_id}".encode()


@dataclass(frozen=True)
class WrappedKey:
    """A data key as the database holds it."""

    key_id: UUID
    ring_key_id: str
    wrapped: bytes | None = field(repr=False)


@dataclass(frozen=True)
class KeyRing:
    """The versioned keys that wrap data keys, and each force's hashing key."""

    current: str
    keys: dict[str, bytes] = field(repr=False)
    hash_keys: dict[str, bytes] = field(repr=False)

    @property
    def is_of_sandbox(self) -> bool:
        """Whether one of its keys was made by an installation that was not live: other people may know it."""
        return any(name.startswith(SANDBOX_SECRET) for name in self.keys)

    def new_data_key(self) -> tuple[DataKey, WrappedKey]:
        """A fresh data key, open and wrapped."""
        key = DataKey(uuid4(), AESGCM.generate_key(KEY_BYTES * 8))
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = AESGCM(self.keys[self.current]).encrypt(nonce, key.secret, str(key.key_id).encode())
        return key, WrappedKey(key.key_id, self.current, nonce + body)

    def unwrap(self, wrapped: WrappedKey) -> DataKey:
        """The data key, opened. Raises Erased, NoKeyRing or CannotOpen."""
        if wrapped.wrapped is None:
            raise Erased(str(wrapped.key_id))
        if wrapped.ring_key_id not in self.keys:
            raise NoKeyRing(wrapped.ring_key_id)
        nonce, body = wrapped.wrapped[:NONCE_BYTES], wrapped.wrapped[NONCE_BYTES:]
        try:
            secret = AESGCM(self.keys[wrapped.ring_key_id]).decrypt(nonce, body, str(wrapped.key_id).encode())
        except (InvalidTag, ValueError):
            raise CannotOpen("data_key.wrapped") from None
        return DataKey(wrapped.key_id, secret)

    def keyed_hash(self, force_id: str, kind: str, value: str | bytes) -> bytes:
        """BLAKE2b of a value under the force's own key, 16 bytes; `kind` separates uses (at most 16 letters)."""
        if force_id not in self.hash_keys:
            raise NoKeyRing(force_id)
        raw = value.encode() if isinstance(value, str) else value
        return hashlib.blake2b(
            raw, digest_size=HASH_BYTES, key=self.hash_keys[force_id], person=kind.encode()
        ).digest()

    def hasher(self, force_id: str, kind: str, length: int = HASH_BYTES) -> Callable[[str | bytes], bytes]:
        """The same for many values. Short hashes are for an index, where a rare collision is only looked at."""
        if force_id not in self.hash_keys:
            raise NoKeyRing(force_id)
        fresh = hashlib.blake2b(digest_size=length, key=self.hash_keys[force_id], person=kind.encode())

        def hashed(value: str | bytes) -> bytes:
            state = fresh.copy()
            state.update(value.encode() if isinstance(value, str) else value)
            return state.digest()

        return hashed


def read_ring(file: Path, force_ids: Iterable[str]) -> KeyRing:
    """The key ring. Raises NoKeyRing when the file or a force's hashing key is missing."""
    try:
        body = cast(dict[str, object], json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        raise NoKeyRing(f"no key ring at {file}") from None
    ring = KeyRing(str(body["current"]), _decoded(body["keys"]), _decoded(body["hash_keys"]))
    missing = [f for f in force_ids if f not in ring.hash_keys]
    if missing:
        raise NoKeyRing(f"the key ring lacks a hashing key for: {', '.join(missing)}")
    return ring


def fresh_ring(force_ids: Iterable[str], name: str = "ring-1") -> KeyRing:
    """A new key ring with a hashing key for each force, in memory; `name` is its first key's."""
    return KeyRing(
        name,
        {name: secrets.token_bytes(KEY_BYTES)},
        {force_id: secrets.token_bytes(KEY_BYTES) for force_id in force_ids},
    )


def make_ring(file: Path, force_ids: Iterable[str], environment: str) -> None:
    """A new key ring with a hashing key for each force, mode 0600; an existing one is left alone.

    The name of its key says where it was not made for a live installation, and goes wherever the key goes.
    """
    if file.exists():
        return
    ring = fresh_ring(force_ids, "ring-1" if environment == "live" else f"{SANDBOX_SECRET}ring-1")
    body = {
        "current": ring.current,
        "keys": {name: _encoded(key) for name, key in ring.keys.items()},
        "hash_keys": {force_id: _encoded(key) for force_id, key in ring.hash_keys.items()},
    }
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(body, indent=2), "utf-8")
    partial.rename(file)


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _decoded(table: object) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in cast(dict[str, str], table).items()}
