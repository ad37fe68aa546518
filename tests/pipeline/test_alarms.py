"""Nights that must not pass in silence: an absent, empty, short or altered feed, lost registers, no mail."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from encompass.domain.report_export import account_table
from encompass.settings import FeedSettings, load_settings
from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.mail import Mailbox
from sandbox.serve import Sandbox
from sandbox.world import World, build_world, named_night
from tests.cluster import FORCE, Cluster
from tests.gateways.test_dropped_files import as_json, drop


@contextmanager
def served_by(
    world: World, encompass: Encompass, var: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Encompass]:
    """The same installation, its outside world replaced by this one's servers."""
    monkeypatch.setenv("ENCOMPASS_VAR", str(var))
    with Sandbox(world, var, "http://127.0.0.1:8400"):
        settings = load_settings().model_copy(update={"database": encompass.settings.database})
        yield replace(encompass, settings=settings)


def night_of(encompass: Encompass, cluster: Cluster):
    run = cluster.run(encompass)
    encompass.receive_incidents(run)
    encompass.match_children(run)
    encompass.prepare_notifications(run)
    encompass.send_notifications(run)
    return encompass.account(run)


@pytest.mark.parametrize(
    ("scenario", "alarm", "announced"), [("absent", "feed_absent", None), ("empty", "feed_empty", 0)]
)
def test_a_feed_that_is_absent_or_empty(
    rolled: Encompass,
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch,
    scenario: str,
    alarm: str,
    announced: int | None,
) -> None:
    world = build_world(cluster.world.night, scenario)
    with served_by(world, rolled, tmp_path, monkeypatch) as encompass:
        account = night_of(encompass, cluster)
    assert account.alarms == (f"{alarm}: police_feed",)
    assert account.manifest.announced == announced
    assert account.balanced is (announced == 0)


def test_a_feed_that_serves_fewer_than_it_announces_is_an_alarm_and_what_came_goes_on(
    rolled: Encompass, cluster: Cluster, tmp_path: Path, monkeypatch
) -> None:
    world = build_world(cluster.world.night, "short")
    with served_by(world, rolled, tmp_path, monkeypatch) as encompass:
        account = night_of(encompass, cluster)
    table = account_table(account)
    assert account.alarms == ("feed_short: police_feed",)
    assert account.balanced is False
    manifest = table["manifest"]
    assert manifest["announced"] - manifest["accepted"] - manifest["quarantined"] == world.withheld == 30
    assert table["involvements"]["total"] == len(world.expected())


def test_a_record_that_is_not_the_one_announced_is_an_alarm(
    rolled: Encompass, cluster: Cluster, tmp_path: Path, monkeypatch
) -> None:
    world = copy.deepcopy(cluster.world)
    real = world.incidents.records
    with served_by(world, rolled, tmp_path, monkeypatch) as encompass:
        feed_of_manifest = copy.deepcopy(real)
        original = type(world).records.fget

        class Liar(type(world)):
            reads = 0

            @property
            def records(self):
                type(self).reads += 1
                if type(self).reads > 1:
                    changed = copy.deepcopy(feed_of_manifest)
                    changed[0]["event"]["narrative"] = "Another story than the one announced."
                    return changed
                return original(self)

        object.__setattr__(world, "__class__", Liar)
        account = night_of(encompass, cluster)
    assert account.alarms == ("feed_altered: police_feed",)


def test_a_feed_that_comes_back_clears_its_alarm_and_loses_nothing(
    rolled: Encompass, cluster: Cluster, tmp_path: Path, monkeypatch
) -> None:
    with served_by(build_world(cluster.world.night, "absent"), rolled, tmp_path, monkeypatch) as encompass:
        assert night_of(encompass, cluster).alarms
    account = night_of(rolled, cluster)
    assert account.alarms == ()
    assert account.balanced is True
    assert account_table(account)["involvements"]["total"] == 10


def test_registers_that_do_not_arrive_are_alarms_and_the_last_rolls_are_used(
    rolled: Encompass, cluster: Cluster
) -> None:
    registers = rolled.settings.forces[FORCE].registers.model_copy(update={"base_url": "http://127.0.0.1:1"})
    force = rolled.settings.forces[FORCE].model_copy(update={"registers": registers})
    away = replace(rolled, settings=rolled.settings.model_copy(update={"forces": {FORCE: force}}))
    run = cluster.run(away)
    assert away.refresh_rolls(run) == 16  # all but the two rolls that come through Wonde
    account = night_of(rolled, cluster)
    assert len([a for a in account.alarms if a.startswith("register_absent")]) == 16
    assert account.balanced is True
    assert account_table(account)["duties"]["total"] == account_table(account)["involvements"]["total"] + 1


def test_without_a_mail_server_the_nudges_wait_and_go_once_it_is_back(
    rolled: Encompass, cluster: Cluster
) -> None:
    mail = rolled.settings.mail.model_copy(update={"port": 1, "timeout_seconds": 0.2})
    cut_off = replace(rolled, settings=rolled.settings.model_copy(update={"mail": mail}))
    before = len(Mailbox(cluster.var))
    account = night_of(cut_off, cluster)
    assert account.alarms == ("nudges_waiting: email",)
    assert account.balanced is True
    assert len(Mailbox(cluster.var)) == before
    with rolled.database.engine(Role.OWNER).begin() as connection:
        queued = connection.execute(
            text("SELECT count(*) FROM encompass.nudge WHERE status = 'queued'")
        ).scalar_one()
        connection.execute(text("UPDATE encompass.nudge SET retry_after = NULL"))
        connection.execute(text("UPDATE encompass.channel_circuit SET open_until = now()"))
    account = night_of(rolled, cluster)
    assert account.alarms == ()
    assert len(Mailbox(cluster.var)) - before == queued - _bounced(rolled)


def _bounced(encompass: Encompass) -> int:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return connection.execute(
            text("SELECT count(*) FROM encompass.nudge WHERE status = 'failed'")
        ).scalar_one()


def test_bad_records_are_kept_sealed_with_their_reason(
    rolled: Encompass, cluster: Cluster, tmp_path: Path, monkeypatch
) -> None:
    world = build_world(*named_night("ordinary"))
    with served_by(world, rolled, tmp_path, monkeypatch) as encompass:
        run = encompass.open_run(FORCE, world.night, cluster.run(encompass).as_of.replace(day=10))
        encompass.receive_incidents(run)
        encompass.receive_incidents(run)
        reasons = {reason for _, reason, _ in encompass.status(FORCE).quarantined}
        account = encompass.account(run)
    assert reasons == {
        "children.0.surname: string_type",
        "nominals[2].dob: not_a_date",
    }
    assert account.manifest.quarantined == 2
    assert account.manifest.duplicate == 2
    with rolled.database.engine(Role.OWNER).begin() as connection:
        kept = connection.execute(text("SELECT * FROM encompass.quarantine")).mappings().all()
    assert len(kept) == 2
    shown = "".join(str(bytes(v) if isinstance(v, memoryview) else v) for row in kept for v in row.values())
    assert not any(canary in shown for canary in world.canaries())


def test_a_night_that_brings_only_what_the_overlap_serves_again_is_empty(
    rolled: Encompass, cluster: Cluster
) -> None:
    """The overlap repeats the end of the night before: that must not make a silent night look alive."""
    evening = cluster.run(rolled)
    rolled.receive_incidents(evening)
    last = max(r["updated_at"] for r in cluster.world.records)
    overlap = datetime.fromisoformat(last) + timedelta(minutes=30)
    with rolled.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text("UPDATE encompass.feed_pull SET updated_to = :to"), {"to": overlap})
    tomorrow = rolled.open_run(FORCE, evening.night + timedelta(days=1), evening.as_of + timedelta(days=1))
    assert rolled.receive_incidents(tomorrow) > 0
    assert rolled.account(tomorrow).alarms == ("feed_empty: police_feed",)
    same_morning = rolled.open_run(FORCE, evening.night, evening.as_of + timedelta(minutes=15))
    rolled.receive_incidents(same_morning)
    assert rolled.account(same_morning).alarms == ()


@pytest.mark.parametrize("way", ["rest", "folder"])
def test_a_feed_of_which_nothing_is_new_is_stale(
    rolled: Encompass, cluster: Cluster, tmp_path: Path, way: str
) -> None:
    run = cluster.run(rolled)
    records = cluster.world.records
    newest = max(datetime.fromisoformat(r["updated_at"]) for r in records)
    if way == "rest":
        run = rolled.open_run(FORCE, run.night, newest + timedelta(hours=25))
        feed = rolled.settings.forces[FORCE].feed
    else:
        drop(tmp_path, "a.json", as_json(*records), len(records), at=run.as_of - timedelta(hours=30))
        feed = FeedSettings(folder=tmp_path)
    force = rolled.settings.forces[FORCE].model_copy(update={"feed": feed})
    forces = {**rolled.settings.forces, FORCE: force}
    own = replace(rolled, settings=rolled.settings.model_copy(update={"forces": forces}))
    assert own.receive_incidents(run) == len(records)
    account = own.account(run)
    assert account.alarms == ("feed_stale: police_feed",)
    table = account_table(account)
    assert (table["gaps"], account.manifest.balances, table["all_well"]) == (["in_doubt"], True, False)
