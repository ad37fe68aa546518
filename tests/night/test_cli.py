"""The command line as a user meets it: exit codes, messages that say what to do, and an account that fails loudly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from encompass.store.database import Role
from tests.cluster import Cluster
from tests.night.conftest import OnDatabase
from tests.warm import warm

NIGHT = "2026-03-17"


def test_a_deleted_notification_exits_3_and_says_so(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    cli = on_copy(cluster.played())
    good = cli.run("reconcile", "--json")
    assert (good.returncode, json.loads(good.stdout)["balanced"]) == (0, True)
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text(
                "DELETE FROM encompass.notification WHERE notification_id IN (SELECT notification_id FROM encompass.notification WHERE status = 'released' LIMIT 1)"
            )
        )
    bad = cli.run("reconcile", "--json")
    assert (bad.returncode, json.loads(bad.stdout)["balanced"]) == (3, False)
    assert "DOES NOT BALANCE" in cli.run("reconcile").stdout


def test_a_report_for_sharing_names_no_school_and_no_small_count(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    cli = on_copy(cluster.played())
    own = json.loads(cli.run("report", "--format", "json").stdout)
    sharing = ("report", "--for-sharing")
    printed, csv = (cli.run(*sharing, *form).stdout for form in (("--format", "json"), ()))
    shared = json.loads(printed)
    named = {
        str(value) for school in own["schools"] for value in (school["school_name"], school["urn"]) if value
    }
    assert named and [name for name in named if name in printed or name in csv] == []
    counts = {name: count["count"] for name, count in shared["duties"].items()}
    for name in ("on_time", "late", "missed", "not_yet_due"):
        assert counts[name] in (own[name], None)
        assert counts[name] is None or not 0 < own[name] < 5
    assert [c for t in ("duties", "children") for c in shared[t].values() if c["count"] in (1, 2, 3, 4)] == []
    assert '"suppressed": true' in printed
    assert csv.count("fewer than 5") == printed.count("fewer than 5")


def test_the_steps_one_by_one(cluster: Cluster, on_copy: Callable[[str], OnDatabase]) -> None:
    cli = on_copy(cluster.rolled())
    printed = []
    for step in ("refresh-rolls", "receive", "match", "prepare", "send", "chase"):
        done = cli.run(step, "--night", NIGHT, "--json")
        assert done.returncode == 0, done.stderr
        printed.append(json.loads(done.stdout))
        assert step in done.stderr
    assert [p["step"] for p in printed] == ["refresh-rolls", "receive", "match", "prepare", "send", "chase"]
    assert len({p["run_id"] for p in printed}) == 1
    assert [p["count"] for p in printed][:3] == [0, 7, 10]
    assert cli.run("reconcile", "--json").returncode == 0


def test_reconcile_prints_the_same_bytes(cluster: Cluster, on_copy: Callable[[str], OnDatabase]) -> None:
    cli = on_copy(cluster.played())
    assert cli.run("reconcile", "--json").stdout == cli.run("reconcile", "--json").stdout


def test_an_unknown_night_is_a_usage_error(cluster: Cluster, on_copy: Callable[[str], OnDatabase]) -> None:
    cli = on_copy(cluster.played())
    unknown = cli.run("reconcile", "--night", "2020-01-01")
    assert unknown.returncode == 2
    assert "no such night" in unknown.stderr
    assert cli.run("reconcile", "--night", "yesterday").returncode == 2
    assert cli.run("reconcile", "--force", "nowhere").returncode == 2
    assert cli.run("no-such-command").returncode == 2


def test_missing_settings_are_all_named_and_exit_4(tmp_path: Path) -> None:
    environment = {**os.environ, "ENCOMPASS_VAR": str(tmp_path)}
    environment.pop("ENCOMPASS_CONFIG", None)
    done = warm().run("encompass.cli", ("status",), environment)
    assert done.returncode == 4
    for name in (
        "web.secret_key",
        "identity",
        "forces.riverbend.feed: Value error, a feed has one way in: base_url (with client_id and client_secret)",
    ):
        assert name in done.stderr
    assert "ENCOMPASS_CONFIG" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "",
        "night",
        "receive",
        "refresh-rolls",
        "match",
        "prepare",
        "send",
        "reconcile",
        "report",
        "audit verify",
        "status",
        "doctor",
        "db migrate",
        "make-keys",
        "serve",
    ],
)
def test_every_command_has_help_worth_reading(command: str) -> None:
    done = warm().run("encompass.cli", (*command.split(), "--help"), dict(os.environ))
    assert done.returncode == 0
    assert done.stderr == ""
    described = done.stdout.split("Usage:")[1].split("Options:")[0].splitlines()[1:]
    assert len(" ".join(described).split()) >= 5, done.stdout


def seal(cli: OnDatabase) -> int:
    assert cli.run("audit", "seal").returncode == 0
    done = cli.run("audit", "verify")
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split(":")[1].split()[0])


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (
            "UPDATE encompass.audit_event SET action = 'forged' WHERE event_id = (SELECT event_id FROM encompass.audit_link WHERE position = 7)",
            "position 7: its event was changed",
        ),
        (
            "ALTER TABLE encompass.audit_link DISABLE TRIGGER ALL; "
            "DELETE FROM encompass.audit_event WHERE event_id = (SELECT event_id FROM encompass.audit_link WHERE position = 7)",
            "position 7: its event is missing",
        ),
        (
            "UPDATE encompass.audit_link AS l SET event_id = o.event_id, event_hash = o.event_hash FROM encompass.audit_link AS o "
            "WHERE (l.position, o.position) IN ((7, 8), (8, 7))",
            "position 7: the links were changed or reordered",
        ),
        (
            "DELETE FROM encompass.audit_link WHERE position > 10",
            "position 11: the tail is cut",
        ),
    ],
    ids=["changed", "removed", "reordered", "tail cut"],
)
def test_a_tampered_audit_chain_fails_and_says_where(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase], tamper: str, says: str
) -> None:
    cli = on_copy(cluster.played())
    assert seal(cli) > 20
    with cluster.superuser(cli.name) as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(
            "ALTER TABLE encompass.audit_link DROP CONSTRAINT IF EXISTS audit_link_event_id_key"
        )
        for statement in tamper.split("; "):
            connection.exec_driver_sql(statement)
    done = cli.run("audit", "verify")
    assert done.returncode == 1
    assert says in done.stderr


def test_a_forged_head_is_noticed(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase], tmp_path: Path
) -> None:
    cli = on_copy(cluster.played())
    seal(cli)
    heads = tmp_path / f"{cli.name}-heads.jsonl"
    heads.write_text(heads.read_text("utf-8").replace('"position": ', '"position": 1'), "utf-8")
    done = cli.run("audit", "verify")
    assert done.returncode == 1
    assert "line 1" in done.stderr
