"""Schools' answers and the steps that take them up, killed before each statement: all of an answer is there, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from encompass.domain.access import KeyAdultViewer, NotFound
from encompass.domain.notification import CallOutcome
from encompass.domain.run import Run
from encompass.pipeline.acknowledge import acknowledge, excuse_from, return_notification
from encompass.pipeline.chase_acknowledgements import LadderRules, chase_acknowledgements
from encompass.pipeline.make_calls import record_call
from encompass.pipeline.reconcile_acknowledgements import reconcile_acknowledgements
from encompass.pipeline.record_receipts import record_receipts
from encompass.pipeline.take_answers import take_answers
from encompass.pipeline.telling_rules import TellingRules
from encompass.store.database import Role
from encompass.store.sealed import KeyRing
from tests.cluster import FORCE, Cluster
from tests.faults import JOINED_WITHIN_S, Worker
from tests.pipeline.sending import Post, post_of, prepare, provider
from tests.pipeline.told import Told

ANSWERED_AT = time(8, 20)
LATEST = time(8, 50)


@dataclass(frozen=True)
class Written:
    """All that an answer leaves of a notification."""

    status: str
    acknowledgements: int = 0
    calls: int = 0
    excused: int = 0
    open_tasks: int = 1
    events: tuple[str, ...] = ()


UNANSWERED = Written("released")


@dataclass(frozen=True)
class Answer:
    """One way to answer: by which role, as which function with which arguments, and what it leaves, also when repeated."""

    role: Role
    do: Callable[..., None]
    arguments: Callable[[Told, UUID, int], tuple[object, ...]]
    leaves: Written
    leaves_again: Written | None = None


def by_page(told: Told, notification_id: UUID, urn: int) -> tuple[object, ...]:
    """The lead's answer on a page."""
    return told.viewer(urn), notification_id, told.cluster.at(ANSWERED_AT)


def by_telephone(told: Told, notification_id: UUID, urn: int) -> tuple[object, ...]:
    """The lead's answer to whoever telephoned."""
    return told.encompass.ring, notification_id, f"KA-{urn}-dsl", told.cluster.at(ANSWERED_AT)


def call(engine: Engine, ring: KeyRing, notification_id: UUID, spoke_to: str, at: datetime) -> None:
    """Record that the Key Adult acknowledged on the telephone."""
    outcome = CallOutcome.ACKNOWLEDGED
    record_call(engine, ring, FORCE, notification_id, outcome, by="PC 1234", spoke_to=spoke_to, at=at, now=at)


def stand_back(engine: Engine, viewer: KeyAdultViewer, notification_id: UUID, at: datetime) -> None:
    """Say that the viewer should not see it; a page answers "not there" to whoever said so before."""
    with suppress(NotFound):
        excuse_from(engine, viewer, notification_id, at)


CALLED = "phone_call_made"
SAID = "notification_acknowledged_by_telephone"
ANSWERS = {
    "acknowledged": Answer(
        Role.SCHOOL,
        acknowledge,
        by_page,
        Written("acknowledged", acknowledgements=1, open_tasks=0, events=("notification_acknowledged",)),
    ),
    "not our pupil": Answer(
        Role.SCHOOL,
        return_notification,
        by_page,
        Written("not_our_pupil", events=("notification_not_our_pupil",)),
    ),
    "not for me": Answer(
        Role.SCHOOL, stand_back, by_page, Written("released", excused=1, events=("key_adult_excused",))
    ),
    "by telephone": Answer(
        Role.PIPELINE,
        call,
        by_telephone,
        Written("acknowledged", acknowledgements=1, calls=1, open_tasks=0, events=(SAID, CALLED)),
        Written("acknowledged", acknowledgements=1, calls=2, open_tasks=0, events=(SAID, CALLED, CALLED)),
    ),
}
EVENTS = tuple({event for answer in ANSWERS.values() for event in answer.leaves.events})


@dataclass
class Chased(Told):
    """A small night of which everybody is telephoned; each test answers another of its notifications."""

    def worker(self, role: Role) -> Worker:
        """Who works on this database."""
        return Worker(self.cluster.database(self.encompass.database.name), role)

    def unanswered(self) -> tuple[UUID, int]:
        """A notification that nobody has answered in any way, and its school."""
        query = (
            "SELECT notification_id, urn FROM encompass.notification AS n WHERE status = 'released' AND NOT EXISTS "
            "(SELECT 1 FROM encompass.notification_exclusion AS x WHERE x.notification_id = n.notification_id) "
            "ORDER BY urn LIMIT 1"
        )
        return tuple(self.rows(query)[0])

    def written(self, notification_id: UUID) -> Written:
        """What is there of the notification's answer, its account still balancing."""
        query = (
            "SELECT n.status, (SELECT count(*) FROM encompass.acknowledgement AS a WHERE a.notification_id = :id), "
            "(SELECT count(*) FROM encompass.phone_call AS c WHERE c.notification_id = :id), "
            "(SELECT count(*) FROM encompass.notification_exclusion AS x WHERE x.notification_id = :id), "
            "(SELECT count(*) FROM encompass.phone_task AS t WHERE t.notification_id = :id AND t.withdrawn_at IS NULL), "
            "ARRAY(SELECT e.action FROM encompass.audit_event AS e WHERE e.subject_id = :id AND e.action = ANY(:events) "
            "ORDER BY e.action) FROM encompass.notification AS n WHERE n.notification_id = :id"
        )
        ((*numbers, events),) = self.rows(query, id=notification_id, events=list(EVENTS))
        self.bucket(self.cluster.run(self.encompass, LATEST))
        return Written(*numbers, tuple(events))


@pytest.fixture(scope="module")
def chased(cluster: Cluster) -> Generator[Chased]:
    with cluster.opened(cluster.played(), cluster.at(ANSWERED_AT)) as encompass:
        assert encompass.chase_acknowledgements(cluster.run(encompass, ANSWERED_AT)) > 0
        yield Chased(encompass, cluster)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_killed_before_each_statement_and_commit_of_an_answer(chased: Chased, answer: Answer) -> None:
    notification_id, urn = chased.unanswered()
    worker, arguments = chased.worker(answer.role), answer.arguments(chased, notification_id, urn)
    kills = 0
    for number in worker.killed_ever_later(answer.do, *arguments):
        assert chased.written(notification_id) == UNANSWERED, number
        kills = number
    assert kills >= 4, "a look at it, its change, its event and the commit at the least"
    assert chased.written(notification_id) == answer.leaves
    worker.start(answer.do, *arguments).join(JOINED_WITHIN_S)
    assert chased.written(notification_id) == (answer.leaves_again or answer.leaves)


def test_without_one_transaction_a_kill_leaves_half_an_answer(chased: Chased) -> None:
    """The proof's own proof: each statement committed by itself is what it would have noticed."""
    notification_id, urn = chased.unanswered()
    answer = ANSWERS["by telephone"]
    broken = Worker(chased.worker(Role.PIPELINE).database, Role.PIPELINE, "AUTOCOMMIT")
    seen = [
        chased.written(notification_id)
        for _ in broken.killed_ever_later(answer.do, *answer.arguments(chased, notification_id, urn))
    ]
    assert set(seen) - {UNANSWERED, answer.leaves}


@pytest.mark.parametrize(("said", "number"), [("acknowledged", 3), ("not for me", 2)])
def test_two_who_answer_at_the_same_moment_are_one(chased: Chased, said: str, number: int) -> None:
    """Both when the other has changed nothing yet: the second changes nothing and fails in nothing."""
    notification_id, urn = chased.unanswered()
    answer = ANSWERS[said]
    arguments = answer.arguments(chased, notification_id, urn)
    assert chased.worker(answer.role).two_meet(number, answer.do, *arguments) == [0, 0]
    assert chased.written(notification_id) == answer.leaves


TO_ASK_OF = (
    "UPDATE encompass.nudge SET accepted_at = accepted_at - interval '10 minutes' WHERE nudge_id IN "
    "(SELECT nudge_id FROM encompass.nudge ORDER BY nudge_id = CAST(:lost AS uuid) DESC LIMIT 4)"
)


@dataclass(frozen=True)
class Chase:
    """A pass of reconciliation: what it goes by."""

    ring: KeyRing
    telling: TellingRules
    ladder: LadderRules
    url: str
    run: Run


def reconcile(engine: Engine, chase: Chase) -> None:
    """Take up answers, climb the ladder, join the receipts, draw up the account: as each five minutes do."""
    failed = take_answers(engine, chase.ring, chase.telling, chase.run)
    chase_acknowledgements(engine, chase.ring, chase.ladder, chase.run)
    record_receipts(engine, provider(chase.url), chase.run)
    reconcile_acknowledgements(engine, chase.run)
    failed.raise_surprises("answers")


@contextmanager
def waiting_for_reconciliation(cluster: Cluster, prepared: str) -> Generator[tuple[Post, Chase]]:
    """The small night sent: schools answer, a lead stands back, receipts are to be asked for, the bell goes."""
    with post_of(cluster, prepared) as post:
        post.send()
        lost = post.service.messages[0]
        post.service.unreachable = frozenset({lost.to})
        post.service.deliver()
        told, school = Told(post.encompass, cluster), post.encompass.database.engine(Role.SCHOOL)
        answers = [return_notification, excuse_from, *(acknowledge for _ in range(3))]
        released = told.rows(
            "SELECT notification_id, urn FROM encompass.notification WHERE status = 'released' ORDER BY urn"
        )
        for (notification_id, urn), answer in zip(released, answers, strict=False):
            answer(school, told.viewer(urn), notification_id, cluster.at(ANSWERED_AT))
        post.sql(TO_ASK_OF, lost=lost.reference)
        e, run = post.encompass, cluster.run(post.encompass, LATEST)
        yield post, Chase(e.ring, e.telling_rules(FORCE), e.ladder_rules(FORCE), post.url, run)


def counted(post: Post) -> dict[str, Counter[tuple[object, ...]]]:
    """How much of everything that reconciliation writes is there, by kind."""
    kinds = {
        "events": "SELECT action FROM encompass.audit_event WHERE actor_kind = 'pipeline'",
        "nudges": "SELECT rung, channel, status FROM encompass.nudge",
        "links": "SELECT rung FROM encompass.nudge_notification",
        "notifications": "SELECT status FROM encompass.notification",
        "placements": "SELECT status, reason FROM encompass.placement",
        "duties": "SELECT withdrawn_at IS NULL FROM encompass.duty",
        "steps": "SELECT step, reason FROM encompass.ladder_step",
        "tasks": "SELECT called, reason, withdrawn_at IS NULL FROM encompass.phone_task",
        "exceptions": "SELECT reason, closed_at IS NULL FROM encompass.duty_exception",
        "reports": "SELECT kind, joined_at IS NULL FROM encompass.delivery_report",
    }
    return {name: Counter(tuple(row) for row in post.sql(query)) for name, query in kinds.items()}


@pytest.mark.timeout(600)
def test_killed_before_each_statement_and_commit_of_a_reconciliation(cluster: Cluster) -> None:
    """One pass after the other, each killed a statement later, comes to what one whole pass comes to."""
    prepared = prepare(cluster)
    with waiting_for_reconciliation(cluster, prepared) as (post, chase):
        reconcile(post.encompass.database.engine(Role.PIPELINE), chase)
        whole = counted(post)
    with waiting_for_reconciliation(cluster, prepared) as (post, chase):
        worker = Worker(cluster.database(post.encompass.database.name), Role.PIPELINE)
        kills = 0
        for kills in worker.killed_ever_later(reconcile, chase):
            assert post.encompass.account(chase.run).balanced, kills
            taken, told_of = steps_and_their_events(Told(post.encompass, cluster))
            assert taken == told_of, kills
        assert counted(post) == whole
        assert kills > sum(whole["steps"].values())
    cluster.drop(prepared)


def steps_and_their_events(told: Told) -> tuple[Any, Any]:
    """Each step of the ladder, and each step that the audit tells of."""
    steps = "SELECT duty_id, step FROM encompass.ladder_step ORDER BY 1, 2"
    events = (
        "SELECT subject_id, details ->> 'step' FROM encompass.audit_event WHERE action = 'ladder_step_taken' "
        "ORDER BY 1, 2"
    )
    return told.rows(steps), told.rows(events)
