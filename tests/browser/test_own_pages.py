"""A real browser without scripts on a school's pages about itself: its days, its cover, its Key Adults; each state looked at."""

from __future__ import annotations

import re
from datetime import date, timedelta

from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import OWN_PAGES, Glass, signed_in
from tests.pipeline.told import Told
from tests.site import Site


def fill_day(page: Page, legend: str, day: date) -> None:
    group = page.get_by_role("group", name=legend, exact=True)
    for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        group.get_by_label(label).fill(str(value))


def test_days_and_cover(browser: Browser, site: Site, glass: Glass) -> None:
    (urn,) = Told(site.encompass, site.cluster).expected("on_roll", 0)["urns"]
    page = signed_in(browser, site, site.lead_of(urn))
    monday = site.cluster.world.night + timedelta(days=6)
    page.get_by_role("link", name="School days").click()
    glass.look("school-days-none", page)
    page.get_by_role("button", name="Enter closed days").click()
    glass.look("closed-days", page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the first day")
    glass.look("closed-days-wrong", page)
    fill_day(page, "First day", monday)
    fill_day(page, "Last day (optional)", monday + timedelta(days=1))
    page.get_by_label("INSET day").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Monday 23 March 2026 to Tuesday 24 March 2026").first).to_be_visible()
    page.get_by_role("button", name="Enter a start time").click()
    glass.look("start-time", page)
    page.get_by_label("When does the school day start?").fill("8:40")
    fill_day(page, "From which day?", monday)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("8:40am").first).to_be_visible()
    glass.look("school-days", page)
    page.get_by_role("button", name=re.compile(r"Remove\sMonday")).click()
    expect(page.get_by_text("Removed")).to_be_visible()
    page.get_by_role("link", name="Cover").click()
    glass.look("cover-none", page)
    page.get_by_role("button", name="Name who stands in for you").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Select who stands in")
    glass.look("cover-wrong", page)
    page.get_by_label("Somebody who is not a Key Adult yet").check()
    page.get_by_label("Full name").fill("Standing In-of-Crumplewick")
    page.get_by_label("Work e-mail address").fill("standing.in@crumplewick.example")
    page.get_by_label("Telephone number").fill("07700 900 982")
    fill_day(page, "First day", monday)
    fill_day(page, "Last day", monday + timedelta(days=4))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Waits for a second person")).to_be_visible()
    glass.look("cover", page)
    page.get_by_role("button", name=re.compile("^End")).click()
    expect(page.get_by_text("The cover has ended")).to_be_visible()


def test_key_adults(browser: Browser, site: Site, glass: Glass) -> None:
    (urn,) = Told(site.encompass, site.cluster).expected("on_roll", 1)["urns"]
    page = signed_in(browser, site, site.lead_of(urn))
    page.get_by_role("link", name="Key Adults").click()
    glass.look("key-adults", page)
    page.get_by_role("button", name="Still right").click()
    expect(page.get_by_text("these are still the right people")).to_be_visible()
    page.get_by_role("link", name="Add a Key Adult").click()
    page.get_by_role("button", name="Ask for this Key Adult").click()
    expect(page.get_by_role("alert")).to_be_visible()
    glass.look("new-key-adult-wrong", page)
    page.get_by_role("link", name="Back to the Key Adults").click()
    page.locator("#adults").get_by_role("link", name=re.compile("^Change")).first.click()
    page.get_by_label("Telephone number").fill("07700 900 984")
    page.get_by_role("button", name="Ask for the change").click()
    expect(page.get_by_text("Changes that wait for a second person")).to_be_visible()
    glass.look("key-adults-waiting", page)


def test_in_welsh(browser: Browser, site: Site, glass: Glass) -> None:
    (urn,) = Told(site.encompass, site.cluster).expected("on_roll", 2)["urns"]
    page = signed_in(browser, site, site.lead_of(urn))
    page.get_by_role("link", name="Cymraeg").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mewnflwch")
    glass.look("inbox-cy", page)
    page.locator(".app-list a").first.click()
    glass.look("cover-of-message-cy", page)
    page.get_by_role("button", name="Agor y neges").click()
    glass.look("message-cy", page)
    for link, name in (
        ("Oedolion Allweddol", "key-adults"),
        ("Cyflenwi", "cover"),
        ("Diwrnodau ysgol", "school-days"),
    ):
        page.get_by_role("link", name=link, exact=True).click()
        glass.look(f"{name}-cy", page)
    page.get_by_role("button", name="Cofnodi diwrnodau ar gau").click()
    page.get_by_role("button", name="Cadw").click()
    expect(page.get_by_role("alert")).to_contain_text("Mae problem")
    glass.look("closed-days-wrong-cy", page)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter closed days")


def test_every_page_of_the_school_s_own_was_looked_at(seen: set[str]) -> None:
    """In the tests before this one: run the whole file."""
    assert seen >= OWN_PAGES
