"""One nudge from the outbox to its provider and back: leased, sent with no transaction open, completed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import assert_never
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.nudge import Channel, NudgeStatus, SendingRules, wait_before_retry
from encompass.domain.run import LONDON, Run
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.http_get import Busy
from encompass.gateways.nudge import (
    About,
    Accepted,
    Ambiguous,
    Answer,
    Bounced,
    Message,
    Provider,
    Rejected,
    Sender,
)
from encompass.pipeline.nudge_wording import wording_of, wording_of_change
from encompass.store import contact_change, key_adult, notification, nudge
from encompass.store.key_adult import Contact
from encompass.store.nudge import Lease, Queued
from encompass.store.sealed import CannotOpen, Erased, KeyRing

PARKED = "parked"
LEFT = "no_longer_key_adult"


@dataclass(frozen=True)
class Outbox:
    """What a pass over the outbox works with; the leases end with the session."""

    engine: Engine
    ring: KeyRing = field(repr=False)
    providers: Mapping[Channel, Provider]
    rules: SendingRules
    link: str
    run: Run
    session: int


@dataclass(frozen=True)
class Leased:
    """A nudge of ours to send, to whom, and since when (monotonic seconds)."""

    lease: Lease
    message: Message
    since: float


def lease_next(outbox: Outbox) -> Leased | None:
    """The next nudge and its contact as of this moment; None when none is due. What cannot be sent ends here."""
    while True:
        with outbox.engine.begin() as connection:
            queued = nudge.next_queued(connection, outbox.run, list(outbox.providers), outbox.rules)
            if queued is None:
                return None
            leased = _addressed(outbox, connection, queued)
        if leased is not None:
            return leased


def send_leased(outbox: Outbox, sender: Sender, leased: Leased) -> NudgeStatus:
    """Send it when its turn comes, and write down what became of it."""
    pace = outbox.providers[leased.lease.channel].pace
    turn = pace.reserve()
    if turn > outbox.rules.lease.total_seconds() / 4:
        pace.give_back(turn)
        return _put_back(outbox, leased.lease, "paced", timedelta(seconds=turn))
    time.sleep(turn)
    if time.monotonic() - leased.since > outbox.rules.lease.total_seconds() / 2:
        return _put_back(outbox, leased.lease, "held_up", timedelta(0))
    try:
        answer = sender.send(leased.message)
    except Busy as busy:
        pace.pause(busy.after)
        return _put_back(outbox, leased.lease, "rate_limited", timedelta(seconds=busy.after))
    except (Unavailable, Refused) as fault:
        return _strike(outbox, leased.lease, "unavailable" if isinstance(fault, Unavailable) else "refused")
    return _answered(outbox, leased.lease, answer)


def tell_a_person(connection: Connection, run: Run, nudge_id: UUID) -> None:
    """Where a nudge came to nothing and no other can reach anybody, somebody is to telephone."""
    for notification_id in nudge.unreachable(connection, nudge_id):
        notification.open_phone_task(connection, run, notification_id, "unreachable")


def _addressed(outbox: Outbox, connection: Connection, queued: Queued) -> Leased | None:
    """Lease it to where its person is reached now. One who has left gets nothing."""
    since = time.monotonic()
    day = outbox.run.as_of.astimezone(LONDON).date()
    try:
        contact = _contact(connection, outbox, queued, day)
    except (CannotOpen, Erased):
        _fail(outbox, connection, queued, "contact_unreadable")
        return None
    if contact is None:
        nudge.cancel(connection, outbox.run, queued.nudge_id, LEFT)
        tell_a_person(connection, outbox.run, queued.nudge_id)
        return None
    message = _message(contact, queued, outbox.link)
    if message is None:
        _fail(outbox, connection, queued, "no_mobile")
        return None
    return Leased(nudge.lease(connection, queued, outbox.session, outbox.rules.lease), message, since)


def _contact(connection: Connection, outbox: Outbox, queued: Queued, day: date) -> Contact | None:
    """Where the nudge goes: to where its person is reached now, or was before a change of the contact."""
    if queued.change_id is not None:
        return contact_change.former_contact(connection, outbox.ring, queued.change_id)
    return key_adult.contact(connection, outbox.ring, queued.key_adult_id, day)


def _fail(outbox: Outbox, connection: Connection, queued: Queued, reason: str) -> None:
    provider = outbox.providers[queued.channel].name
    lease = nudge.lease(connection, queued, outbox.session, outbox.rules.lease)
    nudge.complete(connection, outbox.run, lease, NudgeStatus.FAILED, reason, provider)
    tell_a_person(connection, outbox.run, lease.nudge_id)


def _message(contact: Contact, queued: Queued, link: str) -> Message | None:
    """The message; None when its channel needs a mobile number and there is none."""
    match queued.channel:
        case Channel.EMAIL:
            to = contact.email
        case Channel.SMS:
            to = contact.mobile
        case _:
            assert_never(queued.channel)
    if to is None:
        return None
    is_of_change = queued.change_id is not None
    wording = wording_of_change(contact.language) if is_of_change else wording_of(contact.language)
    body, about = wording.body.format(link=link), About.CONTACT_CHANGED if is_of_change else About.WAITING
    return Message(queued.channel, to, contact.language, wording.subject, body, link, queued.nudge_id, about)


def _answered(outbox: Outbox, lease: Lease, answer: Answer) -> NudgeStatus:
    match answer:
        case Accepted(reference):
            return _complete(outbox, lease, NudgeStatus.ACCEPTED, None, reference)
        case Bounced(code):
            return _complete(outbox, lease, NudgeStatus.FAILED, f"bounced_{code}", None)
        case Rejected(code):
            return _strike(outbox, lease, f"rejected_{code}")
        case Ambiguous(reason):
            return _undecided(outbox, lease, reason)
        case _:
            assert_never(answer)


def _complete(
    outbox: Outbox, lease: Lease, status: NudgeStatus, reason: str | None, reference: str | None
) -> NudgeStatus:
    """The provider has answered yes or no: so it works."""
    run, provider = outbox.run, outbox.providers[lease.channel].name
    with outbox.engine.begin() as connection:
        if nudge.complete(connection, run, lease, status, reason, provider):
            nudge.insert_receipt(connection, run, lease.nudge_id, status, reference)
            nudge.close_circuit(connection, run, lease.channel)
            if status is NudgeStatus.FAILED:
                tell_a_person(connection, run, lease.nudge_id)
    return _handled(lease, status, reason)


def _undecided(outbox: Outbox, lease: Lease, reason: str) -> NudgeStatus:
    provider = outbox.providers[lease.channel].name
    with outbox.engine.begin() as connection:
        nudge.complete(
            connection, outbox.run, lease, NudgeStatus.AMBIGUOUS, reason, provider, outbox.rules.asks_after
        )
    return _handled(lease, NudgeStatus.AMBIGUOUS, reason)


def _strike(outbox: Outbox, lease: Lease, reason: str) -> NudgeStatus:
    """It failed: another try after a longer wait; parked when others went by the same channel meanwhile."""
    run, rules, provider = outbox.run, outbox.rules, outbox.providers[lease.channel].name
    with outbox.engine.begin() as connection:
        if not reason.startswith("rejected"):
            nudge.count_failure(connection, run, lease.channel, rules)
        worn_out = lease.strikes + 1 >= rules.attempts
        if worn_out and nudge.channel_served_others(connection, lease.nudge_id):
            nudge.complete(connection, run, lease, NudgeStatus.FAILED, PARKED, provider)
            tell_a_person(connection, run, lease.nudge_id)
            return _handled(lease, NudgeStatus.FAILED, PARKED)
        wait = wait_before_retry(rules, lease.strikes, None, _left(connection, run, lease))
        nudge.put_back(connection, run, lease, reason, wait, strikes=1)
    return _handled(lease, NudgeStatus.QUEUED, reason)


def _put_back(outbox: Outbox, lease: Lease, reason: str, asked: timedelta) -> NudgeStatus:
    """Another try later, through no fault of its own."""
    with outbox.engine.begin() as connection:
        left = _left(connection, outbox.run, lease)
        wait = min(asked, left) if left > timedelta(0) else asked
        nudge.put_back(connection, outbox.run, lease, reason, wait, strikes=0)
    return _handled(lease, NudgeStatus.QUEUED, reason)


def _left(connection: Connection, run: Run, lease: Lease) -> timedelta:
    """The time to the first bell of what it is about."""
    deadline = nudge.deadline(connection, lease.nudge_id)
    return deadline - run.as_of if deadline is not None else timedelta(0)


def _handled(lease: Lease, status: NudgeStatus, reason: str | None) -> NudgeStatus:
    log.get_logger().info("nudge_handled", nudge_id=str(lease.nudge_id), status=status.value, reason=reason)
    return status
