"""What is wrong with a force's sign of life at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from encompass.domain.run import LONDON
from encompass.watchdog.heartbeat import (
    Heartbeat,
    HeartbeatTampered,
    NoHeartbeat,
    read_heartbeat,
    verify_list,
)


class Kind(StrEnum):
    """What the watchdog raises the alarm for."""

    MISSING = "heartbeat_missing"
    STALE = "heartbeat_stale"
    TAMPERED = "heartbeat_tampered"
    NOT_TOLD = "schools_not_told"


WORDS: Final = {
    Kind.MISSING: "no sign of life has come from tonight's run",
    Kind.STALE: "the last sign of life is too old: the run has stopped",
    Kind.TAMPERED: "the sign of life or the telephone list was changed after it was signed",
    Kind.NOT_TOLD: "schools that ought to have been told by now have not been",
}


@dataclass(frozen=True)
class WatchTimes:
    """By when (Europe/London) there must be a sign of life, and everybody told; until when and how fresh it must be."""

    heartbeat_by: time
    told_by: time
    watch_until: time
    stale_after: timedelta


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong for one force."""

    force_id: str
    kind: Kind


def findings(
    folder: Path, force_id: str, key: Ed25519PublicKey, times: WatchTimes, now: datetime
) -> list[Finding]:
    """What is wrong with a force now; nothing is expected before the first time nor after the last."""
    local = now.astimezone(LONDON).time()
    is_watching = times.heartbeat_by <= local < times.watch_until
    try:
        beat = read_heartbeat(folder, force_id, key)
        verify_list(folder, beat)
    except NoHeartbeat:
        return [Finding(force_id, Kind.MISSING)] if is_watching else []
    except HeartbeatTampered:
        return [Finding(force_id, Kind.TAMPERED)]
    return [Finding(force_id, kind) for kind in _kinds(beat, times, now)] if is_watching else []


def _kinds(beat: Heartbeat, times: WatchTimes, now: datetime) -> list[Kind]:
    local = now.astimezone(LONDON)
    if beat.night != local.date():
        return [Kind.MISSING]
    kinds = [Kind.STALE] if now - beat.written_at > times.stale_after else []
    return [*kinds, Kind.NOT_TOLD] if beat.waiting and local.time() >= times.told_by else kinds
