"""`make prove`: as many senders, answers and reconciliations killed at random as is asked."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Generator
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from signal import SIGKILL

import pytest

from encompass.store.database import Role
from tests.cluster import Cluster
from tests.faults import Signal
from tests.night.test_answer_killed import (
    ANSWERED_AT,
    ANSWERS,
    LATEST,
    UNANSWERED,
    Answer,
    Chase,
    Chased,
    reconcile,
    steps_and_their_events,
)
from tests.night.test_send_killed import killed_at_random as senders_killed
from tests.pipeline.sending import LINK, prepare

FURTHEST = 12


@pytest.fixture(scope="module")
def prepared(cluster: Cluster) -> Generator[str]:
    """A small night of which nothing has left."""
    name = prepare(cluster)
    yield name
    cluster.drop(name)


@pytest.fixture(scope="module")
def telephoned(cluster: Cluster) -> Generator[str]:
    """A small night of which everybody is to be telephoned."""
    name = cluster.copy(cluster.played())
    with cluster.on(name) as encompass:
        encompass.chase_acknowledgements(cluster.run(encompass, ANSWERED_AT))
    yield name
    cluster.drop(name)


def killed(at_once: list[BaseProcess], wait: float) -> int:
    """Kill these if they have not ended by then; how many were killed, by us or by themselves."""
    time.sleep(wait)
    for process in at_once:
        process.kill()
        process.join()
    return sum(process.exitcode == -SIGKILL for process in at_once)


def one_killed(chased: Chased, answer: Answer, rng: random.Random) -> int:
    """Answer a notification in processes killed at random until one has; how many were killed."""
    notification_id, urn = chased.unanswered()
    worker, arguments = chased.worker(answer.role), answer.arguments(chased, notification_id, urn)
    kills, most = 0, 1 if answer.leaves.calls else 2  # the same call entered by two people is two calls
    for _ in range(rng.choice((2, 4, 8))):
        at_once = [
            worker.start(answer.do, *arguments, before=Signal(rng.randrange(FURTHEST)))
            for _ in range(rng.randint(1, most))
        ]
        kills += killed(at_once, rng.uniform(0, 0.2))
        written = chased.written(notification_id)
        assert written in (UNANSWERED, answer.leaves)
        if written == answer.leaves:
            return kills
    answer.do(chased.encompass.database.engine(answer.role), *arguments)
    assert chased.written(notification_id) == answer.leaves
    return kills


def reconciliations_killed(chased: Chased, rng: random.Random) -> int:
    """Take up what was answered and climb the ladder, killed at random, then to the end; how many were killed."""
    e, run = chased.encompass, chased.cluster.run(chased.encompass, LATEST)
    telling, ladder = e.telling_rules(run.force_id), e.ladder_rules(run.force_id)
    chase, worker = Chase(e.ring, telling, ladder, LINK, run), chased.worker(Role.PIPELINE)
    kills = 0
    for _ in range(4):
        kills += killed(
            [worker.start(reconcile, chase, before=Signal(rng.randrange(1, 60)))], rng.uniform(0.1, 0.6)
        )
        assert chased.bucket(run)
    reconcile(e.database.engine(Role.PIPELINE), chase)
    taken, told_of = steps_and_their_events(chased)
    assert taken == told_of
    assert chased.bucket(run)
    return kills


def answers_killed(cluster: Cluster, telephoned: str, rng: random.Random) -> int:
    """A night's schools answer, each in one way or another, and the answers are taken up; how many were killed."""
    with cluster.opened(telephoned, cluster.at(ANSWERED_AT)) as encompass:
        chased = Chased(encompass, cluster)
        kills = sum(one_killed(chased, rng.choice(list(ANSWERS.values())), rng) for _ in range(5))
        return kills + reconciliations_killed(chased, rng)


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_senders_answers_and_reconciliations_killed_at_random(
    cluster: Cluster, prepared: str, telephoned: str
) -> None:
    """`make prove` (KILLS=500): so many processes, about half of them senders."""
    wanted, kills, began = int(os.environ.get("KILLS", "500")), Counter[str](), time.monotonic()
    for lap in count(100):
        kills["sending"] += senders_killed(cluster, prepared, random.Random(lap))
        if kills["answering"] < kills["sending"]:
            kills["answering"] += answers_killed(cluster, telephoned, random.Random(lap))
        if kills.total() >= wanted:
            break
    lasted = timedelta(seconds=round(time.monotonic() - began))
    print(f"\n{kills.total()} processes killed ({dict(kills)}) in {lasted}: nothing lost, nothing doubled")
