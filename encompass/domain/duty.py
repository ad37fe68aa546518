"""A duty: one involvement, one recipient, and the time by which the recipient must have been told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from encompass.domain.recipient import Recipient


@dataclass(frozen=True)
class OwedDuty:
    """What is owed to one recipient: its first bell after the incident, and when a person is chased."""

    recipient: Recipient
    duty_by: datetime
    act_by: datetime
