"""Write what each recipient may read about each child, and queue the nudges, in one transaction a recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.incident import PoliceHold
from encompass.domain.key_adults import LapsedTraining, leads_of, told_of
from encompass.domain.notification import NotificationPart, NotifiedChild
from encompass.domain.recipient import AtSchool, code_of
from encompass.domain.run import LONDON, Run
from encompass.pipeline.one_by_one import each
from encompass.store import force, incident, key_adult, notification, nudge, recipient, roll
from encompass.store.incident import Involvement
from encompass.store.notification import About, NewNotification, UntoldDuty
from encompass.store.recipient import Named
from encompass.store.sealed import KeyRing

SOURCE = "prepare_notifications"
T = TypeVar("T")


@dataclass(frozen=True)
class TellingRules:
    """What a recipient is told of an incident (the force's allow-list), what lapsed training means, who is told first.

    `deputies_later`: the lead alone at first, and the deputies by a step of the ladder.
    """

    fields: frozenset[str]
    lapsed_training: LapsedTraining
    deputies_later: bool


def prepare_notifications(engine: Engine, ring: KeyRing, rules: TellingRules, run: Run) -> int:
    """Prepare a notification for every duty that none tells of yet; how many duties those were.

    A recipient that fails holds up no other. Raises ExceptionGroup at the end for surprises.
    """
    with engine.begin() as connection:
        waiting = notification.recipients_with_untold_duties(connection, run.force_id)
    told: list[int] = []

    def one(recipient_id: UUID) -> None:
        with engine.begin() as connection:
            count = _prepare(connection, ring, rules, run, recipient.named(connection, recipient_id))
        told.append(count)

    failed = each(waiting, one)
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, {"child_unreadable": bool(failed.unreadable)})
    failed.raise_surprises(SOURCE)
    return sum(told)


def _prepare(connection: Connection, ring: KeyRing, rules: TellingRules, run: Run, to: Named) -> int:
    duties = notification.untold_duties(connection, to.recipient_id)
    involved = incident.involvements(connection, ring, (d.involvement_id for d in duties))
    released: list[UUID] = []
    for about, of_child in groupby(duties, attrgetter("about")):
        held, free = _sorted_by_hold(list(of_child), involved, run)
        for group in (free, held):
            if group:
                prepared = _write(connection, ring, rules.fields, run, to, about, group, involved)
                released += [prepared] if group is free else []
    if released:
        _nudge(connection, ring, rules, run, to, released)
    return len(duties)


def _sorted_by_hold(
    duties: list[UntoldDuty], involved: dict[UUID, Involvement], run: Run
) -> tuple[list[UntoldDuty], list[UntoldDuty]]:
    held = [d for d in duties if _police_hold(involved[d.involvement_id], run) is not None]
    return held, [d for d in duties if d not in held]


def _police_hold(involved: Involvement, run: Run) -> PoliceHold | None:
    hold = involved.child.hold
    return hold if hold is not None and hold.until > run.as_of else None


def _write(
    connection: Connection,
    ring: KeyRing,
    fields: frozenset[str],
    run: Run,
    to: Named,
    about: About,
    duties: list[UntoldDuty],
    involved: dict[UUID, Involvement],
) -> UUID:
    first = involved[duties[0].involvement_id]
    hold = _police_hold(first, run)
    notification_id = notification.held_notification(connection, to.recipient_id, about) if hold else None
    if notification_id is None:
        new = NewNotification(
            to,
            about,
            notification.told_this_night(connection, run, to.recipient_id, about),
            hold,
            _child(connection, ring, run, about, to, first),
            first.key,
        )
        notification_id = notification.insert(connection, run, new)
    for duty in duties:
        source = involved[duty.involvement_id]
        part = part_of(source, fields)
        notification.insert_part(connection, run, notification_id, duty.duty_id, part, source.key)
    return notification_id


def part_of(involved: Involvement, fields: frozenset[str]) -> NotificationPart:
    """What a school reads of one incident: the fields that the force's profile allows, the rest None."""
    child = involved.child

    def allowed(name: str, value: T) -> T | None:
        return value if name in fields else None

    return NotificationPart(
        police_reference=involved.incident.incident_reference,
        occurred_from=involved.incident.occurred_from,
        nature=allowed("nature", involved.incident.nature),
        present=allowed("present", child.present),
        present_where=allowed("present_where", child.present_where),
        seen=allowed("seen", child.seen),
        spoken_to=allowed("spoken_to", child.spoken_to),
        spoken_to_by=allowed("spoken_to_by", child.spoken_to_by),
        in_presence_of=allowed("in_presence_of", child.in_presence_of),
        voice=allowed("voice", child.voice),
        circumstances=allowed("circumstances", child.circumstances),
    )


def _child(
    connection: Connection, ring: KeyRing, run: Run, about: About, to: Named, involved: Involvement
) -> NotifiedChild:
    """The child as the school's roll has it; where none is held, as police do."""
    found = None
    if about.pupil_id is not None and isinstance(to.recipient, AtSchool):
        found = roll.entry_at_school(connection, ring, run.force_id, about.pupil_id, to.recipient.urn)
    if found is None:
        born = involved.child.date_of_birth
        return NotifiedChild(involved.child.forename, involved.child.surname, born, None)
    entry, year_group = found
    return NotifiedChild(
        entry.preferred_forename or entry.legal_forename,
        entry.preferred_surname or entry.legal_surname,
        entry.date_of_birth,
        year_group,
    )


def _nudge(
    connection: Connection,
    ring: KeyRing,
    rules: TellingRules,
    run: Run,
    to: Named,
    released: Sequence[UUID],
) -> None:
    day = run.as_of.astimezone(LONDON).date()
    known = key_adult.active_at(connection, ring, to.recipient_id, day)
    told = told_of(known, day, rules.lapsed_training)
    for notification_id in released:
        for adult in leads_of(told, known) if rules.deputies_later else told.adults:
            nudge.enqueue(connection, run, to.recipient_id, adult, notification_id)
        if not told.adults:
            notification.open_phone_task(connection, run, notification_id, "no_key_adult")
        elif told.is_everybody_away:
            notification.open_phone_task(connection, run, notification_id, "key_adults_away")
    if not told.adults:
        _alarm(connection, run, "no_key_adult", to)
    if told.is_everybody_away:
        _alarm(connection, run, "key_adults_away", to)
    if told.is_training_lapsed:
        _alarm(connection, run, "training_lapsed", to)


def _alarm(connection: Connection, run: Run, kind: str, to: Named) -> None:
    source = code_of(to.recipient)
    force.raise_alarm(connection, run, kind, source)
    log.get_logger().error("alarm_raised", alarm=kind, source=source)
