"""Which of a school's Key Adults are told: not one who is away, nor, where a force says so, one untrained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, Generic, TypeVar
from uuid import UUID

from encompass.domain.attestation import Attestation, AttestationRule, attestation_of
from encompass.domain.school import KeyAdultEntry, KeyAdultRole

K = TypeVar("K")


class LapsedTraining(StrEnum):
    """What a force does about a Key Adult whose training has lapsed: schemes differ."""

    WARN = "warn"
    BLOCK = "block"


FEWEST_ADULTS: Final = 2
"""A school names two adults, so that one may be away."""


@dataclass(frozen=True)
class OwnContact:
    """A contact as the own school or office sees him or her. `is_ready`: bound by a code, with a second factor."""

    key_adult_id: UUID
    entry: KeyAdultEntry = field(repr=False)
    is_ready: bool


class Problem(StrEnum):
    """What somebody should see to about one contact."""

    ATTESTATION_LAPSED = "attestation_lapsed"
    TRAINING_LAPSED = "training_lapsed"
    MAILBOX_UNVERIFIED = "mailbox_unverified"


def problems_of(entry: KeyAdultEntry, day: date, attestation: AttestationRule) -> tuple[Problem, ...]:
    """What is wrong on that day; nobody stops being a contact by it. Who began this term needs no word yet."""
    standing = attestation_of(entry.attested_on or entry.active_from, day, attestation)
    rules = (
        (Problem.ATTESTATION_LAPSED, standing is Attestation.OVERDUE),
        (Problem.TRAINING_LAPSED, _lapsed(entry, day)),
        (Problem.MAILBOX_UNVERIFIED, entry.verified_on is None),
    )
    return tuple(problem for problem, true in rules if true)


@dataclass(frozen=True)
class Told(Generic[K]):
    """Who is told, and what must be known of a school's Key Adults: nobody is dropped without a word."""

    adults: tuple[K, ...]
    is_training_lapsed: bool
    is_everybody_away: bool


def told_of(adults: Iterable[tuple[K, KeyAdultEntry]], day: date, lapsed: LapsedTraining) -> Told[K]:
    """Who of these is told on that day.

    One who is away is not told while another is there; when all are away, all are told, and a person must telephone
    besides. Where lapsed training blocks, nobody may be left: then a person telephones.
    """
    everybody = list(adults)
    is_lapsed = any(_lapsed(entry, day) for _, entry in everybody)
    allowed = [(k, e) for k, e in everybody if lapsed is LapsedTraining.WARN or not _lapsed(e, day)]
    present = [(k, e) for k, e in allowed if not _away(e, day)]
    return Told(tuple(k for k, _ in present or allowed), is_lapsed, bool(allowed) and not present)


def leads_of(told: Told[K], adults: Iterable[tuple[K, KeyAdultEntry]]) -> tuple[K, ...]:
    """Those told who lead at their recipient; everybody told where none does, so that nobody waits for a deputy."""
    leads = {k for k, entry in adults if entry.role is not KeyAdultRole.DEPUTY}
    return tuple(k for k in told.adults if k in leads) or told.adults


def _lapsed(entry: KeyAdultEntry, day: date) -> bool:
    return entry.training_expires is not None and entry.training_expires < day


def _away(entry: KeyAdultEntry, day: date) -> bool:
    return (
        entry.away_from is not None and entry.away_to is not None and entry.away_from <= day <= entry.away_to
    )
