"""Settings to working parts: one application object, and the one-line calls that a timetable makes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from encompass.settings import Settings, SettingsError, load_deadlines, load_settings
from encompass.store import force, schema
from encompass.store.installation import database_running
from encompass.store.sealed import read_ring
from encompass.wiring.installation import Clock
from encompass.wiring.night import NightSteps
from encompass.wiring.own_pages import OwnPageCalls
from encompass.wiring.pages import PageCalls

__all__ = ["Clock", "Encompass"]


class Encompass(NightSteps, PageCalls, OwnPageCalls):
    """One installation, ready to work."""


@contextmanager
def opened(settings: Settings, as_of: datetime | None = None) -> Generator[Encompass]:
    """The installation, ready to work. With `as_of`, business time is replayed from that instant."""
    ring = read_ring(settings.ring_file, settings.forces)
    if settings.environment == "live" and ring.is_of_sandbox:
        raise SettingsError(
            "environment = live refuses the sandbox's key ring: `encompass make-keys` makes one"
        )
    with database_running(settings) as database:
        try:
            yield Encompass(settings, database, ring, Clock(as_of))
        finally:
            database.dispose()


def pending_migrations(encompass: Encompass) -> int:
    """How many migrations have not been run."""
    return schema.pending(encompass.database)


def force_ids() -> list[str]:
    """The forces that this installation serves."""
    return sorted(load_settings().forces)


def deadline(dag_id: str) -> timedelta:
    """Within what time of its start a DAG's run must have ended."""
    minutes: float = getattr(load_deadlines(), dag_id)
    return timedelta(minutes=minutes)


def open_run(force_id: str, night: str, as_of: str) -> str:
    """The id of the force's run of a night (ISO date) at an instant (ISO with offset), opened if new."""
    with opened(load_settings()) as encompass:
        return str(
            encompass.open_run(force_id, date.fromisoformat(night), datetime.fromisoformat(as_of)).run_id
        )


def refresh_rolls(run_id: str) -> int:
    """Refresh every register; how many could not be taken."""
    with opened(load_settings()) as encompass:
        return encompass.refresh_rolls(encompass.run(run_id))


def receive_incidents(run_id: str) -> int:
    """Pull the night's incidents; how many records were served."""
    with opened(load_settings()) as encompass:
        return encompass.receive_incidents(encompass.run(run_id))


def match_children(run_id: str) -> int:
    """Place every child who waits for a decision; how many."""
    with opened(load_settings()) as encompass:
        return encompass.match_children(encompass.run(run_id))


def prepare_notifications(run_id: str) -> int:
    """Prepare a notification for every untold duty; how many duties."""
    with opened(load_settings()) as encompass:
        return encompass.prepare_notifications(encompass.run(run_id))


def send_notifications(run_id: str) -> int:
    """Send every nudge that is due; how many the mail server took."""
    with opened(load_settings()) as encompass:
        return encompass.send_notifications(encompass.run(run_id))


def chase_acknowledgements(run_id: str) -> int:
    """Take the steps of the ladder that are due; how many telephone tasks are new."""
    with opened(load_settings()) as encompass:
        return encompass.chase_acknowledgements(encompass.run(run_id))


def give_sign_of_life(run_id: str) -> int:
    """Give the watchdog its sign of life and telephone list; how many schools are on the list."""
    with opened(load_settings()) as encompass:
        return encompass.give_sign_of_life(encompass.run(run_id))


def reconcile_acknowledgements(run_id: str) -> int:
    """Draw up the account; how many of its three ledgers do not balance."""
    with opened(load_settings()) as encompass:
        account = encompass.reconcile_acknowledgements(encompass.run(run_id))
    return sum(not ledger.balances for ledger in (account.manifest, account.involvements, account.duties))


def report_compliance(run_id: str) -> int:
    """Draw up and keep the night's report; how many duties it counts."""
    with opened(load_settings()) as encompass:
        return encompass.report_compliance(encompass.run(run_id)).duties


def seal_audit() -> int:
    """Chain the audit events committed since and sign the head; how many."""
    with opened(load_settings()) as encompass:
        return encompass.seal_audit()


def raise_alarm(force_id: str, night: str, kind: str, source: str) -> None:
    """Raise an alarm of a night (ISO date), as of its last run, or of now when it has none."""
    with opened(load_settings()) as encompass:
        wanted = date.fromisoformat(night)
        try:
            run = encompass.last_run(force_id, wanted)
        except force.UnknownRun:
            run = encompass.open_run(force_id, wanted, encompass.clock.now())
        encompass.raise_alarm(run, kind, source)
