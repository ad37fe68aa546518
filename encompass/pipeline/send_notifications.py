"""Send the queued nudges: content-free e-mails that say only that something waits behind sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, assert_never

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.nudge import NudgeStatus
from encompass.domain.recipient import AtSchool
from encompass.domain.run import LONDON, Run
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.nudge import Accepted, Ambiguous, Bounced, MailGateway, NudgeMail
from encompass.store import force, key_adult, nudge
from encompass.store.key_adult import Contact
from encompass.store.nudge import Lease
from encompass.store.sealed import KeyRing

SUBJECT: Final = "A message is waiting for you in Encompass"
BACK_OFF: Final = timedelta(seconds=20)
LONGEST_BACK_OFF: Final = timedelta(minutes=5)
AT_ONCE: Final = timedelta(0)
SOURCE: Final = "email"


def send_notifications(engine: Engine, ring: KeyRing, gateway: MailGateway, base_url: str, run: Run) -> int:
    """Send every nudge that is due; how many the mail server took.

    A sender that dies leaves its nudge to the next one. When the mail server is away, or lets us in no
    more, an alarm is raised and the nudges stay queued, however long it lasts. One connection holds the
    leases, so that its end frees them at once.
    """
    sent = 0
    with engine.connect() as connection, gateway:
        with connection.begin():
            nudge.recover(connection, run)
        while (leased := _lease(connection, run)) is not None:
            status = _send_one(connection, ring, gateway, base_url, run, leased)
            sent += status is NudgeStatus.ACCEPTED
            if status is NudgeStatus.QUEUED:
                break
    _alarm_if_waiting(engine, run)
    return sent


def _lease(connection: Connection, run: Run) -> Lease | None:
    with connection.begin():
        return nudge.lease(connection, run)


def _send_one(
    connection: Connection, ring: KeyRing, gateway: MailGateway, base_url: str, run: Run, leased: Lease
) -> NudgeStatus:
    with connection.begin():
        day = run.as_of.astimezone(LONDON).date()
        contact = key_adult.contact(connection, ring, leased.key_adult_id, day)
    if contact is None:
        return _complete(connection, run, leased, NudgeStatus.FAILED, "no_longer_key_adult")
    try:
        answer = gateway.send(_mail(contact, base_url, leased))
    except (Unavailable, Refused) as fault:
        reason = "unavailable" if isinstance(fault, Unavailable) else "refused"
        wait = min(BACK_OFF * leased.attempts, LONGEST_BACK_OFF)
        return _complete(connection, run, leased, NudgeStatus.QUEUED, reason, wait)
    match answer:
        case Accepted(reference):
            return _complete(connection, run, leased, NudgeStatus.ACCEPTED, None, reference=reference)
        case Bounced(code):
            return _complete(connection, run, leased, NudgeStatus.FAILED, f"bounced_{code}")
        case Ambiguous(reason):
            return _complete(connection, run, leased, NudgeStatus.AMBIGUOUS, reason)
        case _:
            assert_never(answer)


def _complete(
    connection: Connection,
    run: Run,
    leased: Lease,
    status: NudgeStatus,
    reason: str | None,
    wait: timedelta = AT_ONCE,
    reference: str | None = None,
) -> NudgeStatus:
    with connection.begin():
        held = nudge.complete(connection, run, leased, status, reason, wait)
        if held and status in (NudgeStatus.ACCEPTED, NudgeStatus.FAILED):
            nudge.insert_receipt(connection, run, leased.nudge_id, status, reference)
    log.get_logger().info("nudge_handled", nudge_id=str(leased.nudge_id), status=status.value, reason=reason)
    return status


def _mail(to: Contact, base_url: str, leased: Lease) -> NudgeMail:
    whose = "pupil at your school" if isinstance(to.recipient, AtSchool) else "child, for your office,"
    about = "pupil" if isinstance(to.recipient, AtSchool) else "child"
    body = (
        f"A message about a {whose} is waiting for you in Encompass.\n\n"
        f"Sign in to read and acknowledge it: {base_url}/\n\n"
        f"Please do this before the school day begins. This e-mail says nothing about the {about} on purpose;\n"
        "do not reply to it.\n"
    )
    return NudgeMail(
        to=to.email, subject=SUBJECT, body=body, message_id=f"<{leased.nudge_id}@encompass.invalid>"
    )


def _alarm_if_waiting(engine: Engine, run: Run) -> None:
    with engine.begin() as connection:
        waiting = nudge.counts(connection, run.force_id).get(NudgeStatus.QUEUED.value, 0)
        force.set_alarms(connection, run, SOURCE, {"nudges_waiting": waiting > 0})
