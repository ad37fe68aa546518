"""The embedded server: password only, counted users, stopped by the last, adopted after a crash."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import psycopg
import pytest

from encompass.settings import ROOT
from encompass.store import embedded
from tests.cluster import state_folder


@pytest.fixture
def var() -> Generator[Path]:
    with state_folder() as folder:
        embedded.passwords(folder / "secrets" / "database.toml")
        yield folder


def dsn(var: Path, port: int) -> str:
    password = embedded.passwords(var / "secrets" / "database.toml")["postgres"]
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_starts_asks_for_a_password_and_stops_with_its_last_user(var: Path) -> None:
    with embedded.running(var) as port:
        with embedded.running(var) as again:
            assert again == port
        with psycopg.connect(dsn(var, port)) as connection:
            assert connection.execute(
                "SELECT current_setting('server_version_num')::int >= 150000"
            ).fetchone() == (True,)
        for wrong in (
            f"postgresql://postgres@127.0.0.1:{port}/postgres",
            dsn(var, port).replace("postgres:", "postgres:x"),
        ):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(wrong)
        assert not [
            c
            for p in psutil.process_iter(["name"])
            if p.info["name"] == "postgres"
            for c in p.net_connections()
            if c.status == "LISTEN" and c.laddr.ip not in {"127.0.0.1"}
        ]
    assert not listens(port)


def test_a_server_that_was_killed_is_started_again_with_its_data(var: Path) -> None:
    with embedded.running(var) as port:
        with psycopg.connect(dsn(var, port), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        postmaster = int((var / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(postmaster)] if psutil.pid_exists(postmaster) else [], timeout=10)
    with embedded.running(var) as port:
        with psycopg.connect(dsn(var, port)) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


KILLED_AND_NOT_REAPED = """
import ctypes, os, signal, sys, threading, time
from contextlib import suppress
from pathlib import Path
import psutil, psycopg
from encompass.store import embedded
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
var = Path(sys.argv[1])

def count(port):
    password = embedded.passwords(var / "secrets" / "database.toml")["postgres"]
    with suppress(psycopg.Error), psycopg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres") as busy:
        busy.execute("SELECT count(*) FROM generate_series(1, 20000000) AS n (i) WHERE i % 7 = 3")

with embedded.running(var) as port:
    threading.Thread(target=count, args=(port,), daemon=True).start()
    time.sleep(0.5)  # it is busy, and will not see at once that its server is gone
    pid = int((var / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    with embedded.running(var) as again:
        print(port == again)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process take the orphans of others")
def test_a_server_that_was_killed_and_that_nobody_reaps_is_started_again(var: Path) -> None:
    """As in a container whose first process reaps nobody: here it is a process that takes the orphans and leaves them."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AND_NOT_REAPED, str(var)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    embedded.stop(var)


def test_a_user_that_was_killed_does_not_keep_it_running(var: Path) -> None:
    users = var / "postgres-users"
    users.mkdir()
    (users / "999999999-dead").touch()
    with embedded.running(var) as port:
        assert listens(port)
    assert not listens(port)
    assert list(users.iterdir()) == []


def test_a_fork_that_ends_leaves_the_server_to_its_parent(var: Path) -> None:
    with embedded.running(var) as port:
        child = os.fork()
        if child == 0:
            try:
                raise SystemExit(0)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert listens(port)


def test_passwords_are_made_once_and_are_the_owner_s_alone(var: Path) -> None:
    file = var / "secrets" / "database.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert embedded.passwords(file) == embedded.passwords(file)
    assert len(set(embedded.passwords(file).values())) == len(embedded.passwords(file))
