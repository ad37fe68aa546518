"""Send the queued nudges: content-free messages that say only that something waits behind sign-in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from encompass.domain.nudge import Channel, NudgeStatus, SendingRules
from encompass.domain.receipt import report_of
from encompass.domain.run import Run
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.nudge import Provider, Sender, Traced
from encompass.pipeline.send_one import LEFT, PARKED, Outbox, lease_next, send_leased
from encompass.store import force, nudge, receipt
from encompass.store.nudge import Undecided
from encompass.store.sealed import KeyRing

NUDGES_A_WORKER: Final = 4
AT_ONCE: Final = timedelta(0)


def send_notifications(
    engine: Engine,
    ring: KeyRing,
    providers: Mapping[Channel, Provider],
    rules: SendingRules,
    link: str,
    run: Run,
) -> int:
    """Send every nudge that is due; how many their providers took.

    Several threads send, each with its own connection to the provider and none to the database meanwhile. A sender
    that dies leaves its nudge to the next one: one session holds the leases, so that its end frees them at once. When
    a provider is away, or lets us in no more, its channel rests, an alarm is raised and the nudges stay queued,
    however long it lasts.
    """
    sent = 0
    with engine.connect() as holder:
        with holder.begin():
            session = nudge.session_id(holder)
        outbox = Outbox(engine, ring, providers, rules, link, run, session)
        while (wait := _due_in(outbox)) is not None and wait <= rules.waits_for:
            time.sleep(wait.total_seconds())
            decided = _look_into_undecided(outbox)
            handled = _send_round(outbox)
            sent += handled.count(NudgeStatus.ACCEPTED)
            if not decided and not handled and wait <= AT_ONCE:
                break  # what is due is in the hands of another sender
    _set_alarms(engine, providers, run)
    return sent


def _due_in(outbox: Outbox) -> timedelta | None:
    with outbox.engine.begin() as connection:
        nudge.recover(connection, outbox.run)
        due_in = nudge.next_due(connection, outbox.run, list(outbox.providers))
    return None if due_in is None else max(due_in, AT_ONCE)


def _send_round(outbox: Outbox) -> list[NudgeStatus]:
    """Send until nothing is due; what became of each."""
    with outbox.engine.begin() as connection:
        waiting = sum(nudge.waiting(connection, outbox.run.force_id).values())
    workers = min(outbox.rules.workers, 1 + waiting // NUDGES_A_WORKER)
    with ThreadPoolExecutor(workers) as pool:
        return [status for of_one in pool.map(_work, [outbox] * workers) for status in of_one]


def _work(outbox: Outbox) -> list[NudgeStatus]:
    handled: list[NudgeStatus] = []
    connected: dict[str, Sender] = {}
    with ExitStack() as stack:
        while (leased := lease_next(outbox)) is not None:
            sender = _sender(outbox, leased.lease.channel, connected, stack)
            handled.append(send_leased(outbox, sender, leased))
    return handled


def _sender(outbox: Outbox, channel: Channel, connected: dict[str, Sender], stack: ExitStack) -> Sender:
    provider = outbox.providers[channel]
    if provider.name not in connected:
        connected[provider.name] = stack.enter_context(provider.connect())
    return connected[provider.name]


def _look_into_undecided(outbox: Outbox) -> int:
    """Ask the provider of each nudge that it may have taken: if it did not, or cannot say, send it once more."""
    with outbox.engine.begin() as connection:
        undecided = nudge.undecided(connection, outbox.run, list(outbox.providers))
    connected: dict[str, Sender] = {}
    with ExitStack() as stack:
        for one in undecided:
            sender = _sender(outbox, one.channel, connected, stack)
            try:
                traced = sender.find(one.nudge_id)
            except (Unavailable, Refused):
                with outbox.engine.begin() as connection:
                    nudge.ask_again(connection, one.nudge_id, outbox.rules.rests_for)
                continue
            with outbox.engine.begin() as connection:
                _decide(outbox, connection, one, traced)
    return len(undecided)


def _decide(outbox: Outbox, connection: Connection, one: Undecided, traced: Traced | None) -> None:
    run = outbox.run
    if traced is None:
        nudge.requeue(connection, run, one.nudge_id)
        return
    if nudge.accept_undecided(connection, run, one.nudge_id, outbox.providers[one.channel].name):
        nudge.insert_receipt(connection, run, one.nudge_id, NudgeStatus.ACCEPTED, traced.provider_reference)
    status, reference = traced.provider_status, traced.provider_reference
    if (report := report_of(run.force_id, str(one.nudge_id), status, reference)) is not None:
        receipt.add_report(connection, report)


def _set_alarms(engine: Engine, providers: Mapping[Channel, Provider], run: Run) -> None:
    """What waits, what was given up and who has left, by channel."""
    with engine.begin() as connection:
        waiting = nudge.waiting(connection, run.force_id)
        ended = nudge.ended_of_night(connection, run)
        for channel in Channel:
            if channel in providers or channel in waiting:
                found = {
                    "nudges_waiting": channel in waiting,
                    "nudge_parked": (channel, PARKED) in ended,
                    "key_adult_left": (channel, LEFT) in ended,
                }
                force.set_alarms(connection, run, channel.value, found)
