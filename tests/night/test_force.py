"""A force's file checked before it is used, and a feed in the force's own shape from the wire to the account."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import ValidationError

from encompass.cli import main
from encompass.settings import FeedSettings
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.formats.test_police_mapping import NESTED, RECORD
from tests.gateways.test_dropped_files import as_json, drop
from tests.night.conftest import ROOT, OnDatabase

RIVERBEND = (ROOT / "config" / "forces" / "riverbend.toml").read_text("utf-8")
PLAIN = re.sub(r"# How Riverbend's own system.*?(?=# Most schools)", "", RIVERBEND, flags=re.DOTALL)


@pytest.fixture
def forces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of force files of our own."""
    monkeypatch.setenv("ENCOMPASS_FORCES", str(tmp_path))
    return tmp_path


def toml_of(mapping: dict[str, Any]) -> str:
    """The mapping as it stands in a force's file."""

    def value(given: object) -> str:
        if isinstance(given, dict):
            return "{ " + ", ".join(f"{json.dumps(k)} = {value(v)}" for k, v in given.items()) + " }"
        return json.dumps(given)

    return (
        "[feed.mapping]\n" + "\n".join(f"{name} = {value(given)}" for name, given in mapping.items()) + "\n"
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_projects_own_force_is_good_and_told_in_words() -> None:
    done = run("force", "check", "riverbend")
    assert done.exit_code == 0
    assert done.output.startswith(
        "Riverbend Police (fictional), of Riverbend Safeguarding Partnership (fictional).\n"
    )
    assert "13 rolls and 2 calendars" in done.output
    assert "told before 08:30" in done.output


def test_a_mapping_is_checked_and_told_and_used_to_check_files(forces: Path) -> None:
    (forces / "hollowmoor.toml").write_text(PLAIN + toml_of(NESTED))
    assert (
        tomllib.loads((forces / "hollowmoor.toml").read_text())["feed"]["mapping"]["children"] == "nominals"
    )
    done = run("force", "check", "hollowmoor")
    assert done.exit_code == 0
    assert "its own export: each incident with its people in nominals" in done.output
    assert "It never says: seen, circumstances." in done.output
    export = forces / "night.json"
    export.write_text(json.dumps([RECORD, {**RECORD, "scene": None}]))
    checked = run("intake", "check", str(export), "--as", "police-json", "--force", "hollowmoor", "--json")
    assert checked.exit_code == 3
    told = json.loads(checked.output)
    assert (told["taken"], told["refused"]) == (1, 1)
    assert [seen["places"] for seen in told["faults"].values()] == [["records[1]"]]
    assert "Crumplewick" not in checked.output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("[profile]", "[profil]"), "profile.fields: Field required"),
        (("school_starts = 08:45:00", 'school_starts = "breakfast"'), "profile.school_starts: "),
        (("[profile]", "[profile"), "not TOML"),
        (
            ('supplier = "larkfield"', 'supplier = "atlantis"'),
            "registers.rolls.315: atlantis.toml: no such mapping",
        ),
        (
            ('format = "wonde", school_id = "A1000000001"', 'format = "wonde"'),
            "wonde needs school_id and urn",
        ),
        (("[feed]", '[matching]\nparameters = "1999-01"\n[feed]'), "matching: "),
        (("[feed]", "[feed]\nshoe_size = 5"), "feed.shoe_size: Extra inputs"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(forces: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in RIVERBEND
    (forces / "bad.toml").write_text(RIVERBEND.replace(*change))
    done = run("force", "check", "bad")
    assert done.exit_code == 3
    assert f"fault  {says}" in done.output or says in done.output


def test_a_mapping_that_leaves_out_what_every_record_needs_is_a_fault(forces: Path) -> None:
    less = {**NESTED, "child": {k: v for k, v in NESTED["child"].items() if k != "surname"}}
    (forces / "less.toml").write_text(PLAIN + toml_of(less))
    done = run("force", "check", "less")
    assert (done.exit_code, done.output) == (
        3,
        "fault  feed.mapping: nothing gives surname, which every record needs\n",
    )


def test_what_the_night_left_unsaid_is_told_by_team_and_names_no_child(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    cli = on_copy(cluster.played())
    standing = [r for r in cluster.world.records if r["status"] == "active" and r["domestic_abuse"]]
    children = [c for r in standing for c in r["children"]]
    told = json.loads(cli.run("quality", "--json").stdout)
    assert sum(t["children"] for t in told["teams"]) == len(children)
    seen = sum(t["missing"]["seen"] for t in told["teams"])
    assert seen == sum(c["seen"] is None for c in children)
    asked = {r["incident_reference"]: r["team"] for r in standing}
    assert {i["reference"]: i["team"] for i in told["incidents"]}.items() <= asked.items()
    listed, table = cli.run("quality", "--csv"), cli.run("quality")
    assert listed.stdout.count("\n") == len(told["incidents"]) + 1
    assert "whether the child was spoken to" in listed.stdout
    assert "spoken to" in table.stdout
    for printed in (listed.stdout, table.stdout, json.dumps(told)):
        assert [c["surname"] for c in children if c["surname"] in printed] == []


def test_a_feed_of_dropped_files_comes_to_the_same_account_and_a_bad_one_is_an_alarm(
    rolled: Encompass, cluster: Cluster, tmp_path: Path
) -> None:
    feed = FeedSettings(folder=tmp_path)
    force = rolled.settings.forces[FORCE].model_copy(update={"feed": feed})
    own = replace(rolled, settings=rolled.settings.model_copy(update={"forces": {FORCE: force}}))
    run_ = cluster.run(own)
    assert own.receive_incidents(run_) == 0
    assert own.account(run_).alarms == ("feed_absent: police_feed",)
    half = len(cluster.world.records) // 2
    at = run_.as_of - timedelta(hours=1)
    drop(tmp_path, "b.json", as_json(*cluster.world.records[:half]), half, at=at)
    drop(
        tmp_path,
        "a.json",
        as_json(*cluster.world.records[half:]),
        len(cluster.world.records) - half,
        at=at,
        sha256="0" * 64,
    )
    assert own.receive_incidents(run_) == half
    assert own.account(run_).alarms == ("feed_short: police_feed",)
    drop(tmp_path, "a.json", as_json(*cluster.world.records[half:]), len(cluster.world.records) - half, at=at)
    assert own.receive_incidents(run_) == len(cluster.world.records)
    for step in (own.match_children, own.prepare_notifications):
        assert step(run_) > 0
    assert (own.account(run_).balanced, own.account(run_).alarms) == (True, ())
    told = {
        (o.incident.incident_reference, o.child.person_id): o.status
        for o in own.outcomes_of_night(FORCE, run_.night)
    }
    assert told == {
        (e["incident_reference"], e["person_id"]): e["placement"] for e in cluster.world.expected()
    }


@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"base_url": "https://x.example"},
        {"folder": "x", "base_url": "https://x.example", "client_id": "a", "client_secret": "b"},
    ],
)
def test_a_feed_has_one_way_in(ways: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        FeedSettings.model_validate(ways)


@pytest.mark.parametrize(
    ("feed", "says"),
    [
        ("", "Its way in is told elsewhere, with addresses and secrets."),
        (
            'certificate_file = "c.pem"\ncertificate_key_file = "k.pem"\nca_file = "ca.pem"\n',
            "known by client credentials and a client certificate. Its own certificate must be of an authority",
        ),
        ('folder = "drop"\n', "It is dropped as files in a folder of ours."),
        (
            "push = { most_a_minute = 7 }\n",
            "pushed to us, each page signed with 1 secrets; more than 7 pages",
        ),
        ("stale_after_hours = 9\n", "Nothing newer than 9 hours in it raises an alarm"),
    ],
)
def test_how_a_feed_comes_in_is_told_in_words(forces: Path, feed: str, says: str) -> None:
    (forces / "own.toml").write_text(PLAIN.replace("[feed]\n", f"[feed]\n{feed}"))
    done = run("force", "check", "own")
    assert done.exit_code == 0, done.output
    assert says in done.output


def test_who_is_too_young_and_whose_staff_is_whose_is_told_in_words(forces: Path) -> None:
    text = PLAIN.replace("[profile]\n", '[profile]\nunder_reception = "person"\n')
    (forces / "own.toml").write_text(text + '[staff]\nclaim = "roles"\nvalue = "riverbend-staff"\n')
    said = run("force", "check", "own").output
    assert "Children under reception age go to a person" in said
    assert "whose token says riverbend-staff in the claim roles" in said
    (forces / "own.toml").write_text(PLAIN)
    said = run("force", "check", "own").output
    assert "Children under reception age are excluded" in said
    assert "whose token says the name of this file in the claim force" in said
    (forces / "own.toml").write_text(
        PLAIN.replace("[feed]\n", '[feed]\npush = { secrets = ["whsec_c2hvcnQ="] }\n')
    )
    wrong = run("force", "check", "own")
    assert (wrong.exit_code, "at least 24 bytes" in wrong.output) == (3, True)
