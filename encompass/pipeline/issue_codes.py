"""One-time codes that bind a person's sign-in to the Key Adult register, handed over out of band."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Final

from sqlalchemy import Engine

from encompass.store import key_adult
from encompass.store.sealed import KeyRing

ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # pragma: allowlist secret
GROUPS: Final = 4
GROUP_LENGTH: Final = 4


def issue_codes(engine: Engine, ring: KeyRing, force_id: str, day: date, only: str | None) -> dict[str, str]:
    """Register reference to a new code, for every Key Adult, or the one named, who cannot sign in yet.

    That is who is not bound, or has no second factor. Only the codes' hashes are kept.
    """
    with engine.begin() as connection:
        everybody = key_adult.unbound(connection, ring, force_id, day)
        unbound = {r: a for r, a in everybody.items() if only in (None, r)}
        codes = {reference: _new_code() for reference in unbound}
        hashes = {unbound[r]: hash_code(ring, force_id, code) for r, code in codes.items()}
        key_adult.replace_codes(connection, force_id, hashes)
    return codes


def hash_code(ring: KeyRing, force_id: str, code: str) -> bytes:
    """The keyed hash of a code as typed: case, spaces and hyphens do not matter."""
    plain = "".join(c for c in code.upper() if c.isalnum())
    return ring.keyed_hash(force_id, "binding code", plain)


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)
