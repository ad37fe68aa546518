"""What comes of a page that a force pushes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PushOutcome(StrEnum):
    """A pushed page is taken whole, or refused whole with a code."""

    TAKEN = "taken"
    ALREADY_TAKEN = "already_taken"
    NOT_AS_ANNOUNCED = "not_as_announced"
    MESSAGE_ID_REUSED = "message_id_reused"
    TOO_MANY = "too_many"
    NOT_READY = "not_ready"


@dataclass(frozen=True)
class Pushed:
    """The outcome, how many records the page holds, and of a page not as announced the reason code."""

    outcome: PushOutcome
    records: int = 0
    reason: str | None = None
