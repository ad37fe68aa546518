"""What the documents promise: every edge case has its test or says "not yet", and locks name no registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (?P<case>[^|]+) \| (?P<behaviour>[^|]+) \| (?P<test>[^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize(("page", "cases"), [("edge_cases.md", 38), ("scenarios.md", 38)])
def test_every_case_has_a_test_that_exists_or_says_not_yet(page: str, cases: int) -> None:
    rows = list(ROW.finditer((ROOT / "docs" / page).read_text("utf-8")))[1:]
    rows = [r for r in rows if not r["case"].startswith("-")]
    assert len(rows) == cases
    assert len({r["case"] for r in rows}) == cases
    for row in rows:
        if row["test"].startswith("not yet"):
            continue
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row["test"])
        assert named, row["case"]
        for file, function in named:
            assert f"def {function}(" in (ROOT / "tests" / file).read_text("utf-8"), (
                f"{row['case']}: {function}"
            )


def test_lock_files_are_hashed_and_name_no_registry() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        pinned = re.findall(r"^[A-Za-z0-9_.\[\]-]+==\S+", text, re.MULTILINE)
        assert len(pinned) > 100
        assert text.count("--hash=sha256:") >= len(pinned)


def test_the_frontend_s_lock_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "frontend" / "package-lock.json").read_text("utf-8")


def test_links_between_documents_lead_somewhere() -> None:
    for file in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!http|#|mailto)([^)#]+)", file.read_text("utf-8")):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
