"""Airflow over the state folder: its environment, its own database, and its test runner."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import signal
import subprocess
import sys
import warnings
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from encompass.settings import ROOT
from sandbox.children import child
from sandbox.state import read_json, write_private

ADMIN = "operator"


class DagFailed(Exception):
    """A DAG's run did not succeed: its name and the tasks that failed."""


def airflow_environment(var: Path, database_url: str, api_port: int = 8410) -> dict[str, str]:
    """What Airflow needs in its environment: loopback only, its secrets made once, no data in its logs."""
    home = var / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    known = _secrets(var)
    write_private(home / "passwords.json", json.dumps({ADMIN: known["password"]}))
    return {
        "AIRFLOW_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(ROOT),
        "ENCOMPASS_VAR": str(var),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database_url.replace("+psycopg2:", "+psycopg:"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": known["fernet_key"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{api_port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{api_port}",
        "AIRFLOW__API__SECRET_KEY": known["api_secret_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": known["jwt_secret"],
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def migrate_airflow(var: Path, environment: Mapping[str, str]) -> None:
    """Make or renew Airflow's own tables, when its version is not the one that made them."""
    import airflow.version  # noqa: PLC0415 - the environment must be set before

    done = var / "airflow" / "migrated"
    if done.exists() and done.read_text("utf-8") == airflow.version.version:
        return
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "airflow", "db", "migrate"],
        check=True,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=(var / "airflow" / "migrate.log").open("w"),
    )
    done.write_text(airflow.version.version, "utf-8")


def play_dag(dag_id: str, night: str, as_of: datetime) -> None:
    """Run a DAG once with Airflow's test runner, as of a night's instant. Raises DagFailed.

    `airflow_environment` must be in this process's environment before Airflow is first imported.
    """
    with warnings.catch_warnings(), _signals_kept():
        warnings.simplefilter("ignore")
        dag = getattr(importlib.import_module(f"dags.{dag_id}"), dag_id)()
        dag.deadline = None  # the test runner knows no deadlines: it fails on a DAG that has one
        run = dag.test(run_conf={"night": night, "as_of": as_of.isoformat()})
    if run.state != "success":
        failed = sorted({t.task_id for t in run.get_task_instances() if t.state == "failed"})
        raise DagFailed(f"{dag_id}: {', '.join(failed) or run.state}")


@contextmanager
def _signals_kept() -> Generator[None]:
    """A task that runs in this process leaves its own handlers behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_airflow() -> None:
    """Close Airflow's connections, before its database is stopped."""
    import airflow.settings  # noqa: PLC0415

    airflow.settings.dispose_orm(do_log=False)


COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
}


@contextmanager
def airflow_running(environment: Mapping[str, str]) -> Generator[list[subprocess.Popen[bytes]]]:
    """Airflow's components while inside, each with its own log file in AIRFLOW_HOME.

    Not `airflow standalone`: that serves task logs on every network interface, whatever the settings say.
    """
    whole = {**os.environ, **environment}
    program = str(Path(sys.executable).parent / "airflow")
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                child([program, *arguments], whole, Path(environment["AIRFLOW_HOME"]) / f"{name}.log")
            )
            for name, arguments in COMPONENTS.items()
        ]


def _secrets(var: Path) -> dict[str, Any]:
    file = var / "secrets" / "airflow.json"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = read_json(file)
    if not known:
        known = {
            "fernet_key": Fernet.generate_key().decode(),
            "jwt_secret": secrets.token_urlsafe(48),
            "api_secret_key": secrets.token_urlsafe(32),
            "password": secrets.token_urlsafe(16),
        }
        write_private(file, json.dumps(known))
    return known
