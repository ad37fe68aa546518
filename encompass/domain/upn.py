"""Unique Pupil Numbers."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"  # pragma: allowlist secret
LENGTH: Final = 13


def valid_upn(upn: str) -> bool:
    """Whether a permanent or temporary UPN has a correct check letter.

    Check letter = alphabet[sum(position x value, positions 2 to 13) mod 23]; a letter in position 13
    (a temporary UPN) counts as its index in the alphabet. Source: UniquePupilNumber-2-0.
    """
    if len(upn) != LENGTH or not upn.isascii() or not upn[1:12].isdigit():
        return False
    last = upn[12]
    if not last.isdigit() and last not in ALPHABET:
        return False
    values = [int(c) for c in upn[1:12]] + [int(last) if last.isdigit() else ALPHABET.index(last)]
    return upn[0] == ALPHABET[sum(p * v for p, v in enumerate(values, start=2)) % len(ALPHABET)]
