"""Pull the night's incidents: good records are stored, bad ones quarantined, and a gap is an alarm."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.incident import RefusedRecord
from encompass.domain.run import Run
from encompass.formats.faults import BrokenFile
from encompass.formats.police_contract import Page, TakenRecord, digest_of
from encompass.gateways.dropped_files import DroppedFiles
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.police_feed import PoliceFeed
from encompass.store import feed, force, incident
from encompass.store.feed import RecordOutcome, Window
from encompass.store.sealed import KeyRing

SOURCE = "police_feed"


@dataclass(frozen=True)
class FeedRules:
    """How far back a pull reaches, and the fewest records that are believable for a night."""

    overlap: timedelta
    first_window: timedelta
    fewest_records: int


@dataclass
class _Served:
    """What has been read of one pull so far."""

    digests: list[str] = field(default_factory=list[str])
    copies: Counter[str] = field(default_factory=Counter[str])


def receive_incidents(
    engine: Engine, ring: KeyRing, source: PoliceFeed | DroppedFiles, rules: FeedRules, run: Run
) -> int:
    """Pull the run's window; how many records it was served. An absent, empty or short feed raises an alarm."""
    with engine.begin() as connection:
        window = feed.open_pull(connection, run, rules.overlap, rules.first_window)
    try:
        served, alarms = _pull(engine, ring, source, rules, run, window)
    except Unavailable:
        served, alarms = 0, ["feed_absent"]
    except (Refused, BrokenFile):
        served, alarms = 0, ["feed_refused"]
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, dict.fromkeys(alarms, True))
        for kind in alarms:
            log.get_logger().error("alarm_raised", alarm=kind, source=SOURCE, run_id=str(run.run_id))
        if not alarms:
            feed.complete_pull(connection, run)
    return served


def _pull(
    engine: Engine,
    ring: KeyRing,
    source: PoliceFeed | DroppedFiles,
    rules: FeedRules,
    run: Run,
    window: Window,
) -> tuple[int, list[str]]:
    manifest = source.manifest(window.updated_from, window.updated_to)
    with engine.begin() as connection:
        feed.record_announced(connection, run, manifest.count)
    served = _Served()
    for page in source.pages(window.updated_from, window.updated_to):
        with engine.begin() as connection:
            _take_page(connection, ring, run, page, served)
    with engine.begin() as connection:
        accepted = feed.accepted_this_night(connection, run)
    checks = (
        ("feed_empty", accepted < rules.fewest_records and len(served.digests) == manifest.count),
        ("feed_short", len(served.digests) != manifest.count),
        (
            "feed_altered",
            manifest.sha256 is not None
            and len(served.digests) == manifest.count
            and digest_of(served.digests) != manifest.sha256,
        ),
    )
    return len(served.digests), [kind for kind, true in checks if true]


def _take_page(connection: Connection, ring: KeyRing, run: Run, page: Page, served: _Served) -> None:
    for record in page.taken:
        parts = [(part, _count(served, part)) for part in record.parts]
        outcome = _outcome(connection, ring, run, record, min(occurrence for _, occurrence in parts))
        for part, occurrence in parts:
            feed.record_outcome(connection, run, bytes.fromhex(part), occurrence, outcome)
    _take_refused(connection, ring, run, page.refused, served)


def _outcome(
    connection: Connection, ring: KeyRing, run: Run, record: TakenRecord, occurrence: int
) -> RecordOutcome:
    if occurrence > 1:
        return RecordOutcome.DUPLICATE
    new = incident.take_version(connection, ring, run, record.incident, bytes.fromhex(record.digest))
    return RecordOutcome.ACCEPTED if new else RecordOutcome.DUPLICATE


def _take_refused(
    connection: Connection, ring: KeyRing, run: Run, refused: Sequence[RefusedRecord], served: _Served
) -> None:
    feed.quarantine(connection, ring, run, SOURCE, refused)
    for record in refused:
        digest = hashlib.sha256(record.raw).hexdigest()
        occurrence = _count(served, digest)
        outcome = RecordOutcome.QUARANTINED if occurrence == 1 else RecordOutcome.DUPLICATE
        feed.record_outcome(connection, run, bytes.fromhex(digest), occurrence, outcome)


def _count(served: _Served, digest: str) -> int:
    served.digests.append(digest)
    served.copies[digest] += 1
    return served.copies[digest]
