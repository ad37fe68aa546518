"""Schools, the pupils on their rolls, and the named adults who are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class EnrolStatus(StrEnum):
    """School census enrolment status."""

    SINGLE = "C"
    MAIN_DUAL = "M"
    SUBSIDIARY_DUAL = "S"
    GUEST = "G"
    FE_COLLEGE = "F"
    OTHER_PROVIDER = "O"
    PREVIOUS = "P"


class KeyAdultRole(StrEnum):
    """The designated safeguarding lead, or a deputy."""

    DSL = "dsl"
    DEPUTY = "deputy"


@dataclass(frozen=True)
class School:
    """One establishment of Get Information About Schools, keyed by its URN."""

    urn: int
    name: str
    la_code: str
    la_name: str
    establishment_number: str | None
    status_code: int
    phase: str | None
    low_age: int | None
    high_age: int | None
    opened_on: date | None
    closed_on: date | None
    town: str | None
    postcode: str | None
    telephone: str | None


@dataclass(frozen=True)
class RollEntry:
    """One row of a school's roll: a pupil's details and the enrolment at that school.

    An unknown name is empty. A blank entry or leaving date means current.
    """

    pupil_ref: str
    urn: int
    upn: str | None = field(repr=False)
    legal_forename: str = field(repr=False)
    middle_names: str | None = field(repr=False)
    legal_surname: str = field(repr=False)
    preferred_forename: str | None = field(repr=False)
    preferred_surname: str | None = field(repr=False)
    former_surname: str | None = field(repr=False)
    date_of_birth: date | None = field(repr=False)
    sex: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    address: str | None = field(repr=False)
    enrol_status: EnrolStatus
    nc_year: str | None
    entry_date: date | None
    leaving_date: date | None


@dataclass(frozen=True)
class KeyAdultEntry:
    """One row of the Key Adult register: a named adult of a school with a work e-mail and telephone."""

    key_adult_ref: str
    urn: int
    role: KeyAdultRole
    full_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    language: str
    active_from: date
    active_to: date | None


@dataclass(frozen=True)
class ClosedDay:
    """A day on which a school (URN), a local authority's schools (LA code) or every school is shut."""

    scope: str
    code: str | None
    on: date
    reason: str
