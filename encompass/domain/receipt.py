"""What a provider says became of a nudge. A receipt is of the message: nobody acknowledges by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from encompass.domain.nudge import NUDGE_MOVES, NudgeStatus

FINAL_STATUSES: Final[Mapping[str, NudgeStatus]] = {
    "delivered": NudgeStatus.DELIVERED,
    "permanent-failure": NudgeStatus.FAILED,
    "temporary-failure": NudgeStatus.FAILED,
    "technical-failure": NudgeStatus.FAILED,
}
"""GOV.UK Notify's last words on a message; a temporary failure is one that it tries no more.

Source: the REST API's documentation, https://docs.notifications.service.gov.uk/rest-api.html
"""
LONGEST_REFERENCE: Final = 64


@dataclass(frozen=True)
class DeliveryReport:
    """A provider's last word on one nudge of a force."""

    force_id: str
    nudge_id: UUID
    kind: NudgeStatus
    provider_status: str
    provider_reference: str | None


def report_of(
    force_id: str, reference: object, status: object, provider_reference: object
) -> DeliveryReport | None:
    """The report in a receipt's fields; None when it is of nothing of ours, or no last word."""
    kind = FINAL_STATUSES.get(status) if isinstance(status, str) else None
    if kind is None or not isinstance(status, str) or not isinstance(reference, str):
        return None
    try:
        nudge_id = UUID(reference)
    except ValueError:
        return None
    own = provider_reference[:LONGEST_REFERENCE] if isinstance(provider_reference, str) else None
    return DeliveryReport(force_id, nudge_id, kind, status, own)


def moves_for(current: NudgeStatus, kind: NudgeStatus) -> tuple[NudgeStatus, ...]:
    """The moves by which a report brings a sent nudge to what it says; none when that is not possible any more.

    A report of a nudge that nobody knew to be taken shows that it was.
    """
    if current is NudgeStatus.AMBIGUOUS:
        return (NudgeStatus.ACCEPTED, kind)
    return (kind,) if kind in NUDGE_MOVES[current] else ()
