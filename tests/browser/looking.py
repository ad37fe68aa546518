"""What a person does in a browser without scripts, and a glass under which each state of a page is looked at."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from encompass.web import paper
from sandbox.authenticator import add_key, next_code
from sandbox.world import Person, StaffPerson
from tests.site import Site

NARROW, PHONE, DESKTOP = 320, 375, 1280
OWN_PAGES = {
    "school_closed.html",
    "school_contact_form.html",
    "school_contacts.html",
    "school_cover.html",
    "school_cover_form.html",
    "school_days.html",
    "school_start.html",
}
"""The templates that `test_own_pages.py` looks at, all others being `test_journey.py`'s."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def a_page(browser: Browser, width: int = PHONE) -> Page:
    """A page of a browser of its own, with scripts switched off."""
    context = browser.new_context(viewport={"width": width, "height": 740}, java_script_enabled=False)
    context.set_default_timeout(30_000)
    return context.new_page()


class Glass:
    """A second browser, with scripts, that is handed what the first one shows: axe-core needs scripts to look at it."""

    def __init__(self, browser: Browser, web: str) -> None:
        context = browser.new_context(viewport={"width": PHONE, "height": 740})
        context.set_default_timeout(30_000)
        self.page = context.new_page()
        self.page.goto(f"{web}/health")
        self.page.evaluate(Axe().axe_script)  # stays, since what is handed over replaces the document alone

    def look(self, name: str, shown: Page | str, axe_at: tuple[int, ...] = (PHONE,)) -> None:
        """Nothing that axe-core finds, nothing wider than a phone's screen or a desk's, and a title."""
        html = shown if isinstance(shown, str) else shown.content()
        assert "<script" not in html
        self.page.set_content(html)
        assert self.page.title().endswith(" – Encompass")
        header = self.page.locator(".govuk-generic-header")
        expect(header).to_have_css("background-color", "rgb(11, 12, 12)")  # the stylesheet is there
        for width in (NARROW, DESKTOP, PHONE):
            self.page.set_viewport_size({"width": width, "height": 740})
            wide = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert wide[0] <= wide[1], (name, width, wide)
            self._keep(name, width)
            if width in axe_at:
                self._axe(name)

    def _axe(self, name: str) -> None:
        found = self.page.evaluate(
            "rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(r => r.violations.map("
            "v => [v.id, v.nodes.map(n => n.html)]))",
            RULES,
        )
        assert found == [], (name, found)

    def _keep(self, name: str, width: int) -> None:
        """A screenshot for a person to look at, where one is wanted."""
        folder = os.environ.get("ENCOMPASS_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def begin(page: Page, site: Site, person: Person | StaffPerson) -> None:
    """Go through the identity provider."""
    page.goto(f"{site.web}/")
    if isinstance(person, StaffPerson):
        page.get_by_role("link", name="Sign in as a leader").click()
        page.get_by_role("link", name="Riverbend Police").click()
    else:
        page.get_by_role("button", name="Sign in for a school").click()
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()


def bind(page: Page, code: str) -> None:
    """Enter the one-time code."""
    page.wait_for_url("**/sign-in/bind")
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Continue").click()


def step_up(page: Page, site: Site, person: Person) -> None:
    """Set up the second factor as somebody who types the key, then enter a code, and arrive at the inbox."""
    page.wait_for_url("**/second-factor")
    key = page.locator(".app-secret")
    if key.count():
        add_key(site.cluster.var, person.username, key.inner_text())
    page.locator("#code").fill(next_code(site.cluster.var, person.username))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/inbox")


def signed_in(browser: Browser, site: Site, person: Person) -> Page:
    """The inbox of somebody who signs in for the first time."""
    page = a_page(browser)
    begin(page, site, person)
    bind(page, site.codes[person.key_adult_ref])
    step_up(page, site, person)
    return page


def downloaded(page: Page, link: str) -> tuple[str, bytes]:
    """What a link leads to: the file's name and content."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=link).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def can_draw_pdfs() -> bool:
    """Whether Pango is here: `make pango` installs it where it can."""
    return paper.can_be_drawn()
