"""Training on files and on decisions: right shares, a version that nobody uses yet, and nothing left on disk."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bench.cases import FEBRL4_HALF
from encompass.domain.placement import FieldEvidence
from encompass.formats.match_files import CHILD_COLUMNS, ROLL_COLUMNS
from encompass.matching.parameters import read_parameters
from encompass.matching.person import Person
from encompass.settings import MatchingSettings
from encompass.store.database import Role
from encompass.store.sealed import DataKey
from encompass.training import truth
from encompass.training.splink_model import NotInstalled, TooLittle, estimate
from encompass.training.train import Files, NothingToLearnFrom, decisions_of, train
from encompass.training.version import VersionExists, shares_of
from encompass.wiring import Encompass
from tests.cluster import FORCE, state_folder
from tests.matching.people import PARAMETERS, person
from tests.night.conftest import ROOT
from tests.night.test_canaries import hits
from tests.night.test_match_files import CHILD, PUPIL, written
from tests.warm import warm

DAY = date(2026, 3, 10)
CURRENT = MatchingSettings().parameters


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Versions of our own, so that none of the project's is touched."""
    return Path(shutil.copytree(ROOT / "config" / "matching", tmp_path / "matching"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return warm().run("encompass.cli", ("train-matching", "--folder", str(folder), *arguments), environment)


def trained_on(base: Path, decisions: Sequence[Sequence[FieldEvidence]], version: str = "t1") -> object:
    return train(base, version, None, decisions, [], DAY, lambda _what: None)


def test_splink_finds_the_shares_that_the_files_were_made_with() -> None:
    """Sex wrong for a third of the children, the day of birth for a sixth, each as often with the other; no label."""
    drawn = random.Random(7)
    names = [
        f"{a}{b}{c}" for a in "bdfglmprst" for b in ("ar", "en", "il", "on") for c in ("a", "ek", "im", "us")
    ]

    def drawn_person() -> Person:
        born = date(2010, 1, 2) + timedelta(days=drawn.randrange(1500))
        home = (
            f"SK{drawn.randrange(1, 9)} {drawn.randrange(1, 9)}A{drawn.choice('BDEFGH')}",
            f"{drawn.randrange(1, 900)} High Street",
        )
        return person(drawn.choice(names), drawn.choice(names), born, sex=drawn.choice("MF"), home=home)

    pupils = [drawn_person() for _ in range(3000)]
    children = []
    for number, pupil in enumerate(drawn.sample(pupils, 1200)):
        child = replace(pupil, sex="F" if pupil.sex == "M" else "M") if number % 3 == 0 else pupil
        born = child.born or DAY
        wrong_day = born.replace(day=born.day % 28 + 1)
        children.append(replace(child, born=wrong_day) if number // 3 % 6 == 0 else child)
    seen = estimate(pupils, children, PARAMETERS)
    assert seen.m["sex", "differs"] == pytest.approx(1 / 3, abs=0.03)
    assert seen.m["born", "day"] == pytest.approx(1 / 6, abs=0.03)
    assert seen.m["forename", "same"] > 0.97
    assert seen.u["sex", "differs"] == pytest.approx(0.5, abs=0.03)
    assert seen.u["forename", "same"] < 0.02


def test_too_little_to_estimate_from_is_told() -> None:
    with pytest.raises(TooLittle):
        estimate([person("Aisha", "Khan")], [], PARAMETERS)
    with pytest.raises(TooLittle, match="no child has the born of a pupil"):
        estimate(
            [person("Aisha", "Khan")] * 30, [person("Poppy", "Smith", date(2011, 3, 4))] * 30, PARAMETERS
        )


def test_a_trained_version_is_compared_written_and_used_by_nobody(folder: Path) -> None:
    files = ("--roll", str(FEBRL4_HALF / "roll.csv"), "--children", str(FEBRL4_HALF / "children.csv"))
    asked = (*files, "--version", "2027-01", "--cases", str(FEBRL4_HALF), "--json")
    done = run(folder, *asked)
    assert done.returncode == 0, done.stderr
    new, old = read_parameters(folder / "2027-01.toml"), read_parameters(folder / f"{CURRENT}.toml")
    told = json.loads(done.stdout)
    assert told["digest"] == new.digest != old.digest
    assert [row["version"] for row in told["comparison"]] == [CURRENT, "2027-01"]
    assert told["comparison"][0]["wrong"] == "1"
    assert all(float(row["recall"]) > 0.7 for row in told["comparison"])
    assert new.limits == old.limits
    assert new.bits != old.bits
    report = (folder / "2027-01.comparison.md").read_text("utf-8")
    assert f"| febrl4_half | {CURRENT} |" in report
    assert "| forename same |" in report
    assert MatchingSettings().parameters == CURRENT
    before = (folder / "2027-01.toml").read_bytes()
    again = run(folder, *asked)
    assert again.returncode == 2
    assert "never written over" in again.stderr
    assert (folder / "2027-01.toml").read_bytes() == before


def test_decisions_move_m_and_leave_u(folder: Path, played: Encompass) -> None:
    decisions = decisions_of(played.database.engine(Role.PIPELINE), FORCE)
    assert decisions
    base = folder / f"{CURRENT}.toml"
    trained_on(base, decisions * 100)
    before, after = shares_of(base), shares_of(folder / "t1.toml")
    assert after.u == before.u
    share = sum(("sex", "same") in {(f.field, f.level) for f in fields} for fields in decisions) / len(
        decisions
    )
    assert share == 1
    assert before.m["sex", "same"] < after.m["sex", "same"] < 1
    assert "decisions" in (folder / "t1.toml").read_text("utf-8").splitlines()[0]


def test_nothing_to_learn_from_a_taken_name_and_a_missing_extra_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = folder / f"{CURRENT}.toml"
    with pytest.raises(NothingToLearnFrom):
        trained_on(base, [])
    with pytest.raises(VersionExists):
        trained_on(base, [[FieldEvidence("sex", "same", 1.0)]], CURRENT)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "splink" else found(name))
    with pytest.raises(NotInstalled, match="training needs splink: pip install"):
        trained_on(base, [[FieldEvidence("sex", "same", 1.0)]])
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        p.name for p in (ROOT / "config" / "matching").iterdir()
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version", "t1"),
        ("--version", "t1", "--roll", "roll.csv"),
        ("--version", "../t1", "--roll", "a.csv", "--children", "b.csv"),
        ("--version", "t1", "--roll", "nowhere.csv", "--children", "nowhere.csv"),
    ],
)
def test_wrong_use_is_told_without_a_traceback(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("control", [True, False])
def test_nothing_of_a_training_is_on_disk_in_the_clear(
    control: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched while the database of the comparison stands; and found when sealing is taken away."""
    if not control:
        monkeypatch.setattr(DataKey, "seal", lambda _s, _t, _c, _r, plain, _random=None: b"x" * 12 + plain)
        monkeypatch.setattr(DataKey, "open", lambda _s, _t, _c, _r, sealed: sealed[12:])
    case = tmp_path / "case"
    case.mkdir()
    pupils = [PUPIL | {"pupil_ref": f"P{n}", "date_of_birth": f"2015-05-{n:02}"} for n in range(1, 29)]
    child = CHILD | {"forename": "Aisha"}
    listed = [child | {"child_ref": f"C{n}", "date_of_birth": f"2015-05-{n:02}"} for n in range(1, 15)]
    files = Files(
        written(case / "roll.csv", ROLL_COLUMNS, pupils),
        written(case / "children.csv", CHILD_COLUMNS, listed),
    )
    answers = [{"child_ref": f"C{n}", "pupil_ref": f"P{n}"} for n in range(1, 15)]
    written(case / "truth.csv", ("child_ref", "pupil_ref"), answers)
    canaries, found = ["Crumplewick", "12 Plum Street"], list[str]()
    with state_folder() as scratch:
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        monkeypatch.chdir(scratch)
        look = lambda _what, _count: found.extend(hits(scratch, canaries, tmp_path / "needles"))  # noqa: E731
        monkeypatch.setattr(truth, "_untold", look)
        train(folder / f"{CURRENT}.toml", "t1", files, [], [case], DAY, lambda what: look(what, 0))
        assert list(scratch.iterdir()) == []
        found += hits(folder, canaries, tmp_path / "needles")
    assert bool(found) is not control
