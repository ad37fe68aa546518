"""Second factors: sealed secrets, the last time step used, and the throttle on wrong codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection

from encompass.domain.second_factor import FactorKind, WrongCodes
from encompass.store.data_key import new_data_key, open_keys
from encompass.store.queries import load
from encompass.store.sealed import KeyRing
from encompass.store.session import token_hash

Q: Final = load("second_factor")


@dataclass(frozen=True)
class Person:
    """Whose second factor a session waits for."""

    factor_id: UUID
    issuer: str
    subject: str


@dataclass(frozen=True)
class Factor:
    """A person's second factor, opened and locked until the transaction ends; `at` is the database's clock."""

    factor_id: UUID
    secret: str = field(repr=False)
    is_confirmed: bool
    last_step: int | None
    wrong: WrongCodes
    at: datetime


def make(
    connection: Connection, ring: KeyRing, force_id: str, issuer: str, subject: str, secret: str
) -> UUID:
    """A second factor that its person has still to confirm, sealed under a key of its own."""
    factor_id = uuid4()
    key = new_data_key(connection, ring, force_id, "second_factor")
    connection.execute(
        Q["insert_factor"],
        {
            "factor_id": factor_id,
            "force_id": force_id,
            "issuer": issuer,
            "subject": subject,
            "kind": FactorKind.TOTP.value,
            "sealed": key.seal("second_factor", "sealed", factor_id, secret.encode()),
            "key_id": key.key_id,
        },
    )
    return factor_id


def of_person(connection: Connection, issuer: str, subject: str) -> UUID | None:
    """The person's confirmed second factor."""
    values = {"issuer": issuer, "subject": subject, "kind": FactorKind.TOTP.value}
    return connection.execute(Q["factor_of_person"], values).scalar()


def of_session(connection: Connection, token: str) -> Person | None:
    """Whose second factor this session waits for; None when it is stepped up, ended or unknown."""
    row = connection.execute(Q["person_of_session"], {"token_hash": token_hash(token)}).first()
    return Person(row.factor_id, row.issuer, row.subject) if row else None


def to_enrol(connection: Connection, ring: KeyRing, factor_id: UUID) -> str | None:
    """The secret of a second factor that is not confirmed yet; None once it is."""
    row = connection.execute(Q["factor_to_enrol"], {"factor_id": factor_id}).first()
    return _opened(connection, ring, row.factor_id, row.key_id, row.sealed) if row else None


def locked(connection: Connection, ring: KeyRing, person: Person) -> Factor | None:
    """The factor that the session waits for, all of this person's being locked; None when it has just ended."""
    values = {"issuer": person.issuer, "subject": person.subject}
    rows = connection.execute(Q["lock_factors"], values).all()
    row = next((r for r in rows if r.factor_id == person.factor_id), None)
    if row is None:
        return None
    return Factor(
        row.factor_id,
        _opened(connection, ring, row.factor_id, row.key_id, row.sealed),
        row.is_confirmed,
        row.last_step,
        WrongCodes(row.wrong, row.wrong_since, row.locked_until),
        row.at,
    )


def use_step(connection: Connection, person: Person, step: int) -> bool:
    """Use up a time step, confirming the factor by it; False when it or a later one was used.

    Any other that the person began to set up ends.
    """
    values = {"factor_id": person.factor_id, "issuer": person.issuer, "subject": person.subject}
    if connection.execute(Q["use_step"], {**values, "step": step}).first() is None:
        return False
    connection.execute(Q["end_other_factors"], values)
    return True


def count_wrong(connection: Connection, factor_id: UUID, wrong: WrongCodes) -> None:
    """Keep what the person's wrong codes came to."""
    values = {
        "factor_id": factor_id,
        "wrong": wrong.count,
        "wrong_since": wrong.since,
        "locked_until": wrong.locked_until,
    }
    connection.execute(Q["count_wrong"], values)


def _opened(connection: Connection, ring: KeyRing, factor_id: UUID, key_id: UUID, sealed: bytes) -> str:
    key = open_keys(connection, ring, [key_id])[key_id]
    return key.open("second_factor", "sealed", factor_id, bytes(sealed)).decode()
