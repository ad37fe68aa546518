"""A duty: one involvement, one recipient, and the time by which the recipient must have been told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SchoolDuty:
    """What is owed to one school: its first bell after the incident, and when a person is chased."""

    urn: int
    duty_by: datetime
    act_by: datetime
