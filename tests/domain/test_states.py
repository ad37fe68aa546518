"""The three state machines: every arrow that is not drawn is refused."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

import pytest

from encompass.domain.notification import NOTIFICATION_MOVES, READABLE, NotificationStatus, move_notification
from encompass.domain.nudge import NUDGE_MOVES, NudgeStatus, move_nudge
from encompass.domain.placement import PLACEMENT_MOVES, PlacementStatus, move_placement
from encompass.domain.transitions import IllegalMove

MACHINES = (
    (PLACEMENT_MOVES, move_placement, PlacementStatus),
    (NOTIFICATION_MOVES, move_notification, NotificationStatus),
    (NUDGE_MOVES, move_nudge, NudgeStatus),
)
DRAWN = {
    "placement": "unplaced>placed unplaced>in_review unplaced>not_found unplaced>excluded in_review>not_found "
    "not_found>in_review in_review>placed in_review>referred in_review>excluded not_found>placed "
    "not_found>referred not_found>excluded placed>in_review placed>excluded referred>in_review "
    "referred>excluded excluded>in_review",
    "notification": "held>released held>cancelled released>held released>acknowledged released>not_our_pupil "
    "released>withdrawn released>superseded released>recalled acknowledged>not_our_pupil "
    "acknowledged>withdrawn acknowledged>superseded acknowledged>recalled",
    "nudge": "queued>sending queued>cancelled sending>accepted sending>ambiguous sending>failed sending>queued "
    "ambiguous>accepted ambiguous>queued accepted>delivered accepted>failed delivered>failed",
}


@pytest.mark.parametrize(("noun", "machine"), zip(DRAWN, MACHINES, strict=True))
def test_the_arrows_are_those_drawn(noun: str, machine) -> None:
    moves, move, statuses = machine
    drawn = {tuple(arrow.split(">")) for arrow in DRAWN[noun].split()}
    for current, wanted in product(statuses, statuses):
        if (current.value, wanted.value) in drawn:
            assert move(current, wanted) is wanted
        else:
            with pytest.raises(IllegalMove):
                move(current, wanted)
    assert set(moves) == set(statuses)


def test_an_illegal_move_names_states_only() -> None:
    with pytest.raises(IllegalMove, match="notification: cancelled -> released is not allowed"):
        move_notification(NotificationStatus.CANCELLED, NotificationStatus.RELEASED)


def test_every_status_can_be_reached() -> None:
    starts: tuple[StrEnum, ...] = (PlacementStatus.UNPLACED, NotificationStatus.HELD, NudgeStatus.QUEUED)
    for start, (moves, _, statuses) in zip(starts, MACHINES, strict=True):
        reached, frontier = {start}, [start]
        while frontier:
            fresh = moves[frontier.pop()] - reached
            reached |= fresh
            frontier += fresh
        assert reached == set(statuses)


def test_a_school_reads_only_what_was_released_to_it() -> None:
    assert {s.value for s in READABLE} == {"released", "acknowledged"}
