"""Contacts who came, or declared a surname, after something was told: compared with it before they open anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.notification import NotificationStatus
from encompass.domain.run import LONDON, Run
from encompass.domain.school import KeyAdultEntry
from encompass.pipeline.check_release import in_conflict
from encompass.pipeline.one_by_one import Failed, each
from encompass.store import exclusion, force, incident, key_adult, notification, recipient
from encompass.store.exclusion import ToldOrHeld
from encompass.store.recipient import Named
from encompass.store.sealed import CannotOpen, Erased, KeyRing

SOURCE: Final = "compare_contacts"
UNKNOWN: Final = "unknown"


def compare_contacts(engine: Engine, ring: KeyRing, run: Run) -> Failed:
    """Compare every contact who is new, or whose entry changed, with what the recipient was told.

    Until then such a contact opens nothing: row-level security sees to it. A recipient that fails holds up no other
    and stands as an alarm; the caller goes on with its own work before it raises the surprises.
    """
    with engine.begin() as connection:
        waiting = key_adult.recipients_to_compare(connection, run.force_id, _day(run))

    def one(recipient_id: UUID) -> None:
        with engine.begin() as connection:
            notification.lock_recipient(connection, recipient_id)
            compare_contacts_of(connection, ring, run, recipient.named(connection, recipient_id))

    failed = each(waiting, one)
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, {"contact_not_compared": failed.is_any})
    return failed


def compare_at_once(engine: Engine, ring: KeyRing, force_id: str, now: datetime) -> None:
    """Compare contacts whom people have just changed, in the evening too: the next step may be the next morning's.

    Nothing where nobody is to be compared, or no night has been played. Raises ExceptionGroup for surprises.
    """
    with engine.begin() as connection:
        nights = force.nights(connection, force_id)
        day = now.astimezone(LONDON).date()
        if not nights or not key_adult.recipients_to_compare(connection, force_id, day):
            return
        run = force.open_run(connection, force_id, nights[0], now)
    compare_contacts(engine, ring, run).raise_surprises(SOURCE)


def compare_contacts_of(connection: Connection, ring: KeyRing, run: Run, to: Named) -> None:
    """Compare the contacts of one recipient, which the caller has locked, with all that it was told or waits to be.

    One in conflict, or of whom the record no longer says enough to tell, waits for a person: unknown is not clear.
    """
    newcomers = key_adult.to_compare(connection, ring, to.recipient_id, _day(run))
    if not newcomers:
        return
    adults = [(n.key_adult_id, n.entry) for n in newcomers]
    touched: list[UUID] = []
    for told in exclusion.told_or_held(connection, to.recipient_id):
        found = _in_conflict(connection, ring, run, to, told, adults)
        exclusion.exclude_until_decided(connection, run, told.notification_id, found)
        if found and told.status is NotificationStatus.RELEASED:
            touched.append(told.notification_id)
    key_adult.set_compared(connection, newcomers)
    for notification_id in touched:
        _telephone_if_nobody_is_left(connection, ring, run, to, notification_id)


def _in_conflict(
    connection: Connection,
    ring: KeyRing,
    run: Run,
    to: Named,
    told: ToldOrHeld,
    adults: Sequence[tuple[UUID, KeyAdultEntry]],
) -> dict[UUID, str]:
    unknown = {key_adult_id: UNKNOWN for key_adult_id, _ in adults}
    try:
        whole = notification.whole(connection, ring, run.force_id, told.notification_id)
        involved = incident.involvements(connection, ring, told.involvement_ids)
    except (CannotOpen, Erased):
        return unknown
    if whole is None or set(involved) != set(told.involvement_ids):
        return unknown
    found: dict[UUID, str] = {}
    for one in involved.values():
        found = in_conflict(one, whole.child, to, adults) | found
    return found


def _telephone_if_nobody_is_left(
    connection: Connection, ring: KeyRing, run: Run, to: Named, notification_id: UUID
) -> None:
    known = key_adult.active_at(connection, ring, to.recipient_id, _day(run))
    if {adult for adult, _ in known} <= exclusion.excluded(connection, notification_id):
        notification.open_phone_task(connection, run, notification_id, "conflict")


def _day(run: Run) -> date:
    return run.as_of.astimezone(LONDON).date()
