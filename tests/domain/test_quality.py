"""What police left unsaid: counted by child, told by team, and no formula reaches a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest

from encompass.domain.incident import Address
from encompass.domain.quality import WORDS, Shortfall, missing_of, quality_csv, quality_json, quality_of
from encompass.formats.police_contract import sorted_out
from sandbox.world import build_world, named_night

NIGHT = date(2026, 3, 10)


def child(**changes: object):
    record = build_world(*named_night("small")).records[0]
    ((taken,), _) = sorted_out([record])
    whole = {
        "present": True, "seen": True, "spoken_to": True, "in_presence_of": "alone", "voice": "It was loud.",
        "circumstances": "Known to us.", "date_of_birth": NIGHT, "address": Address("1 Plum Street", None, None),
    }  # fmt: skip
    return replace(taken.incident.children[0], **(whole | changes))


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, ()),
        ({"voice": None}, ("voice",)),
        ({"spoken_to": False, "voice": None, "in_presence_of": None}, ()),  # nobody spoke: nothing was said
        ({"spoken_to": None, "voice": None, "in_presence_of": None}, ("spoken_to",)),
        ({"seen": False, "present": False}, ()),
        ({"present": None, "seen": None, "circumstances": None}, ("present", "seen", "circumstances")),
        ({"date_of_birth": None, "address": None}, ("date_of_birth", "address")),
    ],
)
def test_what_is_missing_of_a_child(changes: dict[str, object], missing: tuple[str, ...]) -> None:
    assert missing_of(child(**changes)) == missing


def test_a_night_is_told_by_team_and_its_shortfalls_by_reference() -> None:
    found = quality_of(
        "riverbend",
        NIGHT,
        [
            Shortfall("R/2", "B", 2, {"voice": 2, "seen": 1}),
            Shortfall("R/1", "A", 1, {}),
            Shortfall("R/3", None, 1, {"voice": 1}),
        ],
    )
    table = json.loads(quality_json(found))
    assert [(t["team"], t["children"], t["missing"]["voice"]) for t in table["teams"]] == [
        (None, 1, 1),
        ("A", 1, 0),
        ("B", 2, 2),
    ]
    assert [i["reference"] for i in table["incidents"]] == ["R/3", "R/2"]


def test_a_team_that_looks_like_a_formula_is_text() -> None:
    found = quality_of("riverbend", NIGHT, [Shortfall('=HYPERLINK("x")', "@SUM(1)", 1, {"voice": 1})])
    header, row = csv.reader(io.StringIO(quality_csv(found)))
    assert len(header) == len(row) == 3 + len(WORDS)
    assert not row[0].startswith(("=", "@"))
    assert not row[1].startswith(("=", "@"))
