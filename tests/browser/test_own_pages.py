"""A real browser on a school's pages about itself: its days, its cover, without scripts, on a telephone, axe clean."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import date, time, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.test_journey import DESKTOP, PHONE, a_page, kept, sign_in, sound, step_up
from tests.cluster import Cluster
from tests.site import Site, serving


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(cluster: Cluster) -> Generator[Site]:
    with (
        cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass,
        serving(cluster, encompass) as served,
    ):
        yield served


def at_inbox(browser: Browser, site: Site, size: tuple[int, int], urn: int, *, scripts: bool) -> Page:
    lead = site.lead_of(urn)
    page = a_page(browser, size, scripts=scripts)
    sign_in(page, site, "school", lead.username, lead.password, site.codes[lead.key_adult_ref])
    step_up(page, site, lead.username)
    return page


def fill_day(page: Page, legend: str, day: date) -> None:
    group = page.get_by_role("group", name=legend, exact=True)
    for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        group.get_by_label(label).fill(str(value))


def seen(page: Page, name: str, size: tuple[int, int]) -> None:
    """The page is sound, and kept for a person to look at."""
    sound(page)
    kept(page, name, size)


@pytest.mark.parametrize(
    ("size", "number", "scripts"), [(DESKTOP, 0, True), (PHONE, 1, True)], ids=["1280", "375"]
)
def test_days_and_cover(
    browser: Browser, site: Site, size: tuple[int, int], number: int, scripts: bool
) -> None:
    page = at_inbox(browser, site, size, site.told()[number], scripts=scripts)
    monday = site.cluster.world.night + timedelta(days=6)
    page.get_by_role("link", name="School days").click()
    seen(page, "school-days-none", size)
    page.get_by_role("button", name="Enter closed days").click()
    seen(page, "closed-days", size)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the first day")
    seen(page, "closed-days-wrong", size)
    fill_day(page, "First day", monday)
    fill_day(page, "Last day (optional)", monday + timedelta(days=1))
    page.get_by_label("INSET day").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Monday 23 March 2026 to Tuesday 24 March 2026").first).to_be_visible()
    page.get_by_role("button", name="Enter a start time").click()
    seen(page, "start-time", size)
    page.get_by_label("When does the school day start?").fill("8:40")
    fill_day(page, "From which day?", monday)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("8:40am").first).to_be_visible()
    seen(page, "school-days", size)
    page.get_by_role("button", name=re.compile(r"Remove\sMonday")).click()
    expect(page.get_by_text("Removed")).to_be_visible()
    page.get_by_role("link", name="Cover").click()
    seen(page, "cover-none", size)
    page.get_by_role("button", name="Name who stands in for you").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Select who stands in")
    seen(page, "cover-wrong", size)
    page.get_by_label("Somebody who is not a Key Adult yet").check()
    page.get_by_label("Full name").fill("Standing In-of-Crumplewick")
    page.get_by_label("Work e-mail address").fill("standing.in@crumplewick.example")
    page.get_by_label("Telephone number").fill("07700 900 982")
    fill_day(page, "First day", monday)
    fill_day(page, "Last day", monday + timedelta(days=4))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Waits for a second person")).to_be_visible()
    seen(page, "cover", size)
    page.get_by_role("button", name=re.compile("^End")).click()
    expect(page.get_by_text("The cover has ended")).to_be_visible()
