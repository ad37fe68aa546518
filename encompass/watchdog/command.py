"""`encompass-watchdog`: raise the alarm when the night gives no sign of life, and open the telephone list."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import click

from encompass.domain.run import LONDON
from encompass.settings import SettingsError, Watch, load_watch
from encompass.watchdog import keys
from encompass.watchdog.alarm import Send, by_mail, by_webhook, raise_once
from encompass.watchdog.check import WORDS, Finding, WatchTimes, findings
from encompass.watchdog.heartbeat import HeartbeatTampered, NoHeartbeat, read_heartbeat, verify_list
from encompass.watchdog.phone_list import CannotOpenList, Contact, Waiting, list_file, open_list

FINE, FAILED, ALARM, CONFIGURATION = 0, 1, 3, 4
SUFFIX = ".phone-list.sealed"
ONLY_THESE = "SOMEBODY THERE MUST NOT LEARN OF IT: speak to these and to nobody else"
NOBODY = (
    "NO KEY ADULT THERE MAY BE TOLD OF IT: know to whom you speak before you say what it is about, and telephone, in"
    " this order, who is none of them:"
)
NO_ADULT = "NO KEY ADULT IS KNOWN THERE: telephone, in this order:"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Watch the night from outside: it works with the database and Airflow down.

    Exit codes: 0 fine, 1 an alarm could not be sent or a list not opened, 3 an alarm stands, 4 configuration.
    """


@main.command()
@click.option("--now", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="The instant, in London. [default: now]")
def check(now: datetime | None) -> None:
    """Look for every force's sign of life, and raise the alarm once when it is missing. For cron, every minute."""
    instant = now.replace(tzinfo=LONDON) if now else datetime.now(UTC)
    watch = _watch()
    found = _found(watch, instant)
    failed = raise_once(watch.folder, found, _channels(watch), instant)
    for finding in found:
        click.echo(f"ALARM  {finding.force_id}  {finding.kind.value}: {WORDS[finding.kind]}")
    for channel in failed:
        click.echo(f"encompass-watchdog: the alarm did not go out by {channel}", err=True)
    if failed:
        sys.exit(FAILED)
    sys.exit(ALARM if found else FINE)


@main.command("phone-list")
@click.option("--key", "key_file", type=click.Path(path_type=Path), required=True, help="The opening key.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="The key's passphrase.")
@click.option("--force", "force_id", metavar="FORCE", help="The force. [default: every list there is]")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="The lists' folder. [default: as the settings say]"
)
def phone_list(
    key_file: Path, passphrase_file: Path | None, force_id: str | None, folder: Path | None
) -> None:
    """Print whom to telephone, school by school: personal data, for the person who holds the key."""
    passphrase = passphrase_file.read_bytes().strip() if passphrase_file else None
    where = folder or _watch().folder
    try:
        opening = keys.opening_key(key_file, passphrase)
    except keys.NoWatchdogKey as fault:
        _stop(CONFIGURATION, str(fault))
    forces = [force_id] if force_id else sorted(f.name.removesuffix(SUFFIX) for f in where.glob(f"*{SUFFIX}"))
    if not forces:
        _stop(FAILED, f"no telephone list in {where}")
    for force in forces:
        try:
            contacts = open_list(list_file(where, force).read_bytes(), force, opening)
        except FileNotFoundError:
            _stop(FAILED, f"no telephone list of {force}")
        except CannotOpenList:
            _stop(FAILED, f"the telephone list of {force} does not open: another key, or it was changed")
        _print_list(force, contacts)
        _say_of_what(where, force)


@main.command("make-keys")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help="Lock the opening key with this passphrase."
)
def make_keys(folder: Path, passphrase_file: Path | None) -> None:
    """Make the watchdog's keys. The opening key goes to a person, away from this machine."""
    keys.make_keys(folder, passphrase_file.read_bytes().strip() if passphrase_file else None)
    for name, where in (
        (keys.SIGNING, "with the pipeline"),
        (keys.SEALING, "with the pipeline"),
        (keys.VERIFYING, "with the watchdog"),
        (keys.OPENING, "with a person, away from both; printed or on a stick in a safe"),
    ):
        click.echo(f"{name}: {where}")


def _watch() -> Watch:
    try:
        return load_watch()
    except SettingsError as error:
        _stop(CONFIGURATION, str(error))


def _found(watch: Watch, now: datetime) -> list[Finding]:
    s = watch.settings
    times = WatchTimes(s.heartbeat_by, s.told_by, s.watch_until, timedelta(minutes=s.stale_minutes))
    try:
        key = keys.verifying_key(watch.keys_folder / keys.VERIFYING)
    except keys.NoWatchdogKey as fault:
        _stop(CONFIGURATION, str(fault))
    return [f for force_id in watch.forces for f in findings(watch.folder, force_id, key, times, now)]


def _channels(watch: Watch) -> dict[str, Send]:
    s, channels = watch.settings, dict[str, Send]()
    if s.mail is not None:
        channels["e-mail"] = by_mail(s.mail, s.recipients)
    if s.webhook_url is not None and s.webhook_secret is not None:
        channels["webhook"] = by_webhook(s.webhook_url, s.webhook_secret.get_secret_value())
    return channels


def _print_list(force_id: str, contacts: Iterable[Contact]) -> None:
    click.echo(f"{force_id}")
    for c in sorted(contacts, key=lambda c: (-c.unacknowledged, c.name)):
        click.echo(f"{c.name} ({c.urn or 'no school'})  {c.number or 'no number'}")
        for waiting in c.waiting:
            _print_waiting(waiting)


def _print_waiting(waiting: Waiting) -> None:
    for says in _words(waiting):
        click.echo(f"  {says}")
    for person in (*waiting.people, *waiting.instead):
        click.echo(f"    {person.role:<8} {person.name}  {person.phone or 'no number'}")


def _words(waiting: Waiting) -> Iterator[str]:
    if waiting.unacknowledged:
        yield f"{waiting.unacknowledged} NOT ACKNOWLEDGED"
    if not waiting.people:
        yield NOBODY if waiting.is_restricted else NO_ADULT
    elif waiting.is_restricted:
        yield ONLY_THESE


def _say_of_what(folder: Path, force_id: str) -> None:
    """Whether the list is what the night signed; it is printed all the same, since somebody must telephone."""
    try:
        key = keys.verifying_key(_watch().keys_folder / keys.VERIFYING)
        beat = read_heartbeat(folder, force_id, key)
        verify_list(folder, beat)
    except (keys.NoWatchdogKey, NoHeartbeat, HeartbeatTampered):
        click.echo("WARNING: the list cannot be shown to be what the night signed", err=True)
        return
    written = beat.written_at.astimezone(LONDON)
    click.echo(f"written at {written:%H:%M on %A %d %B %Y}, night of {beat.night}", err=True)


def _stop(code: int, why: str) -> NoReturn:
    click.echo(f"encompass-watchdog: {why}", err=True)
    sys.exit(code)
