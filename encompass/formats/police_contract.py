"""The police feed's neutral contract 1.0, in POLE terms: pages of incidents with the children named in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from encompass.domain.incident import (
    Address,
    IncidentStatus,
    PoliceHold,
    RefusedRecord,
    Relationship,
    ReportedChild,
    ReportedIncident,
    SchoolNamed,
)
from encompass.formats.faults import BrokenFile
from encompass.formats.json_text import object_of, read_json

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Flag = Annotated[bool, Field(strict=True)]


def _iso_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a date is ISO text")
    return value


Day = Annotated[date, BeforeValidator(_iso_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_iso_text)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class AddressModel(_Model):
    """An address as police wrote it."""

    address: Text
    town: Text | None = None
    postcode: Text | None = None


class LocationModel(AddressModel):
    """Where it happened."""

    in_force_area: Flag


class EventModel(_Model):
    """What happened, and when."""

    occurred_from: Instant
    occurred_to: Instant | None = None
    nature: Literal["verbal_argument", "threats", "violence", "damage", "other"]
    narrative: Text


class RiskModel(_Model):
    """The risk assessment tool and its grade."""

    tool: Literal["DASH", "DARA"]
    grade: Literal["standard", "medium", "high"]


class SchoolNamedModel(_Model):
    """A school as police wrote it."""

    name: Text
    urn: int | None = None


class AdultModel(_Model):
    """An adult involved, by the force's own id only."""

    person_id: Text
    role: Literal["victim", "suspect", "other"]
    works_at: SchoolNamedModel | None = None


class HoldModel(_Model):
    """Police ask that nobody be told yet."""

    reason: Text
    owner: Text
    until: Instant


class ChildModel(_Model):
    """A child named in the incident. What police did not record is null."""

    person_id: Text
    forename: Text
    middle_names: Text | None = None
    surname: Text
    other_names: tuple[Text, ...] = ()
    date_of_birth: Day | None
    sex: Literal["F", "M", "X"] | None = None
    address: AddressModel | None = None
    resides_in_force_area: Flag | None
    relationship: Relationship
    present: Flag | None
    present_where: Text | None = None
    seen: Flag | None
    spoken_to: Flag | None
    spoken_to_by: Text | None = None
    in_presence_of: Text | None = None
    voice: Text | None = None
    circumstances: Text | None = None
    school_named: SchoolNamedModel | None = None
    hold: HoldModel | None = None
    is_suspect: Flag | None = None
    restricted: Flag | None = None


class IncidentModel(_Model):
    """One incident record."""

    contract_version: Literal["1.0"]
    incident_reference: Text
    updated_at: Instant
    recorded_at: Instant
    status: IncidentStatus
    domestic_abuse: Flag
    event: EventModel
    location: LocationModel
    risk: RiskModel | None = None
    adults: tuple[AdultModel, ...]
    children: tuple[ChildModel, ...]
    team: Text | None = None

    @field_validator("children")
    @classmethod
    def _named_once(cls, children: tuple[ChildModel, ...]) -> tuple[ChildModel, ...]:
        if len({child.person_id for child in children}) != len(children):
            raise PydanticCustomError("repeated_person", "a person is named twice")
        return children


class ManifestModel(_Model):
    """What the feed announces for a window of update times, and, where it says so, how fresh its records are."""

    contract_version: Literal["1.0"]
    count: Annotated[int, Field(ge=0, strict=True)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    updated_from: Instant
    updated_to: Instant
    created_at: Instant | None = None


class FileManifestModel(_Model):
    """What stands beside a file that a force drops: how many records it holds, and the hash of its bytes."""

    contract_version: Literal["1.0"]
    count: Annotated[int, Field(ge=0, strict=True)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    created_at: Instant


@dataclass(frozen=True)
class FileManifest:
    """How many records a dropped file holds, its SHA-256 (hex), and when it was made."""

    count: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True)
class Manifest:
    """How many records a window holds, and the hash over their digests; None where each file was checked by its own.

    `created_at` is when what it announces was made; None where the feed does not say.
    """

    count: int
    sha256: str | None
    created_at: datetime | None = None


@dataclass(frozen=True)
class TakenRecord:
    """A good record, the SHA-256 (hex) of its canonical bytes, and those of the parts that its manifest counts.

    A record is one part; of a file with a row a child, an incident has as many as it has rows.
    """

    incident: ReportedIncident = field(repr=False)
    digest: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One page of the feed: good records, refused ones, and the cursor of the next page."""

    taken: tuple[TakenRecord, ...]
    refused: tuple[RefusedRecord, ...]
    next: str | None


class NotMapped(Exception):
    """A record of a force's own shape says what the mapping does not know: path and kind, never the value."""


Mapped = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def unmapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record that is of the contract already."""
    return record


def canonical(record: Mapping[str, Any]) -> bytes:
    """The record's bytes as the manifest hashes them: sorted keys, no spaces, UTF-8."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def digest_of(digests: Iterable[str]) -> str:
    """The manifest's hash: SHA-256 (hex) of the sorted record digests, a line each."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def read_manifest(raw: bytes) -> Manifest:
    """The manifest of a window. Raises BrokenFile."""
    try:
        read = ManifestModel.model_validate(read_json(raw))
    except ValidationError as error:
        raise BrokenFile(f"manifest: {_reason(error)}") from None
    return Manifest(read.count, read.sha256, read.created_at)


@dataclass(frozen=True)
class Shape:
    """Where a page has its records and the cursor of the next page, and what makes a record one of the contract."""

    records: str = "records"
    next: str = "next"
    mapped: Mapped = unmapped


NEUTRAL: Final = Shape()


def read_file_manifest(raw: bytes) -> FileManifest:
    """The manifest beside a dropped file. Raises BrokenFile."""
    return file_manifest_of(read_json(raw))


def file_manifest_of(value: object) -> FileManifest:
    """The manifest of a file or of a pushed page. Raises BrokenFile."""
    try:
        read = FileManifestModel.model_validate(value)
    except ValidationError as error:
        raise BrokenFile(f"manifest: {_reason(error)}") from None
    return FileManifest(read.count, read.sha256, read.created_at)


def read_records(raw: bytes, shape: Shape = NEUTRAL) -> Page:
    """One page. A record with any wrong field is refused whole, with its path and kind. Raises BrokenFile."""
    page = object_of(read_json(raw), "page")
    records, following = page.get(shape.records), page.get(shape.next)
    if not isinstance(records, list) or not (following is None or isinstance(following, str)):
        raise BrokenFile("page: wrong_shape")
    taken, refused = sorted_out(cast(list[Any], records), shape.mapped)
    return Page(taken, refused, following)


def sorted_out(
    records: Iterable[Any], mapped: Mapped = unmapped
) -> tuple[tuple[TakenRecord, ...], tuple[RefusedRecord, ...]]:
    """The good records, and those refused, each with its place among them."""
    taken: list[TakenRecord] = []
    refused: list[RefusedRecord] = []
    for number, record in enumerate(records):
        outcome = _read(record, mapped, f"records[{number}]")
        if isinstance(outcome, TakenRecord):
            taken.append(outcome)
        else:
            refused.append(outcome)
    return tuple(taken), tuple(refused)


def json_schema() -> dict[str, Any]:
    """The contract's JSON Schema for one incident record."""
    schema = IncidentModel.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Police feed 1.0", **schema}


def read_record(
    fields: Mapping[str, Any], mapped: Mapped, place: str, parts: Sequence[bytes] = ()
) -> TakenRecord | RefusedRecord:
    """One record, mapped and checked; `parts` are what its manifest counts, itself where there are none."""
    plain = canonical(fields)
    try:
        model = IncidentModel.model_validate(mapped(fields))
    except NotMapped as fault:
        return RefusedRecord(str(fault), plain, path=place)
    except ValidationError as error:
        return RefusedRecord(_reason(error), plain, path=place)
    digests = tuple(hashlib.sha256(part).hexdigest() for part in parts or (plain,))
    return TakenRecord(_incident(model), hashlib.sha256(plain).hexdigest(), digests)


def _read(record: Any, mapped: Mapped, place: str) -> TakenRecord | RefusedRecord:
    if not isinstance(record, dict):
        return RefusedRecord("record: not_an_object", json.dumps(record).encode(), path=place)
    return read_record(cast(dict[str, Any], record), mapped, place)


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['type']}"


def _incident(model: IncidentModel) -> ReportedIncident:
    return ReportedIncident(
        incident_reference=model.incident_reference,
        updated_at=model.updated_at,
        status=model.status,
        domestic_abuse=model.domestic_abuse,
        occurred_from=model.event.occurred_from,
        occurred_to=model.event.occurred_to,
        nature=model.event.nature,
        narrative=model.event.narrative,
        location=_address(model.location),
        in_force_area=model.location.in_force_area,
        risk_tool=model.risk.tool if model.risk else None,
        risk_grade=model.risk.grade if model.risk else None,
        children=tuple(_child(c) for c in model.children),
        team=model.team,
        employers=tuple(SchoolNamed(w.name, w.urn) for a in model.adults if (w := a.works_at)),
    )


def _child(model: ChildModel) -> ReportedChild:
    plain = model.model_dump(exclude={"address", "school_named", "hold"})
    named, hold = model.school_named, model.hold
    return ReportedChild(
        **plain,
        address=_address(model.address) if model.address else None,
        school_named=SchoolNamed(named.name, named.urn) if named else None,
        hold=PoliceHold(hold.reason, hold.owner, hold.until) if hold else None,
    )


def _address(model: AddressModel) -> Address:
    return Address(model.address, model.town, model.postcode)
