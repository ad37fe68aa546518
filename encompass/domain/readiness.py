"""Are we safe by the bell? What has come, who waits for whom, what will be left at this pace, what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from encompass.domain.compliance import Account, Bucket, DutyFact, bucket_of
from encompass.domain.hold import HoldKind
from encompass.domain.notification import NotificationStatus

PACE_OVER: Final = timedelta(minutes=30)
"""Over what time the present pace of acknowledgements is measured."""


@dataclass(frozen=True)
class Outstanding:
    """What is counted outside the account: calls, nudges that wait, exceptions, records refused, open breaches."""

    calls: int
    nudges_waiting: int
    exceptions: int
    quarantined: int
    breaches: int
    is_frozen: bool


@dataclass(frozen=True)
class ToDo:
    """One thing that a person does now, and the command for it."""

    says: str
    command: str


@dataclass(frozen=True)
class Readiness:
    """One force's answer at one instant. `left_at_bell` is how many duties will be open at this pace."""

    force_id: str
    as_of: datetime
    feed_arrived: bool
    buckets: Mapping[str, int]
    waiting_with: Mapping[str, int]
    next_bell: datetime | None
    minutes_left: int | None
    acknowledged_lately: int
    left_at_bell: int
    alarms: tuple[str, ...]
    to_do: tuple[ToDo, ...]
    is_safe: bool


def readiness_of(
    tonight: date,
    account: Account,
    facts: Sequence[DutyFact],
    waiting_with: Mapping[str, int],
    outstanding: Outstanding,
) -> Readiness:
    """The answer from the account of the newest night. A night that is not tonight's has brought no feed.

    Safe means that nothing is left for a person to do, no alarm stands, and at the present pace every duty is
    acknowledged by the next bell.
    """
    now, buckets = account.as_of, account.duties.buckets
    feed_arrived = account.night == tonight and bool(account.manifest.announced)
    open_facts = [f for f in facts if bucket_of(f, now) not in (Bucket.EXCLUDED, Bucket.ACKNOWLEDGED)]
    bells = sorted(f.duty_by for f in open_facts if f.duty_by is not None and f.duty_by > now)
    next_bell = bells[0] if bells else None
    lately = sum(f.acknowledged_at is not None and now - PACE_OVER < f.acknowledged_at <= now for f in facts)
    left = _left_at_bell(len(open_facts), lately, next_bell - now if next_bell else timedelta(0))
    to_do = tuple(_to_do(account, facts, outstanding, feed_arrived=feed_arrived))
    return Readiness(
        account.force_id,
        now,
        feed_arrived,
        {bucket.value: n for bucket, n in buckets.items()},
        waiting_with,
        next_bell,
        int((next_bell - now) / timedelta(minutes=1)) if next_bell else None,
        lately,
        left,
        account.alarms,
        to_do,
        is_safe=not to_do and not account.alarms and left == 0,
    )


def _left_at_bell(waiting: int, lately: int, remains: timedelta) -> int:
    return max(0, waiting - int(lately * (remains / PACE_OVER)))


def _to_do(
    account: Account, facts: Sequence[DutyFact], outstanding: Outstanding, *, feed_arrived: bool
) -> Iterator[ToDo]:
    if not feed_arrived:
        yield ToDo(
            "tonight's feed has not come: telephone the force's desk, then pull again", "encompass receive"
        )
    if outstanding.is_frozen:
        yield ToDo(
            "sending is frozen: compare with the provider's records, then lift it", "encompass freeze off"
        )
    if not account.balanced:
        yield ToDo("the account does not balance: find what is missing", "encompass reconcile --json")
    unplaced = sum(f.duty_id is None and bucket_of(f, account.as_of) is Bucket.WITH_A_PERSON for f in facts)
    if unplaced:
        yield ToDo(f"{unplaced} children wait for a person to place them", "encompass queue list")
    held = sum(
        f.notification is NotificationStatus.HELD and HoldKind.POLICE not in f.hold_kinds for f in facts
    )
    if held:
        yield ToDo(f"{held} messages wait for a person to release them", "encompass holds list")
    untold = sum(_is_untold(f, account.as_of) for f in facts)
    if untold:
        yield ToDo(f"{untold} duties have no notification yet", "encompass prepare")
    yield from _outside_the_account(outstanding)
    if any(alarm.startswith("attestation_lapsed") for alarm in account.alarms):
        yield ToDo(
            "a school has not said this term that its Key Adults are still right: ask it",
            "encompass adults list --problems",
        )


def _outside_the_account(outstanding: Outstanding) -> Iterator[ToDo]:
    if outstanding.nudges_waiting:
        yield ToDo(f"{outstanding.nudges_waiting} nudges have not been taken", "encompass send")
    if outstanding.calls:
        yield ToDo(f"{outstanding.calls} telephone calls are to be made", "encompass calls sheet")
    if outstanding.exceptions:
        yield ToDo(f"{outstanding.exceptions} exceptions stand", "encompass exceptions")
    if outstanding.breaches:
        yield ToDo(
            f"{outstanding.breaches} breach cases are open, each with its clock", "encompass breaches list"
        )
    if outstanding.quarantined:
        yield ToDo(f"{outstanding.quarantined} records are in quarantine", "encompass quarantine list")


def _is_untold(fact: DutyFact, as_of: datetime) -> bool:
    return fact.duty_id is not None and fact.notification is None and bucket_of(fact, as_of) is None
