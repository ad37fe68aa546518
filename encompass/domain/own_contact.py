"""A school's contacts as its own Key Adults see them, and what they ask to have changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from encompass.domain.attestation import Attestation
from encompass.domain.key_adults import OwnContact


class ContactFault(StrEnum):
    """Why a change of a contact is not taken."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    NO_ROLE = "no_role"
    ALREADY = "already"
    WAITS = "waits"
    NOTHING = "nothing"
    LAST = "last"


@dataclass(frozen=True)
class NewContact:
    """A contact's details, as the page was told."""

    full_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)


@dataclass(frozen=True)
class WaitingChange:
    """A change that waits for a second person: `kind` is add, change or end; `is_own` where the viewer asked for it."""

    change_id: UUID
    kind: str
    details: NewContact = field(repr=False)
    asked_by: str = field(repr=False)
    asked_at: datetime
    is_own: bool


@dataclass(frozen=True)
class ContactsPage:
    """Who is told at a school, what waits, and when it last said that these are the right people."""

    adults: tuple[OwnContact, ...]
    waiting: tuple[WaitingChange, ...]
    attested_on: date | None
    attestation: Attestation
