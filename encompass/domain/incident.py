"""An incident as police reported it, with the children named in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class IncidentStatus(StrEnum):
    """Whether police stand by the record."""

    ACTIVE = "active"
    RETRACTED = "retracted"


class Relationship(StrEnum):
    """How a child is related to an adult involved (Domestic Abuse Act 2021 s.3)."""

    CHILD_OF_VICTIM = "child_of_victim"
    CHILD_OF_SUSPECT = "child_of_suspect"
    CHILD_OF_BOTH = "child_of_both"
    SIBLING = "sibling"
    OTHER = "other"
    NONE = "none"


@dataclass(frozen=True)
class Address:
    """An address as police wrote it."""

    address: str = field(repr=False)
    town: str | None = field(repr=False)
    postcode: str | None = field(repr=False)


@dataclass(frozen=True)
class PoliceHold:
    """Police ask that nobody be told yet: why, who owns the hold, and until when."""

    reason: str
    owner: str
    until: datetime


@dataclass(frozen=True)
class SchoolNamed:
    """A school as police wrote it: supports a match, never suffices."""

    name: str
    urn: int | None


@dataclass(frozen=True)
class ReportedChild:
    """A child as named in one incident. Fields police left empty are None, never guessed.

    `restricted` says that the school alone gives away where the child is: a person tells it.
    """

    person_id: str
    forename: str = field(repr=False)
    middle_names: str | None = field(repr=False)
    surname: str = field(repr=False)
    other_names: tuple[str, ...] = field(repr=False)
    date_of_birth: date | None = field(repr=False)
    sex: str | None = field(repr=False)
    address: Address | None = field(repr=False)
    resides_in_force_area: bool | None
    relationship: Relationship
    present: bool | None
    present_where: str | None = field(repr=False)
    seen: bool | None
    spoken_to: bool | None
    spoken_to_by: str | None = field(repr=False)
    in_presence_of: str | None = field(repr=False)
    voice: str | None = field(repr=False)
    circumstances: str | None = field(repr=False)
    school_named: SchoolNamed | None = field(repr=False)
    hold: PoliceHold | None
    is_suspect: bool | None = None
    restricted: bool | None = None


@dataclass(frozen=True)
class ReportedIncident:
    """One incident record of the police feed's neutral contract. `employers` are schools where a party works."""

    incident_reference: str
    updated_at: datetime
    status: IncidentStatus
    domestic_abuse: bool
    occurred_from: datetime
    occurred_to: datetime | None
    nature: str
    narrative: str = field(repr=False)
    location: Address = field(repr=False)
    in_force_area: bool
    risk_tool: str | None
    risk_grade: str | None
    children: tuple[ReportedChild, ...]
    team: str | None
    employers: tuple[SchoolNamed, ...] = ()


@dataclass(frozen=True)
class RefusedRecord:
    """A record that was not taken: a reason code (path and kind, never a value), its raw bytes and its place.

    The place is a line of a text file, or a path such as `CTFpupilData/Pupil[3]` elsewhere.
    """

    reason: str
    raw: bytes = field(repr=False)
    line: int | None = None
    path: str | None = None

    @property
    def place(self) -> str:
        """Where in its file it stands."""
        return self.path or (f"line {self.line}" if self.line else "")
