"""A real browser: sign in, open, acknowledge, and the report changes; without scripts, on a phone, no axe violation."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.authenticator import add_key, next_code
from tests.site import Site

DESKTOP, PHONE = (1280, 800), (375, 740)
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "375"])


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


def a_page(browser: Browser, size: tuple[int, int], *, scripts: bool = False) -> Page:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, java_script_enabled=scripts)
    context.set_default_timeout(30_000)
    return context.new_page()


def sign_in(page: Page, site: Site, audience: str, username: str, password: str, code: str | None) -> None:
    page.goto(f"{site.web}/")
    page.get_by_role(
        "button" if audience == "school" else "link",
        name="Sign in for a school" if audience == "school" else "Sign in as a leader",
    ).click()
    if audience == "staff":
        page.get_by_role("link", name="Riverbend Police").click()
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    if code is not None:
        page.wait_for_url("**/sign-in/bind")
        page.get_by_label("One-time code").fill(code)
        page.get_by_role("button", name="Continue").click()


def step_up(page: Page, site: Site, username: str) -> None:
    """Set up the second factor as somebody who types the key, then enter a code, and arrive at the inbox."""
    page.wait_for_url("**/second-factor")
    key = page.locator(".app-secret")
    if key.count():
        add_key(site.cluster.var, username, key.inner_text())
    page.locator("#code").fill(next_code(site.cluster.var, username))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/inbox")


def kept(page: Page, name: str, size: tuple[int, int]) -> None:
    """A screenshot for a person to look at, where one is wanted."""
    folder = os.environ.get("ENCOMPASS_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}-{size[0]}.png", full_page=True)


@SIZES
def test_from_sign_in_to_a_report_that_has_changed_without_javascript(
    browser: Browser, site: Site, size
) -> None:
    leader = next(p for p in site.cluster.world.staff if "leader" in p.roles)
    lead = site.lead_of(site.told()[0])

    report = a_page(browser, size)
    sign_in(report, site, "staff", leader.username, leader.password, None)
    before = figures(report)
    kept(report, "report", size)

    school = a_page(browser, size)
    sign_in(school, site, "school", lead.username, lead.password, site.codes[lead.key_adult_ref])
    expect(school.get_by_role("heading", level=1)).to_have_text("Set up your second check")
    assert school.locator("svg.app-qr").bounding_box()["width"] >= 150
    kept(school, "enrol", size)
    school.locator("#code").fill("12345")
    school.get_by_role("button", name="Continue").click()
    expect(school.get_by_role("alert")).to_be_visible()
    kept(school, "enrol-wrong", size)
    step_up(school, site, lead.username)
    expect(school.get_by_role("heading", level=1)).to_have_text("Inbox")
    kept(school, "inbox", size)
    school.locator(".app-list a").first.click()
    expect(school.get_by_role("button", name="I should not see this")).to_be_visible()
    kept(school, "cover", size)
    school.get_by_role("button", name="Open the message").click()
    expect(school.get_by_role("heading", name="What the child said")).to_be_visible()
    kept(school, "notification", size)
    school.get_by_role("button", name="Acknowledge").click()
    expect(school.get_by_text("Acknowledged at")).to_be_visible()
    assert school.get_by_role("button", name="Acknowledge").count() == 0
    kept(school, "acknowledged", size)
    school.get_by_role("link", name="Back to the inbox").click()
    expect(school.get_by_text("Nothing waits for you")).to_be_visible()

    report.reload()
    after = figures(report)
    assert after["Acknowledged before the bell"] == before["Acknowledged before the bell"] + 1
    assert after["Duties to tell a school"] == before["Duties to tell a school"]

    school.get_by_role("button", name="Sign out").click()
    school.goto(f"{site.web}/inbox")
    assert "/inbox" not in school.url
    sign_in(school, site, "school", lead.username, lead.password, None)
    expect(school.get_by_role("heading", level=1)).to_have_text("Enter the code from your authenticator app")
    kept(school, "second-factor", size)
    step_up(school, site, lead.username)


def figures(page: Page) -> dict[str, float]:
    expect(page.locator(".app-figures")).to_be_visible()
    names = page.locator(".app-figures dt").all_inner_texts()
    numbers = page.locator(".app-figures dd").all_inner_texts()
    return {name: float(number.rstrip("%")) for name, number in zip(names, numbers, strict=True)}


@SIZES
def test_no_page_has_an_axe_violation_or_is_wider_than_the_screen(browser: Browser, site: Site, size) -> None:
    lead = site.lead_of(site.told()[0])
    leader = next(p for p in site.cluster.world.staff if "leader" in p.roles)
    page = a_page(browser, size, scripts=True)
    page.goto(f"{site.web}/")
    sound(page)
    page.goto(f"{site.web}/nowhere")
    sound(page)
    page.goto(f"{site.web}/sign-in/school/callback?code=c&state=s")
    sound(page)
    sign_in(page, site, "school", lead.username, lead.password, "AAAA-AAAA-AAAA-AAAA")
    expect(page.get_by_role("alert")).to_be_visible()
    sound(page)
    page.get_by_label("One-time code").fill(site.codes[lead.key_adult_ref])
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/second-factor")
    sound(page)
    page.locator("#code").fill("nothing")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sound(page)
    step_up(page, site, lead.username)
    sound(page)
    again = a_page(browser, size, scripts=True)
    sign_in(again, site, "school", lead.username, lead.password, None)
    again.wait_for_url("**/second-factor")
    sound(again)
    for _ in range(5):
        again.locator("#code").fill("nothing")
        again.get_by_role("button", name="Continue").click()
        expect(again.get_by_role("alert")).to_be_visible()
    expect(again.get_by_role("alert")).to_contain_text("Too many wrong codes")
    kept(again, "second-factor-locked", size)
    sound(again)
    page.locator(".app-list a").first.click()
    page.wait_for_url("**/notifications/*")
    sound(page)
    page.get_by_role("button", name="Open the message").click()
    page.wait_for_url("**/content")
    sound(page)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged at")).to_be_visible()
    sound(page)
    page.goto(f"{site.web}/inbox")
    sound(page)
    page = a_page(browser, size, scripts=True)
    sign_in(page, site, "staff", leader.username, leader.password, None)
    page.wait_for_url("**/report")
    sound(page)


def sound(page: Page) -> None:
    expect(page.locator(".govuk-generic-header")).to_have_css("background-color", "rgb(11, 12, 12)")
    page.wait_for_load_state("load")
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert found.response["violations"] == [], found.generate_report()
    wide = page.viewport_size
    assert wide is not None
    for width in (wide["width"], 320):
        page.set_viewport_size({"width": width, "height": wide["height"]})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (page.url, width)
    page.set_viewport_size(wide)
    assert page.evaluate("document.title").strip()


def test_the_keyboard_alone_is_enough(browser: Browser, site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    page = a_page(browser, DESKTOP)
    sign_in(page, site, "school", lead.username, lead.password, site.codes[lead.key_adult_ref])
    step_up(page, site, lead.username)
    expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")
    tab_to(page, ".govuk-skip-link")
    tab_to(page, ".app-list a")
    page.keyboard.press("Enter")
    tab_to(page, "main .govuk-button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Acknowledged at")).to_be_visible()


def tab_to(page: Page, selector: str) -> None:
    for _ in range(15):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"the Tab key does not reach {selector}")
