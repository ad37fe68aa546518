"""Look at the night's feed: good records are stored, bad ones quarantined, and a gap is an alarm."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.incident import RefusedRecord
from encompass.domain.run import Run
from encompass.formats.faults import BrokenFile
from encompass.formats.police_contract import Manifest, Page, TakenRecord, digest_of
from encompass.gateways.dropped_files import NothingDropped
from encompass.gateways.failures import Refused, Unavailable
from encompass.store import feed, force, incident
from encompass.store.feed import RecordOutcome, Window
from encompass.store.sealed import KeyRing

SOURCE = "police_feed"


class Feed(Protocol):
    """A force's feed, by whichever way in: what a window of time holds, and its pages."""

    def manifest(self, updated_from: datetime, updated_to: datetime) -> Manifest:
        """What the window holds. Raises Unavailable, Refused or BrokenFile."""
        ...

    def pages(self, updated_from: datetime, updated_to: datetime) -> Iterator[Page]:
        """Each page of the window. Raises Unavailable, Refused or BrokenFile."""
        ...


@dataclass(frozen=True)
class FeedRules:
    """By which way a feed comes, how far back a pull reaches, and what is not believable of a night.

    Fewer records than `fewest_records` are an empty night; a feed of which nothing is newer than `stale_after` is
    stale.
    """

    way: str
    overlap: timedelta
    first_window: timedelta
    fewest_records: int
    stale_after: timedelta


@dataclass
class _Served:
    """What has been read of one pull so far."""

    digests: list[str] = field(default_factory=list[str])
    copies: Counter[str] = field(default_factory=Counter[str])
    newest: datetime | None = None


def receive_incidents(engine: Engine, ring: KeyRing, source: Feed, rules: FeedRules, run: Run) -> int:
    """Look at the run's window; how many records came. An absent, stale, empty or short feed raises an alarm."""
    with engine.begin() as connection:
        window = feed.open_pull(connection, run, rules.way, rules.overlap, rules.first_window)
    try:
        served, alarms = _pull(engine, ring, source, rules, run, window)
    except NothingDropped:
        served, alarms = 0, _nothing_dropped(engine, rules, run)
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
    source: Feed,
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
    newest = manifest.created_at or served.newest
    with engine.begin() as connection:
        accepted = feed.accepted_this_night(connection, run)
        feed.record_newest(connection, run, newest)
    whole, empty = len(served.digests) == manifest.count, accepted < rules.fewest_records
    checks = (
        ("feed_empty", whole and empty),
        ("feed_short", not whole),
        ("feed_stale", not empty and newest is not None and run.as_of - newest > rules.stale_after),
        ("feed_altered", whole and manifest.sha256 not in (None, digest_of(served.digests))),
    )
    return len(served.digests), [kind for kind, true in checks if true]


def _nothing_dropped(engine: Engine, rules: FeedRules, run: Run) -> list[str]:
    """A file a night is enough: runs of the day that find no other are no alarm."""
    with engine.begin() as connection:
        if feed.accepted_this_night(connection, run) < max(rules.fewest_records, 1):
            return ["feed_absent"]
        feed.record_announced(connection, run, 0)
    return []


def _take_page(connection: Connection, ring: KeyRing, run: Run, page: Page, served: _Served) -> None:
    for record in page.taken:
        updated = record.incident.updated_at
        served.newest = max(served.newest or updated, updated)
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
