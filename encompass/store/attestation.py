"""A school's word that its Key Adults are still the right ones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection

from encompass.domain.access import KeyAdultViewer
from encompass.domain.audit import Actor, AuditEvent
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("attestation")


def last(connection: Connection) -> date | None:
    """When the session's school last said so on its page."""
    return connection.execute(Q["last_attested"]).scalar()


def attest(connection: Connection, viewer: KeyAdultViewer, day: date, at: datetime) -> None:
    """The session's school says so on that day."""
    attestation_id = uuid4()
    values = {"attestation_id": attestation_id, "attested_on": day, "attested_at": at}
    connection.execute(Q["attest"], values)
    who = viewer.key_adult_id
    event = AuditEvent(
        viewer.force_id, at, Actor.KEY_ADULT, who, "key_adults_attested", "attestation", attestation_id
    )
    audit.record(connection, event)
