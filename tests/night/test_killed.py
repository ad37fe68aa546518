"""SIGKILL at random points and run again: the same account, nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from encompass.store.database import Role
from sandbox.mail import Mailbox
from tests.cluster import Cluster, state_folder
from tests.night.conftest import ROOT, OnDatabase, Played, play

NIGHT = ("night", "--night", "2026-03-17", "--as-of", "2026-03-17T05:30:00", "--json")


def mails_of(cluster: Cluster, name: str) -> tuple[Counter[str], set[str]]:
    """How often each nudge of a database is in the mailbox, and the nudges that its server accepted."""
    with cluster.on(name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        accepted = connection.execute(
            text("SELECT nudge_id FROM encompass.nudge WHERE status = 'accepted'")
        ).scalars()
        ids = {f"<{nudge_id}@encompass.invalid>" for nudge_id in accepted}
        all_ids = connection.execute(text("SELECT nudge_id FROM encompass.nudge")).scalars()
        known = {f"<{nudge_id}@encompass.invalid>" for nudge_id in all_ids}
    sent = Counter(str(m["Message-ID"]) for m in Mailbox(cluster.var).messages())
    return Counter({i: n for i, n in sent.items() if i in known}), ids


def outcome(cluster: Cluster, name: str) -> dict[str, int]:
    """How many rows account for the night."""
    tables = (
        "incident",
        "involvement",
        "placement",
        "duty",
        "notification",
        "notification_part",
        "nudge",
        "feed_record",
    )
    with cluster.on(name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        return {
            t: connection.execute(text(f"SELECT count(*) FROM encompass.{t}")).scalar_one() for t in tables
        }


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("laps", [10, pytest.param(30, marks=pytest.mark.slow)])
def test_a_ten_child_night_killed_many_times(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase], laps: int
) -> None:
    untouched = on_copy(cluster.rolled())
    started = time.monotonic()
    reference = untouched.run(*NIGHT)
    lasted = time.monotonic() - started
    assert reference.returncode == 0, reference.stderr
    rows = outcome(cluster, untouched.name)
    mails, _ = mails_of(cluster, untouched.name)
    killed, again = 0, 0
    for lap in range(laps):
        rng = random.Random(lap)
        cli = on_copy(cluster.rolled())
        for _ in range(rng.choice((1, 1, 2))):
            begun, started = cli.begin(*NIGHT), time.monotonic()
            if begun.wait(rng.uniform(0.1, 0.9) * lasted) is None:
                begun.kill()
                killed += begun.wait(60) == -signal.SIGKILL
            else:
                lasted = time.monotonic() - started  # the machine has less to do than it had
        done = cli.run(*NIGHT)
        assert done.returncode == 0, (lap, done.stderr)
        assert done.stdout == reference.stdout, lap
        assert outcome(cluster, cli.name) == rows, lap
        sent, accepted = mails_of(cluster, cli.name)
        assert accepted <= set(sent), lap
        assert len(sent) == len(mails), lap
        again += sum(sent.values()) - len(sent)
        assert cli.run("audit", "verify").returncode == 0, lap
        cluster.drop(cli.name)
    assert killed >= laps // 2
    assert again <= killed, "a nudge whose fate is unknown may be repeated once, under the same Message-ID"


@pytest.mark.timeout(300)
def test_two_schedulers_on_one_night(cluster: Cluster, on_copy: Callable[[str], OnDatabase]) -> None:
    """Both play the same night over the same database at the same time: each child is told of once."""
    alone, shared = on_copy(cluster.rolled()), on_copy(cluster.rolled())
    reference = alone.run(*NIGHT)
    both = [shared.begin(*NIGHT) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert shared.run(*NIGHT).stdout == reference.stdout
    assert outcome(cluster, shared.name) == outcome(cluster, alone.name)
    sent, accepted = mails_of(cluster, shared.name)
    assert accepted == set(sent)
    assert set(sent.values()) == {1}
    assert len(sent) == len(mails_of(cluster, alone.name)[0])
    assert shared.run("audit", "verify").returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_whole_nights_killed_anywhere() -> None:
    """`make prove` (NIGHTS=5): the whole night, through the DAGs and the people, killed at random points."""
    with state_folder() as var:
        reference = _account(play(var, "ordinary"))
    for lap in range(int(os.environ.get("NIGHTS", "5"))):
        rng = random.Random(lap)
        with state_folder() as var:
            for _ in range(rng.choice((1, 2))):
                _killed_after(var, rng.uniform(3, 34))
            done = play(var, "ordinary")
            assert done.code == 0, (lap, done.err)
            assert _account(done) == reference, lap
            ids = Counter(str(m["Message-ID"]) for m in Mailbox(var).messages())
            assert max(ids.values()) <= 3, lap
            assert done.run("audit", "verify").returncode == 0, lap


def _account(played: Played) -> list[dict]:
    return json.loads(played.run("reconcile", "--json").stdout)


def _killed_after(var: Path, seconds: float) -> None:
    environment = {**os.environ, "ENCOMPASS_VAR": str(var)}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "night"],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    pid_file = var / "postgres" / "postmaster.pid"
    if random.random() < 0.3 and pid_file.exists():
        with suppress(ProcessLookupError, IndexError, ValueError):
            os.kill(int(pid_file.read_text("utf-8").splitlines()[0]), signal.SIGKILL)
