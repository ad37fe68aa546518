"""A force's own export, nested or a row a child, becomes the neutral contract; what it does not know is refused."""

from __future__ import annotations

import json
import random
import tomllib
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from pydantic import ValidationError

from encompass.domain.incident import Relationship
from encompass.formats.faults import BrokenFile, contents
from encompass.formats.police_contract import read_records
from encompass.formats.police_mapping import PoliceMapping, read_rows_a_child, shape_of

NESTED = tomllib.loads(
    """
    children = "nominals"
    children_where = { path = "role", values = ["CHILD", "CHILD AT RISK"] }
    adults = "nominals"
    adults_where = { path = "role", values = ["AGGRIEVED", "ALLEGED"] }
    dates = "day_first"

    [incident]
    incident_reference = "occurrence.number"
    updated_at = "occurrence.amended"
    recorded_at = "occurrence.created"
    status = "occurrence.state"
    "event.occurred_from" = "occurrence.from"
    "event.nature" = "occurrence.type"
    "event.narrative" = "occurrence.summary"
    "location.address" = "scene.line"
    "location.postcode" = "scene.pc"
    "location.in_force_area" = "scene.ours"
    "risk.tool" = "assessment.form"
    "risk.grade" = "assessment.result"

    [child]
    person_id = "id"
    forename = "name.given"
    surname = "name.family"
    other_names = "name.aka"
    date_of_birth = "dob"
    sex = "sex"
    "address.address" = "home.line"
    "address.postcode" = "home.pc"
    resides_in_force_area = "home.ours"
    relationship = "relation"
    present = "present"
    spoken_to = "spoken"
    voice = "said"
    "school_named.name" = "school"
    "hold.reason" = "hold.why"
    "hold.owner" = "hold.who"
    "hold.until" = "hold.until"

    [adult]
    person_id = "id"
    role = "role"

    [codes.flag]
    Y = true
    N = false
    U = ""
    [codes.status]
    LIVE = "active"
    CANCELLED = "retracted"
    [codes.nature]
    "DOMESTIC - VERBAL" = "verbal_argument"
    [codes.relationship]
    "CHILD OF BOTH" = "child_of_both"
    [codes.adult_role]
    AGGRIEVED = "victim"
    ALLEGED = "suspect"
    [constants]
    domestic_abuse = true
    """
)
RECORD: dict[str, Any] = {
    "occurrence": {
        "number": "HLM/26/1", "amended": "09/03/2026 23:50", "created": "09/03/2026 23:10", "state": "LIVE",
        "from": "09/03/2026 22:30", "type": "DOMESTIC - VERBAL", "summary": "Fictional.",
    },
    "scene": {"line": "1 Plum Street", "pc": "TW1 1AA", "ours": "Y"},
    "assessment": {"form": "DASH", "result": "standard"},
    "nominals": [
        {"id": "A1", "role": "AGGRIEVED"},
        {"id": "A2", "role": "ALLEGED"},
        {"id": "A3", "role": "WITNESS"},
        {
            "id": "C1", "role": "CHILD", "name": {"given": "Aisha", "family": "Crumplewick", "aka": "Esha Crumplewick; Isha Plum"},
            "dob": "14/05/2015", "sex": "F", "home": {"line": "1 Plum Street", "pc": "TW1 1AA", "ours": "Y"},
            "relation": "CHILD OF BOTH", "present": "N", "spoken": "U", "said": " ", "school": "Plum Primary", "hold": None,
        },
    ],
}  # fmt: skip


def mapped(*records: object, mapping: dict[str, Any] = NESTED) -> Any:
    page = json.dumps({"records": records, "next": None}).encode()
    return read_records(page, shape_of(PoliceMapping.model_validate(mapping)))


def changed(path: str, value: object) -> dict[str, Any]:
    record = json.loads(json.dumps(RECORD))
    *outer, last = path.split(".")
    at = record
    for name in outer:
        at = at[int(name)] if name.isdigit() else at[name]
    at[last] = value
    return record


def test_a_nested_export_becomes_the_contract() -> None:
    (taken,) = mapped(RECORD).taken
    incident = taken.incident
    assert incident.incident_reference == "HLM/26/1"
    assert incident.occurred_from == datetime(2026, 3, 9, 22, 30, tzinfo=UTC)
    assert (incident.domestic_abuse, incident.in_force_area, incident.risk_tool) == (True, True, "DASH")
    (child,) = incident.children
    assert (child.forename, child.other_names) == ("Aisha", ("Esha Crumplewick", "Isha Plum"))
    assert child.date_of_birth == date(2015, 5, 14)
    assert child.relationship is Relationship.CHILD_OF_BOTH
    assert (child.present, child.spoken_to, child.seen, child.voice, child.hold) == (
        False,
        None,
        None,
        None,
        None,
    )
    assert child.school_named is not None


def test_local_times_are_londons_in_summer_too() -> None:
    (taken,) = mapped(changed("occurrence.from", "09/07/2026 22:30")).taken
    assert taken.incident.occurred_from == datetime(2026, 7, 9, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("occurrence.state", "PENDING", "occurrence.state: unknown_code"),
        ("occurrence.from", "31/02/2026 10:00", "occurrence.from: not_an_instant"),
        ("occurrence.from", 5, "occurrence.from: not_an_instant"),
        ("scene.ours", "maybe", "scene.ours: unknown_code"),
        ("scene", "nowhere", "location.address: string_type"),
        ("nominals.3.dob", "14th of May", "nominals[3].dob: not_a_date"),
        ("nominals.3.relation", "COUSIN", "nominals[3].relation: unknown_code"),
        ("nominals.3.name.family", "", "children.0.surname: string_type"),
        ("nominals", None, "nominals: not_a_list"),
        ("nominals", ["Aisha"], "nominals[0]: not_an_object"),
    ],
)
def test_what_the_mapping_does_not_know_is_refused_and_the_next_goes_on(
    path: str, value: object, reason: str
) -> None:
    page = mapped(changed(path, value), RECORD)
    assert [(r.reason, r.path) for r in page.refused] == [(reason, "records[0]")]
    assert len(page.taken) == 1


def test_a_mapping_may_only_name_what_the_contract_has() -> None:
    with pytest.raises(ValidationError, match="shoe_size"):
        PoliceMapping.model_validate({**NESTED, "child": {**NESTED["child"], "shoe_size": "shoe"}})
    with pytest.raises(ValidationError, match="colour"):
        PoliceMapping.model_validate({**NESTED, "codes": {"colour": {"R": "red"}}})


FLAT = PoliceMapping.model_validate(
    {
        "incident": {
            "incident_reference": "REF", "updated_at": "AMENDED", "recorded_at": "AMENDED", "status": "STATE",
            "event.occurred_from": "FROM", "event.nature": "TYPE", "event.narrative": "SUMMARY",
            "location.address": "SCENE", "location.in_force_area": "OURS", "team": "TEAM",
        },
        "child": {
            "person_id": "PID", "forename": "GIVEN", "surname": "FAMILY", "date_of_birth": "DOB",
            "relationship": "RELATION", "present": "PRESENT", "resides_in_force_area": "OURS",
        },
        "codes": {"flag": {"Y": True, "N": False}, "status": {"LIVE": "active"}},
        "constants": {"domestic_abuse": True},
    }
)  # fmt: skip
HEADER = "REF,AMENDED,STATE,FROM,TYPE,SUMMARY,SCENE,OURS,TEAM,PID,GIVEN,FAMILY,DOB,RELATION,PRESENT\n"
ROW = "{ref},2026-03-10T01:00,LIVE,2026-03-09T22:30,other,{summary},1 Plum Street,Y,A,{pid},Aisha,Crumplewick,2015-05-14,child_of_both,\n"


def row(ref: str, pid: str, summary: str = "Fictional.") -> str:
    return ROW.format(ref=ref, pid=pid, summary=summary)


def flat(text: str) -> Any:
    return contents(read_rows_a_child(BytesIO((HEADER + text).encode()), FLAT))


def test_rows_of_one_reference_are_one_incident_in_any_order() -> None:
    lines = [row("R1", "C1"), row("R2", "C2"), row("R1", "C3"), row("R3", "C4")]
    found = flat("".join(lines))
    people = {t.incident.incident_reference: [c.person_id for c in t.incident.children] for t in found.taken}
    assert people == {"R1": ["C1", "C3"], "R2": ["C2"], "R3": ["C4"]}
    assert sum(len(t.parts) for t in found.taken) == 4
    random.Random(1).shuffle(lines)
    assert {t.digest for t in flat("".join(lines)).taken} == {t.digest for t in found.taken}


def test_a_row_served_twice_is_counted_twice_and_is_one_child() -> None:
    (taken,) = flat(row("R1", "C1") * 2).taken
    assert len(taken.parts) == 2
    assert len(taken.incident.children) == 1


def test_rows_that_disagree_are_refused_together_and_the_others_go_on() -> None:
    found = flat(row("R1", "C1") + row("R2", "C2") + row("R1", "C3", "Something else.") + row("", "C5"))
    assert [t.incident.incident_reference for t in found.taken] == ["R2"]
    assert [(r.line, r.reason) for r in found.refused] == [
        (5, "REF: missing"),
        (2, "rows_disagree"),
        (4, "rows_disagree"),
    ]
    assert all(json.loads(r.raw) for r in found.refused)


def test_a_column_that_is_missing_refuses_the_file() -> None:
    with pytest.raises(BrokenFile, match="missing_columns: PRESENT"):
        contents(read_rows_a_child(BytesIO(HEADER.replace(",PRESENT", "").encode()), FLAT))
