"""Give the watchdog a signed sign of life and the day's sealed telephone list."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from sqlalchemy import Engine

from encompass.domain.compliance import Bucket
from encompass.domain.nudge import NudgeStatus
from encompass.domain.run import LONDON, Run
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.store import compliance, nudge, watch
from encompass.store.sealed import KeyRing
from encompass.store.watch import ListedAdult
from encompass.watchdog import keys
from encompass.watchdog.heartbeat import Heartbeat, hash_of, write_heartbeat
from encompass.watchdog.phone_list import Contact, Person, seal_list

STILL_OPEN = (Bucket.ESCALATED, Bucket.OVERDUE, Bucket.AWAITING)


def give_sign_of_life(
    engine: Engine, ring: KeyRing, folder: Path, keys_folder: Path, run: Run, now: datetime
) -> int:
    """Write the list and the heartbeat as of the run's instant; how many recipients are on the list.

    `now` is the clock's: a replayed night is no sign of life of tonight's. Raises NoWatchdogKey.
    """
    sealing = keys.sealing_key(keys_folder / keys.SEALING)
    signing = keys.signing_key(keys_folder / keys.SIGNING)
    with engine.begin() as connection:
        account = account_at(connection, run.force_id, run.night, run.as_of)
        facts = compliance.facts(connection, run.force_id, run.night)
        queued = nudge.counts(connection, run.force_id).get(NudgeStatus.QUEUED.value, 0)
        day = now.astimezone(LONDON).date()
        contacts = _contacts(watch.listed(connection, ring, run.force_id, day))
    buckets = account.duties.buckets
    sealed = seal_list(contacts, run.force_id, sealing)
    beat = Heartbeat(
        force_id=run.force_id,
        night=run.night,
        as_of=run.as_of,
        written_at=now,
        waiting=queued + sum(f.duty_id is not None and f.notification is None for f in facts),
        unacknowledged=sum(buckets[b] for b in STILL_OPEN),
        alarms=len(account.alarms),
        counts={bucket.value: n for bucket, n in buckets.items()},
        phone_list=hash_of(sealed),
    )
    write_heartbeat(folder, beat, sealed, signing)
    return len(contacts)


def _contacts(adults: list[ListedAdult]) -> tuple[Contact, ...]:
    contacts: list[Contact] = []
    for _, of_one in groupby(adults, attrgetter("recipient_id")):
        group = list(of_one)
        people = tuple(Person(a.entry.role.value, a.entry.full_name, a.entry.phone) for a in group)
        first = group[0]
        contacts.append(Contact(first.name, first.urn, first.telephone, people, first.unacknowledged))
    return tuple(contacts)
