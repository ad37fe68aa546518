"""Give the watchdog a signed sign of life and the day's sealed telephone list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.compliance import Bucket
from encompass.domain.ladder import Step
from encompass.domain.nudge import NudgeStatus
from encompass.domain.run import LONDON, Run
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.store import compliance, exclusion, nudge, watch
from encompass.store.sealed import KeyRing
from encompass.store.watch import Listed
from encompass.watchdog import keys
from encompass.watchdog.heartbeat import Heartbeat, hash_of, write_heartbeat
from encompass.watchdog.phone_list import Contact, Person, Waiting, seal_list

STILL_OPEN = (Bucket.ESCALATED, Bucket.OVERDUE, Bucket.AWAITING)
ASK_FOR: Final = {
    Step.HEAD: "the head teacher",
    Step.CHAIR: "the chair of governors",
    Step.LA: "the local authority's duty officer for education safeguarding",
}


@dataclass(frozen=True)
class Fallback:
    """Who is telephoned where no Key Adult may be told, in the ladder's order; authorities' numbers by their codes."""

    escalate_to: tuple[Step, ...]
    la_telephones: Mapping[str, str]


def give_sign_of_life(
    engine: Engine,
    ring: KeyRing,
    folder: Path,
    keys_folder: Path,
    fallback: Fallback,
    run: Run,
    now: datetime,
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
        listed = watch.listed(connection, ring, run.force_id, day)
        waiting = [notification_id for of in listed for notification_id in of.waiting]
        kept_from = exclusion.excluded_from(connection, waiting)
    contacts = tuple(_contact(of, kept_from, fallback) for of in listed)
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


def _contact(of: Listed, kept_from: Mapping[UUID, frozenset[UUID]], fallback: Fallback) -> Contact:
    """What waits, by who may be told of it: one whom a message is kept from does not stand with that message."""
    free = Counter(
        frozenset(adult for adult, _ in of.adults) - kept_from.get(notification_id, frozenset())
        for notification_id in of.waiting
    )
    groups = sorted(free.items(), key=lambda item: -len(item[0])) or [(frozenset(a for a, _ in of.adults), 0)]
    return Contact(
        of.name, of.urn, of.telephone, tuple(_waiting(of, free, n, fallback) for free, n in groups)
    )


def _waiting(of: Listed, free: frozenset[UUID], unacknowledged: int, fallback: Fallback) -> Waiting:
    people = tuple(
        Person(entry.role.value, entry.full_name, entry.phone) for adult, entry in of.adults if adult in free
    )
    instead = () if people else _instead(of, fallback)
    return Waiting(unacknowledged, people, len(people) < len(of.adults), instead)


def _instead(of: Listed, fallback: Fallback) -> tuple[Person, ...]:
    """Who answers for the recipient, in the ladder's order; an office answers to its authority alone."""
    of_authority = fallback.la_telephones.get(of.la_code or "")
    steps = fallback.escalate_to if of.urn is not None else (Step.LA,)
    return tuple(
        Person(step.value, ASK_FOR[step], of_authority if step is Step.LA else of.telephone) for step in steps
    )
