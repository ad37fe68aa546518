"""One child of the MASH queue, opened for the person who decides: the candidates, and why the rules could not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass.domain.incident import ReportedChild
from encompass.domain.notification import READABLE
from encompass.domain.placement import Candidate, ReviewReason, Veto
from encompass.domain.recipient import LaOfficer, Office, code_of
from encompass.domain.run import Run
from encompass.domain.school import RollEntry
from encompass.matching.explanation import REASONS, in_words
from encompass.pipeline.review_children import held_child, record_review
from encompass.pipeline.shown_earlier import ShownEarlier, shown_earlier
from encompass.store import incident, notification, placement, review, school
from encompass.store.candidate import Rolls
from encompass.store.incident import Involvement
from encompass.store.review import Held, Proposal
from encompass.store.sealed import KeyRing


@dataclass(frozen=True)
class ShownCandidate:
    """One candidate: what agrees, in words with the two records' own values, and what forbids a match."""

    number: int
    candidate: Candidate
    entry: RollEntry = field(repr=False)
    in_words: str = field(repr=False)
    schools: Mapping[int, str]
    vetoes: tuple[str, ...]


@dataclass(frozen=True)
class ShownChild:
    """A child who waits, opened, with the candidates best first. `told` are recipients who can read of the child."""

    held: Held
    reason: str
    child: ReportedChild = field(repr=False)
    candidates: tuple[ShownCandidate, ...]
    offices: tuple[LaOfficer, ...]
    earlier: tuple[ShownEarlier, ...]
    told: tuple[str, ...]
    proposal: Proposal | None


def reason_in_words(reason: str | None) -> str:
    """Why a child waits."""
    for kind in (ReviewReason, Veto):
        if reason in {r.value for r in kind}:
            return REASONS[kind(reason)]
    return "no pupil on any roll is like the child"


def show_child(engine: Engine, ring: KeyRing, run: Run, involvement_id: UUID) -> ShownChild:
    """One child who waits, opened; the look is audited. Raises CannotResolve when the child does not wait."""
    with engine.begin() as connection:
        held = held_child(connection, run, involvement_id)
        involved = incident.involvements(connection, ring, [involvement_id])[involvement_id]
        shown = _shown(connection, ring, run, held, involved)
        record_review(connection, run, "review_shown", involvement_id, {"candidates": len(shown)})
        proposal = review.proposal_of(connection, involvement_id)
        offices = _offices(connection, run.force_id, held)
        earlier = shown_earlier(connection, run, held)
        told = _told(connection, ring, run, involvement_id)
    why = reason_in_words(held.reason)
    return ShownChild(held, why, involved.child, shown, offices, earlier, told, proposal)


def _told(connection: Connection, ring: KeyRing, run: Run, involvement_id: UUID) -> tuple[str, ...]:
    ids = [d.notification_id for d in placement.live_duties(connection, involvement_id) if d.notification_id]
    whole = [notification.whole(connection, ring, run.force_id, i) for i in ids]
    return tuple(code_of(w.to.recipient) for w in whole if w is not None and w.status in READABLE)


def _offices(connection: Connection, force_id: str, held: Held) -> tuple[LaOfficer, ...]:
    """The offices offered for a child who has left every roll: of the authorities of the schools left."""
    if held.reason != ReviewReason.NO_CURRENT_ENROLMENT:
        return ()
    las = school.la_codes_by_urn(connection, force_id)
    codes = {las[urn] for c in held.evidence.candidates[:1] for urn in c.urns if urn in las}
    return tuple(LaOfficer(code, Office.CME) for code in sorted(codes))


def _shown(
    connection: Connection, ring: KeyRing, run: Run, held: Held, involved: Involvement
) -> tuple[ShownCandidate, ...]:
    candidates = held.evidence.candidates
    entries = Rolls(connection, ring, run.force_id, None).entries(c.pupil_id for c in candidates)
    names = school.names_by_urn(connection, run.force_id)
    return tuple(
        ShownCandidate(
            number,
            candidate,
            entries[candidate.pupil_id],
            in_words(candidate, _values(involved.child, entries[candidate.pupil_id])),
            {urn: names.get(urn, "") for urn in candidate.urns},
            tuple(REASONS[v] for v in candidate.vetoes),
        )
        for number, candidate in enumerate(candidates, start=1)
        if candidate.pupil_id in entries
    )


def _values(child: ReportedChild, entry: RollEntry) -> dict[str, tuple[str, str]]:
    """The child's and the pupil's own words for each field that may differ. Never the UPN."""
    home = child.address
    pairs = {
        "forename": (child.forename, entry.preferred_forename or entry.legal_forename),
        "surname": (child.surname, entry.preferred_surname or entry.legal_surname),
        "born": (_day(child.date_of_birth), _day(entry.date_of_birth)),
        "sex": (child.sex, entry.sex),
        "place": (home and _place(home.address, home.postcode), _place(entry.address, entry.postcode)),
    }
    return {name: (one or "not known", other or "not known") for name, (one, other) in pairs.items()}


def _day(day: date | None) -> str | None:
    return f"{day:%-d %B %Y}" if day else None


def _place(address: str | None, postcode: str | None) -> str:
    return ", ".join(part for part in (address, postcode) if part)
