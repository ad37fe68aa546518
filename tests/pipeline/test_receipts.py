"""Receipts by callback and by asking: accepted early, late, twice and out of order; and no acknowledgement."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import replace
from uuid import uuid4

import pytest
import requests
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from werkzeug.serving import make_server

from encompass.domain.nudge import NudgeStatus
from encompass.domain.receipt import moves_for
from encompass.settings import NotifySettings
from encompass.store.database import Role
from encompass.web.app import create_app
from sandbox.notify import TEMPLATES, call_back, receipt_of
from tests.cluster import FORCE, Cluster
from tests.pipeline.sending import KEY, Post, post_of, prepare

TOKEN = "a-callback-token-of-the-force"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def prepared(cluster: Cluster) -> Generator[str]:
    name = prepare(cluster)
    yield name
    cluster.drop(name)


@pytest.fixture
def post(cluster: Cluster, prepared: str) -> Generator[Post]:
    with post_of(cluster, prepared) as opened:
        yield opened


@pytest.fixture
def url(post: Post) -> Generator[str]:
    """The address at which the installation takes receipts."""
    templates = {"en": TEMPLATES["email", "en"]}
    known = NotifySettings(api_key=KEY, callback_token=TOKEN, email_templates=templates)  # type: ignore[arg-type]
    settings = post.encompass.settings
    nudges = settings.nudges.model_copy(update={"notify": known})
    encompass = replace(post.encompass, settings=settings.model_copy(update={"nudges": nudges}))
    server = make_server("127.0.0.1", 0, create_app(encompass), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/receipts/{FORCE}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_receipt_moves_its_nudge_and_acknowledges_nothing(post: Post, url: str) -> None:
    post.send()
    gone = post.service.messages[0]
    post.service.unreachable = frozenset({gone.to})
    ended = post.service.deliver()
    assert set(call_back(url, TOKEN, ended)) == {204}
    assert set(call_back(url, TOKEN, ended)) == {204}, "a receipt twice is taken twice"
    assert post.join() == len(ended)
    assert post.join() == 0
    failed = sum(m.to == gone.to for m in ended)
    assert post.statuses() == {"delivered": len(ended) - failed, "failed": failed}
    assert post.sql("SELECT 1 FROM encompass.acknowledgement") == []
    assert {r.status for r in post.sql("SELECT status FROM encompass.notification")} == {"released", "held"}


def test_a_receipt_that_comes_before_our_own_word_is_joined_later(post: Post, url: str) -> None:
    post.send()
    ended = post.service.deliver()
    post.sql(
        "UPDATE encompass.nudge SET status = 'sending', lease_token = nudge_id, lease_until = now() + interval '1 hour'"
    )
    assert set(call_back(url, TOKEN, ended)) == {204}
    assert post.join() == 0
    assert set(post.statuses()) == {"sending"}
    post.sql("UPDATE encompass.nudge SET status = 'accepted', lease_token = NULL, lease_until = NULL")
    assert post.join() == len(ended)
    assert set(post.statuses()) == {"delivered"}


def test_a_receipt_settles_a_nudge_that_nobody_knew_to_be_taken(post: Post, url: str) -> None:
    post.send()
    ended = post.service.deliver()
    post.sql("UPDATE encompass.nudge SET status = 'ambiguous'")
    call_back(url, TOKEN, ended)
    post.join()
    assert set(post.statuses()) == {"delivered"}


def test_a_late_bounce_takes_a_delivery_back_and_somebody_telephones(post: Post, url: str) -> None:
    post.send()
    call_back(url, TOKEN, post.service.deliver())
    post.join()
    for m in post.service.messages:
        m.status = "permanent-failure"
    call_back(url, TOKEN, post.service.messages)
    post.join()
    assert set(post.statuses()) == {"failed"}
    schools = post.sql("SELECT DISTINCT recipient_id FROM encompass.nudge")
    telephoned = post.sql(
        "SELECT DISTINCT n.recipient_id FROM encompass.phone_task AS t "
        "JOIN encompass.notification AS n USING (notification_id) WHERE t.reason = 'unreachable'"
    )
    assert {r.recipient_id for r in telephoned} == {r.recipient_id for r in schools}


def test_both_receipts_of_one_nudge_before_we_look_end_in_the_bounce(post: Post, url: str) -> None:
    post.send()
    bounced = [replace(m, status="permanent-failure") for m in post.service.deliver()]
    call_back(url, TOKEN, bounced)
    call_back(url, TOKEN, post.service.messages)
    post.join()
    assert set(post.statuses()) == {"failed"}


def test_without_a_callback_the_provider_is_asked(post: Post) -> None:
    post.send()
    gone = post.service.messages[0].to
    post.service.unreachable = frozenset({gone})
    post.service.deliver()
    post.join()
    assert set(post.statuses()) == {"accepted"}, "it is given a few minutes to say so itself"
    post.sql("UPDATE encompass.nudge SET accepted_at = accepted_at - interval '10 minutes'")
    post.join()
    assert set(post.statuses()) == {"delivered", "failed"}


def test_when_the_provider_is_away_the_next_reconciliation_asks(post: Post) -> None:
    post.send()
    post.service.deliver()
    post.sql("UPDATE encompass.nudge SET accepted_at = accepted_at - interval '10 minutes'")
    post.service.is_down = True
    assert post.join() == 0
    post.service.is_down = False
    assert post.join() == len(post.nudges())


def test_only_the_provider_is_heard_and_a_stranger_learns_nothing(post: Post, url: str) -> None:
    post.send()
    (first, *_) = post.service.deliver()
    body = receipt_of(first)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        assert requests.post(url, json=body, headers=headers, timeout=5).status_code == 404
    good = {"Authorization": f"Bearer {TOKEN}"}
    elsewhere = url.replace(FORCE, "nobody")
    assert requests.post(elsewhere, json=body, headers=good, timeout=5).status_code == 404
    assert requests.get(url, headers=good, timeout=5).status_code in (404, 405)
    assert post.sql("SELECT 1 FROM encompass.delivery_report") == []


@pytest.mark.parametrize(
    ("changes", "status", "kept"),
    [
        ({"reference": str(uuid4())}, 204, 1),
        ({"reference": None}, 204, 0),
        ({"reference": "'; DROP TABLE nudge"}, 204, 0),
        ({"status": "sending"}, 204, 0),
        ({"status": ["delivered"]}, 204, 0),
        ({"id": {"x": 1}}, 204, 1),
    ],
)
def test_whatever_the_provider_says_it_is_not_asked_to_repeat(
    post: Post, url: str, changes: dict, status: int, kept: int
) -> None:
    post.send()
    body = {**receipt_of(post.service.deliver()[0]), **changes}
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    assert answer.status_code == status
    rows = post.sql("SELECT * FROM encompass.delivery_report")
    assert len(rows) == kept
    assert not any(str(body["to"]) in str(r) for r in rows), "the recipient's address is not kept"
    post.join()


def test_the_role_that_takes_receipts_reads_and_changes_nothing(post: Post) -> None:
    for statement in (
        "SELECT count(*) FROM encompass.delivery_report",
        "SELECT count(*) FROM encompass.nudge",
        "UPDATE encompass.delivery_report SET kind = 'delivered'",
        "DELETE FROM encompass.delivery_report",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            with post.encompass.database.engine(Role.INBOUND).begin() as connection:
                connection.execute(text(statement))


@pytest.mark.parametrize(
    ("current", "kind", "moves"),
    [
        ("accepted", "delivered", ["delivered"]),
        ("accepted", "failed", ["failed"]),
        ("delivered", "failed", ["failed"]),
        ("delivered", "delivered", []),
        ("failed", "delivered", []),
        ("cancelled", "delivered", []),
        ("ambiguous", "failed", ["accepted", "failed"]),
    ],
)
def test_the_moves_of_a_receipt(current: str, kind: str, moves: list[str]) -> None:
    assert moves_for(NudgeStatus(current), NudgeStatus(kind)) == tuple(NudgeStatus(m) for m in moves)
