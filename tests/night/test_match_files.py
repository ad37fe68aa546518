"""A shadow run: what it decides on the cases with known truth, what it refuses, and what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from bench.accuracy import accuracy
from bench.cases import FEBRL4_HALF, UK_30K
from encompass.formats.match_files import CHILD_COLUMNS, ROLL_COLUMNS
from encompass.pipeline.match_files import Trial, match_files
from encompass.pipeline.match_rules import match_rules
from encompass.settings import MatchingSettings
from encompass.store.sealed import DataKey
from tests.cluster import state_folder
from tests.night.test_canaries import hits
from tests.warm import warm

ROOT = Path(__file__).parents[2]
PARAMETERS = match_rules(MatchingSettings()).parameters
PUPIL = {
    "pupil_ref": "P1", "urn": "100001", "legal_forename": "Aisha", "legal_surname": "Crumplewick",
    "date_of_birth": "2015-05-14", "sex": "F", "postcode": "TW1 1AA", "address": "12 Plum Street", "enrol_status": "C",
}  # fmt: skip
CHILD = {
    "child_ref": "C1", "incident_ref": "I1", "forename": "Ayesha", "surname": "Crumplewick", "date_of_birth": "2015-05-14",
    "postcode": "TW1 1AA", "address": "12 Plum Street",
}  # fmt: skip


def written(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    raw = text.getvalue().encode()
    file.write_bytes(gzip.compress(raw) if file.suffix == ".gz" else raw)
    return file


def run(roll: Path, children: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    arguments = ("match-files", "--roll", str(roll), "--children", str(children), "--out", str(out), *more)
    return warm().run("encompass.cli", arguments, environment)


def decisions(out: Path) -> list[dict[str, str]]:
    with out.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize(
    ("case", "roll", "wrong", "recall", "covered", "review"),
    [(UK_30K, "roll.csv.gz", 0, 0.90, 0.985, 0.18), (FEBRL4_HALF, "roll.csv", 2, 0.80, 0.90, 0.18)],
)
def test_the_cases_with_known_truth(
    case: Path, roll: str, wrong: int, recall: float, covered: float, review: float, tmp_path: Path
) -> None:
    done = run(case / roll, case / "children.csv", tmp_path / "out.csv", "--json", "--as-of", "2026-11-24")
    assert done.returncode == 0, done.stderr
    found, printed = accuracy(case / "truth.csv", tmp_path / "out.csv"), json.loads(done.stdout)
    assert found.wrong <= wrong
    assert found.precision >= 0.999
    assert found.recall >= recall
    assert found.covered >= covered
    assert found.review <= review
    assert printed["matched"] == found.matched
    assert printed["needs_review"] == found.in_review
    assert (
        printed["matched"] + printed["needs_review"] + printed["not_found"]
        == printed["children"]
        == found.children
    )
    assert printed["load_s"] > 0
    assert printed["match_s"] > 0
    assert 10 < printed["peak_rss_mb"] < 1000


def test_one_line_for_each_child_in_their_order(tmp_path: Path) -> None:
    pupils = [
        PUPIL | {"enrol_status": "M"},
        PUPIL | {"enrol_status": "S", "urn": "100002"},
        PUPIL
        | {
            "pupil_ref": "P2",
            "legal_forename": "Zebedee",
            "legal_surname": "Bobbins",
            "date_of_birth": "2012-13-40",
        },
        PUPIL
        | {
            "pupil_ref": "P3",
            "legal_forename": "Ottilie",
            "leaving_date": "2026-03-01",
            "date_of_birth": "2013-02-03",
        },
    ]
    children = [
        CHILD
        | {"child_ref": "C9", "forename": "Peregrine", "surname": "Nobody", "postcode": "", "address": ""},
        CHILD,
        CHILD | {"child_ref": "C2", "forename": "Ottilie", "date_of_birth": "2013-02-03", "incident_ref": ""},
        CHILD | {"child_ref": "C3", "forename": "Imogen", "incident_ref": "", "date_of_birth": "not a day"},
    ]
    roll = written(tmp_path / "roll.csv.gz", ROLL_COLUMNS, pupils)
    listed = written(tmp_path / "children.csv", CHILD_COLUMNS, children)
    for as_of, ottilie in (
        ("2026-02-01", ("matched", "P3", "")),
        ("2026-03-10", ("needs_review", "", "no_current_enrolment")),
    ):
        done = run(roll, listed, tmp_path / "out.csv", "--as-of", as_of)
        assert done.returncode == 0, done.stderr
        rows = decisions(tmp_path / "out.csv")
        assert [row["child_ref"] for row in rows] == ["C9", "C1", "C2", "C3"]
        assert (rows[0]["outcome"], rows[0]["candidates"]) == ("not_found", "")
        assert (rows[1]["outcome"], rows[1]["pupil_ref"], rows[1]["urn"]) == (
            "matched",
            "P1",
            "100001;100002",
        )
        assert (rows[2]["outcome"], rows[2]["pupil_ref"], rows[2]["reason"]) == ottilie
        assert (rows[3]["outcome"], rows[3]["reason"]) == ("needs_review", "forename")
        assert rows[1]["candidates"].split(";")[0] == "P1"
        assert float(rows[1]["score"]) > 5
    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0


def test_a_pupil_whose_school_is_not_known_is_for_a_person(tmp_path: Path) -> None:
    """Left out, such a pupil could no longer be the twin who keeps another from being matched."""
    roll = written(
        tmp_path / "roll.csv", ROLL_COLUMNS, [PUPIL | {"urn": "none"}, PUPIL | {"pupil_ref": "P2", "urn": ""}]
    )
    listed = written(tmp_path / "children.csv", CHILD_COLUMNS, [CHILD])
    done = run(roll, listed, tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    (row,) = decisions(tmp_path / "out.csv")
    assert (row["outcome"], row["urn"], set(row["candidates"].split(";"))) == (
        "needs_review",
        "",
        {"P1", "P2"},
    )
    alone = written(tmp_path / "alone.csv", ROLL_COLUMNS, [PUPIL | {"urn": ""}])
    run(alone, listed, tmp_path / "out.csv")
    assert [(r["outcome"], r["reason"]) for r in decisions(tmp_path / "out.csv")] == [
        ("needs_review", "no_current_enrolment")
    ]


def test_malformed_rows_are_told_by_line_and_left_out(tmp_path: Path) -> None:
    roll = written(tmp_path / "roll.csv", ROLL_COLUMNS, [PUPIL])
    with roll.open("ab") as file:
        file.write(b"P7,100001,short row\r\n,100001" + b"," * 14 + b"\r\n")
    listed = written(tmp_path / "children.csv", CHILD_COLUMNS, [CHILD, CHILD, CHILD | {"child_ref": ""}])
    with listed.open("ab") as file:
        file.write(b"C5,I5,Zo\xff" + b"," * 9 + b"\r\n" + b"C6,I6" + b"," * 10 + b"\r\n")
    done = run(roll, listed, tmp_path / "out.csv")
    assert done.returncode == 3
    told = {line for line in done.stderr.splitlines() if "left out" in line}
    assert told == {
        "roll, line 3: 3 cells for 16 columns; left out",
        "roll, line 4: pupil_ref: blank; left out",
        "children, line 3: child_ref: repeated; left out",
        "children, line 4: child_ref: blank; left out",
        "children, line 5: not_utf-8; left out",
    }
    assert [(r["child_ref"], r["outcome"]) for r in decisions(tmp_path / "out.csv")] == [
        ("C1", "matched"),
        ("C6", "not_found"),
    ]


@pytest.mark.parametrize(
    "fault", ["missing file", "missing column", "empty file", "not gzip", "no such folder"]
)
def test_a_file_that_cannot_be_used_is_refused_before_anything_is_written(fault: str, tmp_path: Path) -> None:
    roll = written(tmp_path / "roll.csv", ROLL_COLUMNS, [PUPIL])
    listed = written(tmp_path / "children.csv", CHILD_COLUMNS, [CHILD])
    out = tmp_path / "out.csv"
    if fault == "missing file":
        roll = tmp_path / "nowhere.csv"
    elif fault == "missing column":
        listed = written(tmp_path / "children.csv", CHILD_COLUMNS[1:], [])
    elif fault == "empty file":
        roll.write_bytes(b"")
    elif fault == "not gzip":
        roll = roll.rename(tmp_path / "roll.csv.gz")
    else:
        out = tmp_path / "nowhere" / "out.csv"
    done = run(roll, listed, out)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("control", [True, False])
def test_nothing_of_a_shadow_run_is_on_disk_in_the_clear(
    control: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched while its database stands; and found when sealing is taken away."""
    if not control:
        monkeypatch.setattr(DataKey, "seal", lambda _s, _t, _c, _r, plain, _random=None: b"x" * 12 + plain)
        monkeypatch.setattr(DataKey, "open", lambda _s, _t, _c, _r, sealed: sealed[12:])
    canaries = ["Crumplewick", "Zebedee", "12 Plum Street"]
    pupils = [PUPIL, PUPIL | {"pupil_ref": "P2", "legal_forename": "Zebedee"}]
    roll = written(tmp_path / "roll.csv", ROLL_COLUMNS, pupils)
    listed = written(tmp_path / "children.csv", CHILD_COLUMNS, [CHILD])
    found: list[str] = []
    with state_folder() as scratch:
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))

        def look(what: str, _count: int) -> None:
            if what == "children":
                found.extend(hits(scratch, canaries, tmp_path / "needles"))

        trial = match_files(roll, listed, tmp_path / "out.csv", date(2026, 3, 10), PARAMETERS, look)
        assert isinstance(trial, Trial)
        assert trial.outcomes == {"matched": 1}
        assert list(scratch.iterdir()) == []
    assert bool(found) is not control
