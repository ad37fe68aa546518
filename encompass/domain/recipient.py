"""Whom a duty is owed to: a school, an officer of a local authority, or a partner force."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class RecipientKind(StrEnum):
    """What sort of recipient: one ladder serves them all."""

    SCHOOL = "school"
    LA_OFFICER = "la_officer"
    PARTNER_FORCE = "partner_force"


class Office(StrEnum):
    """A local authority's offices: children missing education, elective home education, the virtual school."""

    CME = "cme"
    EHE = "ehe"
    VIRTUAL_SCHOOL = "virtual_school"


@dataclass(frozen=True)
class AtSchool:
    """A school, by its URN."""

    urn: int


@dataclass(frozen=True)
class LaOfficer:
    """The responsible officer of a local authority, by its three-figure code and the office."""

    la_code: str
    office: Office


@dataclass(frozen=True)
class PartnerForce:
    """Another police force, by its name: it tells the schools of its own area."""

    name: str


Recipient = AtSchool | LaOfficer | PartnerForce


def kind_of(recipient: Recipient) -> RecipientKind:
    """What sort of recipient it is."""
    match recipient:
        case AtSchool():
            return RecipientKind.SCHOOL
        case LaOfficer():
            return RecipientKind.LA_OFFICER
        case PartnerForce():
            return RecipientKind.PARTNER_FORCE
        case _:
            assert_never(recipient)


def code_of(recipient: Recipient) -> str:
    """By what alarms and lists know it: "102884", "318 cme", "Fellgate Police". Names no person."""
    match recipient:
        case AtSchool(urn):
            return str(urn)
        case LaOfficer(la_code, office):
            return f"{la_code} {office.value}"
        case PartnerForce(name):
            return name
        case _:
            assert_never(recipient)
