"""The command line: the same steps as the timetable's, for a force whose Airflow is down, and for operators."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from datetime import time as clock_time
from difflib import ndiff
from typing import Final, NoReturn, TypeVar

import click
from sqlalchemy.exc import OperationalError

from encompass import log, wiring
from encompass.cli.options import (
    Exit,
    as_of_option,
    each_force_option,
    force_option,
    json_option,
    night_option,
    tonight_option,
)
from encompass.cli.printing import code_of, out, print_accounts
from encompass.domain.audit import ChainFault
from encompass.domain.compliance import Account
from encompass.domain.disclosure import shared_report
from encompass.domain.report_export import report_csv, report_json, shared_csv, shared_json
from encompass.domain.run import LONDON, Run
from encompass.settings import Settings, SettingsError, load_settings
from encompass.store import installation
from encompass.store.audit import HeadsTampered, NoSigningKey
from encompass.store.embedded import EmbeddedFailed
from encompass.store.force import UnknownRun
from encompass.store.privileges import shipped_privileges
from encompass.store.sealed import NoKeyRing
from encompass.wiring import Encompass

FEED_CHECK: Final = clock_time(5, 30)
Result = TypeVar("Result")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--verbose", is_flag=True, help="Log every event, not only warnings.")
def main(*, verbose: bool) -> None:
    """Tell a child's school about a domestic-abuse incident before its day begins, and account for every child.

    Results go to stdout and progress to stderr. Exit codes: 0 fine (people may be waiting), 1 failed,
    2 usage, 3 a feed alarm, refused rows or an account that does not balance, 4 configuration.
    """
    log.configure("INFO" if verbose else "WARNING")


@main.command()
@each_force_option
@tonight_option
@as_of_option
@json_option
def night(force_id: str | None, night: date | None, as_of: datetime | None, *, as_json: bool) -> None:
    """Run a whole night without Airflow: registers, feed, matching, notifications, account, report."""
    failed: list[str] = []
    accounts: list[Account] = []
    with opened_installation(as_of) as encompass:
        for run in _open_each(encompass, force_id, night, as_of or _feed_check(night)):
            failed += [name for name, step in _steps(encompass).items() if not _went_well(name, step, run)]
            accounts.append(encompass.reconcile_acknowledgements(run))
            encompass.report_compliance(run)
        encompass.seal_audit()
        print_accounts(accounts, as_json=as_json)
    if failed:
        _stop(
            Exit.FAILED,
            f"failed: {', '.join(failed)}; run `encompass night` again, or the step alone to see why",
        )
    sys.exit(max(map(code_of, accounts)))


def _went_well(name: str, step: Callable[[Run], int], run: Run) -> bool:
    """A step that fails must not keep the next from telling those who can be told."""
    try:
        _progress(name, step, run)
    except Exception as fault:  # noqa: BLE001 - told by the exit code, once the other steps have run
        click.echo(f" failed: {type(fault).__name__}", err=True)
        return False
    return True


def _steps(encompass: Encompass) -> dict[str, Callable[[Run], int]]:
    return {
        "refresh-rolls": encompass.refresh_rolls,
        "receive": encompass.receive_incidents,
        "match": encompass.match_children,
        "prepare": encompass.prepare_notifications,
        "send": encompass.send_notifications,
        "chase": encompass.chase_acknowledgements,
        "sign-of-life": encompass.give_sign_of_life,
    }


def _step_command(name: str, says: str, counts: str) -> click.Command:
    @each_force_option
    @tonight_option
    @as_of_option
    @json_option
    def run_step(force_id: str | None, night: date | None, as_of: datetime | None, *, as_json: bool) -> None:
        alarmed = False
        with opened_installation(as_of) as encompass:
            for run in _open_each(encompass, force_id, night, as_of or _feed_check(night)):
                count = _progress(name, _steps(encompass)[name], run)
                alarms = encompass.account(run).alarms
                alarmed = alarmed or bool(alarms)
                if as_json:
                    done = {"run_id": str(run.run_id), "force": run.force_id, "step": name, "count": count}
                    out(json.dumps({**done, "alarms": alarms}))
                    continue
                out(f"{count} {counts} ({run.force_id})")
                for alarm in alarms:
                    out(f"alarm  {alarm}")
        sys.exit(Exit.ALARM if alarmed else Exit.FINE)

    return click.command(name, help=says)(run_step)


for _name, _says, _counts in (
    (
        "refresh-rolls",
        "Take the school register, rolls, Key Adults and closed days. An unchanged one is only confirmed.",
        "registers not taken",
    ),
    (
        "receive",
        "Pull the police feed from its watermark. Bad records go to quarantine; an absent, empty or short feed is "
        "an alarm.",
        "records served",
    ),
    (
        "match",
        "Place every child who waits: with schools, with the MASH, or out of scope.",
        "children decided",
    ),
    (
        "prepare",
        "Write a notification, and its nudges, for every duty that none tells of yet.",
        "duties told",
    ),
    (
        "send",
        "Send the queued nudges: e-mails that say only that something waits behind sign-in.",
        "nudges accepted",
    ),
    (
        "sign-of-life",
        "Give the watchdog a signed sign of life and the day's sealed telephone list.",
        "schools on the list",
    ),
    (
        "chase",
        "Take each step of the ladder that is due: nudge again, open telephone tasks, note what was missed.",
        "telephone tasks opened",
    ),
):
    main.add_command(_step_command(_name, _says, _counts))


@main.command()
@each_force_option
@night_option
@json_option
def reconcile(force_id: str | None, night: date | None, *, as_json: bool) -> None:
    """Print a night's account as of its last run's instant: the same bytes every time. Changes nothing.

    It names how each force's feed arrived. A force that has had no run of the night is a gap, not left out.
    """
    with opened_installation() as encompass:
        accounts = encompass.accounts(forces_meant(encompass, force_id), night)
    print_accounts(accounts, as_json=as_json)
    sys.exit(max(map(code_of, accounts)))


@main.command()
@force_option
@night_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option(
    "--for-sharing",
    is_flag=True,
    help="As it may leave the partnership: no schools, small counts suppressed.",
)
def report(force_id: str | None, night: date | None, form: str, *, for_sharing: bool) -> None:
    """Print a night's compliance report as of its last run's instant."""
    with opened_installation() as encompass:
        force = chosen_force(encompass, force_id)
        drawn = encompass.report(encompass.last_run(force, night))
        threshold = encompass.force(force).profile.suppress_below
    if for_sharing:
        shared = shared_report(drawn, threshold)
        click.echo(shared_json(shared) if form == "json" else shared_csv(shared), nl=False)
    else:
        click.echo(report_json(drawn) if form == "json" else report_csv(drawn), nl=False)
    sys.exit(code_of(drawn.account))


@main.command("make-keys")
def make_keys() -> None:
    """Make the key ring and the audit's signing key where the settings say; existing ones are left alone."""
    settings = _settings()
    installation.make_own_keys(settings)
    out(f"key ring       {settings.ring_file}\nsigning key    {settings.audit_signing_key_file}")


@main.command()
def doctor() -> None:
    """Check the settings, the keys, the database and its schema, and say what to do about each fault."""
    settings = _settings()
    out(f"settings   fine: environment {settings.environment}, forces {', '.join(settings.forces)}")
    with opened_installation() as encompass:
        out("key ring   fine")
        pending = wiring.pending_migrations(encompass)
        out(
            "database   fine"
            if not pending
            else f"database   {pending} migrations to run: encompass db migrate"
        )
    sys.exit(Exit.CONFIGURATION if pending else Exit.FINE)


@main.command()
@force_option
@click.option("--show-personal", is_flag=True, help="Print the codes, each beside its register reference.")
@click.option("--only", metavar="REF", help="Only for this register reference; other codes stay as they are.")
def invite(force_id: str | None, only: str | None, *, show_personal: bool) -> None:
    """Issue a new one-time code to every Key Adult who has not signed in yet, or whose second check was reset.

    The codes are printed once, with --show-personal, to be handed over by the force or local authority;
    only their hashes are kept.
    """
    if not show_personal:
        raise click.UsageError("the codes are shown only with --show-personal")
    with opened_installation() as encompass:
        codes = encompass.issue_binding_codes(chosen_force(encompass, force_id), only)
    for reference, code in codes.items():
        out(f"{reference}\t{code}")


@main.group()
def audit() -> None:
    """The audit chain."""


@audit.command()
def verify() -> None:
    """Prove that no audit event was changed, removed or reordered since it was signed."""
    with opened_installation() as encompass:
        try:
            outcome = encompass.verify_audit()
        except HeadsTampered as fault:
            _stop(Exit.FAILED, f"the file of signed heads was changed: {fault}")
    if isinstance(outcome, ChainFault):
        _stop(Exit.FAILED, f"the audit chain does not hold at position {outcome.position}: {outcome.fault}")
    out(f"the audit chain holds: {outcome} events")


@audit.command()
def seal() -> None:
    """Chain the events committed since the last sealing, and sign the head outside the database."""
    with opened_installation() as encompass:
        out(f"{encompass.seal_audit()} events sealed")


@main.group()
def db() -> None:
    """The database."""


@db.command()
def migrate() -> None:
    """Run the migrations not yet run (on the embedded server: make its roles, databases and keys too)."""
    out(f"{_guarded(lambda: installation.migrate(_settings()))} migrations run")


@db.command()
@click.option("--check", is_flag=True, help="Compare with what is shipped; exit code 3 where they differ.")
def privileges(*, check: bool) -> None:
    """Print who may do what in the database, a line each: grants, policies, roles, functions."""
    found = _guarded(lambda: installation.privileges(_settings()))
    if not check:
        out("\n".join(found))
        return
    differ = [line for line in ndiff(shipped_privileges(), found) if line.startswith(("+ ", "- "))]
    if differ:
        out("\n".join(differ))
        _stop(Exit.ALARM, "the database differs from what is shipped (+ only here, - missing here)")
    out("the database's privileges are those that are shipped")


@db.command(context_settings={"ignore_unknown_options": True})
@click.option("--role", default="postgres", show_default=True, help="The login role.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(role: str, arguments: tuple[str, ...]) -> None:
    """Open psql on the database (embedded server only), passing ARGUMENTS on: encompass db psql -c 'SELECT 1'."""
    sys.exit(_guarded(lambda: installation.psql(_settings(), role, arguments)))


@main.command()
@as_of_option
@click.option("--port", type=int, default=8400, show_default=True)
@click.option("--workers", type=int, default=2, show_default=True)
def serve(as_of: datetime | None, port: int, workers: int) -> None:
    """Serve the web pages on 127.0.0.1 until interrupted (put a TLS-terminating proxy before it)."""
    from encompass.web.server import serve as serve_web  # noqa: PLC0415 - the other commands need no web

    with opened_installation(as_of) as encompass:
        serve_web(encompass, port, workers)


@contextmanager
def opened_installation(as_of: datetime | None = None) -> Generator[Encompass]:
    """The installation for one command; a configuration that does not work ends it with what to do."""
    try:
        with wiring.opened(_settings(), as_of) as encompass:
            yield encompass
    except (NoKeyRing, NoSigningKey, FileNotFoundError) as error:
        _stop(
            Exit.CONFIGURATION,
            f"{error}; on a new installation run: encompass make-keys, encompass db migrate",
        )
    except (SettingsError, EmbeddedFailed) as error:
        _stop(Exit.CONFIGURATION, str(error))
    except UnknownRun:
        _stop(Exit.USAGE, "no such night has been run; `encompass status` tells the newest")
    except OperationalError:
        _stop(Exit.CONFIGURATION, "the database does not answer; `encompass doctor` checks it")


def _guarded(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except (SettingsError, EmbeddedFailed) as error:
        _stop(Exit.CONFIGURATION, str(error))


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _stop(Exit.CONFIGURATION, str(error))


def chosen_force(encompass: Encompass, force_id: str | None) -> str:
    """The force named, or the only one; a usage error where it is not said which."""
    known = sorted(encompass.settings.forces)
    if force_id is None and len(known) == 1:
        return known[0]
    if force_id not in known:
        raise click.UsageError(f"say which force with --force: {', '.join(known)}")
    return force_id


def forces_meant(encompass: Encompass, force_id: str | None) -> list[str]:
    """The force named, or every one."""
    return [chosen_force(encompass, force_id)] if force_id else sorted(encompass.settings.forces)


def _open_each(
    encompass: Encompass, force_id: str | None, night: date | None, as_of: datetime
) -> Iterator[Run]:
    wanted = night or as_of.astimezone(LONDON).date()
    return (encompass.open_run(force, wanted, as_of) for force in forces_meant(encompass, force_id))


def _feed_check(night: date | None) -> datetime:
    """A past night is replayed at its own feed check; tonight's is run now."""
    now = datetime.now(UTC)
    if night is None:
        return now
    return min(now, datetime.combine(night, FEED_CHECK, LONDON))


def _progress(name: str, step: Callable[[Run], int], run: Run) -> int:
    started = time.monotonic()
    click.echo(f"{name} ...", err=True, nl=False)
    count = step(run)
    click.echo(f" {count}  ({time.monotonic() - started:.1f} s)", err=True)
    return count


def _stop(code: Exit, why: str) -> NoReturn:
    click.echo(f"encompass: {why}", err=True)
    sys.exit(code)
