"""The outbox: nudges queued with their notifications, leased to one sender, completed with its token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.audit import Actor, AuditEvent
from encompass.domain.nudge import Channel, NudgeStatus, Rung, SendingRules, move_nudge
from encompass.domain.run import Run
from encompass.store import audit
from encompass.store.queries import load

Q: Final = load("nudge")
AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True)
class Queued:
    """A nudge that is due, locked until the transaction ends."""

    nudge_id: UUID
    key_adult_id: UUID
    channel: Channel
    strikes: int
    change_id: UUID | None


@dataclass(frozen=True)
class Lease:
    """The right to send one nudge, until the database's clock passes the lease."""

    nudge_id: UUID
    channel: Channel
    strikes: int
    token: UUID


@dataclass(frozen=True)
class Undecided:
    """A nudge of which nobody knows whether its provider took it."""

    nudge_id: UUID
    channel: Channel


def enqueue(
    connection: Connection,
    run: Run,
    recipient_id: UUID,
    key_adult_id: UUID,
    notification_id: UUID,
    rung: Rung = Rung.FIRST,
    channel: Channel = Channel.EMAIL,
) -> None:
    """Queue one nudge a person, channel, rung and batch, however many notifications it is about.

    What is released after that nudge has left gets one of its own. A person is nudged once of a notification by
    one channel on one rung. Callers of one recipient come one after another.
    """
    who = {"key_adult_id": key_adult_id, "channel": channel.value, "rung": rung.value}
    link = {**who, "notification_id": notification_id, "force_id": run.force_id}
    if connection.execute(Q["is_nudged"], link).first() is not None:
        return
    batch = {**who, "run_id": run.run_id}
    nudge_id = connection.execute(Q["unsent_nudge"], batch).scalar()
    if nudge_id is None:
        nudge_id = uuid4()
        new = {
            "nudge_id": nudge_id,
            "force_id": run.force_id,
            "recipient_id": recipient_id,
            "queued_at": run.as_of,
        }
        connection.execute(Q["insert_nudge"], {**batch, **new})
    connection.execute(Q["link_notification"], {**link, "nudge_id": nudge_id})


def enqueue_change(
    connection: Connection, run: Run, recipient_id: UUID, key_adult_id: UUID, change_id: UUID
) -> None:
    """Queue the word to where somebody was reached before a change of the contact."""
    connection.execute(
        Q["insert_nudge_of_change"],
        {
            "nudge_id": uuid4(),
            "force_id": run.force_id,
            "recipient_id": recipient_id,
            "key_adult_id": key_adult_id,
            "channel": Channel.EMAIL.value,
            "rung": Rung.CONTACT.value,
            "run_id": run.run_id,
            "queued_at": run.as_of,
            "change_id": change_id,
        },
    )


def session_id(connection: Connection) -> int:
    """The connection's own session: the leases taken in its name end with it."""
    return connection.execute(Q["session_id"]).scalar_one()


def recover(connection: Connection, run: Run) -> int:
    """Nudges whose sender is gone, or was too slow, become ambiguous; how many."""
    move_nudge(NudgeStatus.SENDING, NudgeStatus.AMBIGUOUS)
    lost = connection.execute(Q["lost_leases"], {"force_id": run.force_id}).scalars().all()
    for nudge_id in lost:
        record(connection, run, "nudge_ambiguous", nudge_id)
    return len(lost)


def undecided(connection: Connection, run: Run, channels: Collection[Channel]) -> list[Undecided]:
    """Ambiguous nudges that may be looked into now and have not been repeated yet."""
    rows = connection.execute(Q["ambiguous_due"], {"force_id": run.force_id, "channels": _named(channels)})
    return [undecided_of(row) for row in rows]


def ask_again(connection: Connection, nudge_id: UUID, wait: timedelta) -> None:
    """Look into an ambiguous nudge later: its provider did not answer."""
    connection.execute(Q["ask_again"], {"nudge_id": nudge_id, "wait": wait})


def requeue(connection: Connection, run: Run, nudge_id: UUID) -> bool:
    """AMBIGUOUS -> QUEUED, once: a nudge says nothing, so may repeat."""
    move_nudge(NudgeStatus.AMBIGUOUS, NudgeStatus.QUEUED)
    done = connection.execute(Q["requeue_ambiguous"], {"nudge_id": nudge_id}).first() is not None
    if done:
        record(connection, run, "nudge_requeued", nudge_id)
    return done


def accept_undecided(connection: Connection, run: Run, nudge_id: UUID, provider: str) -> bool:
    """AMBIGUOUS -> ACCEPTED: its provider knows it."""
    move_nudge(NudgeStatus.AMBIGUOUS, NudgeStatus.ACCEPTED)
    values = {"nudge_id": nudge_id, "provider": provider}
    done = connection.execute(Q["accept_ambiguous"], values).first() is not None
    if done:
        record(connection, run, "nudge_accepted", nudge_id)
    return done


def next_queued(
    connection: Connection, run: Run, channels: Collection[Channel], rules: SendingRules
) -> Queued | None:
    """The next due nudge, locked: of a channel that works, or one that tries a channel whose rest is over."""
    values = {
        "force_id": run.force_id,
        "channels": _named(channels),
        "opens_after": rules.opens_after,
        "lasts": rules.lease,
    }
    found = _queued_of(connection.execute(Q["next_queued"], values).first())
    if found is not None:
        return found
    on_trial = connection.execute(Q["take_trial"], values).scalars().all()
    if not on_trial:
        return None
    return _queued_of(connection.execute(Q["next_on_trial"], {**values, "channels": on_trial}).first())


def lease(connection: Connection, queued: Queued, session: int, lasts: timedelta) -> Lease:
    """QUEUED -> SENDING, until the lease or the session ends. The nudge must be locked."""
    move_nudge(NudgeStatus.QUEUED, NudgeStatus.SENDING)
    token = uuid4()
    values = {"nudge_id": queued.nudge_id, "lease_token": token, "lasts": lasts, "session_id": session}
    connection.execute(Q["lease"], values).one()
    return Lease(queued.nudge_id, queued.channel, queued.strikes, token)


def cancel(connection: Connection, run: Run, nudge_id: UUID, reason: str) -> None:
    """QUEUED -> CANCELLED. The nudge must be locked."""
    move_nudge(NudgeStatus.QUEUED, NudgeStatus.CANCELLED)
    connection.execute(Q["cancel"], {"nudge_id": nudge_id, "reason": reason}).one()
    record(connection, run, "nudge_cancelled", nudge_id)


def complete(
    connection: Connection,
    run: Run,
    leased: Lease,
    status: NudgeStatus,
    reason: str | None,
    provider: str,
    wait: timedelta = AT_ONCE,
) -> bool:
    """SENDING -> what became of it, by the holder of the lease only, with its audit event."""
    move_nudge(NudgeStatus.SENDING, status)
    done = connection.execute(
        Q["complete"],
        {
            "nudge_id": leased.nudge_id,
            "lease_token": leased.token,
            "status": status.value,
            "reason": reason,
            "provider": provider,
            "wait": wait,
        },
    ).first()
    if done is not None:
        record(connection, run, f"nudge_{status.value}", leased.nudge_id)
    return done is not None


def put_back(
    connection: Connection, run: Run, leased: Lease, reason: str, wait: timedelta, strikes: int
) -> bool:
    """SENDING -> QUEUED for another try after the wait, by the holder of the lease only."""
    move_nudge(NudgeStatus.SENDING, NudgeStatus.QUEUED)
    values = {
        "nudge_id": leased.nudge_id,
        "lease_token": leased.token,
        "reason": reason,
        "wait": wait,
        "strikes": strikes,
    }
    done = connection.execute(Q["put_back"], values).first() is not None
    if done:
        record(connection, run, "nudge_queued", leased.nudge_id)
    return done


def channel_served_others(connection: Connection, nudge_id: UUID) -> bool:
    """Whether the nudge's channel took another one since this one failed first."""
    return connection.execute(Q["channel_served_others"], {"nudge_id": nudge_id}).scalar_one()


def deadline(connection: Connection, nudge_id: UUID) -> datetime | None:
    """The first bell of what the nudge is about."""
    return connection.execute(Q["deadline"], {"nudge_id": nudge_id}).scalar()


def count_failure(connection: Connection, run: Run, channel: Channel, rules: SendingRules) -> None:
    """The channel failed once more in a row; from the rules' number on it rests."""
    values = {
        "force_id": run.force_id,
        "channel": channel.value,
        "opens_after": rules.opens_after,
        "rests_for": rules.rests_for,
    }
    connection.execute(Q["count_failure"], values)


def close_circuit(connection: Connection, run: Run, channel: Channel) -> None:
    """The channel works."""
    connection.execute(Q["close_circuit"], {"force_id": run.force_id, "channel": channel.value})


def next_due(connection: Connection, run: Run, channels: Collection[Channel]) -> timedelta | None:
    """How long until a nudge may be sent or looked into; None when none waits."""
    values = {"force_id": run.force_id, "channels": _named(channels)}
    return connection.execute(Q["next_due"], values).scalar()


def unreachable(connection: Connection, nudge_id: UUID) -> Sequence[UUID]:
    """The notifications of a nudge that came to nothing of which no other nudge can still reach anybody.

    One nudge of a notification is looked at after the other: two that end in the same moment would each take the other
    for one that is still to be sent.
    """
    connection.execute(Q["lock_notifications"], {"nudge_id": nudge_id})
    return connection.execute(Q["unreachable"], {"nudge_id": nudge_id}).scalars().all()


def insert_receipt(
    connection: Connection, run: Run, nudge_id: UUID, kind: NudgeStatus, provider_reference: str | None
) -> None:
    """What the provider said of a nudge."""
    connection.execute(
        Q["insert_receipt"],
        {
            "receipt_id": uuid4(),
            "force_id": run.force_id,
            "nudge_id": nudge_id,
            "kind": kind.value,
            "provider_reference": provider_reference,
            "received_at": run.as_of,
        },
    )


def counts(connection: Connection, force_id: str) -> dict[str, int]:
    """How many nudges are in each status."""
    return {row.status: row.nudges for row in connection.execute(Q["counts"], {"force_id": force_id})}


def waiting(connection: Connection, force_id: str) -> dict[Channel, int]:
    """How many nudges are queued for each channel."""
    rows = connection.execute(Q["waiting"], {"force_id": force_id})
    return {Channel(row.channel): row.nudges for row in rows}


def ended_of_night(connection: Connection, run: Run) -> dict[tuple[Channel, str], int]:
    """How many nudges of the run's night came to nothing, by channel and reason."""
    rows = connection.execute(Q["ended_of_night"], {"force_id": run.force_id, "night": run.night})
    return {(Channel(row.channel), row.last_reason): row.nudges for row in rows}


def record(connection: Connection, run: Run, action: str, nudge_id: UUID) -> None:
    """Audit what became of a nudge."""
    event = AuditEvent(run.force_id, run.as_of, Actor.PIPELINE, None, action, "nudge", nudge_id)
    audit.record(connection, event)


def undecided_of(row: Row[Any]) -> Undecided:
    """A row's nudge and channel."""
    return Undecided(row.nudge_id, Channel(row.channel))


def _queued_of(row: Row[Any] | None) -> Queued | None:
    if row is None:
        return None
    return Queued(row.nudge_id, row.key_adult_id, Channel(row.channel), row.strikes, row.change_id)


def _named(channels: Collection[Channel]) -> list[str]:
    return [c.value for c in channels]
