"""Incidents in versions and the children named in them, sealed under one key an incident."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import Connection

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.incident import ReportedChild, ReportedIncident
from encompass.domain.quality import Completeness, completeness_of
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.data_key import new_data_key, open_keys
from encompass.store.queries import load
from encompass.store.sealed import DataKey, KeyRing

Q: Final = load("incident")
INCIDENT: Final = TypeAdapter(ReportedIncident)
CHILD: Final = TypeAdapter(ReportedChild)


@dataclass(frozen=True)
class Involvement:
    """A child as named in the current version of one incident, opened.

    Where the current version names the child no longer (`is_named`), as the last one did that named him or her.
    """

    involvement_id: UUID
    incident_id: UUID
    version: int
    is_named: bool
    incident: ReportedIncident = field(repr=False)
    child: ReportedChild = field(repr=False)
    key: DataKey = field(repr=False)


def take_version(
    connection: Connection, ring: KeyRing, run: Run, incident: ReportedIncident, digest: bytes
) -> bool:
    """Store the record as a new version of its incident; False when this very content is already there.

    Content that this same run stored counts as new again, so that a step killed half-way and run again
    tells the same story. Until the transaction ends nobody else takes a record of this force: two who take one feed at
    once would both find that an incident is new.
    """
    connection.execute(Q["lock_records_of_force"], {"force_id": run.force_id})
    reference_hash = ring.keyed_hash(run.force_id, "incident", incident.incident_reference)
    content_hash = ring.keyed_hash(run.force_id, "content", digest)
    found = connection.execute(
        Q["find_incident"], {"force_id": run.force_id, "reference_hash": reference_hash}
    ).first()
    if found is None:
        return _first_version(connection, ring, run, incident, reference_hash, content_hash)
    same = connection.execute(
        Q["version_with_content"], {"incident_id": found.incident_id, "content_hash": content_hash}
    ).first()
    if same is not None:
        return same.run_id == run.run_id
    key = open_keys(connection, ring, [found.key_id])[found.key_id]
    latest = connection.execute(Q["latest_version"], {"incident_id": found.incident_id}).one()
    version = latest.version + 1
    _insert_version(connection, run, found.incident_id, version, incident, content_hash, key)
    if incident.updated_at >= latest.updated_at:
        values = {"incident_id": found.incident_id, "version": version}
        connection.execute(Q["set_current_version"], values)
        _take_children(connection, ring, run, found.incident_id, version, incident, key)
    _record(connection, run, "incident_corrected", found.incident_id)
    return True


def involvements(
    connection: Connection, ring: KeyRing, involvement_ids: Iterable[UUID]
) -> dict[UUID, Involvement]:
    """These involvements, opened, each with its incident's current version."""
    rows = connection.execute(Q["opened_sources"], {"involvement_ids": list(involvement_ids)}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    opened: dict[UUID, Involvement] = {}
    for row in rows:
        key = keys[row.key_id]
        opened[row.involvement_id] = Involvement(
            row.involvement_id,
            row.incident_id,
            row.version,
            row.is_named,
            open_incident(key, row.incident_id, row.incident_sealed),
            open_child(key, row.involvement_id, row.sealed),
            key,
        )
    return opened


def children_elsewhere(
    connection: Connection, ring: KeyRing, involvement_id: UUID, recipient_id: UUID
) -> tuple[ReportedChild, ...]:
    """The other children of the same incident whom this recipient is not told of, opened."""
    values = {"involvement_id": involvement_id, "recipient_id": recipient_id}
    others = connection.execute(Q["involved_elsewhere"], values).scalars().all()
    return tuple(other.child for other in involvements(connection, ring, others).values()) if others else ()


def completeness_of_night(
    connection: Connection, ring: KeyRing, force_id: str, night: date
) -> list[tuple[str, Completeness]]:
    """Police reference and completeness of the night's incidents as they stand, but for those erased."""
    rows = connection.execute(Q["completeness_of_night"], {"force_id": force_id, "night": night}).all()
    keys = open_keys(connection, ring, (row.key_id for row in rows))
    return [
        (
            open_incident(keys[row.key_id], row.incident_id, row.sealed).incident_reference,
            Completeness(row.team, row.children, row.missing),
        )
        for row in rows
    ]


def open_incident(key: DataKey, incident_id: UUID, sealed: bytes) -> ReportedIncident:
    """The incident of a sealed version (without its children)."""
    return key.open_as(INCIDENT, "incident_version", "sealed", incident_id, sealed)


def open_child(key: DataKey, involvement_id: UUID, sealed: bytes) -> ReportedChild:
    """The child of a sealed involvement."""
    return key.open_as(CHILD, "involvement", "sealed", involvement_id, sealed)


def _first_version(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    incident: ReportedIncident,
    reference_hash: bytes,
    content_hash: bytes,
) -> bool:
    key = new_data_key(connection, ring, run.force_id, "incident")
    incident_id = uuid4()
    connection.execute(
        Q["insert_incident"],
        {
            "incident_id": incident_id,
            "force_id": run.force_id,
            "reference_hash": reference_hash,
            "night": run.night,
            "key_id": key.key_id,
        },
    )
    _insert_version(connection, run, incident_id, 1, incident, content_hash, key)
    _take_children(connection, ring, run, incident_id, 1, incident, key)
    _record(connection, run, "incident_received", incident_id)
    return True


def _insert_version(
    connection: Connection,
    run: Run,
    incident_id: UUID,
    version: int,
    incident: ReportedIncident,
    content_hash: bytes,
    key: DataKey,
) -> None:
    plain = INCIDENT.dump_json(replace(incident, children=()))
    connection.execute(
        Q["insert_version"],
        {
            "incident_id": incident_id,
            "version": version,
            "force_id": run.force_id,
            "run_id": run.run_id,
            "updated_at": incident.updated_at,
            "occurred_from": incident.occurred_from,
            "status": incident.status.value,
            "domestic_abuse": incident.domestic_abuse,
            "content_hash": content_hash,
            "sealed": key.seal("incident_version", "sealed", incident_id, plain),
        },
    )
    found = completeness_of(incident)
    connection.execute(
        Q["insert_completeness"],
        {
            "incident_id": incident_id,
            "version": version,
            "force_id": run.force_id,
            "team": found.team,
            "children": found.children,
            "missing": json.dumps(found.missing),
        },
    )


def _take_children(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    incident_id: UUID,
    version: int,
    incident: ReportedIncident,
    key: DataKey,
) -> None:
    rows = list(_rows(connection, ring, run, incident_id, version, incident, key))
    for row in rows:
        connection.execute(Q["upsert_involvement"], row)
    listed = [row["person_hash"] for row in rows]
    values = {"incident_id": incident_id, "version": version, "listed": listed}
    connection.execute(Q["unlisted_follow_version"], values)


def _rows(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    incident_id: UUID,
    version: int,
    incident: ReportedIncident,
    key: DataKey,
) -> Iterator[dict[str, object]]:
    known = {
        bytes(r.person_hash): r.involvement_id
        for r in connection.execute(Q["involvement_ids"], {"incident_id": incident_id})
    }
    for child in incident.children:
        person_hash = ring.keyed_hash(run.force_id, "person", child.person_id)
        involvement_id = known.get(person_hash) or uuid4()
        yield {
            "involvement_id": involvement_id,
            "force_id": run.force_id,
            "incident_id": incident_id,
            "person_hash": person_hash,
            "version": version,
            "seen": child.seen,
            "spoken_to": child.spoken_to,
            "voice_recorded": child.voice is not None,
            "sealed": key.seal("involvement", "sealed", involvement_id, CHILD.dump_json(child)),
        }


def _record(connection: Connection, run: Run, action: str, incident_id: UUID) -> None:
    audit.record(
        connection,
        AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, action, "incident", incident_id),
    )
