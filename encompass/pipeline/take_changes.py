"""Take what two people of a school changed on its page, and tell whoever was reached before that it was changed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine

from encompass.domain.run import Run
from encompass.pipeline.change_contacts import By, take_change
from encompass.pipeline.one_by_one import Failed, each
from encompass.store import contact_change, nudge
from encompass.store.contact_change import Change
from encompass.store.sealed import KeyRing


def take_changes(engine: Engine, ring: KeyRing, run: Run) -> Failed:
    """Each change confirmed on a page holds from now on; the former address of any change is told so, once.

    One that fails holds up no other; the caller goes on with its own work before it raises the surprises.
    """
    by = By(run.force_id, contact_change.SCHOOL, run.as_of, ring)
    with engine.begin() as connection:
        confirmed = contact_change.to_take(connection, ring, run.force_id)

    def take(change: Change) -> None:
        with engine.begin() as connection:
            take_change(connection, by, change)

    failed = each(confirmed, take)
    with engine.begin() as connection:
        changed = contact_change.to_notice(connection, run.force_id)

    def tell(one: tuple[UUID, UUID, UUID]) -> None:
        change_id, recipient_id, key_adult_id = one
        with engine.begin() as connection:
            if contact_change.set_noticed(connection, change_id, run.as_of):
                nudge.enqueue_change(connection, run, recipient_id, key_adult_id, change_id)

    failed.add(each(changed, tell))
    return failed
