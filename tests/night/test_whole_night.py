"""The whole ordinary night: it balances, becomes what it must, and played again sends nothing twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from encompass import wiring
from encompass.settings import load_settings
from encompass.store.installation import AIRFLOW, database_running
from sandbox.mail import Mailbox
from tests.cluster import FORCE
from tests.night.conftest import ROOT, Played
from tests.night.test_canaries import CANARIES, dump, hits

pytestmark = pytest.mark.timeout(
    900
)  # a whole night is played before the first test, and another in two of them


def test_it_ends_well_and_prints_a_balanced_account(whole_night: Played) -> None:
    assert whole_night.code == 0, whole_night.err
    assert "The account balances." in whole_night.out
    for step in ("refresh_rolls", "notify_before_school", "reconcile_acknowledgements", "report_compliance"):
        assert f"DAG {step}" in whole_night.err


def test_it_leaves_no_process(whole_night: Played) -> None:
    mine = [
        p.info
        for p in psutil.process_iter(["cmdline", "environ"])
        if str(whole_night.var) in " ".join(p.info["cmdline"] or [])
        or (p.info["environ"] or {}).get("ENCOMPASS_VAR") == str(whole_night.var)
    ]
    assert mine == []
    assert list((whole_night.var / "postgres-users").iterdir()) == []


@pytest.mark.parametrize(
    ("force", "file", "children"),
    [(FORCE, "2026-03-10.json", 201), ("fellgate", "fellgate/2026-03-10.json", 38)],
)
def test_every_child_becomes_what_the_committed_file_says(
    whole_night: Played, monkeypatch: pytest.MonkeyPatch, force: str, file: str, children: int
) -> None:
    monkeypatch.setenv("ENCOMPASS_VAR", str(whole_night.var))
    committed = json.loads((ROOT / "sandbox" / "expected" / file).read_text("utf-8"))
    expected = {
        (e["incident_reference"], e["person_id"]): (e["placement"], e["reason"], e["urns"], e["held"])
        for e in committed
    }
    with wiring.opened(load_settings()) as encompass:
        found = encompass.outcomes_of_night(force, encompass.last_run(force, None).night)
    outcomes = {
        (o.incident.incident_reference, o.child.person_id): (o.status, o.reason, list(o.urns), o.held)
        for o in found
    }
    assert len(expected) == children
    assert outcomes == expected


def test_reconcile_has_the_ledgers(whole_night: Played) -> None:
    done = whole_night.run("reconcile", "--json", "--force", FORCE)
    account = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    manifest = account["manifest"]
    assert manifest["announced"] == sum(
        manifest[k] for k in ("accepted", "duplicate", "quarantined", "refused")
    )
    assert (manifest["announced"], manifest["duplicate"], manifest["quarantined"]) == (122, 2, 2)
    involvements = account["involvements"]
    assert involvements["total"] == involvements["in_scope"] + sum(involvements["excluded"].values()) == 201
    duties = account["duties"]
    buckets = ("excluded", "acknowledged", "escalated", "with_a_person", "overdue", "awaiting")
    assert duties["total"] == sum(duties[k] for k in buckets)
    assert duties["acknowledged"] > 100
    assert duties["escalated"] > 0
    assert account["balanced"] is True


def test_each_forces_account_balances_and_names_how_its_feed_arrived(whole_night: Played) -> None:
    done = whole_night.run("reconcile", "--json")
    assert done.returncode == 0, done.stderr
    accounts = {a["force"]: a for a in json.loads(done.stdout)}
    assert {f: (a["balanced"], a["gaps"], a["alarms"]) for f, a in accounts.items()} == {
        "fellgate": (True, [], []),
        FORCE: (True, [], []),
    }
    arrivals = {f: [(x["way"], x["at"], x["announced"]) for x in a["feed"]] for f, a in accounts.items()}
    at = "2026-03-10T05:30:00+00:00"
    assert arrivals == {"fellgate": [("sftp", at, 38)], FORCE: [("rest", at, 122)]}
    assert "feed over SFTP at 05:30: 38 announced, 38 accepted" in whole_night.out
    assert (
        "feed over REST at 05:30: 122 announced, 118 accepted, 2 duplicate, 2 quarantined" in whole_night.out
    )
    printed = whole_night.run("reconcile").stdout
    assert printed.count("The account balances.") == 2
    assert whole_night.run("reconcile").stdout == printed


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_played_again_it_sends_nothing_twice_and_serves_the_pages_until_it_is_stopped(
    whole_night: Played, tmp_path: Path, stop: signal.Signals, code: int
) -> None:
    mails = len(Mailbox(whole_night.var))
    account = whole_night.run("reconcile", "--json", "--force", FORCE).stdout
    said = tmp_path / "said.txt"
    environment = {**os.environ, "ENCOMPASS_VAR": str(whole_night.var)}
    with said.open("w") as out:
        command = [sys.executable, "-m", "sandbox", "night", "--serve"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        until = time.monotonic() + 240
        while "Ctrl-C stops everything" not in said.read_text("utf-8"):
            assert time.monotonic() < until and process.poll() is None, said.read_text("utf-8")
            time.sleep(0.2)
        web = re.search(r"The pages are at (\S+)", said.read_text("utf-8")).group(1)
        assert "Sign in for a school" in requests.get(web, timeout=5).text
        assert "a leader: user leader" in said.read_text("utf-8")
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 3
        process.send_signal(stop)
        assert process.wait(30) == code, said.read_text("utf-8")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert list((whole_night.var / "postgres-users").iterdir()) == []
    assert len(Mailbox(whole_night.var)) == mails > 100
    assert whole_night.run("reconcile", "--json", "--force", FORCE).stdout == account


def test_the_audit_chain_holds_after_it(whole_night: Played) -> None:
    done = whole_night.run("audit", "verify")
    assert done.returncode == 0, done.stderr
    assert "the audit chain holds" in done.stdout


def test_reports_status_and_doctor(whole_night: Played) -> None:
    report = json.loads(whole_night.run("report", "--format", "json", "--force", FORCE).stdout)
    csv = whole_night.run("report", "--force", FORCE).stdout
    assert report["account"]["night"] == "2026-03-10"
    assert report["duties"] == report["on_time"] + report["late"] + report["missed"] + report["not_yet_due"]
    assert len(csv.splitlines()) > 60
    status = json.loads(whole_night.run("status", "--json", "--force", FORCE).stdout)
    assert status["newest_night"] == "2026-03-10"
    assert {r["kind"]: 0 for r in status["registers"]} == dict.fromkeys(
        ["calendar", "key_adults", "roll", "school_links", "schools"], 0
    )
    assert len(status["registers"]) == 18
    assert whole_night.run("doctor").returncode == 0


def test_no_command_prints_a_person_unless_asked(whole_night: Played) -> None:
    names = {p["surname"] for p in _children()}
    for command in (
        ("reconcile",),
        ("report", "--force", FORCE),
        ("status",),
        ("report", "--format", "json", "--force", "fellgate"),
    ):
        shown = whole_night.run(*command).stdout
        assert not any(name in shown for name in names)
    refused = whole_night.run("invite", "--force", FORCE)
    assert refused.returncode == 2
    assert "--show-personal" in refused.stderr


def test_the_whole_night_left_no_canary(
    whole_night: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCOMPASS_VAR", str(whole_night.var))
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    with database_running(load_settings()) as database:
        for name in (database.name, AIRFLOW):
            dump(database.url, name, dumps / f"{name}.sql")
    (dumps / "printed.txt").write_text(whole_night.out + whole_night.err, "utf-8")
    assert (dumps / "encompass.sql").stat().st_size > 10_000_000
    assert "dag_run" in (dumps / "airflow.sql").read_text("utf-8")
    assert len(CANARIES) >= 200
    assert hits(dumps, CANARIES, tmp_path / "needles") == []
    assert hits(whole_night.var, CANARIES, tmp_path / "needles") == []


def test_mail_says_nothing(whole_night: Played) -> None:
    text = "".join(m.as_string() for m in Mailbox(whole_night.var).messages())
    for child in _children():
        assert child["surname"] not in text
    assert "RVB/" not in text


def test_nothing_personal_is_in_a_file_name(whole_night: Played) -> None:
    names = " ".join(str(p.relative_to(whole_night.var)) for p in Path(whole_night.var).rglob("*"))
    assert not any(child["surname"] in names for child in _children())


def _children() -> list[dict]:
    from sandbox.world import build_world, named_night, neighbour

    riverbend = build_world(*named_night("ordinary"))
    records = [*riverbend.records, *neighbour(riverbend).records]
    return [c for r in records for c in r["children"] if c["surname"]]
