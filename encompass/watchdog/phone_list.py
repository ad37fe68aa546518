"""The day's telephone list: each school's number, how many notifications wait and who may be told of them, sealed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter

MAGIC: Final = b"encompass phone list 2\n"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class CannotOpenList(Exception):
    """The list does not open: another key, or it was changed."""


@dataclass(frozen=True)
class Person:
    """A Key Adult, or who answers for the school, as somebody telephones: role, name and number."""

    role: str
    name: str = field(repr=False)
    phone: str | None = field(repr=False)


@dataclass(frozen=True)
class Waiting:
    """How many notifications wait for the same people, who may be told of them; `instead` where nobody may.

    Restricted: somebody there must not learn of them. With none waiting the people are all that the recipient has.
    """

    unacknowledged: int
    people: tuple[Person, ...]
    is_restricted: bool = False
    instead: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Contact:
    """One school or office: its number, and whom to call about what."""

    name: str
    urn: int | None
    number: str | None
    waiting: tuple[Waiting, ...]

    @property
    def unacknowledged(self) -> int:
        """How many notifications nobody there has acknowledged."""
        return sum(w.unacknowledged for w in self.waiting)


CONTACTS: Final = TypeAdapter(tuple[Contact, ...])


def list_file(folder: Path, force_id: str) -> Path:
    """Where a force's sealed list is kept."""
    return folder / f"{force_id}.phone-list.sealed"


def seal_list(contacts: tuple[Contact, ...], force_id: str, key: X25519PublicKey) -> bytes:
    """The list, for the holder of the opening key only: X25519, HKDF-SHA256, AES-256-GCM."""
    own = X25519PrivateKey.generate()
    public, nonce = own.public_key().public_bytes_raw(), secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(_derived(own.exchange(key), public, key))
    return MAGIC + public + nonce + cipher.encrypt(nonce, CONTACTS.dump_json(contacts), force_id.encode())


def open_list(sealed: bytes, force_id: str, key: X25519PrivateKey) -> tuple[Contact, ...]:
    """The list, opened. Raises CannotOpenList."""
    if not sealed.startswith(MAGIC):
        raise CannotOpenList
    body = sealed[len(MAGIC) :]
    public, nonce = body[:KEY_BYTES], body[KEY_BYTES : KEY_BYTES + NONCE_BYTES]
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(public))
        cipher = AESGCM(_derived(shared, public, key.public_key()))
        plain = cipher.decrypt(nonce, body[KEY_BYTES + NONCE_BYTES :], force_id.encode())
    except (InvalidTag, ValueError):
        raise CannotOpenList from None
    return CONTACTS.validate_json(plain)


def _derived(shared: bytes, own: bytes, key: X25519PublicKey) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, own + key.public_bytes_raw(), b"encompass phone list").derive(shared)
