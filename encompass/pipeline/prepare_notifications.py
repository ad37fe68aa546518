"""Write what each recipient may read about each child, and queue the nudges, in one transaction a recipient.

New duties are told, corrected incidents told anew, police holds that ended looked at again, notices passed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection, Engine

from encompass import log
from encompass.domain.hold import HoldKind, joined
from encompass.domain.key_adults import leads_of, told_of
from encompass.domain.notification import NotificationStatus, NotifiedChild, PartEnd
from encompass.domain.nudge import Rung
from encompass.domain.recipient import AtSchool, code_of
from encompass.domain.release import SchoolNames
from encompass.domain.run import LONDON, Run
from encompass.domain.telling import changed_fields
from encompass.pipeline.check_release import Checked, Checks, check_release
from encompass.pipeline.compare_contacts import compare_contacts_of
from encompass.pipeline.contacts_on import contacts_on
from encompass.pipeline.one_by_one import each
from encompass.pipeline.telling_rules import TellingRules
from encompass.store import (
    exclusion,
    force,
    incident,
    ladder,
    notice,
    notification,
    nudge,
    part,
    recipient,
    roll,
    school,
)
from encompass.store.incident import Involvement
from encompass.store.notification import About, NewNotification, UntoldDuty
from encompass.store.part import OutdatedPart
from encompass.store.recipient import Named
from encompass.store.sealed import KeyRing

SOURCE = "prepare_notifications"


@dataclass(frozen=True)
class _At:
    """One recipient, in its transaction."""

    connection: Connection = field(repr=False)
    checks: Checks
    to: Named

    @property
    def run(self) -> Run:
        return self.checks.run

    @property
    def ring(self) -> KeyRing:
        return self.checks.ring

    @property
    def recipient_id(self) -> UUID:
        return self.to.recipient_id


def prepare_notifications(engine: Engine, ring: KeyRing, rules: TellingRules, run: Run) -> int:
    """Tell every duty that no notification tells of yet, and what changed since; how many duties were new.

    A recipient that fails holds up no other. Raises ExceptionGroup at the end for surprises.
    """
    with engine.begin() as connection:
        waiting = notification.recipients_to_tell(connection, run)
        names = SchoolNames(school.names_by_urn(connection, run.force_id))
    checks = Checks(ring, rules, names, run)
    told: list[int] = []

    def one(recipient_id: UUID) -> None:
        with engine.begin() as connection:
            count = _prepare(_At(connection, checks, recipient.named(connection, recipient_id)))
        told.append(count)

    failed = each(waiting, one)
    with engine.begin() as connection:
        force.set_alarms(connection, run, SOURCE, {"child_unreadable": bool(failed.unreadable)})
    failed.raise_surprises(SOURCE)
    return sum(told)


def tell_recipient(
    connection: Connection, ring: KeyRing, rules: TellingRules, run: Run, recipient_id: UUID
) -> None:
    """Tell one recipient of what is new and what changed since, in the caller's transaction."""
    names = SchoolNames(school.names_by_urn(connection, run.force_id))
    _prepare(_At(connection, Checks(ring, rules, names, run), recipient.named(connection, recipient_id)))


def _prepare(at: _At) -> int:
    notification.lock_recipient(at.connection, at.recipient_id)
    compare_contacts_of(at.connection, at.ring, at.run, at.to)
    released = [*_corrected(at), *_no_longer_held(at)]
    duties = notification.untold_duties(at.connection, at.recipient_id)
    released += _told(at, duties)
    _pass_on_notices(at)
    if released:
        nudge_recipient(at.connection, at.ring, at.checks.rules, at.run, at.to, released)
    return len(duties)


def _told(at: _At, duties: Sequence[UntoldDuty]) -> list[UUID]:
    """Write the notifications of new duties; those that the school may read at once."""
    released: list[UUID] = []
    for about, of_child in groupby(duties, lambda d: d.about):
        released += _told_of_child(at, about, _checked(at, about, list(of_child)), None)
    return released


def _told_of_child(at: _At, about: About, checked: Sequence[Checked], supersedes: UUID | None) -> list[UUID]:
    """A hold covers its own incident: what is free is told, the rest joins what waits already."""
    free = [c for c in checked if c.hold is None]
    held = [c for c in checked if c.hold is not None]
    if held:
        _hold(at, about, held, supersedes)
    return [_write(at, about, free, supersedes)] if free else []


def _checked(at: _At, about: About, duties: Sequence[UntoldDuty]) -> list[Checked]:
    involved = incident.involvements(at.connection, at.ring, (d.involvement_id for d in duties))
    child = _child(at, about, next(iter(involved.values())))
    return [
        check_release(at.connection, at.checks, at.to, child, duty, involved[duty.involvement_id])
        for duty in duties
    ]


def _hold(at: _At, about: About, checked: Sequence[Checked], supersedes: UUID | None) -> None:
    waiting = notification.held_notification(at.connection, at.recipient_id, about)
    found = waiting and notification.whole(at.connection, at.ring, at.run.force_id, waiting)
    if not found:
        _write(at, about, checked, supersedes)
        return
    hold = joined(h for h in (found.hold, *(c.hold for c in checked)) if h is not None)
    assert hold is not None
    notification.set_hold(at.connection, at.run, found, hold, supersedes)
    _add_parts(at, found.notification_id, about, checked)


def _write(at: _At, about: About, checked: Sequence[Checked], supersedes: UUID | None) -> UUID:
    first, profile = checked[0].involved, at.checks.rules.profile
    notification_id = notification.insert(
        at.connection,
        at.run,
        NewNotification(
            at.to,
            about,
            None
            if supersedes
            else notification.told_this_night(at.connection, at.run, at.recipient_id, about),
            supersedes,
            joined(c.hold for c in checked if c.hold is not None),
            _child(at, about, first),
            profile.advice if isinstance(at.to.recipient, AtSchool) else profile.office_advice,
            first.key,
        ),
    )
    _add_parts(at, notification_id, about, checked)
    return notification_id


def _add_parts(at: _At, notification_id: UUID, about: About, checked: Sequence[Checked]) -> None:
    for c in checked:
        part.insert(
            at.connection, at.run, notification_id, c.duty.duty_id, c.part, c.involved.version, c.involved.key
        )
        exclusion.exclude(at.connection, at.run, notification_id, c.excluded)
    exclusion.inherit(at.connection, at.run, notification_id, at.recipient_id, about)


def _corrected(at: _At) -> list[UUID]:
    """Tell corrected incidents anew: in place of what nobody has read, else by a message that says what changed."""
    outdated = part.outdated(at.connection, at.ring, at.recipient_id)
    released: list[UUID] = []
    for notification_id, of_one in groupby(outdated, lambda p: p.notification_id):
        parts = list(of_one)
        checked = _checked(at, parts[0].duty.about, [p.duty for p in parts])
        changed = [(p, c) for p, c in zip(parts, checked, strict=True) if _is_to_be_told(at, p, c)]
        if not changed:
            continue
        if parts[0].status is NotificationStatus.HELD:
            released += _rewrite(at, notification_id, [c for _, c in changed])
        else:
            released += _supersede(at, notification_id, changed)
    return released


def _is_to_be_told(at: _At, before: OutdatedPart, now: Checked) -> bool:
    """Whether the correction changes what the school reads, or police now ask to wait; else the part only moves on.

    What a person released after looking at it is not held again for the same words; a Key Adult whom the correction
    puts in conflict opens it no longer, until a person decides.
    """
    is_same = before.part == replace(now.part, changed=before.part.changed)
    asks_to_wait = now.hold is not None and HoldKind.POLICE in now.hold.kinds
    if before.status is NotificationStatus.HELD or asks_to_wait or not is_same:
        return True
    exclusion.exclude_until_decided(at.connection, at.run, before.notification_id, now.excluded)
    part.keep(at.connection, before.notification_id, before.duty.duty_id, now.involved.version)
    return False


def _rewrite(at: _At, notification_id: UUID, checked: Sequence[Checked]) -> list[UUID]:
    for c in checked:
        part.rewrite(
            at.connection, at.run, notification_id, c.duty.duty_id, c.part, c.involved.version, c.involved.key
        )
    return _look_again(at, notification_id)


def _supersede(at: _At, notification_id: UUID, changed: Sequence[tuple[OutdatedPart, Checked]]) -> list[UUID]:
    old = notification.whole(at.connection, at.ring, at.run.force_id, notification_id)
    assert old is not None
    anew: list[Checked] = []
    for before, now in changed:
        labels = changed_fields(before.part.told, now.part.told)
        part.end(at.connection, at.run, old, before.duty.duty_id, PartEnd.SUPERSEDED)
        anew.append(replace(now, part=replace(now.part, changed=labels)))
    released = _told_of_child(at, old.about, anew, notification_id)
    for new_id in released:
        if any(ladder.is_telephoned(at.connection, c.duty.duty_id) for c in anew):
            notification.open_phone_task(at.connection, at.run, new_id, "unacknowledged")
    return released


def _no_longer_held(at: _At) -> list[UUID]:
    expired = notification.expired_police_holds(at.connection, at.run, at.recipient_id)
    certain = [n for n in expired if not part.is_in_doubt(at.connection, n)]
    return [released for notification_id in certain for released in _look_again(at, notification_id)]


def _look_again(at: _At, notification_id: UUID) -> list[UUID]:
    """Check a held notification anew: released when nothing is found, else held for what is."""
    held = notification.whole(at.connection, at.ring, at.run.force_id, notification_id)
    assert held is not None
    checked = _checked(at, held.about, part.duties_told(at.connection, notification_id))
    for c in checked:
        exclusion.exclude(at.connection, at.run, notification_id, c.excluded)
    hold = joined(c.hold for c in checked if c.hold is not None)
    if hold is not None:
        notification.set_hold(at.connection, at.run, held, hold)
        return []
    return [notification_id] if notification.release(at.connection, at.run, held) else []


def _child(at: _At, about: About, involved: Involvement) -> NotifiedChild:
    """The child as the school's roll has it; where none is held, as police do."""
    found, to = None, at.to.recipient
    if about.pupil_id is not None and isinstance(to, AtSchool):
        found = roll.entry_at_school(at.connection, at.ring, at.run.force_id, about.pupil_id, to.urn)
    is_born_told = "date_of_birth" in at.checks.rules.profile.fields
    if found is None:
        born = involved.child.date_of_birth if is_born_told else None
        return NotifiedChild(involved.child.forename, involved.child.surname, born, None)
    entry, year_group = found
    return NotifiedChild(
        entry.preferred_forename or entry.legal_forename,
        entry.preferred_surname or entry.legal_surname,
        entry.date_of_birth if is_born_told else None,
        year_group,
    )


def _pass_on_notices(at: _At) -> None:
    to = (at.connection, at.ring, at.checks.rules, at.run, at.to)
    for notice_id, notification_id in notice.to_nudge(at.connection, at.recipient_id):
        nudge_recipient(*to, [notification_id], Rung.NOTICE)
        notice.set_nudged(at.connection, at.run, notice_id)


def nudge_recipient(
    connection: Connection,
    ring: KeyRing,
    rules: TellingRules,
    run: Run,
    to: Named,
    released: Iterable[UUID],
    rung: Rung = Rung.FIRST,
) -> None:
    """Queue nudges to the recipient's contacts who are told that day, but for those who may not open the notification.

    Where nobody is left somebody telephones.
    """
    day = run.as_of.astimezone(LONDON).date()
    known = contacts_on(connection, ring, rules.cover, to.recipient_id, day)
    for notification_id in released:
        excluded = exclusion.excluded(connection, notification_id)
        free = [(k, e) for k, e in known if k not in excluded]
        told = told_of(free, day, rules.lapsed_training)
        for adult in leads_of(told, free) if rules.deputies_later else told.adults:
            nudge.enqueue(connection, run, to.recipient_id, adult, notification_id, rung)
        if not told.adults:
            reason = "conflict" if excluded else "no_key_adult"
            notification.open_phone_task(connection, run, notification_id, reason)
        elif told.is_everybody_away:
            notification.open_phone_task(connection, run, notification_id, "key_adults_away")
    told = told_of(known, day, rules.lapsed_training)
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
