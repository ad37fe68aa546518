"""A lost authenticator: one person proposes that it ends, another confirms, and its owner enrols again."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.pipeline.change_contacts import By, CannotChange, find_contact
from encompass.store import second_factor_reset
from encompass.store.second_factor_reset import Reset

NO_RESET: Final = "no reset of this id waits: `encompass adults resets` shows those that do"


def propose_reset(engine: Engine, by: By, reference: str) -> UUID:
    """Ask that a contact's second factor ends, until another person confirms it. Raises CannotChange."""
    with engine.begin() as connection:
        adult = find_contact(connection, by, reference)
        if not second_factor_reset.has_factor(connection, adult.key_adult_id):
            raise CannotChange(
                "this contact has no second check: `encompass invite` gives a code to set one up"
            )
        reset_id = second_factor_reset.propose(connection, by.force_id, adult.key_adult_id, by.who, by.at)
        if reset_id is None:
            raise CannotChange("a reset of this contact waits already: confirm it, or withdraw it")
        return reset_id


def waiting_resets(engine: Engine, by: By) -> list[Reset]:
    """The resets that wait for a second person."""
    with engine.begin() as connection:
        return second_factor_reset.open_resets(connection, by.force_id)


def confirm_reset(engine: Engine, by: By, reset_id: UUID) -> None:
    """A second person confirms: the second factor and every session of it end at once. Raises CannotChange."""
    with engine.begin() as connection:
        reset = _waiting(connection, by, reset_id)
        if reset.by.casefold() == by.who.casefold():
            raise CannotChange("a reset needs a second person: --by must name another")
        if not second_factor_reset.confirm(connection, by.force_id, reset_id, by.who, by.at):
            raise CannotChange(NO_RESET)


def withdraw_reset(engine: Engine, by: By, reset_id: UUID) -> None:
    """Drop a reset that waits: the second factor stays. Raises CannotChange."""
    with engine.begin() as connection:
        reset = _waiting(connection, by, reset_id)
        second_factor_reset.withdraw(connection, by.force_id, reset, by.at)


def _waiting(connection: Connection, by: By, reset_id: UUID) -> Reset:
    for reset in second_factor_reset.open_resets(connection, by.force_id):
        if reset.reset_id == reset_id:
            return reset
    raise CannotChange(NO_RESET)
