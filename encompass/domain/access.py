"""Who is looking, and what each may do: one predicate per permission."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from encompass.domain.recipient import AtSchool, Recipient


class Audience(StrEnum):
    """Which identity provider a person signs in with."""

    SCHOOL = "school"
    STAFF = "staff"


class StaffRole(StrEnum):
    """What a member of police or partnership staff is here for."""

    MASH = "mash"
    LEADER = "leader"


class NotFound(Exception):
    """The thing is not there, or is not this viewer's to know of: one answer for both."""


@dataclass(frozen=True)
class KeyAdultViewer:
    """A named adult signed in for one school, office or partner force, for one session.

    `name` is the school's, the local authority's or the force's.
    """

    session_token: str = field(repr=False)
    force_id: str
    recipient: Recipient
    name: str
    key_adult_id: UUID

    @property
    def is_at_school(self) -> bool:
        """Whether the pages speak of a school."""
        return isinstance(self.recipient, AtSchool)


@dataclass(frozen=True)
class StaffViewer:
    """A member of staff of one force, signed in for one session."""

    session_token: str = field(repr=False)
    force_id: str
    role: StaffRole
    staff_id: UUID


@dataclass(frozen=True)
class AwaitingSecondFactor:
    """Somebody of a school or office whose session opens nothing yet: a code of the second factor is wanted."""

    session_token: str = field(repr=False)
    recipient: Recipient
    name: str


@dataclass(frozen=True)
class AskedTooOften:
    """Somebody with a session, who has asked for more pages than one person reads."""


Viewer = KeyAdultViewer | StaffViewer


def may_read_notifications(viewer: Viewer) -> bool:
    """Notifications are for the Key Adults of the recipient that they were written for."""
    return isinstance(viewer, KeyAdultViewer)


def may_see_contacts(viewer: Viewer) -> bool:
    """Who is told at a school or office is for its own Key Adults: to see, to have covered, to have changed."""
    return isinstance(viewer, KeyAdultViewer)


def may_enter_days(viewer: Viewer) -> bool:
    """Closed days and start times are a school's: an office keeps those of its authority."""
    return isinstance(viewer, KeyAdultViewer) and viewer.is_at_school


def may_read_report(viewer: Viewer) -> bool:
    """The compliance report is for leaders."""
    return isinstance(viewer, StaffViewer) and viewer.role is StaffRole.LEADER
