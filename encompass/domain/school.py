"""Schools, the pupils on their rolls, and the named adults who are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from typing import Final

from encompass.domain.recipient import AtSchool, LaOfficer, Office, PartnerForce, Recipient

OPEN_STATUS: Final = frozenset({1, 3})
"""Statuses of Get Information About Schools in which a school has pupils: open, and open but proposed to close."""


CLOSED_STATUS: Final = 2


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
    """A school's designated safeguarding lead, the officer of a local authority or partner force, or a deputy."""

    DSL = "dsl"
    OFFICER = "officer"
    DEPUTY = "deputy"


@dataclass(frozen=True, init=False)
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
    trust_code: str | None
    town: str | None
    postcode: str | None
    telephone: str | None

    def __init__(
        self,
        urn: int,
        name: str,
        la_code: str,
        la_name: str,
        establishment_number: str | None,
        status_code: int,
        phase: str | None,
        low_age: int | None,
        high_age: int | None,
        opened_on: date | None,
        closed_on: date | None,
        trust_code: str | None,
        town: str | None,
        postcode: str | None,
        telephone: str | None,
    ) -> None:
        # Set in one step, as a roll's row is below.
        vars(self).update(
            urn=urn,
            name=name,
            la_code=la_code,
            la_name=la_name,
            establishment_number=establishment_number,
            status_code=status_code,
            phase=phase,
            low_age=low_age,
            high_age=high_age,
            opened_on=opened_on,
            closed_on=closed_on,
            trust_code=trust_code,
            town=town,
            postcode=postcode,
            telephone=telephone,
        )


@dataclass(frozen=True)
class SchoolLink:
    """What became of a school, or what it came from: one row of the links of Get Information About Schools."""

    urn: int
    link_urn: int
    link_type: str
    established_on: date | None

    @property
    def is_successor(self) -> bool:
        """Whether the other school goes on where this one ended."""
        return "successor" in self.link_type.lower()


@dataclass(frozen=True, init=False)
class RollEntry:
    """One row of a school's roll: a pupil's details and the enrolment at that school.

    An unknown name is empty. A blank entry or leaving date means current.
    """

    pupil_ref: str = field(repr=False)
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

    def __init__(
        self,
        pupil_ref: str,
        urn: int,
        upn: str | None,
        legal_forename: str,
        middle_names: str | None,
        legal_surname: str,
        preferred_forename: str | None,
        preferred_surname: str | None,
        former_surname: str | None,
        date_of_birth: date | None,
        sex: str | None,
        postcode: str | None,
        address: str | None,
        enrol_status: EnrolStatus,
        nc_year: str | None,
        entry_date: date | None,
        leaving_date: date | None,
    ) -> None:
        # A frozen dataclass sets its fields one by one, which took a third of the time of reading a large roll.
        vars(self).update(
            pupil_ref=pupil_ref,
            urn=urn,
            upn=upn,
            legal_forename=legal_forename,
            middle_names=middle_names,
            legal_surname=legal_surname,
            preferred_forename=preferred_forename,
            preferred_surname=preferred_surname,
            former_surname=former_surname,
            date_of_birth=date_of_birth,
            sex=sex,
            postcode=postcode,
            address=address,
            enrol_status=enrol_status,
            nc_year=nc_year,
            entry_date=entry_date,
            leaving_date=leaving_date,
        )


@dataclass(frozen=True)
class KeyAdultEntry:
    """One row of the Key Adult register: a named adult of a recipient with a work e-mail and telephone.

    Of a school `urn` is given, of a local authority's office `la_code` and `office`, of another force its name.
    `verified_on` is when somebody saw that the mailbox is that person's own; `attested_on` when the school last said
    that this is still its Key Adult; away days are inclusive. `declared_surnames` are of families with whom the
    adult has declared a connection.
    """

    key_adult_ref: str
    urn: int | None
    role: KeyAdultRole
    full_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    language: str
    active_from: date
    active_to: date | None
    verified_on: date | None = None
    attested_on: date | None = None
    trained_on: date | None = None
    training_expires: date | None = None
    away_from: date | None = None
    away_to: date | None = None
    declared_surnames: tuple[str, ...] = field(default=(), repr=False)
    la_code: str | None = None
    office: Office | None = None
    partner_force: str | None = None

    @property
    def recipient(self) -> Recipient:
        """Whose contact this adult is."""
        if self.urn is not None:
            return AtSchool(self.urn)
        if self.la_code is not None and self.office is not None:
            return LaOfficer(self.la_code, self.office)
        assert self.partner_force is not None
        return PartnerForce(self.partner_force)


class CalendarScope(StrEnum):
    """Whose day it is; a narrower scope is heard before a wider one: school, trust, local authority, everybody."""

    SCHOOL = "school"
    TRUST = "trust"
    LA = "la"
    DEFAULT = "default"


class DayKind(StrEnum):
    """What is known of a day: shut, open against a wider scope, or the first of a new start time."""

    CLOSED = "closed"
    OPEN = "open"
    START = "start"


@dataclass(frozen=True)
class CalendarDay:
    """A day of a school (URN), a trust's schools (trust code), an authority's (LA code) or every school.

    `starts_at` is the start of the school's day in Europe/London, for a day of kind START.
    """

    scope: CalendarScope
    code: str | None
    on: date
    kind: DayKind
    reason: str
    starts_at: time | None = None
