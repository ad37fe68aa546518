"""A real scheduler, DAG processor and API server: assets, a whole night, a missed deadline, a clean stop."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import text

from encompass.settings import load_settings
from encompass.store import embedded
from encompass.store.database import Role
from encompass.store.installation import airflow_database_url, database_running, migrate
from encompass.wiring import opened
from sandbox.airflow_home import ADMIN, airflow_environment, airflow_running, migrate_airflow
from sandbox.mail import Mailbox
from sandbox.serve import Sandbox
from sandbox.state import kept_port
from sandbox.world import build_world, canaries_of, named_night
from tests.cluster import FORCE, state_folder
from tests.night.conftest import ROOT

pytestmark = pytest.mark.timeout(400)
CONF = {"night": "2026-03-17", "as_of": "2026-03-17T05:30:00+00:00"}
DEADLINE_SECONDS = 60  # longer than a night takes on a machine that does other things too
CHAIN = ("refresh_rolls", "notify_before_school", "reconcile_acknowledgements", "report_compliance")


@dataclass
class Running:
    """Airflow as it runs: its components, its API, its state folder."""

    components: list[subprocess.Popen[bytes]]
    base: str
    headers: dict[str, str]
    var: Path
    stack: ExitStack

    def runs(self) -> dict[str, dict]:
        """The latest run of each DAG."""
        answer = requests.get(
            f"{self.base}/api/v2/dags/~/dagRuns", headers=self.headers, params={"order_by": "id"}, timeout=10
        )
        return {run["dag_id"]: run for run in answer.json()["dag_runs"]}

    def trigger(self, dag_id: str) -> None:
        """Start a replay of the small night."""
        answer = requests.post(
            f"{self.base}/api/v2/dags/{dag_id}/dagRuns",
            headers=self.headers, json={"logical_date": None, "conf": CONF}, timeout=10,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text


def eventually(condition: Callable[[], object], seconds: float, what: str) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.3)
    pytest.fail(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def airflow() -> Generator[Running]:
    before = dict(os.environ)
    try:
        with state_folder() as var:
            yield from _over(var)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _over(var: Path) -> Generator[Running]:
    os.environ["ENCOMPASS_VAR"] = str(var)
    overlay = var / "deadlines.toml"
    overlay.write_text(f"[deadline_minutes]\nnotify_before_school = {DEADLINE_SECONDS / 60}\n", "utf-8")
    files = (ROOT / "config" / "encompass.toml", var / "sandbox" / "encompass.toml", overlay)
    os.environ["ENCOMPASS_CONFIG"] = os.pathsep.join(str(f) for f in files)
    world = build_world(*named_night("small"))
    with Sandbox(world, var, f"http://127.0.0.1:{kept_port(var, 'web')}"):
        settings = load_settings()
        with embedded.running(var, durable=False), database_running(settings):
            migrate(settings)
            yield from _running(var, airflow_database_url(settings))


def _running(var: Path, database_url: str) -> Generator[Running]:
    port = kept_port(var, "airflow_api")
    environment = {
        **os.environ,
        **airflow_environment(var, database_url, port),
        "AIRFLOW__CORE__DAGS_FOLDER": str(_without_times_of_day(var)),
    }
    migrate_airflow(var, environment)
    password = json.loads((var / "airflow" / "passwords.json").read_text("utf-8"))[ADMIN]
    base = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        components = stack.enter_context(airflow_running(environment))
        token = eventually(lambda: _token(base, password), 60, "the API answers")
        running = Running(components, base, {"Authorization": f"Bearer {token}"}, var, stack)
        eventually(lambda: len(_dags(running)) == len(CHAIN), 60, "every DAG is there")
        yield running


def _without_times_of_day(var: Path) -> Path:
    """The DAGs as they are, but for their times of day: a run of today's own would come between those of the test."""
    folder = var / "dags_of_no_hour"
    folder.mkdir()
    for dag_id in CHAIN:
        source = (ROOT / "dags" / f"{dag_id}.py").read_text("utf-8")
        source = re.sub(
            r"(Multiple)?CronTriggerTimetable\([^)]*\)",
            'CronTriggerTimetable("0 3 29 2 *", timezone="Europe/London")',
            source,
        )
        source = source.replace("MultipleCronTriggerTimetable", "CronTriggerTimetable")
        (folder / f"{dag_id}.py").write_text(source, "utf-8")
    return folder


def _token(base: str, password: str) -> str | None:
    try:
        answer = requests.post(
            f"{base}/auth/token", json={"username": ADMIN, "password": password}, timeout=3
        )
        return answer.json()["access_token"] if answer.ok else None
    except (requests.RequestException, ValueError):
        return None


def _dags(running: Running) -> list[str]:
    answer = requests.get(f"{running.base}/api/v2/dags", headers=running.headers, timeout=10)
    return [d["dag_id"] for d in answer.json().get("dags", [])]


def alarms(night: str = CONF["night"]) -> list[str]:
    with opened(load_settings()) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT kind || ': ' || source FROM encompass.alarm WHERE night = CAST(:n AS date)"
            ),
            {"n": night},
        )
        return sorted(rows.scalars())


def ended(airflow: Running, *dag_ids: str) -> bool:
    """Whether the latest run of each of these DAGs has ended, well or badly."""
    runs = airflow.runs()
    return all(runs.get(dag_id, {}).get("state") in {"success", "failed"} for dag_id in dag_ids)


def test_new_rolls_set_off_the_whole_night(airflow: Running) -> None:
    airflow.trigger("refresh_rolls")
    # the scheduler may write the end of an earlier run after a later run of the chain has ended
    eventually(lambda: ended(airflow, *CHAIN), 240, "every run of the night ends")
    runs = airflow.runs()
    assert {dag_id: runs[dag_id]["state"] for dag_id in CHAIN} == dict.fromkeys(CHAIN, "success")
    assert runs["refresh_rolls"]["run_type"] == "manual"
    assert {runs[dag_id]["run_type"] for dag_id in CHAIN[1:]} == {"asset_triggered"}
    with opened(load_settings()) as encompass:
        account = encompass.account(encompass.last_run(FORCE, None))
        outcomes = encompass.outcomes_of_night(FORCE, account.night)
    assert account.balanced is True
    assert account.night.isoformat() == CONF["night"]
    assert len(outcomes) == 10
    assert len(Mailbox(airflow.var)) > 0
    assert alarms() == []


def test_a_night_that_does_not_end_in_time_raises_its_alarm_and_still_ends(airflow: Running) -> None:
    with opened(load_settings()) as encompass, ExitStack() as stack:
        patient = replace(encompass.database, idle_limit=timedelta(minutes=10))
        stack.callback(patient.dispose)
        connection = stack.enter_context(patient.engine(Role.OWNER).connect())
        connection.execute(text("LOCK TABLE encompass.placement IN ACCESS EXCLUSIVE MODE"))
        airflow.trigger("notify_before_school")
        eventually(lambda: alarms() == ["deadline_missed: notify_before_school"], 150, "the deadline's alarm")
        assert not ended(airflow, "notify_before_school")
        connection.rollback()
    eventually(lambda: ended(airflow, "notify_before_school"), 120, "the late night ends")
    assert airflow.runs()["notify_before_school"]["state"] == "success"


def everything(airflow: Running) -> list[psutil.Process]:
    found = [psutil.Process(c.pid) for c in airflow.components]
    return [*found, *(p for f in found for p in f.children(recursive=True))]


def test_it_listens_on_loopback_only(airflow: Running) -> None:
    listening = set[str]()
    for process in everything(airflow):
        with suppress(psutil.NoSuchProcess):  # a task's process may end while it is looked at
            listening |= {c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"}
    assert listening
    assert listening <= {"127.0.0.1", "::1"}


def test_stopping_it_leaves_nothing_running(airflow: Running) -> None:
    before = everything(airflow)
    assert len(before) >= 4
    airflow.stack.close()
    _, alive = psutil.wait_procs(before, timeout=5)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_its_logs_hold_no_canary(airflow: Running) -> None:
    canaries = canaries_of(build_world(*named_night("small")))
    logs = [p for p in (airflow.var / "airflow").rglob("*") if p.is_file()]
    assert len(logs) > 10
    text_of_logs = "".join(p.read_text("utf-8", "replace") for p in logs)
    assert not [c for c in canaries if c in text_of_logs]
