"""`encompass intake check` as somebody runs it who is about to send a file: counts, places, exit codes, no traceback."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from encompass.cli import main
from encompass.pipeline.check_intake import FORMATS
from sandbox.world.pupils import gias_bytes
from tests.warm import warm

ROLL = "pupil_ref,urn,upn,legal_forename,legal_surname,date_of_birth,enrol_status,entry_date,leaving_date\r\n"
GOOD = "{n},100000,,Anna,Example,2016-04-05,C,2020-09-01,\r\n"


def check(file: Path, kind: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return warm().run("encompass.cli", ("intake", "check", str(file), "--as", kind, *more), environment)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    file = tmp_path / "edubasealldata.csv"
    file.write_bytes(gias_bytes())
    return file


def test_the_real_gias_sample_is_taken_whole_its_blank_cells_named(sample: Path) -> None:
    done = check(sample, "gias")
    assert (done.returncode, done.stderr) == (0, "")
    assert "319 records would be taken, 0 refused" in done.stdout
    assert "warning  TelephoneNum: blank: 205" in done.stdout
    told = json.loads(check(sample, "gias", "--json").stdout)
    assert (told["taken"], told["refused"], told["faults"]) == (319, 0, {})
    assert told["warnings"]["Town: blank"] == {"count": 1, "places": ["line 19"]}


def test_faults_are_told_by_reason_and_line_without_a_value(tmp_path: Path) -> None:
    file = tmp_path / "roll.csv"
    rows = [
        GOOD.format(n=1),
        GOOD.format(n=2).replace("Anna", ""),
        GOOD.format(n=3).replace(",C,", ",Q,"),
        GOOD.format(n=4),
    ]
    file.write_text(ROLL + "".join(rows), newline="")
    done = check(file, "mis-csv")
    assert done.returncode == 3
    assert "2 records would be taken, 2 refused" in done.stdout
    assert "fault  legal_forename: missing: 1  (line 3)" in done.stdout
    assert "fault  enrol_status: unknown_code: 1  (line 4)" in done.stdout
    assert "Example" not in done.stdout


def test_archives_are_looked_into_and_do_not_swell(tmp_path: Path, sample: Path) -> None:
    packed = tmp_path / "gias.csv.gz"
    packed.write_bytes(gzip.compress(sample.read_bytes()))
    assert check(packed, "gias").returncode == 0
    zipped = tmp_path / "gias.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sample, "edubasealldata.csv")
    assert check(zipped, "gias").returncode == 0
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr("another.csv", "x")
    assert "not_one_file_in_archive" in check(zipped, "gias").stdout
    bomb = tmp_path / "bomb.gz"
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as deflating:
        deflating.write(ROLL.encode())
        for _ in range(64):
            deflating.write(b"\r\n" * 500_000)
    bomb.write_bytes(out.getvalue())
    done = check(bomb, "mis-csv")
    assert done.returncode == 3
    assert "swells_beyond_belief" in done.stdout
    packed.write_bytes(packed.read_bytes()[:-200])
    assert "broken_archive" in check(packed, "gias").stdout


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_whatever_the_file_nobody_sees_a_traceback(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "what.bin"
    force = ["--force", "riverbend"] if kind == "police-csv" else []
    for raw in (
        b"",
        b"\x00\xff\xfe" * 50,
        b"<a><b/></a>",
        b'{"records": 5}',
        b"a,b\n1,2\n",
        gias_bytes()[:5000],
    ):
        file.write_bytes(raw)
        done = CliRunner().invoke(main, ["intake", "check", str(file), "--as", kind, *force])
        assert done.exit_code in {2, 3}, (raw[:20], done.output)
        assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.csv", "gias"), "No such file"),
        ((".", "gias"), "Is a directory"),
        (("README.md", "fax"), "Invalid value for '--as'"),
        (("README.md", "police-csv"), "name one that sends rows"),
        (("README.md", "police-json", "--force", "atlantis"), "no force atlantis"),
        (("README.md", "mis-csv", "--supplier", "atlantis"), "atlantis.toml: no such mapping"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error_that_says_why(arguments: tuple[str, ...], says: str) -> None:
    file, kind, *more = arguments
    done = check(Path(file), kind, *more)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
