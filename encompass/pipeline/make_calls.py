"""Telephone: who is to be called, the sheet to call from, and what came of each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.notification import Called, CallOutcome, NotificationStatus
from encompass.domain.run import LONDON
from encompass.domain.school import KeyAdultEntry
from encompass.store import exclusion, key_adult, notification, phone_task
from encompass.store.phone_task import Call, CalledAbout, ToCall
from encompass.store.sealed import KeyRing

RECALLED: Final = "recalled"


class CannotRecord(Exception):
    """The outcome of a call cannot be kept as told; the text says why, and names nobody."""


@dataclass(frozen=True)
class SheetCall:
    """One call of the sheet: to whom and at which number, about how many notifications.

    The children's names and the Key Adults are there only when they were asked for. In conflict: somebody there, one of
    `not_to`, must not learn of it.
    """

    called: Called
    recipient_id: UUID
    recipient: str
    urn: int | None
    number: str | None
    before: datetime
    notification_ids: tuple[UUID, ...]
    children: tuple[str, ...] = field(default=(), repr=False)
    key_adults: tuple[KeyAdultEntry, ...] = field(default=(), repr=False)
    is_in_conflict: bool = False
    is_in_doubt: bool = False
    is_of_recall: bool = False
    not_to: tuple[KeyAdultEntry, ...] = field(default=(), repr=False)


def list_calls(engine: Engine, force_id: str) -> list[ToCall]:
    """Every unacknowledged notification with its open telephone tasks, the earliest duty first."""
    with engine.begin() as connection:
        return phone_task.to_call(connection, force_id)


def call_sheet(engine: Engine, force_id: str, la_telephones: Mapping[str, str]) -> list[SheetCall]:
    """The calls to make, one for each person and school; nothing personal is opened."""
    grouped: dict[tuple[Called, UUID, bool], list[ToCall]] = {}
    for task in list_calls(engine, force_id):
        if task.called is not None:
            group = (task.called, task.recipient_id, task.reason == RECALLED)
            grouped.setdefault(group, []).append(task)
    return [
        _sheet_call(called, tasks, la_telephones)
        for (called, _, _), tasks in sorted(grouped.items(), key=lambda item: item[1][0].duty_by)
    ]


def with_people(
    engine: Engine, ring: KeyRing, force_id: str, calls: list[SheetCall], now: datetime
) -> list[SheetCall]:
    """The same calls with the children's names and the Key Adults, opened; each look is audited."""
    with engine.begin() as connection:
        return [_with_people(connection, ring, force_id, call, now) for call in calls]


def record_call(
    engine: Engine,
    ring: KeyRing,
    force_id: str,
    called_id: UUID,
    outcome: CallOutcome,
    *,
    by: str,
    spoke_to: str | None,
    at: datetime,
    now: datetime,
) -> None:
    """Keep what came of a call, made at an instant that may lie before we could record it. Raises CannotRecord.

    A Key Adult who says on the telephone that it is read and seen to has acknowledged, as on the page. Another adult,
    by the role that he or she gave, has been told, which acknowledges nothing: a Key Adult has still to.
    """
    if at > now:
        raise CannotRecord("a call cannot lie in the future")
    with engine.begin() as connection:
        about = _about(connection, ring, force_id, called_id)
        if at < about.occurred_from:
            raise CannotRecord("the call would have been before the incident")
        adult, role = None, None
        if outcome is CallOutcome.TOLD:
            role = (spoke_to or "").strip()
            if not role:
                raise CannotRecord(
                    "say whom you told, by the role that he or she gave: head teacher, office manager"
                )
        if outcome is CallOutcome.ACKNOWLEDGED:
            adult = _adult(connection, ring, force_id, about, spoke_to, at)
            notification.acknowledge_by_telephone(connection, force_id, about.notification_id, adult, at, now)
        phone_task.record_call(connection, force_id, about, Call(outcome, adult, role, by, at), now)


def _adult(
    connection: Connection,
    ring: KeyRing,
    force_id: str,
    about: CalledAbout,
    spoke_to: str | None,
    at: datetime,
) -> UUID:
    if about.status not in (NotificationStatus.RELEASED, NotificationStatus.ACKNOWLEDGED):
        raise CannotRecord(f"the notification is {about.status.value}: nobody can acknowledge it")
    if spoke_to is None:
        raise CannotRecord("say which Key Adult acknowledged, by the register's reference")
    day = at.astimezone(LONDON).date()
    adult = key_adult.of_reference(connection, ring, force_id, spoke_to, about.recipient_id, day)
    if adult is None:
        raise CannotRecord("no Key Adult there has this reference")
    if adult in exclusion.excluded(connection, about.notification_id):
        raise CannotRecord(
            "this Key Adult may not know of it: speak to another, or see `encompass holds conflicts`"
        )
    return adult


def _about(connection: Connection, ring: KeyRing, force_id: str, called_id: UUID) -> CalledAbout:
    about = phone_task.called_about(connection, ring, force_id, called_id)
    if about is None:
        raise CannotRecord("no telephone task and no notification has this id")
    return about


def _sheet_call(called: Called, tasks: list[ToCall], la_telephones: Mapping[str, str]) -> SheetCall:
    first = tasks[0]
    of_authority = la_telephones.get(first.la_code or "")
    about = f"{first.la_name}, about {first.recipient_name}" if called is Called.LA else first.recipient_name
    return SheetCall(
        called,
        first.recipient_id,
        about,
        first.urn,
        of_authority if called is Called.LA or first.urn is None else first.telephone,
        first.duty_by,
        tuple(t.notification_id for t in tasks),
        is_in_conflict=any(t.is_in_conflict for t in tasks),
        is_in_doubt=any(t.is_in_doubt for t in tasks),
        is_of_recall=any(t.reason == RECALLED for t in tasks),
    )


def _with_people(
    connection: Connection, ring: KeyRing, force_id: str, call: SheetCall, now: datetime
) -> SheetCall:
    children: list[str] = []
    excluded: set[UUID] = set()
    for notification_id in call.notification_ids:
        about = _about(connection, ring, force_id, notification_id)
        children.append(f"{about.child.forename} {about.child.surname}")
        excluded |= exclusion.excluded(connection, notification_id)
        phone_task.record_look(connection, force_id, notification_id, now)
    known = key_adult.active_at(connection, ring, call.recipient_id, now.astimezone(LONDON).date())
    return replace(
        call,
        children=tuple(children),
        key_adults=tuple(entry for adult, entry in known if adult not in excluded),
        not_to=tuple(entry for adult, entry in known if adult in excluded),
    )
