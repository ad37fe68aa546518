"""Plain blocking keys: two records that share none of them are never compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from encompass.matching.normalise import normalise_name


@dataclass(frozen=True)
class Identity:
    """The names and birth date that one record goes by, normalised. An unknown birth date is None."""

    forenames: frozenset[str] = field(repr=False)
    surnames: frozenset[str] = field(repr=False)
    date_of_birth: date | None = field(repr=False)


def identity_of(
    forenames: tuple[str | None, ...], surnames: tuple[str | None, ...], born: date | None
) -> Identity:
    """The identity of a record from its legal and preferred names."""
    return Identity(_normalised(forenames), _normalised(surnames), born)


def blocking_keys(identity: Identity) -> frozenset[str]:
    """One key for each pair of forename, surname and birth date: candidates agree on at least two."""
    keys = {f"fs|{f}|{s}" for f in identity.forenames for s in identity.surnames}
    if identity.date_of_birth is not None:
        born = identity.date_of_birth.isoformat()
        keys |= {f"fd|{f}|{born}" for f in identity.forenames}
        keys |= {f"sd|{s}|{born}" for s in identity.surnames}
    return frozenset(keys)


def _normalised(names: tuple[str | None, ...]) -> frozenset[str]:
    return frozenset(n for n in (normalise_name(name) for name in names if name) if n)
