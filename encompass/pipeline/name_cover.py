"""A Key Adult names who stands in: another of the school, or somebody new, whose contact two people confirm first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine

from encompass.domain.access import KeyAdultViewer, NotFound, may_see_contacts
from encompass.domain.cover import (
    CoverFault,
    CoverPage,
    CoverState,
    NamedCover,
    WantedCover,
    fault_of_cover,
)
from encompass.domain.key_adults import OwnContact
from encompass.domain.own_contact import ContactFault, NewContact
from encompass.domain.run import LONDON
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.pipeline.contact_fields import newcomer
from encompass.store import contact_change, cover, key_adult
from encompass.store.contact_change import ChangeKind
from encompass.store.cover import StandingCover
from encompass.store.database import as_session
from encompass.store.sealed import KeyRing


def read_covers(engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, now: datetime) -> CoverPage:
    """The covers of the viewer's school that are not over, and who could stand in. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        known, covers = _known(connection, ring, viewer, now)
    others = (c for c in known if c.key_adult_id != viewer.key_adult_id)
    return CoverPage(tuple(covers), tuple((c.key_adult_id, c.entry.full_name) for c in others))


def name_cover(
    engine: Engine, ring: KeyRing, viewer: KeyAdultViewer, wanted: WantedCover, now: datetime
) -> CoverFault | None:
    """Somebody stands in for the viewer, or why that is not taken. Raises NotFound.

    It opens nothing: who stands in is bound by a code handed over, as everybody is, and until then the one covered is
    told too.
    """
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        known, covers = _known(connection, ring, viewer, now)
        fault = fault_of_cover(wanted, viewer.key_adult_id, covers, now.astimezone(LONDON).date())
        if fault is not None:
            return fault
        found = _stand_in(connection, ring, viewer, wanted, known, now)
        if isinstance(found, CoverFault):
            return found
        cover.name(connection, viewer, wanted.first, wanted.last, *found, now)
    return None


def end_cover(engine: Engine, viewer: KeyAdultViewer, cover_id: UUID, now: datetime) -> None:
    """The viewer's own cover ends, and the change of a contact that it waits for. Raises NotFound."""
    _check(viewer)
    with as_session(engine, viewer.session_token) as connection:
        change_id = cover.end(connection, viewer, cover_id, now)
        if change_id is not None:
            contact_change.withdraw_own(connection, viewer, change_id, now)


def _check(viewer: KeyAdultViewer) -> None:
    if not may_see_contacts(viewer):
        raise NotFound


def _known(
    connection: Connection, ring: KeyRing, viewer: KeyAdultViewer, now: datetime
) -> tuple[list[OwnContact], list[NamedCover]]:
    day = now.astimezone(LONDON).date()
    known = key_adult.own(connection, ring, day)
    standing = cover.standing(connection, ring, day)
    return known, [_named(viewer, c, known) for c in standing]


def _named(viewer: KeyAdultViewer, c: StandingCover, known: Sequence[OwnContact]) -> NamedCover:
    names = {k.key_adult_id: k.entry.full_name for k in known}
    stand_in = next(
        (k for k in known if k.key_adult_id == c.stand_in or k.entry.key_adult_ref == c.new_reference), None
    )
    if stand_in is None:
        state = CoverState.UNCONFIRMED
    else:
        state = CoverState.READY if stand_in.is_ready else CoverState.NOT_BOUND
    return NamedCover(
        c.cover_id,
        c.adult,
        names.get(c.adult, ""),
        stand_in.key_adult_id if stand_in else None,
        stand_in.entry.full_name if stand_in else c.new_name or "",
        c.first,
        c.last,
        state,
        c.adult == viewer.key_adult_id,
    )


def _stand_in(
    connection: Connection,
    ring: KeyRing,
    viewer: KeyAdultViewer,
    wanted: WantedCover,
    known: Sequence[OwnContact],
    now: datetime,
) -> tuple[UUID | None, UUID | None] | CoverFault:
    """The contact, or the change that somebody new waits for; or why there is neither."""
    own = next(k for k in known if k.key_adult_id == viewer.key_adult_id)
    if isinstance(wanted.stand_in, UUID):
        chosen = next((k for k in known if k.key_adult_id == wanted.stand_in), None)
        return _chosen(own, chosen, wanted)
    entry = _new_entry(own.entry, wanted.stand_in, wanted)
    if isinstance(entry, CoverFault):
        return entry
    if any(k.entry.email.casefold() == entry.email.casefold() for k in known):
        return CoverFault.ALREADY
    change_id = contact_change.propose_from_page(connection, ring, viewer, ChangeKind.ADD, entry, now)
    return None, change_id


def _chosen(
    own: OwnContact, chosen: OwnContact | None, wanted: WantedCover
) -> tuple[UUID | None, UUID | None] | CoverFault:
    if chosen is None or chosen.entry.email.casefold() == own.entry.email.casefold():
        return CoverFault.NOBODY
    entry = chosen.entry
    is_there = entry.active_from <= wanted.first and (
        entry.active_to is None or entry.active_to >= wanted.last
    )
    is_away = (
        entry.away_from and entry.away_to and entry.away_from <= wanted.last and wanted.first <= entry.away_to
    )
    if not is_there:
        return CoverFault.NOT_THERE
    return CoverFault.AWAY_TOO if is_away else (chosen.key_adult_id, None)


def _new_entry(own: KeyAdultEntry, new: NewContact, wanted: WantedCover) -> KeyAdultEntry | CoverFault:
    """A deputy for those days, of the same recipient."""
    days = {"active_from": wanted.first.isoformat(), "active_to": wanted.last.isoformat()}
    entry = newcomer(own, new, f"page-{uuid4()}", role=KeyAdultRole.DEPUTY.value, **days)
    return CoverFault(entry.value) if isinstance(entry, ContactFault) else entry
