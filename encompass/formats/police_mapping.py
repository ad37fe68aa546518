"""A force's own export turned into the neutral contract: where each field stands, and what its codes mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO, Final, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator

from encompass.domain.incident import RefusedRecord
from encompass.formats.csv_rows import LONGEST_NUMBER, Dialect, read_cells
from encompass.formats.faults import BrokenFile
from encompass.formats.police_contract import NotMapped, Shape, TakenRecord, canonical, read_record

FLAGS: Final = frozenset(
    {"domestic_abuse", "location.in_force_area", "resides_in_force_area", "present", "seen", "spoken_to",
     "is_suspect", "restricted"}
)  # fmt: skip
INSTANTS: Final = frozenset(
    {"updated_at", "recorded_at", "event.occurred_from", "event.occurred_to", "hold.until"}
)
DAYS: Final = frozenset({"date_of_birth"})
CODED: Final = {
    "status": "status", "event.nature": "nature", "risk.tool": "risk_tool", "risk.grade": "risk_grade",
    "sex": "sex", "relationship": "relationship", "role": "adult_role",
}  # fmt: skip
INCIDENT: Final = frozenset({
    "incident_reference", "updated_at", "recorded_at", "status", "domestic_abuse", "event.occurred_from",
    "event.occurred_to", "event.nature", "event.narrative", "location.address", "location.town", "location.postcode",
    "location.in_force_area", "risk.tool", "risk.grade", "team",
})  # fmt: skip
CHILD: Final = frozenset({
    "person_id", "forename", "middle_names", "surname", "other_names", "date_of_birth", "sex", "address.address",
    "address.town", "address.postcode", "resides_in_force_area", "relationship", "present", "present_where", "seen",
    "spoken_to", "spoken_to_by", "in_presence_of", "voice", "circumstances", "school_named.name", "school_named.urn",
    "hold.reason", "hold.owner", "hold.until", "is_suspect", "restricted",
})  # fmt: skip
ADULT: Final = frozenset({"person_id", "role", "works_at.name", "works_at.urn"})
SAID: Final = frozenset({"date_of_birth", "resides_in_force_area", "present", "seen", "spoken_to"})
OPTIONAL_PARTS: Final = ("address", "school_named", "hold", "risk", "works_at")
MOST_ROWS: Final = 200_000
LONDON: Final = "Europe/London"


class Which(BaseModel):
    """Those entries of a list whose field has one of these values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    values: tuple[str, ...]


class PoliceMapping(BaseModel):
    """A force's export: `incident`, `child` and `adult` are our fields to the places of theirs (dots go inwards).

    `children` and `adults` are the places of lists; a file with a row a child has none. `codes` are theirs to ours,
    a table a field (and `flag`: true, false, or "" for not recorded). `constants` are our fields that it never says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    records: str = "records"
    next: str = "next"
    children: str | None = None
    children_where: Which | None = None
    adults: str | None = None
    adults_where: Which | None = None
    dates: Literal["iso", "day_first"] = "iso"
    zone: Literal["Europe/London", "UTC"] = LONDON
    names_parted_by: str = ";"
    incident: Mapping[str, str]
    child: Mapping[str, str]
    adult: Mapping[str, str] = {}
    codes: Mapping[str, Mapping[str, str | bool]] = {}
    constants: Mapping[str, str | bool] = {}

    @field_validator("incident", "child", "adult", "constants")
    @classmethod
    def _ours(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        unknown = set(fields) - INCIDENT - CHILD - ADULT
        if unknown:
            raise ValueError(f"the contract has no field {', '.join(sorted(unknown))}")
        return fields

    @field_validator("codes")
    @classmethod
    def _coded(cls, codes: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = set(codes) - {"flag", *CODED.values()}
        if unknown:
            raise ValueError(f"no field has codes of the kind {', '.join(sorted(unknown))}")
        return codes


@dataclass(frozen=True)
class _Mapper:
    mapping: PoliceMapping
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.mapping.zone))

    def record(self, theirs: Mapping[str, Any]) -> Mapping[str, Any]:
        """One incident of a nested export; where a row is a child, the one incident of a row. Raises NotMapped."""
        m = self.mapping
        children = self._list(theirs, m.children, m.children_where)
        adults = self._list(theirs, m.adults, m.adults_where)
        named = (
            [self.fields(theirs, m.child, "")]
            if m.children is None
            else [self.fields(c, m.child, f"{m.children}[{n}].") for n, c in children]
        )
        return {
            **self.fields(theirs, m.incident, ""),
            "children": named,
            "adults": [self.fields(a, m.adult, f"{m.adults}[{n}].") for n, a in adults],
        }

    def fields(self, theirs: Mapping[str, Any], wanted: Mapping[str, str], at: str) -> dict[str, Any]:
        """Our fields of one of their objects, put inwards. Raises NotMapped."""
        ours: dict[str, Any] = {"contract_version": "1.0"} if wanted is self.mapping.incident else {}
        allowed = (
            INCIDENT if wanted is self.mapping.incident else CHILD if wanted is self.mapping.child else ADULT
        )
        for name, value in self.mapping.constants.items():
            if name in allowed and name not in wanted:
                _put(ours, name, value)
        for name, place in wanted.items():
            _put(ours, name, self._value(name, _at(theirs, place), f"{at}{place}"))
        for name in SAID & allowed - set(ours):
            ours[name] = None
        for part in OPTIONAL_PARTS:
            if part in ours and all(v is None for v in ours[part].values()):
                ours[part] = None
        if "other_names" in ours and ours["other_names"] is None:
            ours["other_names"] = []
        return ours

    def _value(self, name: str, value: Any, place: str) -> Any:
        if isinstance(value, str):
            value = value.strip() or None
        if name in FLAGS:
            return self._flag(value, place)
        return None if value is None else self._said(name, value, place)

    def _said(self, name: str, value: Any, place: str) -> Any:
        if name in CODED:
            return self._code(CODED[name], value, place)
        if name in INSTANTS:
            return self._instant(value, place)
        if name in DAYS:
            return self._day(value, place)
        if name == "other_names" and isinstance(value, str):
            return [part for part in map(str.strip, value.split(self.mapping.names_parted_by)) if part]
        if name in ("school_named.urn", "works_at.urn") and isinstance(value, str):
            return _number(value)
        return value

    def _flag(self, value: Any, place: str) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        known = self.mapping.codes.get("flag", {})
        if not isinstance(value, str) or value not in known:
            raise NotMapped(f"{place}: unknown_code")
        return None if known[value] == "" else bool(known[value])

    def _code(self, kind: str, value: Any, place: str) -> Any:
        known = self.mapping.codes.get(kind)
        if known is None:
            return value
        if not isinstance(value, str) or value not in known:
            raise NotMapped(f"{place}: unknown_code")
        return known[value] or None

    def _instant(self, value: Any, place: str) -> Any:
        """ISO text with its offset; a local time is one of the mapping's zone."""
        try:
            text = _day_first(value) if self.mapping.dates == "day_first" else value
            instant = datetime.fromisoformat(text)
        except (ValueError, TypeError, AttributeError):
            raise NotMapped(f"{place}: not_an_instant") from None
        return (instant if instant.tzinfo else instant.replace(tzinfo=self.zone)).isoformat()

    def _day(self, value: Any, place: str) -> str:
        try:
            text = _day_first(value) if self.mapping.dates == "day_first" else value
            return date.fromisoformat(text[:10]).isoformat()
        except (ValueError, TypeError, AttributeError):
            raise NotMapped(f"{place}: not_a_date") from None

    def _list(
        self, theirs: Mapping[str, Any], place: str | None, where: Which | None
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        if place is None:
            return
        found = _at(theirs, place)
        if not isinstance(found, list):
            raise NotMapped(f"{place}: not_a_list")
        for number, one in enumerate(cast(list[Any], found)):
            if not isinstance(one, dict):
                raise NotMapped(f"{place}[{number}]: not_an_object")
            entry = cast(dict[str, Any], one)
            if where is None or _at(entry, where.path) in where.values:
                yield number, entry


def shape_of(mapping: PoliceMapping) -> Shape:
    """How pages of the force's nested records are read."""
    return Shape(mapping.records, mapping.next, _Mapper(mapping).record)


def read_rows_a_child(stream: BinaryIO, mapping: PoliceMapping) -> Iterator[TakenRecord | RefusedRecord]:
    """The incidents of a flat file, with a row for each child: rows of one reference are one incident.

    Rows that say different things of one incident are refused together. Raises BrokenFile.
    """
    columns = [*dict.fromkeys((*mapping.incident.values(), *mapping.child.values()))]
    reference = columns.index(mapping.incident["incident_reference"])
    incidents: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for count, found in enumerate(read_cells(stream, Dialect(mapping.encoding, mapping.delimiter), columns)):
        if count >= MOST_ROWS:
            raise BrokenFile("too_many_rows")
        if isinstance(found, RefusedRecord):
            yield found
            continue
        line, cells = found
        row = dict(zip(columns, cells, strict=False))
        if cells[reference]:
            incidents.setdefault(cells[reference], []).append((line, row))
        else:
            yield RefusedRecord(f"{columns[reference]}: missing", canonical(row), line)
    for rows in incidents.values():
        yield from _incident_of(rows, mapping)


def _incident_of(
    rows: Sequence[tuple[int, Mapping[str, str]]], mapping: PoliceMapping
) -> Iterator[TakenRecord | RefusedRecord]:
    mapped = _Mapper(mapping)
    unlike = {canonical(row): row for _, row in rows}
    parts = [canonical(row) for _, row in rows]
    said = {json.dumps([row[c] for c in mapping.incident.values()]) for _, row in rows}
    once = [unlike[key] for key in sorted(unlike)]  # whatever the order of the file
    if len(said) > 1:
        outcome = RefusedRecord("rows_disagree", b"", rows[0][0])
    else:
        whole = {"incident": once[0], "children": once}
        try:
            ours = {
                **mapped.fields(once[0], mapping.incident, ""),
                "children": [mapped.fields(row, mapping.child, "") for row in once],
                "adults": [],
            }
            outcome = read_record(whole, lambda _: ours, f"line {rows[0][0]}", parts)
        except NotMapped as fault:
            outcome = RefusedRecord(str(fault), b"", rows[0][0])
    if isinstance(outcome, TakenRecord):
        yield outcome
    else:
        yield from (RefusedRecord(outcome.reason, canonical(row), line) for line, row in rows)


def _at(theirs: Mapping[str, Any], place: str) -> Any:
    """What stands at a place; None where any part of the way is missing."""
    if place in theirs:
        return theirs[place]
    outer, _, inner = place.partition(".")
    within = theirs.get(outer)
    return _at(cast(dict[str, Any], within), inner) if inner and isinstance(within, dict) else None


def _number(text: str) -> int | None:
    """A URN as text; what is none says nothing."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


def _put(ours: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    if inner:
        ours.setdefault(outer, {})[inner] = value
    else:
        ours[outer] = value


def _day_first(text: str) -> str:
    """DD/MM/YYYY, with or without a time after it, as ISO text."""
    day, _, clock = text.replace("T", " ").partition(" ")
    d, m, y = day.replace("-", "/").split("/")
    return f"{y}-{m:0>2}-{d:0>2}" + (f" {clock}" if clock else "")
