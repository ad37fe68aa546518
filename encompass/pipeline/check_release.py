"""Look at what a school would be told before it is: what the words give away, and who there must not read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from encompass.domain.hold import OWNER, Hold, HoldKind, joined
from encompass.domain.notification import NotificationPart, NotifiedChild
from encompass.domain.recipient import AtSchool
from encompass.domain.release import Knowledge, SchoolNames, conflicted, scan, works_here
from encompass.domain.run import LONDON, Run
from encompass.domain.school import KeyAdultEntry
from encompass.domain.telling import lines_of
from encompass.pipeline.telling_rules import TellingRules
from encompass.store import incident, key_adult, placement
from encompass.store.incident import Involvement
from encompass.store.notification import UntoldDuty
from encompass.store.recipient import Named
from encompass.store.sealed import KeyRing

REASONS: Final = {
    HoldKind.CONTENT: "the text seems to say what this school should not learn",
    HoldKind.CONFLICT: "somebody at the school may be connected with the family",
    HoldKind.SUSPECT: "the child is also a suspect: the wording needs a person's eye",
    HoldKind.RESTRICTED: "the school itself would give away where the child is: a person tells it",
    HoldKind.DISPUTED: "the school sent this pupil back before, or was told of him or her in error",
}


@dataclass(frozen=True)
class Checks:
    """What one step checks with, read once."""

    ring: KeyRing = field(repr=False)
    rules: TellingRules
    schools: SchoolNames = field(repr=False)
    run: Run


@dataclass(frozen=True)
class Checked:
    """What would be told of one duty, why it waits, and which Key Adults may never read it."""

    duty: UntoldDuty
    involved: Involvement = field(repr=False)
    part: NotificationPart = field(repr=False)
    hold: Hold | None = field(repr=False)
    excluded: Mapping[UUID, str]


def check_release(
    connection: Connection,
    checks: Checks,
    to: Named,
    child: NotifiedChild,
    duty: UntoldDuty,
    involved: Involvement,
) -> Checked:
    """Check what a school would be told of one duty. A police hold does not spare the rest."""
    urn = to.recipient.urn if isinstance(to.recipient, AtSchool) else None
    told = lines_of(involved.incident, involved.child, checks.rules.profile)
    part = NotificationPart(involved.incident.occurred_from, told)
    is_party_here = _is_party_here(involved, to)
    excluded = in_conflict(involved, child, to, _key_adults(connection, checks, to))
    elsewhere = incident.children_elsewhere(connection, checks.ring, duty.involvement_id, to.recipient_id)
    hits = scan(told, involved.child, Knowledge(urn, checks.rules.refuges, checks.schools, elsewhere))
    is_disputed = placement.is_disputed(connection, checks.run.force_id, duty.about.pupil_id, to.recipient)
    kinds = tuple(
        kind
        for kind, true in (
            (HoldKind.CONTENT, bool(hits)),
            (HoldKind.CONFLICT, is_party_here or bool(excluded)),
            (HoldKind.SUSPECT, involved.child.is_suspect),
            (HoldKind.RESTRICTED, involved.child.restricted),
            (HoldKind.DISPUTED, is_disputed),
        )
        if true
    )
    ours = Hold("; ".join(REASONS[k] for k in kinds), OWNER, duty.duty_by, kinds, hits) if kinds else None
    holds = [h for h in (_police_hold(involved, checks.run), ours) if h is not None]
    return Checked(duty, involved, part, joined(holds), excluded)


def in_conflict(
    involved: Involvement, child: NotifiedChild, to: Named, adults: Sequence[tuple[UUID, KeyAdultEntry]]
) -> dict[UUID, str]:
    """Which of these Key Adults must not read of the child, by all the names that he or she is known under, and why."""
    also_known_as = (name.split()[-1] for name in involved.child.other_names if name.split())
    surnames = (involved.child.surname, child.surname, *also_known_as)
    return conflicted(adults, surnames, is_party_here=_is_party_here(involved, to))


def _is_party_here(involved: Involvement, to: Named) -> bool:
    return isinstance(to.recipient, AtSchool) and works_here(involved.incident, to.recipient.urn, to.name)


def _police_hold(involved: Involvement, run: Run) -> Hold | None:
    hold = involved.child.hold
    return Hold(hold.reason, hold.owner, hold.until) if hold is not None and hold.until > run.as_of else None


def _key_adults(connection: Connection, checks: Checks, to: Named) -> Sequence[tuple[UUID, KeyAdultEntry]]:
    day = checks.run.as_of.astimezone(LONDON).date()
    return key_adult.active_at(connection, checks.ring, to.recipient_id, day)
