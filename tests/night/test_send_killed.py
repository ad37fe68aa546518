"""Senders killed, stopped and doubled, PostgreSQL crashed: no nudge is lost, none doubled but by an ambiguous answer."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from encompass.domain.nudge import SendingRules
from encompass.domain.report_export import account_table
from encompass.domain.run import Run
from encompass.pipeline.send_notifications import send_notifications
from encompass.store.database import Role
from encompass.store.sealed import read_ring
from tests.cluster import FORCE, Cluster
from tests.faults import NEVER, Signal, Worker
from tests.pipeline.sending import LINK, MS, QUICK, Post, post_of, prepare, provider

ALONE = replace(QUICK, workers=1)
SHORT_LEASE = replace(QUICK, lease=400 * MS)
SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'encompass_pipeline'"
)
TO_BE_SENT = "SELECT 1 FROM encompass.nudge WHERE status IN ('queued', 'sending') OR (status = 'ambiguous' AND resends = 0)"
GIVEN_UP = (
    "SELECT n.nudge_id FROM encompass.nudge AS n WHERE n.status = 'ambiguous' AND (SELECT count(*) "
    "FROM encompass.audit_event AS e WHERE e.subject_id = n.nudge_id AND e.action = 'nudge_ambiguous') = 2"
)
AFTERWARDS = replace(QUICK, waits_for=timedelta(seconds=2))


@pytest.fixture(scope="module")
def prepared(cluster: Cluster) -> Generator[str]:
    name = prepare(cluster)
    yield name
    cluster.drop(name)


@pytest.fixture
def post(cluster: Cluster, prepared: str) -> Generator[Post]:
    with post_of(cluster, prepared) as opened:
        yield opened


def work(engine: Engine, ring: Path, run: Run, url: str, rules: SendingRules) -> None:
    """What a sender's process does."""
    with suppress(Exception):  # PostgreSQL may be crashed under it: what was written is what counts
        send_notifications(engine, read_ring(ring, [FORCE]), provider(url), rules, LINK, run)


def sender(cluster: Cluster, post: Post, rules: SendingRules = QUICK, itself: Signal = NEVER) -> BaseProcess:
    """Another sender of the same outbox, started."""
    worker = Worker(cluster.database(post.encompass.database.name), Role.PIPELINE)
    return worker.start(work, cluster.settings.ring_file, post.run, post.url, rules, before=itself)


def check(post: Post) -> int:
    """Send what is left; nothing is lost and the account balances. How many nudges came twice."""
    extra, given_up = settled(post)
    assert given_up == set()
    return extra


def settled(post: Post) -> tuple[int, set[str]]:
    """Send what is left: how many nudges came twice, and those given up after the second answer that nobody knew.

    The ladder goes on without these. Every other was taken, and the account balances.
    """
    everyone = post.nudges()
    for _ in range(100):
        post.send(AFTERWARDS)
        if not post.sql(TO_BE_SENT):
            break
        time.sleep(0.1)  # a killed sender's session may take a moment to end
    given_up = {str(row.nudge_id) for row in post.sql(GIVEN_UP)}
    assert post.sql(TO_BE_SENT) == []
    assert post.statuses().get("accepted", 0) + len(given_up) == len(everyone)
    taken = Counter(post.references())
    assert set(everyone) - given_up <= set(taken) <= set(everyone), "no nudge is lost, and none was invented"
    ambiguous = post.sql("SELECT count(*) AS n FROM encompass.audit_event WHERE action = 'nudge_ambiguous'")
    extra = taken.total() - len(taken)
    assert extra <= ambiguous[0].n, "at most one more for each answer that nobody knew"
    told = post.sql(
        "SELECT subject_id, count(*) AS n FROM encompass.audit_event WHERE action = 'nudge_accepted' GROUP BY 1"
    )
    assert {t.n for t in told} == {1}, "each is written down as accepted once"
    assert account_table(post.encompass.account(post.run))["balanced"] is True
    return extra, given_up


@pytest.mark.timeout(600)
@pytest.mark.parametrize("numbers", [range(1, 15), range(15, 22), range(22, 27), range(27, 32)], ids=str)
def test_killed_before_each_statement_and_commit_of_a_send(
    cluster: Cluster, post: Post, numbers: range
) -> None:
    """From a pass's first statement until its second nudge has been completed, one pass after the other."""
    for number in numbers:
        process = sender(cluster, post, ALONE, Signal(number))
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, number
        _wait_until_its_sessions_have_ended(post)
    assert check(post) == 0, "the provider is asked before anything is sent again"


@pytest.mark.timeout(600)
def test_two_at_once_share_the_work(cluster: Cluster, post: Post) -> None:
    post.service.answers_after = 0.02
    both = [sender(cluster, post) for _ in range(2)]
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    assert post.references() == post.nudges()
    assert check(post) == 0


@pytest.mark.timeout(600)
def test_a_sender_stopped_past_its_lease_writes_nothing_more(cluster: Cluster, post: Post) -> None:
    post.service.answers_after = 0.15
    process = sender(cluster, post, SHORT_LEASE)
    until = time.monotonic() + 30
    while post.service.asked < 2 and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(process.pid or 0, signal.SIGSTOP)
    time.sleep(0.6)
    post.send(replace(AFTERWARDS, lease=timedelta(seconds=30)))
    settled = "SELECT nudge_id, accepted_at FROM encompass.nudge WHERE accepted_at IS NOT NULL"
    before = post.sql(settled)
    os.kill(process.pid or 0, signal.SIGCONT)
    process.join(60)
    after = post.sql(settled)
    assert post.sql("SELECT 1 FROM encompass.audit_event WHERE action = 'nudge_ambiguous'") != []
    assert set(before) <= set(after), "what the other has written stands"
    check(post)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [16, 20, 24])
def test_a_sender_asleep_in_a_transaction_keeps_nobody_waiting(
    cluster: Cluster, post: Post, number: int
) -> None:
    """Its machine was suspended there: its locks end with its session."""
    process = sender(cluster, post, replace(SHORT_LEASE, workers=1), Signal(number, signal.SIGSTOP))
    try:
        _wait_until_stopped(process)
        check(post)
    finally:
        process.kill()
        process.join()


def killed_at_random(cluster: Cluster, prepared: str, rng: random.Random) -> int:
    """One night's outbox sent by several senders, killed until it is time to look; how many were killed."""
    killed = 0
    with post_of(cluster, prepared) as post:
        post.service.answers_after = rng.choice((0.0, 0.02, 0.05))
        post.service.next_ones.extend(rng.choices(("reset", "taken_then_dropped", "500", "429"), k=2))
        for _ in range(rng.choice((1, 2))):
            at_once = [sender(cluster, post) for _ in range(rng.choice((1, 2)))]
            time.sleep(rng.uniform(0.1, 0.8))
            for process in at_once:
                process.kill()
                process.join()
                killed += process.exitcode == -signal.SIGKILL
        settled(post)
    return killed


@pytest.mark.timeout(600)
def test_senders_killed_at_random(cluster: Cluster, prepared: str) -> None:
    killed = sum(killed_at_random(cluster, prepared, random.Random(lap)) for lap in range(6))
    assert killed >= 3


@pytest.mark.timeout(600)
def test_postgresql_crashes_under_a_sender(cluster: Cluster, prepared: str) -> None:
    """One of its processes is killed, so that it ends every session and recovers from its log."""
    for lap in range(2):
        with post_of(cluster, prepared) as post:
            post.service.answers_after = 0.03
            process = sender(cluster, post)
            until = time.monotonic() + 30
            while post.service.asked < 2 + 3 * lap and time.monotonic() < until:
                time.sleep(0.005)
            post.encompass.database.dispose()  # so that the sender's sessions are the only ones of the pipeline
            (victim, *_) = post.sql(SESSIONS)
            os.kill(victim.pid, signal.SIGKILL)
            process.join(60)
            _wait_for_recovery(post)
            check(post)


def _wait_until_its_sessions_have_ended(post: Post) -> None:
    post.encompass.database.dispose()
    until = time.monotonic() + 30
    while post.sql(SESSIONS):
        assert time.monotonic() < until
        time.sleep(0.02)


def _wait_until_stopped(process: BaseProcess) -> None:
    until = time.monotonic() + 30
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < until
        time.sleep(0.01)


def _wait_for_recovery(post: Post) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(DBAPIError):
            post.sql("SELECT 1")
            return
        time.sleep(0.1)
    pytest.fail("PostgreSQL did not come back")
