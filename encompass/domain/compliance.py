"""The account: every involvement in exactly one bucket, and totals that must balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from encompass.domain.arrival import FeedArrival, Gap, ManifestLedger, gaps_of, manifest_of
from encompass.domain.hold import HoldKind
from encompass.domain.notification import NotificationStatus
from encompass.domain.placement import PlacementStatus


class Bucket(StrEnum):
    """Where a duty is accounted for: the first that is true, in this order."""

    EXCLUDED = "excluded"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    WITH_A_PERSON = "with_a_person"
    OVERDUE = "overdue"
    AWAITING = "awaiting"


class Timeliness(StrEnum):
    """Whether a school's named adult acknowledged by the time the duty was due."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"
    NOT_YET_DUE = "not_yet_due"


@dataclass(frozen=True)
class DutyFact:
    """What is known of one duty, or of one involvement that opened none.

    `acknowledged_at` is of the notification that tells of it now; `first_acknowledged_at` is of any that ever did: a
    correction needs an acknowledgement of its own and does not undo that the school was told in time.
    """

    involvement_id: UUID
    placement: PlacementStatus | None
    placement_reason: str | None
    duty_id: UUID | None
    duty_by: datetime | None
    withdrawn_at: datetime | None
    urn: int | None
    recipient_name: str | None
    notification: NotificationStatus | None
    acknowledged_at: datetime | None
    phone_task_opened_at: datetime | None
    phone_task_withdrawn_at: datetime | None
    first_acknowledged_at: datetime | None = None
    hold_kinds: tuple[str, ...] = ()
    beyond_scope: str | None = None


@dataclass(frozen=True)
class InvolvementLedger:
    """Children named in the night's incidents: in scope, beyond it with a person, or excluded; these by reason."""

    total: int
    in_scope: int
    beyond_scope: Mapping[str, int]
    excluded: Mapping[str, int]

    @property
    def balances(self) -> bool:
        """Every child named is in scope, beyond it or excluded."""
        return self.total == self.in_scope + sum(self.beyond_scope.values()) + sum(self.excluded.values())


@dataclass(frozen=True)
class DutyLedger:
    """Duties, an unplaced involvement counting as one, by bucket."""

    total: int
    buckets: Mapping[Bucket, int]

    @property
    def balances(self) -> bool:
        """Every duty is in one bucket."""
        return self.total == sum(self.buckets.values())


@dataclass(frozen=True)
class Account:
    """The night's account as of one instant."""

    force_id: str
    night: date
    as_of: datetime
    arrivals: tuple[FeedArrival, ...]
    involvements: InvolvementLedger
    duties: DutyLedger
    alarms: tuple[str, ...]

    @property
    def manifest(self) -> ManifestLedger:
        """The records of every look at the feed together."""
        return manifest_of(self.arrivals)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing of the feed."""
        return gaps_of(self.arrivals)

    @property
    def all_well(self) -> bool:
        """It balances, nothing is missing of the feed and no alarm stands."""
        return self.balanced and not self.gaps and not self.alarms

    @property
    def balanced(self) -> bool:
        """True only if every sum holds."""
        return self.manifest.balances and self.involvements.balances and self.duties.balances


@dataclass(frozen=True)
class SchoolCompliance:
    """The duties of the night to one school, office or partner force by timeliness; only a school has a URN."""

    urn: int | None
    school_name: str
    duties: int
    on_time: int
    late: int
    missed: int
    not_yet_due: int


IN_DOUBT: Final = "in_doubt"
RECALL_UNCONFIRMED: Final = "recall_unconfirmed"
CONFLICT_FOUND_LATER: Final = "conflict_found_later"
UNFINISHED: Final = frozenset({IN_DOUBT, RECALL_UNCONFIRMED, CONFLICT_FOUND_LATER})
"""What a person has begun or has to begin and nobody can close by a word: it stands until it has been done."""


@dataclass(frozen=True)
class StandingException:
    """A duty missed, or a child not placed by the bell: it stands until a person has closed it.

    `state` is the notification's status, or the placement's where there is no notification. The id is that of the child
    in the queue where the reason is IN_DOUBT, of the notification where it is RECALL_UNCONFIRMED or
    CONFLICT_FOUND_LATER.
    """

    exception_id: UUID
    night: date
    duty_by: datetime
    reason: str
    urn: int | None
    school_name: str | None
    state: str
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class ComplianceReport:
    """The day's report for leaders, built from the account: duties are the denominator."""

    force_name: str
    account: Account
    duties: int
    on_time: int
    late: int
    missed: int
    not_yet_due: int
    waiting_with: Mapping[str, int]
    schools: tuple[SchoolCompliance, ...]
    exceptions: tuple[StandingException, ...]

    @property
    def on_time_percent(self) -> float | None:
        """Acknowledged on time, of the duties due, to one decimal; None when none were due."""
        due = self.on_time + self.late + self.missed
        return round(100 * self.on_time / due, 1) if due else None


WITH_A_PERSON: Final = frozenset(
    {PlacementStatus.IN_REVIEW, PlacementStatus.NOT_FOUND, PlacementStatus.REFERRED}
)


def bucket_of(fact: DutyFact, as_of: datetime) -> Bucket | None:
    """The first bucket that is true of the duty at that instant; None when it is lost: no sum then holds."""
    withdrawn = _by(fact.withdrawn_at, as_of)
    told = (
        fact.duty_id is not None
        and fact.notification is not None
        and fact.duty_by is not None
        and not withdrawn
    )
    unplaced = fact.placement in WITH_A_PERSON and not told
    unanswered = fact.notification in (NotificationStatus.HELD, NotificationStatus.NOT_OUR_PUPIL)
    telephoned = _by(fact.phone_task_opened_at, as_of) and not _by(fact.phone_task_withdrawn_at, as_of)
    rules = (
        (Bucket.EXCLUDED, fact.placement is PlacementStatus.EXCLUDED or (withdrawn and not unplaced)),
        (Bucket.ACKNOWLEDGED, told and not unanswered and _by(fact.acknowledged_at, as_of)),
        (Bucket.ESCALATED, told and telephoned),
        (Bucket.WITH_A_PERSON, unplaced or (told and unanswered)),
        (Bucket.OVERDUE, told and _by(fact.duty_by, as_of)),
        (Bucket.AWAITING, told),
    )
    return next((bucket for bucket, true in rules if true), None)


def timeliness_of(fact: DutyFact, as_of: datetime) -> Timeliness:
    """Whether a duty in scope was met by its first bell. A child not yet placed counts against it too."""
    if fact.duty_by is None:
        return Timeliness.MISSED
    acknowledged = fact.first_acknowledged_at or fact.acknowledged_at
    if acknowledged is not None and acknowledged <= as_of:
        return Timeliness.ON_TIME if acknowledged <= fact.duty_by else Timeliness.LATE
    return Timeliness.MISSED if fact.duty_by < as_of else Timeliness.NOT_YET_DUE


def account_of(
    force_id: str,
    night: date,
    as_of: datetime,
    arrivals: Sequence[FeedArrival],
    facts: Sequence[DutyFact],
    alarms: tuple[str, ...],
) -> Account:
    """The night's account: the two ledgers and the duties by bucket, counted from the facts alone."""
    buckets = Counter(bucket for bucket in (bucket_of(f, as_of) for f in facts) if bucket)
    return Account(
        force_id,
        night,
        as_of,
        tuple(arrivals),
        _involvements(facts),
        DutyLedger(len(facts), {bucket: buckets[bucket] for bucket in Bucket}),
        alarms,
    )


def _involvements(facts: Sequence[DutyFact]) -> InvolvementLedger:
    by_involvement = {f.involvement_id: f for f in facts}
    excluded = Counter(
        str(f.placement_reason) for f in by_involvement.values() if f.placement is PlacementStatus.EXCLUDED
    )
    looked_at = [
        f
        for f in by_involvement.values()
        if f.placement not in (None, PlacementStatus.UNPLACED, PlacementStatus.EXCLUDED)
    ]
    beyond = Counter(f.beyond_scope for f in looked_at if f.beyond_scope is not None)
    return InvolvementLedger(
        len(by_involvement),
        len(looked_at) - beyond.total(),
        dict(sorted(beyond.items())),
        dict(sorted(excluded.items())),
    )


def report_of(
    force_name: str,
    account: Account,
    facts: Sequence[DutyFact],
    exceptions: tuple[StandingException, ...],
) -> ComplianceReport:
    """The report of the same facts: duties in scope are the denominator, by timeliness and by school.

    The exceptions are those of every night that stand at the account's instant.
    """
    in_scope = [f for f in facts if bucket_of(f, account.as_of) is not Bucket.EXCLUDED]
    whole = Counter(timeliness_of(f, account.as_of) for f in in_scope)
    return ComplianceReport(
        force_name,
        account,
        len(in_scope),
        whole[Timeliness.ON_TIME],
        whole[Timeliness.LATE],
        whole[Timeliness.MISSED],
        whole[Timeliness.NOT_YET_DUE],
        dict(sorted(Counter(w for w in (_waiting_with(f, account.as_of) for f in in_scope) if w).items())),
        _schools(in_scope, account.as_of),
        exceptions,
    )


def _waiting_with(fact: DutyFact, as_of: datetime) -> str | None:
    match bucket_of(fact, as_of):
        case Bucket.EXCLUDED | Bucket.ACKNOWLEDGED:
            return None
        case Bucket.ESCALATED:
            return "mash_telephone"
        case Bucket.OVERDUE | Bucket.AWAITING:
            return "school"
        case Bucket.WITH_A_PERSON:
            return _holder_of(fact)
        case None:
            return "nobody"


def _holder_of(fact: DutyFact) -> str:
    if fact.notification is not NotificationStatus.HELD:
        return f"mash_{fact.placement}"
    return "police_hold" if HoldKind.POLICE in fact.hold_kinds else "mash_held"


def _schools(facts: Sequence[DutyFact], as_of: datetime) -> tuple[SchoolCompliance, ...]:
    by_school: dict[tuple[int | None, str], Counter[Timeliness]] = {}
    for f in facts:
        if f.recipient_name is not None and not _by(f.withdrawn_at, as_of):
            by_school.setdefault((f.urn, f.recipient_name), Counter())[timeliness_of(f, as_of)] += 1
    return tuple(
        SchoolCompliance(
            urn,
            name,
            counts.total(),
            counts[Timeliness.ON_TIME],
            counts[Timeliness.LATE],
            counts[Timeliness.MISSED],
            counts[Timeliness.NOT_YET_DUE],
        )
        for (urn, name), counts in sorted(by_school.items(), key=lambda item: (item[0][1], item[0][0] or 0))
    )


def _by(instant: datetime | None, as_of: datetime) -> bool:
    return instant is not None and instant <= as_of
