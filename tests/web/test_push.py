"""A force that pushes its records, over real HTTP: what it signed is taken whole and once, everything else refused."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import requests
from pydantic import SecretStr, ValidationError
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook
from werkzeug.serving import make_server

from encompass.settings import FeedSettings, PushSettings
from encompass.store.database import Role
from encompass.web.app import create_app
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster

OURS, NEXT, OTHERS = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))


@dataclass
class Door:
    """An installation whose Riverbend pushes, served on loopback; business time stands at its feed check."""

    base: str
    encompass: Encompass
    records: list[dict[str, Any]]

    def post(
        self,
        body: bytes,
        *,
        secret: str = OURS,
        message: str = "msg_1",
        at: datetime | None = None,
        force: str = FORCE,
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        """Send a message signed with a secret; the status and the answer."""
        signed_at = at or datetime.now(UTC)
        signed = {
            "webhook-id": message,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": Webhook(secret).sign(message, signed_at, body.decode("latin-1")),
            "Content-Type": "application/json",
        }
        url = f"{self.base}/inbound/police/{force}/incidents"
        answer = requests.post(url, body, headers=signed | headers, timeout=20)
        assert answer.headers["Content-Type"] == "application/json", answer.text
        return answer.status_code, answer.json()

    def scalars(self, query: str) -> list[Any]:
        with self.encompass.database.engine(Role.OWNER).begin() as connection:
            return list(connection.execute(text(query)).scalars())


def page(*records: dict[str, Any], made: datetime, **changes: Any) -> bytes:
    """A page with its manifest, as a sender makes it."""
    digests = sorted(
        hashlib.sha256(json.dumps(r, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        for r in records
    )  # fmt: skip
    manifest = {
        "contract_version": "1.0",
        "count": len(records),
        "sha256": hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        "created_at": made.isoformat(),
    }
    return json.dumps({"manifest": manifest | changes, "records": records}).encode()


@contextmanager
def pushing(encompass: Encompass, cluster: Cluster, **settings: Any) -> Generator[Door]:
    push = PushSettings.model_validate({"secrets": (OURS,), **settings})
    forces = encompass.settings.forces
    force = forces[FORCE].model_copy(update={"feed": FeedSettings(push=push)})
    pushed = replace(
        encompass, settings=encompass.settings.model_copy(update={"forces": {**forces, FORCE: force}})
    )
    server = make_server("127.0.0.1", 0, create_app(pushed), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Door(f"http://127.0.0.1:{server.port}", pushed, cluster.world.records)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def door(cluster: Cluster) -> Generator[Door]:
    with cluster.opened(cluster.rolled(), _before_the_check(cluster)) as encompass:
        with pushing(encompass, cluster) as opened:
            yield opened


def _before_the_check(cluster: Cluster) -> datetime:
    return cluster.at(time(4, 30))


def test_what_the_force_signed_comes_to_the_same_account(door: Door, cluster: Cluster) -> None:
    made = _before_the_check(cluster)
    half = len(door.records) // 2
    first, second = page(*door.records[:half], made=made), page(*door.records[half:], made=made)
    assert door.post(first) == (200, {"code": "taken", "records": half})
    assert door.post(first) == (200, {"code": "already_taken", "records": half})
    assert door.post(second, message="msg_2")[0] == 200
    assert door.post(second, message="msg_1") == (
        409,
        {"code": "message_id_reused", "records": len(door.records) - half},
    )
    run = cluster.run(door.encompass)
    assert door.encompass.receive_incidents(run) == len(door.records)
    assert door.encompass.receive_incidents(run) == len(door.records)
    door.encompass.match_children(run)
    door.encompass.prepare_notifications(run)
    account = door.encompass.account(run)
    assert (account.all_well, account.involvements.total) == (True, 10)
    assert [(a.way, a.records.announced, a.gap) for a in account.arrivals] == [
        ("push", len(door.records), None)
    ]
    told = {
        (o.incident.incident_reference, o.child.person_id): o.status
        for o in door.encompass.outcomes_of_night(FORCE, run.night)
    }
    assert told == {
        (e["incident_reference"], e["person_id"]): e["placement"] for e in cluster.world.expected()
    }
    assert door.scalars("SELECT count(*) FROM encompass.audit_event WHERE action = 'page_pushed'") == [2]
    kept = b"".join(bytes(s) for s in door.scalars("SELECT sealed FROM encompass.pushed_page"))
    assert not [c for c in cluster.world.canaries() if c.encode() in kept]


def test_nothing_pushed_by_the_feed_check_is_a_feed_that_is_absent(door: Door, cluster: Cluster) -> None:
    run = cluster.run(door.encompass)
    assert door.encompass.receive_incidents(run) == 0
    account = door.encompass.account(run)
    assert (account.alarms, [g.value for g in account.gaps]) == (
        ("feed_absent: police_feed",),
        ["nothing_came"],
    )
    assert account.all_well is False


def test_a_run_of_the_day_to_which_nothing_more_was_pushed_is_no_alarm(door: Door, cluster: Cluster) -> None:
    assert door.post(page(*door.records, made=_before_the_check(cluster)))[0] == 200
    door.encompass.receive_incidents(cluster.run(door.encompass))
    overlapping, later = (cluster.run(door.encompass, time(hour, 0)) for hour in (9, 12))
    assert door.encompass.receive_incidents(overlapping) == len(door.records)
    assert door.encompass.receive_incidents(later) == 0
    account = door.encompass.account(later)
    assert (account.alarms, account.gaps, account.manifest.duplicate) == ((), (), len(door.records))


def test_an_old_page_alone_is_a_stale_feed(door: Door, cluster: Cluster) -> None:
    made = _before_the_check(cluster) - timedelta(hours=30)
    assert door.post(page(*door.records, made=made))[0] == 200
    run = cluster.run(door.encompass)
    door.encompass.receive_incidents(run)
    assert door.encompass.account(run).alarms == ("feed_stale: police_feed",)


def test_a_bad_record_is_quarantined_and_the_page_is_taken(door: Door, cluster: Cluster) -> None:
    broken = {**door.records[0], "status": "pending"}
    assert door.post(page(broken, *door.records[1:], made=_before_the_check(cluster)))[0] == 200
    run = cluster.run(door.encompass)
    door.encompass.receive_incidents(run)
    manifest = door.encompass.account(run).manifest
    assert (manifest.announced, manifest.accepted, manifest.quarantined, manifest.balances) == (7, 6, 1, True)


NOT_VERIFIED = (401, {"code": "not_verified"})


def test_what_the_force_did_not_sign_just_now_is_refused_whole(door: Door, cluster: Cluster) -> None:
    body = page(*door.records, made=_before_the_check(cluster))
    now = datetime.now(UTC)
    unsigned: dict[str, str] = {"webhook-signature": "v1,bm90IGEgc2lnbmF0dXJl"}
    assert door.post(body, secret=OTHERS) == NOT_VERIFIED
    assert door.post(body, at=now - timedelta(minutes=6)) == NOT_VERIFIED
    assert door.post(body, at=now + timedelta(minutes=6)) == NOT_VERIFIED
    for signature in (unsigned["webhook-signature"], "", "v1", "v2,AAAA", "v1,ä"):
        assert door.post(body, **{"webhook-signature": signature.encode().decode("latin-1")}) == NOT_VERIFIED
    assert door.post(body, **{"webhook-timestamp": "yesterday"}) == NOT_VERIFIED
    assert door.post(body, **{"webhook-id": "another"}) == NOT_VERIFIED
    assert door.post(body, force="fellgate") == NOT_VERIFIED
    assert door.post(body, force="nowhere") == NOT_VERIFIED
    assert door.scalars("SELECT count(*) FROM encompass.pushed_page") == [0]


def test_a_body_changed_on_the_way_is_refused(door: Door, cluster: Cluster) -> None:
    body = page(*door.records, made=_before_the_check(cluster))
    now = datetime.now(UTC)
    signature = Webhook(OURS).sign("msg_1", now, body.decode())
    changed = body.replace(b'"active"', b'"retracted"', 1)
    assert changed != body
    assert (
        door.post(changed, **{"webhook-signature": signature, "webhook-timestamp": str(int(now.timestamp()))})
        == NOT_VERIFIED
    )
    assert door.scalars("SELECT count(*) FROM encompass.pushed_page") == [0]


def _without_last(body: bytes) -> bytes:
    table = json.loads(body)
    return json.dumps({**table, "records": table["records"][:-1]}).encode()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda body: b"{garbage", "not_json"),
        (lambda body: b"[]", "page: not_an_object"),
        (lambda body: json.dumps({"records": []}).encode(), "manifest: : model_type"),
        (_without_last, "count_mismatch"),
        (lambda body: body.replace(b'"relationship"', b'"relation"', 1), "hash_mismatch"),
    ],
)
def test_half_a_page_or_none_is_refused_whole_with_a_code(
    door: Door, cluster: Cluster, damage: Any, reason: str
) -> None:
    body = damage(page(*door.records, made=_before_the_check(cluster)))
    status, answer = door.post(body)
    assert (status, answer["code"]) == (422, "not_as_announced")
    assert reason in answer["reason"]
    assert door.scalars("SELECT count(*) FROM encompass.pushed_page") == [0]
    surnames = {c["surname"] for r in door.records for c in r["children"]}
    assert not [s for s in surnames if s in json.dumps(answer)]


def test_an_oversized_body_is_refused_before_it_is_looked_at(door: Door) -> None:
    assert door.post(b" " * (9 << 20)) == (413, {"code": "too_large"})


def test_while_a_secret_is_replaced_both_are_good_and_then_only_the_new_one(
    cluster: Cluster, door: Door
) -> None:
    body = page(*door.records, made=_before_the_check(cluster))
    with pushing(door.encompass, cluster, secrets=(NEXT, OURS)) as both:
        assert both.post(body, secret=OURS)[0] == both.post(body, secret=NEXT)[0] == 200
    with pushing(door.encompass, cluster, secrets=(NEXT,)) as after:
        assert after.post(body, secret=OURS) == NOT_VERIFIED
        assert after.post(body, secret=NEXT) == (200, {"code": "already_taken", "records": 7})


def test_more_than_its_pages_in_a_minute_come_later(cluster: Cluster, door: Door) -> None:
    body = page(*door.records, made=_before_the_check(cluster))
    with pushing(door.encompass, cluster, most_a_minute=2) as slow:
        statuses = [slow.post(body, message=f"msg_{n}")[0] for n in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert slow.post(body, message="msg_0")[1]["code"] == "already_taken"


def test_a_force_that_has_had_no_run_yet_is_asked_to_come_later(cluster: Cluster, empty: Encompass) -> None:
    with pushing(empty, cluster) as opened:
        body = page(*cluster.world.records, made=_before_the_check(cluster))
        assert opened.post(body)[0] == 503


def test_the_door_can_put_pages_in_and_read_none_back(door: Door, cluster: Cluster) -> None:
    door.post(page(*door.records, made=_before_the_check(cluster)))
    engine = door.encompass.database.engine(Role.INBOUND)
    for statement in (
        "SELECT sealed FROM encompass.pushed_page",
        "SELECT wrapped FROM encompass.data_key",
        "SELECT count(*) FROM encompass.incident",
        "UPDATE encompass.pushed_page SET records = 0",
        "DELETE FROM encompass.pushed_page",
    ):
        with pytest.raises(Exception, match="permission denied"):
            with engine.begin() as connection:
                connection.execute(text(statement))


@pytest.mark.parametrize("secrets", [(), ("whsec_c2hvcnQ=",), ("no-prefix" * 8,), ("whsec_!!!",)])
def test_a_secret_is_long_and_in_its_own_form(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        PushSettings(secrets=tuple(SecretStr(s) for s in secrets))
    assert not [s for s in secrets if s in str(refused.value)]
