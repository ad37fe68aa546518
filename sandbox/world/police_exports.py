"""The night's records as each force's own system would give them: nested JSON for one, a row a child for the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
SAID = {True: "Y", False: "N", None: "U"}
ROLES = {"victim": "AGGRIEVED", "suspect": "ALLEGED", "other": "WITNESS"}
STATES = {"active": "LIVE", "retracted": "CANCELLED"}
FELLGATE_NATURE = {
    "verbal_argument": "DV-ARG", "threats": "DV-THR", "violence": "DV-ASS", "damage": "DV-DAM", "other": "DV-OTH",
}  # fmt: skip
FELLGATE_RELATION = {
    "child_of_victim": "C-VIC", "child_of_suspect": "C-SUS", "child_of_both": "C-BOTH", "sibling": "SIB",
    "other": "OTH", "none": "NONE",
}  # fmt: skip
FELLGATE_COLUMNS = (
    "Log No", "Updated", "Created", "Log State", "Crime Flag", "From", "To", "Class", "Summary", "Scene", "Scene Town",
    "Scene Postcode", "Our Area", "RA Tool", "RA Grade", "Shift", "Nominal", "First Name", "Family Name",
    "Also Known As", "D.O.B.", "Gender", "Home Address", "Home Town", "Home Postcode", "Resident", "Relation", "There",
    "There Where",
    "Seen", "Spoken To", "Spoken By", "With Whom", "Said", "Notes", "School", "Hold Why", "Hold Owner", "Hold Until",
)  # fmt: skip


def riverbend_record(record: dict[str, Any]) -> dict[str, Any]:
    """One incident as Riverbend's system nests it. What the contract has no word for goes over as it stands."""
    event, location, risk = record["event"], record["location"], record["risk"]
    return {
        "occurrence": {
            "number": record["incident_reference"],
            "amended": record["updated_at"],
            "created": record["recorded_at"],
            "state": STATES.get(record["status"], record["status"]),
            "dv": _said(record["domestic_abuse"]),
            "from": event["occurred_from"],
            "to": event["occurred_to"],
            "type": event["nature"],
            "summary": event["narrative"],
            "unit": record.get("team"),
        },
        "scene": {**_place(location), "ours": _said(location["in_force_area"])},
        "assessment": {"form": risk["tool"], "result": risk["grade"]} if risk else None,
        "nominals": [
            *map(_riverbend_adult, record["adults"]),
            *map(_riverbend_child, record["children"]),
        ],
    }


def fellgate_rows(records: Iterable[dict[str, Any]]) -> bytes:
    """The records as Fellgate exports them: a row a child, days first, London's time, its own codes."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FELLGATE_COLUMNS, delimiter="|", lineterminator="\r\n")
    writer.writeheader()
    for record in records:
        for child in record["children"]:
            writer.writerow(dict(zip(FELLGATE_COLUMNS, _fellgate_cells(record, child), strict=True)))
    return out.getvalue().encode()


def _said(value: object) -> object:
    return SAID[value] if value is None or isinstance(value, bool) else value


def _place(address: dict[str, Any]) -> dict[str, Any]:
    return {"line": address["address"], "town": address.get("town"), "pc": address.get("postcode")}


def _riverbend_adult(adult: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": adult["person_id"],
        "part": ROLES.get(adult["role"], adult["role"]),
        "employer": adult.get("works_at"),
    }


def _riverbend_child(child: dict[str, Any]) -> dict[str, Any]:
    home, school, hold = child["address"], child["school_named"], child["hold"]
    return {
        "id": child["person_id"],
        "part": "CHILD",
        "name": {
            "given": child["forename"],
            "middle": child.get("middle_names"),
            "family": child["surname"],
            "aka": child.get("other_names", []),
        },
        "dob": child["date_of_birth"],
        "sex": child["sex"],
        "home": {**(_place(home) if home else {}), "ours": _said(child["resides_in_force_area"])},
        "relation": child["relationship"],
        "present": _said(child["present"]),
        "where": child["present_where"],
        "seen": _said(child["seen"]),
        "spoken": _said(child["spoken_to"]),
        "spoken_by": child["spoken_to_by"],
        "with": child["in_presence_of"],
        "said": child["voice"],
        "notes": child["circumstances"],
        "school": school,
        "alleged": _said(child.get("is_suspect")),
        "guarded": _said(child.get("restricted")),
        "hold": {"why": hold["reason"], "who": hold["owner"], "until": hold["until"]} if hold else None,
    }


def _fellgate_cells(record: dict[str, Any], child: dict[str, Any]) -> list[object]:
    event, scene, risk = record["event"], record["location"], record["risk"] or {}
    home, hold, school = child["address"] or {}, child["hold"] or {}, child["school_named"] or {}
    born = child["date_of_birth"]
    return [
        record["incident_reference"], _clock(record["updated_at"]), _clock(record["recorded_at"]),
        {"active": "OPEN", "retracted": "VOID"}[record["status"]], _said(record["domestic_abuse"]),
        _clock(event["occurred_from"]), _clock(event["occurred_to"]), FELLGATE_NATURE[event["nature"]],
        event["narrative"], scene["address"], scene["town"], scene["postcode"], _said(scene["in_force_area"]),
        risk.get("tool"), {"standard": "S", "medium": "M", "high": "H"}.get(risk.get("grade", "")), record["team"],
        child["person_id"], child["forename"], child["surname"], "; ".join(child["other_names"]),
        "/".join(reversed(born.split("-"))) if born else None, child["sex"],
        home.get("address"), home.get("town"), home.get("postcode"), _said(child["resides_in_force_area"]),
        FELLGATE_RELATION[child["relationship"]], _said(child["present"]), child["present_where"], _said(child["seen"]),
        _said(child["spoken_to"]), child["spoken_to_by"], child["in_presence_of"], child["voice"],
        child["circumstances"], school.get("name"), hold.get("reason"), hold.get("owner"), _clock(hold.get("until")),
    ]  # fmt: skip


def _clock(instant: str | None) -> str | None:
    """An instant as London's clock shows it: 09/03/2026 22:30."""
    return f"{datetime.fromisoformat(instant).astimezone(LONDON):%d/%m/%Y %H:%M}" if instant else None
