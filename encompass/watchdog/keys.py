"""The watchdog's keys: one pair signs the heartbeat, another seals the telephone list for who may open it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

SIGNING: Final = "watchdog_signing_key.pem"
VERIFYING: Final = "watchdog_verifying_key.pem"
OPENING: Final = "phone_list_opening_key.pem"
SEALING: Final = "phone_list_sealing_key.pem"
PrivateKey = Ed25519PrivateKey | X25519PrivateKey
PublicKey = Ed25519PublicKey | X25519PublicKey


class NoWatchdogKey(Exception):
    """A key's file is missing, is another kind of key, or its passphrase is wrong; the text names the file."""


def make_keys(folder: Path, passphrase: bytes | None = None) -> None:
    """Make both pairs in a folder, mode 0600; existing files are left alone.

    The key that opens the telephone list (with its passphrase) belongs with a person, away from this machine.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / SIGNING).exists():
        _write_pair(folder, Ed25519PrivateKey.generate(), SIGNING, VERIFYING, NoEncryption())
    if not (folder / SEALING).exists():
        locked = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        _write_pair(folder, X25519PrivateKey.generate(), OPENING, SEALING, locked)


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The key that signs heartbeats. Raises NoWatchdogKey."""
    key = _private(file, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise NoWatchdogKey(f"not an Ed25519 key: {file}")
    return key


def verifying_key(file: Path) -> Ed25519PublicKey:
    """The key that checks heartbeats. Raises NoWatchdogKey."""
    key = _public(file)
    if not isinstance(key, Ed25519PublicKey):
        raise NoWatchdogKey(f"not an Ed25519 key: {file}")
    return key


def sealing_key(file: Path) -> X25519PublicKey:
    """The key that seals the telephone list. Raises NoWatchdogKey."""
    key = _public(file)
    if not isinstance(key, X25519PublicKey):
        raise NoWatchdogKey(f"not an X25519 key: {file}")
    return key


def opening_key(file: Path, passphrase: bytes | None) -> X25519PrivateKey:
    """The key that opens the telephone list. Raises NoWatchdogKey."""
    key = _private(file, passphrase)
    if not isinstance(key, X25519PrivateKey):
        raise NoWatchdogKey(f"not an X25519 key: {file}")
    return key


def write_private(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    partial.touch(mode=0o600)
    with partial.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)


def _write_pair(
    folder: Path, key: PrivateKey, private: str, public: str, locked: KeySerializationEncryption
) -> None:
    write_private(folder / private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    open_to_all = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_private(folder / public, open_to_all)


def _private(file: Path, passphrase: bytes | None) -> object:
    try:
        return load_pem_private_key(file.read_bytes(), passphrase)
    except FileNotFoundError:
        raise NoWatchdogKey(f"no key at {file}") from None
    except (ValueError, TypeError):
        raise NoWatchdogKey(f"not a private key, or another passphrase: {file}") from None


def _public(file: Path) -> object:
    try:
        return load_pem_public_key(file.read_bytes())
    except FileNotFoundError:
        raise NoWatchdogKey(f"no key at {file}") from None
    except ValueError:
        raise NoWatchdogKey(f"not a public key: {file}") from None
