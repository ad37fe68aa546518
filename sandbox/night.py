"""One night played end to end: the outside world, the DAGs, the people who answer, the account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as clock_time
from pathlib import Path

import click

from encompass import log, wiring
from encompass.domain.run import LONDON
from encompass.settings import Settings, load_settings, state_folder
from encompass.store.installation import airflow_database_url, database_running, migrate
from encompass.store.ports import is_free
from sandbox.airflow_home import (
    ADMIN,
    airflow_environment,
    airflow_running,
    leave_airflow,
    migrate_airflow,
    play_dag,
)
from sandbox.children import web_server
from sandbox.mail import Mailbox
from sandbox.people import answer_mail, waiting
from sandbox.serve import SERVERS, Sandbox
from sandbox.state import folder, kept_port, only_one, read_json
from sandbox.world import Answers, Person, World, neighbour

WAVES: tuple[tuple[Answers, clock_time], ...] = (("prompt", clock_time(7, 50)), ("late", clock_time(9, 20)))
ENDS = clock_time(10, 0)
WEB_PORT = 8400


def play_night(world: World, *, then_serve: bool) -> int:
    """Play a night, print its account and return the exit code of `encompass reconcile`."""
    var = state_folder()
    with _outside_world(world, var) as (settings, web):
        with _step("Airflow's own tables"):
            os.environ.update(airflow_environment(var, airflow_database_url(settings)))
            migrate_airflow(var, os.environ)
        try:
            codes = _play(world, var, web)
        finally:
            leave_airflow()
        code = _print_account(world)
        if then_serve:
            _serve_until_interrupted(world, var, web, codes)
    return code


def serve_pages(world: World) -> None:
    """The pages over the state as it is, with the outside world that they need, until Ctrl-C."""
    var = state_folder()
    with _outside_world(world, var) as (settings, web):
        codes = _codes(settings, world, ENDS)
        _serve_until_interrupted(world, var, web, codes)


def airflow_until_interrupted(world: World) -> int:
    """Airflow itself over the state folder, until Ctrl-C; 1 when one of its components ended by itself."""
    var = state_folder()
    with _outside_world(world, var) as (settings, _):
        port = kept_port(var, "airflow_api")
        environment = airflow_environment(var, airflow_database_url(settings), port)
        migrate_airflow(var, environment)
        password = read_json(var / "airflow" / "passwords.json")[ADMIN]
        _say(f"Airflow: http://127.0.0.1:{port}  user {ADMIN}  password {password}  (Ctrl-C stops it)")
        with airflow_running(environment) as components:
            return _wait_for_any(components)


@contextmanager
def _outside_world(world: World, var: Path) -> Generator[tuple[Settings, str]]:
    """The partnerships' servers and a migrated database, up while inside; the settings and the pages' address."""
    _stop_on_signals()
    log.configure("ERROR")
    web = f"http://127.0.0.1:{_web_port(var)}"
    with only_one(var), Sandbox(world, var, web):
        settings = load_settings()
        with _step("PostgreSQL"):
            migrate(settings)
        with database_running(settings):
            yield settings, web


def _wait_for_any(components: list[subprocess.Popen[bytes]]) -> int:
    try:
        while all(c.poll() is None for c in components):
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say("\nstopping ...")
        return 0
    _say("a component of Airflow ended by itself; its log is in the state folder, under airflow/")
    return 1


def _play(world: World, var: Path, web: str) -> dict[str, str]:
    _dag(world, "refresh_rolls", clock_time(5, 0))
    codes = _codes(load_settings(), world, clock_time(5, 0))
    forces = (world, neighbour(world))
    _dag(world, "notify_before_school", clock_time(5, 30))
    for wave, at in WAVES:
        if any(waiting(force, var, wave) for force in forces):
            as_of = _at(world, at).isoformat()
            with (
                _step(f"schools answer, {wave}"),
                web_server(web, as_of, os.environ, folder(var) / "web.log"),
            ):
                for force in forces:
                    answer_mail(force, var, web, wave, codes)
    _dag(world, "reconcile_acknowledgements", ENDS)
    _dag(world, "report_compliance", ENDS)
    return codes


def _codes(settings: Settings, world: World, at: clock_time) -> dict[str, str]:
    """Register reference to one-time code of every Key Adult not yet bound, at each force."""
    with wiring.opened(settings, _at(world, at)) as encompass:
        return {ref: code for f in settings.forces for ref, code in encompass.issue_binding_codes(f).items()}


def _dag(world: World, dag_id: str, at: clock_time) -> None:
    with _step(f"DAG {dag_id}, as of {at:%H:%M}"):
        play_dag(dag_id, world.night.isoformat(), _at(world, at))


def _print_account(world: World) -> int:
    command = [sys.executable, "-W", "ignore", "-m", "encompass.cli", "reconcile"]
    return subprocess.run([*command, "--night", world.night.isoformat()], check=False).returncode


def _serve_until_interrupted(world: World, var: Path, web: str, codes: dict[str, str]) -> None:
    with web_server(web, _at(world, ENDS).isoformat(), os.environ, folder(var) / "web.log") as server:
        _say(f"\nThe pages are at {web} (it is {ENDS:%H:%M} on {world.night} there). Fictional sign-ins:")
        for line in sign_ins(world, var, codes):
            _say(f"  {line}")
        ports = read_json(folder(var) / "ports.json")
        _say(
            "  A school's second check: python -m sandbox code USER (the first time: --key and the key of the page)"
        )
        _say("Their other addresses:")
        for name in (*SERVERS, "identity_provider"):
            _say(f"  {name.replace('_', ' ')} 127.0.0.1:{ports[name]}")
        _say("Ctrl-C stops everything.")
        try:
            server.wait()
        except KeyboardInterrupt:
            _say("\nstopping ...")


def sign_ins(world: World, var: Path, codes: dict[str, str]) -> list[str]:
    """Fictional people worth signing in as: what each is, the user name, the password and any code."""
    with_mail = Mailbox(var).recipients()
    answering = {p.urn for p in world.people if p.answers != "never"}
    leads = [p for p in world.people if p.role == "dsl" and p.email in with_mail]
    chosen = [
        ("a school that has acknowledged", next((p for p in leads if p.answers == "prompt"), None)),
        ("a school that has not answered", next((p for p in leads if p.urn not in answering), None)),
    ]
    lines: list[str] = []
    chosen.append(("a school of Fellgate's", _a_lead(neighbour(world), with_mail)))
    for what, person in chosen:
        if person:
            code = codes.get(person.key_adult_ref)
            first = f"  one-time code {code}" if code and person.answers == "never" else ""
            lines.append(f"{what}: user {person.username}  password {person.password}{first}")
    for force in (world, neighbour(world)):
        leader = next(p for p in force.staff if "leader" in p.roles)
        lines.append(f"a leader: user {leader.username}  password {leader.password}")
    return lines


def _a_lead(world: World, with_mail: set[str]) -> Person | None:
    return next((p for p in world.people if p.email in with_mail and p.answers == "prompt"), None)


def _stop_on_signals() -> None:
    """Both signals unwind the stack; a shell that starts us in the background would have SIGINT ignored."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _step(name: str) -> Generator[None]:
    started = time.monotonic()
    click.echo(f"{name} ...", err=True, nl=False)
    try:
        yield
    except BaseException:
        click.echo(" failed", err=True)
        raise
    click.echo(f" {time.monotonic() - started:.1f} s", err=True)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _at(world: World, at: clock_time) -> datetime:
    return datetime.combine(world.night, at, LONDON)


def _web_port(var: Path) -> int:
    return WEB_PORT if is_free(WEB_PORT) else kept_port(var, "web")
