"""Audit events, appended in the transaction that they describe, and the chain over them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlalchemy import Connection, Row

from encompass.domain.audit import START, Actor, AuditEvent, Head, Link, RecordedEvent
from encompass.store.queries import load

Q: Final = load("audit")


class HeadsTampered(Exception):
    """The file of signed heads holds a line whose signature is not ours; the text names the line."""


class NoSigningKey(Exception):
    """The audit signing key's file is missing; the text names the file."""


def record(connection: Connection, *events: AuditEvent) -> None:
    """Append events in the caller's transaction."""
    for e in events:
        connection.execute(
            Q["insert_event"],
            {
                "force_id": e.force_id,
                "happened_at": e.happened_at,
                "actor": e.actor.value,
                "actor_id": e.actor_id,
                "action": e.action,
                "subject_kind": e.subject_kind,
                "subject_id": e.subject_id,
                "details": json.dumps(dict(e.details)),
            },
        )


def lock_chain(connection: Connection) -> Head:
    """Keep every other sealer out until the transaction ends; the chain's present end."""
    connection.execute(Q["lock_chain"])
    row = connection.execute(Q["last_link"]).first()
    return Head(row.position, bytes(row.link_hash)) if row else START


def unchained_events(connection: Connection) -> list[RecordedEvent]:
    """Every committed event that no link covers yet, by id."""
    return [_event_of(row) for row in connection.execute(Q["unchained_events"])]


def append_links(connection: Connection, links: Sequence[Link]) -> None:
    """Append links to the chain."""
    connection.execute(
        Q["insert_links"],
        {
            "positions": [link.position for link in links],
            "event_ids": [link.event_id for link in links],
            "event_hashes": [link.event_hash for link in links],
            "link_hashes": [link.link_hash for link in links],
        },
    )


def links(connection: Connection) -> Iterator[Link]:
    """The chain from its first link."""
    for row in connection.execute(Q["links"]):
        yield Link(row.position, row.event_id, bytes(row.event_hash), bytes(row.link_hash))


def events(connection: Connection) -> dict[int, RecordedEvent]:
    """Every event by id."""
    return {row.event_id: _event_of(row) for row in connection.execute(Q["events"])}


def make_signing_key(file: Path) -> None:
    """A new Ed25519 key, mode 0600; an existing one is left alone."""
    if file.exists():
        return
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(pem)
    partial.rename(file)


def sign_head(head: Head, key_file: Path, heads_file: Path) -> None:
    """Append the signed head to its file, outside the database, and flush it to the disk."""
    body = {"position": head.position, "link_hash": head.link_hash.hex()}
    signature = _signing_key(key_file).sign(_canonical(body))
    heads_file.parent.mkdir(parents=True, exist_ok=True)
    with heads_file.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**body, "signature": base64.b64encode(signature).decode()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def signed_heads(key_file: Path, heads_file: Path) -> list[Head]:
    """Every head ever signed. Raises HeadsTampered where a signature does not verify."""
    if not heads_file.exists():
        return []
    public = _signing_key(key_file).public_key()
    heads: list[Head] = []
    for number, line in enumerate(heads_file.read_text("utf-8").splitlines(), start=1):
        try:
            body = cast(dict[str, Any], json.loads(line))
            signature = base64.b64decode(body.pop("signature"))
            public.verify(signature, _canonical(body))
            heads.append(Head(body["position"], bytes.fromhex(body["link_hash"])))
        except (InvalidSignature, ValueError, KeyError):
            raise HeadsTampered(f"line {number}") from None
    return heads


def _signing_key(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        raise NoSigningKey(f"no audit signing key at {file}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSigningKey(f"not an Ed25519 key: {file}")
    return key


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _event_of(row: Row[Any]) -> RecordedEvent:
    return RecordedEvent(
        row.event_id,
        row.recorded_at.astimezone(UTC),
        AuditEvent(
            row.force_id,
            row.happened_at.astimezone(UTC),
            Actor(row.actor_kind),
            row.actor_id,
            row.action,
            row.subject_kind,
            row.subject_id,
            row.details,
        ),
    )
