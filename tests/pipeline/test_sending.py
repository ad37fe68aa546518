"""The outbox against a provider that misbehaves: nothing lost, nothing doubled, nobody delayed by another's failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection

from encompass.domain.nudge import Channel, Rung, SendingRules, mobile_of, wait_before_retry
from encompass.domain.report_export import account_table
from encompass.domain.run import LONDON
from encompass.gateways.notify import NotifyAddress, NotifyGateway
from encompass.pipeline.nudge_wording import wording_of
from encompass.pipeline.send_one import LEFT, tell_a_person
from encompass.store import key_adult, nudge
from encompass.store.database import Role
from tests.cluster import Cluster
from tests.pipeline.sending import KEY, MS, QUICK, Post, post_of, prepare

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def prepared(cluster: Cluster) -> Generator[str]:
    name = prepare(cluster)
    yield name
    cluster.drop(name)


@pytest.fixture
def post(cluster: Cluster, prepared: str) -> Generator[Post]:
    with post_of(cluster, prepared) as opened:
        yield opened


def is_balanced(post: Post) -> bool:
    return account_table(post.encompass.account(post.run))["balanced"] is True


def alarms(post: Post) -> set[str]:
    return set(post.encompass.account(post.run).alarms)


def test_every_nudge_leaves_once_by_its_own_id(post: Post) -> None:
    everyone = post.nudges()
    assert len(everyone) > 8
    assert post.send() == len(everyone)
    assert post.references() == everyone
    assert post.send() == 0
    assert post.references() == everyone
    assert post.statuses() == {"accepted": len(everyone)}
    assert is_balanced(post)


@pytest.mark.parametrize("bad", ["taken_then_dropped", "reset", "garbage", "drip"])
def test_an_answer_that_says_neither_yes_nor_no_costs_no_second_nudge(post: Post, bad) -> None:
    """The provider is asked first: it is sent once more only when it had not been taken."""
    everyone = post.nudges()
    post.service.next_ones.extend([bad] * 3)
    post.send()
    assert post.references() == everyone
    assert post.statuses() == {"accepted": len(everyone)}


def test_what_is_not_found_twice_is_sent_no_third_time(post: Post) -> None:
    post.service.next_ones.extend(["reset"] * 400)
    post.send()
    post.service.next_ones.clear()
    post.send(replace(QUICK, waits_for=SECOND))
    assert max(r.resends for r in post.sql("SELECT resends FROM encompass.nudge")) <= 1
    assert set(Counter(post.references()).values()) <= {1}


def test_too_fast_and_out_of_order_are_waited_out(post: Post) -> None:
    post.service.next_ones.extend(["429", "500", "429", "500"])
    everyone = post.nudges()
    assert post.send(replace(QUICK, waits_for=3 * SECOND)) == len(everyone)
    assert post.references() == everyone


def test_a_provider_down_for_hours_loses_nothing_and_is_left_in_peace(post: Post) -> None:
    post.service.is_down = True
    post.providers = dict.fromkeys(Channel, replace(post.providers[Channel.EMAIL], connect=_nobody()))
    assert post.send() == 0
    failed = post.sql("SELECT failures FROM encompass.channel_circuit")[0].failures
    assert QUICK.opens_after <= failed <= QUICK.opens_after + 2 * QUICK.workers
    assert "nudges_waiting: email" in alarms(post)
    assert post.statuses() == {"queued": len(post.nudges())}
    assert is_balanced(post)


def test_a_provider_away_for_two_hours_of_the_morning_then_takes_everything_once(post: Post) -> None:
    """Away from the feed check until half past seven: nothing is given up, people are told of it, nothing is doubled."""
    good, first = post.providers, post.nudges()
    post.providers = dict.fromkeys(Channel, replace(good[Channel.EMAIL], connect=_nobody()))

    def at(hour: int, minute: int) -> None:
        instant = datetime.combine(post.run.night, time(hour, minute), LONDON)
        post.run = post.encompass.open_run(post.run.force_id, post.run.night, instant)

    for hour, minute in ((5, 35), (6, 5), (6, 35), (7, 5)):
        at(hour, minute)
        assert post.send(replace(QUICK, waits_for=MS)) == 0
    at(7, 30)
    post.encompass.chase_acknowledgements(post.run)
    assert {"nudges_waiting: email", "nudges_not_accepted: ladder"} <= alarms(post)
    assert post.statuses() == {"queued": 2 * len(first)}
    post.providers = good
    at(7, 35)
    assert post.send(replace(QUICK, waits_for=2 * SECOND)) == 2 * len(first)
    assert post.references() == post.nudges()
    post.encompass.chase_acknowledgements(post.run)
    assert alarms(post) == set()
    assert is_balanced(post)


def _nobody():
    return lambda: NotifyGateway(
        NotifyAddress("http://127.0.0.1:9", KEY, {c: {"en": "x"} for c in Channel}, 1)
    )


def test_one_nudge_tries_a_channel_whose_rest_is_over_and_then_all_go(post: Post) -> None:
    good, everyone = post.providers, post.nudges()
    post.providers = dict.fromkeys(Channel, replace(good[Channel.EMAIL], connect=_nobody()))
    post.send(replace(QUICK, waits_for=MS))
    post.providers = good
    assert post.send(replace(QUICK, waits_for=MS)) == 0, "while the channel rests nobody tries it"
    assert post.service.asked == 0
    assert post.send(replace(QUICK, waits_for=SECOND)) == len(everyone)
    assert post.references() == everyone
    assert alarms(post) == set()


def test_a_nudge_that_always_fails_is_parked_while_its_neighbours_go(post: Post) -> None:
    (one,) = post.sql(
        "SELECT n.nudge_id, n.key_adult_id FROM encompass.nudge AS n ORDER BY queued_at, nudge_id LIMIT 1"
    )
    with post.encompass.database.engine(Role.PIPELINE).begin() as connection:
        reached = key_adult.contact(connection, post.encompass.ring, one.key_adult_id, post.run.night)
    assert reached is not None
    post.service.poison = reached.email
    everyone = post.nudges()
    assert post.send(replace(QUICK, waits_for=2 * SECOND)) == len(everyone) - 1
    (parked,) = post.sql(
        "SELECT status, last_reason, attempts FROM encompass.nudge WHERE nudge_id = :n", n=one.nudge_id
    )
    assert (parked.status, parked.last_reason, parked.attempts) == ("failed", "parked", 5)
    assert "nudge_parked: email" in alarms(post)
    assert is_balanced(post)


def test_where_nobody_of_a_school_could_be_reached_somebody_telephones(post: Post) -> None:
    (school,) = post.sql("SELECT recipient_id FROM encompass.nudge ORDER BY recipient_id LIMIT 1")
    post.sql(
        "UPDATE encompass.key_adult SET active_to = '2020-01-01' WHERE key_adult_id IN "
        "(SELECT key_adult_id FROM encompass.nudge WHERE recipient_id = :r)",
        r=school.recipient_id,
    )
    mine = post.sql("SELECT nudge_id FROM encompass.nudge WHERE recipient_id = :r", r=school.recipient_id)
    post.send()
    assert not {str(r.nudge_id) for r in mine} & set(post.references()), "who has left gets nothing"
    assert post.statuses()["cancelled"] == len(mine)
    assert "key_adult_left: email" in alarms(post)
    tasks = post.sql(
        "SELECT DISTINCT n.recipient_id FROM encompass.phone_task AS t "
        "JOIN encompass.notification AS n USING (notification_id) WHERE t.reason = 'unreachable'"
    )
    assert [t.recipient_id for t in tasks] == [school.recipient_id]


def test_two_that_end_in_the_same_moment_do_not_take_each_other_for_one_still_to_be_sent(post: Post) -> None:
    (pair,) = post.sql(
        "SELECT notification_id, array_agg(nudge_id) AS nudges FROM encompass.nudge_notification "
        "GROUP BY notification_id HAVING count(*) = 2 ORDER BY notification_id LIMIT 1"
    )
    engine = post.encompass.database.engine(Role.PIPELINE)

    def end(connection: Connection, nudge_id: UUID) -> None:
        nudge.cancel(connection, post.run, nudge_id, LEFT)
        tell_a_person(connection, post.run, nudge_id)

    def end_in_own_transaction(nudge_id: UUID) -> None:
        with engine.begin() as connection:
            end(connection, nudge_id)

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            end(connection, pair.nudges[0])
            other = pool.submit(end_in_own_transaction, pair.nudges[1])
            with suppress(TimeoutError):
                other.result(timeout=0.5)  # it waits for us, or has looked without seeing us
        other.result(timeout=30)
    tasks = post.sql("SELECT notification_id FROM encompass.phone_task WHERE reason = 'unreachable'")
    assert pair.notification_id in [t.notification_id for t in tasks]


def test_who_left_alone_of_two_costs_no_telephone_call(post: Post) -> None:
    rows = post.sql(
        "SELECT recipient_id, min(key_adult_id::text) AS a FROM encompass.nudge GROUP BY recipient_id HAVING count(*) > 1"
    )
    post.sql(
        "UPDATE encompass.key_adult SET active_to = '2020-01-01' WHERE key_adult_id = CAST(:a AS uuid)",
        a=rows[0].a,
    )
    post.send()
    assert post.statuses()["cancelled"] == 1
    assert post.sql("SELECT 1 FROM encompass.phone_task WHERE reason = 'unreachable'") == []


def test_a_text_message_goes_to_a_mobile_and_a_landline_gets_none(post: Post) -> None:
    rows = post.sql(
        "SELECT n.recipient_id, n.key_adult_id, nn.notification_id FROM encompass.nudge AS n "
        "JOIN encompass.nudge_notification AS nn USING (nudge_id)"
    )
    with post.encompass.database.engine(Role.PIPELINE).begin() as connection:
        for row in rows:
            for _ in range(2):
                nudge.enqueue(
                    connection,
                    post.run,
                    row.recipient_id,
                    row.key_adult_id,
                    row.notification_id,
                    Rung.SECOND,
                    Channel.SMS,
                )
    adults = {r.key_adult_id for r in rows}
    queued = post.sql("SELECT key_adult_id FROM encompass.nudge WHERE channel = 'sms'")
    assert Counter(q.key_adult_id for q in queued) == Counter(adults), "one a person, however many children"
    post.send()
    outcomes = post.sql("SELECT status, last_reason FROM encompass.nudge WHERE channel = 'sms'")
    sent = [m for m in post.service.messages if m.kind == "sms"]
    assert len(sent) == sum(o.status == "accepted" for o in outcomes)
    assert {(o.status, o.last_reason) for o in outcomes} <= {("accepted", None), ("failed", "no_mobile")}


def test_what_is_released_after_a_nudge_has_left_gets_one_of_its_own(post: Post) -> None:
    post.send()
    before = len(post.nudges())
    (row,) = post.sql(
        "SELECT n.recipient_id, n.key_adult_id, nn.notification_id FROM encompass.nudge AS n "
        "JOIN encompass.nudge_notification AS nn USING (nudge_id) ORDER BY 1, 2, 3 LIMIT 1"
    )
    post.sql("DELETE FROM encompass.nudge_notification WHERE notification_id = :n", n=row.notification_id)
    with post.encompass.database.engine(Role.PIPELINE).begin() as connection:
        nudge.enqueue(connection, post.run, row.recipient_id, row.key_adult_id, row.notification_id)
    assert len(post.nudges()) == before + 1
    assert post.send() == 1


def test_a_person_who_reads_welsh_is_written_to_in_welsh(post: Post) -> None:
    assert wording_of("cy").subject == "Mae gennych neges yn aros"
    assert wording_of("en") == wording_of("fr")


@pytest.mark.parametrize(
    ("strikes", "asked", "left", "waits"),
    [
        (0, None, 3600, 2),
        (1, None, 3600, 4),
        (3, None, 3600, 16),
        (20, None, 36000, 300),
        (0, 40, 3600, 40),
        (0, 40, 15, 15),
        (8, None, 60, 60),
        (3, None, -5, 16),
        (3, None, None, 16),
    ],
)
def test_a_wait_doubles_hears_the_provider_and_ends_at_the_bell(strikes, asked, left, waits) -> None:
    asked_for = None if asked is None else asked * SECOND
    until = None if left is None else left * SECOND
    assert wait_before_retry(SendingRules(), strikes, asked_for, until) == waits * SECOND


@pytest.mark.parametrize(
    ("phone", "mobile"),
    [
        ("07700 900001", "07700900001"),
        ("+44 7700 900001", "+447700900001"),
        ("020 7946 0001", None),
        ("0770090000", None),
        (None, None),
    ],
)
def test_only_a_mobile_takes_a_text_message(phone: str | None, mobile: str | None) -> None:
    assert mobile_of(phone) == mobile
