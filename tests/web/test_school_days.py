"""A school enters its closed days and its start time; nobody else can, and no duty is lost by it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, time, timedelta

import pytest

from encompass.domain.run import LONDON
from encompass.pipeline.show_calendar import show_calendar
from encompass.store.database import Role
from tests.cluster import FORCE, Cluster
from tests.web.own import OwnPages, day_fields, own_pages

INSET = {"reason": "inset"}


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Generator[OwnPages]:
    with own_pages(cluster) as opened:
        yield opened


def bells(own: OwnPages, first: date, days: int) -> list[time | None]:
    """When the school's day starts on each of these days, None when it is shut, as duties are computed."""
    encompass = own.site.encompass
    engine = encompass.database.engine(Role.PIPELINE)
    shown = show_calendar(engine, encompass.duty_rules(FORCE), FORCE, own.urn, first, days)
    return [d.bell for d in shown.days]


def test_closed_days_are_entered_shown_used_and_removed(own: OwnPages) -> None:
    monday = own.today + timedelta(days=6)  # the small night ends on a Tuesday
    before = bells(own, monday, 3)
    assert None not in before
    fields = {**day_fields("first", monday), **day_fields("last", monday + timedelta(days=1)), **INSET}
    page = own.post("/school-days/closed", fields)
    assert "Saved" in page
    assert "Monday 23 March 2026 to Tuesday 24 March 2026" in page
    assert bells(own, monday, 3) == [None, None, before[2]]
    assert "Monday 23 March 2026" in own.get("/school-days", own.deputy)
    assert "Monday 23 March 2026" not in own.get("/school-days", own.stranger)
    removal = {
        "kind": "closed",
        "first": monday.isoformat(),
        "last": (monday + timedelta(days=1)).isoformat(),
    }
    own.post("/school-days/remove", removal, own.stranger)
    assert bells(own, monday, 1) == [None]
    assert "Monday 23 March 2026" not in own.post("/school-days/remove", removal, own.deputy)
    assert bells(own, monday, 3) == before
    actions = own.audited("closed_days_entered", "entered_days_removed")
    assert actions == ["closed_days_entered", "entered_days_removed"]


def test_the_start_time_is_entered_from_a_day_on_and_put_right(own: OwnPages) -> None:
    since = own.today + timedelta(days=7)
    before = bells(own, since - timedelta(days=1), 1)
    for at in ("9:05", "8.40"):
        page = own.post("/school-days/start", {"starts_at": at, **day_fields("first", since)})
    assert "8:40am" in page
    assert "9:05am" not in page
    assert bells(own, since - timedelta(days=1), 2) == [*before, time(8, 40)]
    assert "8:40am" not in own.get("/school-days", own.stranger)


@pytest.mark.parametrize(
    ("form", "fields", "says", "field"),
    [
        ("closed", {**INSET}, "Enter the first day", "first-day"),
        ("closed", {**day_fields("first", date(2026, 3, 16)), **INSET}, "today or later", "first-day"),
        (
            "closed",
            {**day_fields("first", date(2026, 4, 16)), **day_fields("last", date(2026, 4, 15)), **INSET},
            "The last day must be",
            "last-day",
        ),
        (
            "closed",
            {
                **day_fields("first", date(2026, 4, 16)),
                "last-day": "31",
                "last-month": "4",
                "last-year": "2026",
                **INSET,
            },
            "Enter the last day",
            "last-day",
        ),
        (
            "closed",
            {**day_fields("first", date(2026, 4, 1)), **day_fields("last", date(2026, 6, 15)), **INSET},
            "no more than 70",
            "first-day",
        ),
        ("closed", {**day_fields("first", date(2026, 4, 16)), "reason": "because"}, "Select why", "reason"),
        (
            "start",
            {**day_fields("first", date(2026, 4, 16)), "starts_at": "quarter to"},
            "Enter a time",
            "starts_at",
        ),
        (
            "start",
            {**day_fields("first", date(2026, 4, 16)), "starts_at": "20:45"},
            "Enter a time",
            "starts_at",
        ),
        (
            "start",
            {**day_fields("first", date(2026, 3, 1)), "starts_at": "8:45"},
            "today or later",
            "first-day",
        ),
    ],
)
def test_a_slip_is_said_where_it_is_and_nothing_is_taken(
    own: OwnPages, form: str, fields: dict[str, str], says: str, field: str
) -> None:
    before = own.sql("SELECT count(*) FROM encompass.entered_day")
    page = own.post(f"/school-days/{form}", fields, status=422)
    assert says in page
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert "<title>Error: " in page
    assert own.sql("SELECT count(*) FROM encompass.entered_day") == before


def test_a_day_that_is_over_stays_as_it_was(own: OwnPages) -> None:
    over = own.today - timedelta(days=1)
    own.sql(
        "INSERT INTO encompass.entered_day (entered_day_id, force_id, recipient_id, urn, on_day, kind, reason, "
        "entered_by, entered_at) SELECT gen_random_uuid(), k.force_id, k.recipient_id, k.urn, :over, 'closed', 'inset', "
        "k.key_adult_id, now() FROM encompass.key_adult AS k WHERE k.urn = :urn AND k.role = 'dsl'",
        over=over,
        urn=own.urn,
    )
    own.post("/school-days/remove", {"kind": "closed", "first": over.isoformat(), "last": over.isoformat()})
    stands = "SELECT count(*) FROM encompass.entered_day WHERE on_day = :over AND removed_at IS NULL"
    assert own.sql(stands, over=over) == [(1,)]
    for fields in ({}, {"kind": "closed", "first": "yesterday", "last": over.isoformat()}, {"kind": "all"}):
        own.post("/school-days/remove", fields, status=404)


def test_no_get_and_no_post_without_its_token_changes_anything(own: OwnPages) -> None:
    before = own.sql("SELECT count(*), count(removed_at) FROM encompass.entered_day")
    monday = own.today + timedelta(days=13)
    for path in ("/school-days/closed", "/school-days/start"):
        own.get(path)
    own.get("/school-days/remove", status=404)
    for path in ("/school-days/closed", "/school-days/start", "/school-days/remove"):
        fields = {**day_fields("first", monday), **INSET, "starts_at": "8:45"}
        answer = own.lead.post(own.site.web + path, fields, allow_redirects=False)
        assert answer.status_code == 403
    assert own.sql("SELECT count(*), count(removed_at) FROM encompass.entered_day") == before


def test_a_day_that_opens_again_brings_its_duties_forward_and_a_closed_one_delays_none(own: OwnPages) -> None:
    """What was placed while the day was closed is due by that day's bell once the school has taken it back."""
    encompass, cluster = own.site.encompass, own.site.cluster
    due = "SELECT duty_by, act_by FROM encompass.duty AS d JOIN encompass.recipient AS r USING (recipient_id) WHERE r.urn = :urn"
    before = own.sql(due, urn=own.urn)
    own.post("/school-days/closed", {**day_fields("first", own.today), "reason": "emergency"})
    run = cluster.run(encompass, time(7, 55))
    encompass.chase_acknowledgements(run)
    assert own.sql(due, urn=own.urn) == before
    own.sql(
        "UPDATE encompass.duty AS d SET duty_by = duty_by + interval '1 day', act_by = act_by + interval '1 day' "
        "FROM encompass.recipient AS r WHERE r.recipient_id = d.recipient_id AND r.urn = :urn",
        urn=own.urn,
    )
    encompass.chase_acknowledgements(cluster.run(encompass, time(7, 56)))
    later = own.sql(due, urn=own.urn)
    assert later != before
    today = own.today.isoformat()
    own.post("/school-days/remove", {"kind": "closed", "first": today, "last": today})
    encompass.chase_acknowledgements(cluster.run(encompass, time(7, 57)))
    found = own.sql(due, urn=own.urn)
    assert [d.duty_by.astimezone(LONDON) for d in found] == [d.duty_by.astimezone(LONDON) for d in before]
    assert all(now.act_by <= then.act_by for now, then in zip(found, later, strict=True))
    moved = "SELECT count(*) FROM encompass.audit_event WHERE action = 'duty_brought_forward'"
    assert own.sql(moved) == [(len(before),)]
