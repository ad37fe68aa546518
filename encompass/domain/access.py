"""Who is looking, and what each may do: one predicate per permission."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


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
class SchoolViewer:
    """A Key Adult signed in for one school, for one session."""

    session_token: str = field(repr=False)
    force_id: str
    urn: int
    school_name: str
    key_adult_id: UUID


@dataclass(frozen=True)
class StaffViewer:
    """A member of staff of one force, signed in for one session."""

    session_token: str = field(repr=False)
    force_id: str
    role: StaffRole
    staff_id: UUID


Viewer = SchoolViewer | StaffViewer


def may_read_notifications(viewer: Viewer) -> bool:
    """Notifications are for the Key Adults of the school that they were written for."""
    return isinstance(viewer, SchoolViewer)


def may_read_report(viewer: Viewer) -> bool:
    """The compliance report is for leaders."""
    return isinstance(viewer, StaffViewer) and viewer.role is StaffRole.LEADER
