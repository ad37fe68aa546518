"""`encompass adults reset-second-factor`: a lost authenticator ends by the word of two people."""

from __future__ import annotations

from uuid import UUID

import click

from encompass.cli.adults import asked, reference_argument, who_option
from encompass.cli.options import Identifier, force_option
from encompass.cli.printing import out
from encompass.pipeline import reset_second_factor as r

reset_argument = click.argument("reset_id", type=Identifier("encompass adults resets"))


@click.command("reset-second-factor")
@reference_argument
@force_option
@who_option
def reset_second_factor(reference: str, force_id: str | None, by: str) -> None:
    """Propose that a contact's second check ends, because the telephone is lost or new.

    Make sure first that it is this person who asks: telephone the school on the number of the register.
    """
    with asked(force_id, by) as (engine, who):
        reset_id = r.propose_reset(engine, who, reference)
    out(f"proposed: a second person confirms with  encompass adults confirm-reset {reset_id} --by WHO")


@click.command()
@force_option
def resets(force_id: str | None) -> None:
    """The resets of a second check that wait for a second person, by id."""
    with asked(force_id, "") as (engine, who):
        for waiting in r.waiting_resets(engine, who):
            out(f"{waiting.reset_id}  of contact {waiting.key_adult_id}, asked for by {waiting.by}")


@click.command("confirm-reset")
@reset_argument
@force_option
@who_option
def confirm_reset(reset_id: UUID, force_id: str | None, by: str) -> None:
    """Confirm another person's reset: that contact is signed out everywhere, and needs a new one-time code."""
    with asked(force_id, by) as (engine, who):
        r.confirm_reset(engine, who, reset_id)
    out("reset: hand over a new one-time code with  encompass invite --only REF --show-personal")


@click.command("withdraw-reset")
@reset_argument
@force_option
@who_option
def withdraw_reset(reset_id: UUID, force_id: str | None, by: str) -> None:
    """Drop a reset that waits: the second check stays as it was."""
    with asked(force_id, by) as (engine, who):
        r.withdraw_reset(engine, who, reset_id)
    out("withdrawn: the second check stays as it was")
