"""The fictional world: the same bytes every time, plainly fictional, and as the committed truth says."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from encompass.domain.upn import valid_upn
from encompass.formats.ctf import read_ctf
from encompass.formats.faults import contents
from encompass.formats.mis_csv import PLAIN, read_mapping, read_roll
from encompass.formats.roll_rows import RollHeader
from encompass.formats.school_census import read_school_census
from encompass.formats.wonde import collected, read_collected
from sandbox.world import build_world, canaries_of, expected_file, named_night, neighbour
from sandbox.world.exports import CENSUS, CTF, LARKFIELD, WONDE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world():
    return build_world(*named_night("ordinary"))


@pytest.mark.parametrize("name", ["ordinary", "small"])
def test_the_committed_truth_is_that_of_the_seed(name: str) -> None:
    riverbend = build_world(*named_night(name))
    for world in (riverbend, neighbour(riverbend)):
        committed = expected_file(world).read_text("utf-8")
        assert json.dumps(world.expected(), indent=1, ensure_ascii=False) + "\n" == committed


def test_another_process_builds_the_same_bytes(world) -> None:
    script = (
        "import hashlib, json; from sandbox.world import *; w = build_world(*named_night('ordinary'));"
        "print(hashlib.sha256(b''.join([w.pupils_csv(la) for la in w.la_codes] + [w.key_adults_csv(), "
        "json.dumps(w.records, sort_keys=True).encode()])).hexdigest())"
    )
    env = {"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"}
    out = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT, env=env
    )
    here = b"".join(
        [world.pupils_csv(la) for la in world.la_codes]
        + [world.key_adults_csv(), json.dumps(world.records, sort_keys=True).encode()]
    )
    assert out.stdout.strip() == hashlib.sha256(here).hexdigest()


def exported(world) -> list:
    """Every pupil of every roll, as each system exports its own."""
    larkfield = read_mapping(ROOT / "config" / "rolls" / "larkfield.toml")
    rolls = [
        read_roll(BytesIO(world.pupils_csv(la)), larkfield if la == LARKFIELD else PLAIN)
        for la in world.la_codes
    ]
    rolls += [read_ctf(BytesIO(world.roll_xml(urn)), lambda _: None) for urn in CTF]
    rolls += [read_school_census(BytesIO(world.roll_xml(urn)), lambda _: None) for urn in CENSUS]
    for school_id, urn in WONDE.items():
        page = json.dumps({"data": world.wonde_students(school_id)}).encode()
        rolls.append(read_collected(collected([page], [], is_whole=True), urn))
    files = [contents(roll) for roll in rolls]
    assert not any(file.refused for file in files)
    return [entry for file in files for entry in file.taken if not isinstance(entry, RollHeader)]


def test_the_size_of_a_night(world) -> None:
    assert 110 <= len(world.records) <= 130
    assert 190 <= sum(len(r["children"]) for r in world.records) <= 215
    assert 29_500 <= len(world.rolls.rows) <= 31_000
    assert len(world.rolls.schools) == 319


def test_rolls_hold_households_dual_registered_leavers_and_guests(world) -> None:
    entries = exported(world)
    assert len(entries) == len(world.rolls.rows)
    statuses = Counter(e.enrol_status.value for e in entries)
    assert statuses["M"] == statuses["S"] > 0
    assert statuses["G"] > 0
    assert any(e.leaving_date for e in entries)
    assert all(valid_upn(e.upn) for e in entries if e.upn)
    families = Counter((e.legal_surname, e.address) for e in entries)
    assert sum(1 for n in families.values() if n > 1) > 3000


def test_every_kind_of_child_is_there(world) -> None:
    kinds = Counter(e["kind"] for e in world.expected())
    assert {
        "on_roll",
        "dual",
        "mover",
        "guest",
        "leaver",
        "absent_twin",
        "double",
        "stranger",
        "hold",
        "adult",
    } <= set(kinds)
    assert Counter(e["placement"] for e in world.expected()).keys() == {
        "placed",
        "in_review",
        "not_found",
        "excluded",
    }


def test_a_seeded_tenth_of_the_schools_never_answers(world) -> None:
    silent = {p.urn for p in world.people} - {p.urn for p in world.people if p.answers != "never"}
    assert 0.05 < len(silent) / len(world.rolls.schools) < 0.16


def test_fellgate_has_people_and_references_of_its_own_at_schools_that_riverbend_knows_too(world) -> None:
    other = neighbour(world)
    assert {p.urn for p in other.people} <= {p.urn for p in world.people}
    for ours, theirs in (
        ({p.subject for p in world.people}, {p.subject for p in other.people}),
        ({p.key_adult_ref for p in world.people}, {p.key_adult_ref for p in other.people}),
        ({p.email for p in world.people}, {p.email for p in other.people}),
        ({s.subject for s in world.staff}, {s.subject for s in other.staff}),
        ({r["incident_reference"] for r in world.records}, {r["incident_reference"] for r in other.records}),
    ):
        assert ours and theirs and not ours & theirs
    assert set(world.canaries()) < set(canaries_of(world)) > set(other.canaries())


def test_people_are_plainly_fictional(world) -> None:
    assert all(
        p.email.endswith(".example") and p.phone.startswith(("020 7946 0", "07700 900")) for p in world.people
    )
    assert all("Lead-of-" in p.full_name for p in world.people)
    rows = list(csv.DictReader(io.StringIO(world.key_adults_csv().decode())))
    assert len(rows) == 2 * 319


def test_canaries_are_many_long_and_not_in_the_register(world) -> None:
    canaries = world.canaries()
    gias = world.gias_csv().decode("cp1252")
    assert len(canaries) >= 200
    assert len(set(canaries)) == len(canaries)
    assert all(len(c) >= 12 and c not in gias for c in canaries)


def test_an_unknown_night_is_named() -> None:
    with pytest.raises(ValueError, match="ordinary, small"):
        named_night("tomorrow")
