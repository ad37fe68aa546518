"""The audit chain: a change, a removal, a new order and a cut tail are each found, at their place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from encompass.domain.audit import (
    START,
    Actor,
    AuditEvent,
    ChainFault,
    Head,
    Link,
    RecordedEvent,
    event_hash,
    find_fault,
    link_after,
)

T0 = datetime(2026, 3, 10, 5, 30, tzinfo=UTC)


def recorded(n: int) -> RecordedEvent:
    event = AuditEvent("f", T0, Actor.PIPELINE, None, "did", "thing", UUID(int=n), {"n": n})
    return RecordedEvent(n, T0 + timedelta(seconds=n), event)


@pytest.fixture
def chain() -> tuple[list[Link], dict[int, RecordedEvent], list[Head]]:
    events = {n: recorded(n) for n in range(1, 8)}
    links: list[Link] = []
    head = START
    for n, e in events.items():
        link = link_after(head, n, event_hash(e))
        links.append(link)
        head = Head(link.position, link.link_hash)
    return links, events, [Head(4, links[3].link_hash), head]


def test_an_untouched_chain_holds(chain) -> None:
    assert find_fault(*chain) is None


def test_a_changed_event_is_found(chain) -> None:
    links, events, heads = chain
    events[3] = replace(events[3], event=replace(events[3].event, details={"n": 99}))
    assert find_fault(links, events, heads) == ChainFault(3, "its event was changed")


@pytest.mark.parametrize("field", ["force_id", "action", "subject_kind", "actor", "happened_at"])
def test_every_field_counts(chain, field: str) -> None:
    links, events, heads = chain
    other = {"actor": Actor.STAFF, "happened_at": T0 + timedelta(hours=1)}.get(field, "other")
    events[5] = replace(events[5], event=replace(events[5].event, **{field: other}))
    assert find_fault(links, events, heads) == ChainFault(5, "its event was changed")


def test_a_removed_event_is_found(chain) -> None:
    links, events, heads = chain
    del events[2]
    assert find_fault(links, events, heads) == ChainFault(2, "its event is missing")


def test_a_removed_link_is_found(chain) -> None:
    links, events, heads = chain
    del links[2]
    assert find_fault(links, events, heads) == ChainFault(3, "a link is missing")


def test_a_new_order_is_found(chain) -> None:
    links, events, heads = chain
    a, b = links[1], links[2]
    links[1] = replace(a, event_id=b.event_id, event_hash=b.event_hash)
    links[2] = replace(b, event_id=a.event_id, event_hash=a.event_hash)
    assert find_fault(links, events, heads) == ChainFault(2, "the links were changed or reordered")


def test_a_chain_forged_anew_differs_from_the_signed_head(chain) -> None:
    _, events, heads = chain
    events[2] = replace(events[2], event=replace(events[2].event, action="forged"))
    links, head = [], START
    for n, e in events.items():
        links.append(link_after(head, n, event_hash(e)))
        head = Head(links[-1].position, links[-1].link_hash)
    assert find_fault(links, events, heads) == ChainFault(4, "differs from the signed head")


def test_a_cut_tail_is_found(chain) -> None:
    links, events, heads = chain
    fault = find_fault(links[:5], events, heads)
    assert fault is not None
    assert fault.position == 6
    assert "tail is cut" in fault.fault
