"""Signing in, in a real browser: another school's code, the choice of a school, the way to it, and each refusal."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from sandbox.organisations import Organisation, reset_organisations, school, set_organisations
from sandbox.world import Person
from tests.browser.test_journey import PHONE, a_page, browser, kept, sign_in, sound, step_up
from tests.site import Site
from tests.web.test_sign_in import with_school_identity, without_dfe

__all__ = ["browser"]


def test_a_second_school_is_bound_and_chosen(browser: Browser, site: Site) -> None:
    lead, other = (site.lead_of(urn) for urn in site.told()[:2])
    page = a_page(browser, PHONE, scripts=True)
    with without_dfe(site):
        sign_in(page, site, "school", lead.username, lead.password, site.codes[lead.key_adult_ref])
        step_up(page, site, lead.username)
        page.get_by_role("link", name="Change school or office").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Change school or office")
        found(page, "change")
        page.get_by_role("link", name="I have a one-time code").click()
        log_in(page, lead)
        page.wait_for_url("**/sign-in/bind")
        found(page, "bind-second")
        page.get_by_label("One-time code").fill(site.codes[other.key_adult_ref])
        page.get_by_role("button", name="Continue").click()
        step_up(page, site, lead.username)
        page.get_by_role("link", name="Change school or office").click()
        page.get_by_role("button", name="Sign in for another school").click()
        log_in(page, lead)
        page.wait_for_url("**/sign-in/choose")
        found(page, "choose")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_be_visible()
        found(page, "choose-nothing")
        page.get_by_role("radio").first.check()
        page.get_by_role("button", name="Continue").click()
        step_up(page, site, lead.username)
        expect(page.get_by_role("heading", level=1)).to_have_text("Inbox")


def test_each_refusal_says_what_to_do(browser: Browser, site: Site) -> None:
    lead = site.lead_of(site.told()[0])
    page = a_page(browser, PHONE, scripts=True)
    said: dict[str, list[Organisation]] = {
        "you may not use this service": [school(lead.urn, None)],
        "did not say which organisation": [],
    }
    for words, organisations in said.items():
        set_organisations(site.cluster.var, lead.username, organisations)
        sign_in(page, site, "school", lead.username, lead.password, None)
        expect(page.get_by_text(words)).to_be_visible()
        found(page, f"refused-{len(organisations)}")
    reset_organisations(site.cluster.var)
    known = site.encompass.settings.identity.school.role_api
    away = known.model_copy(update={"url": "http://127.0.0.1:1"})
    with with_school_identity(site, role_api=away):
        sign_in(page, site, "school", lead.username, lead.password, None)
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in is not available just now")
        found(page, "sign-in-away")
    page.goto(f"{site.web}/sign-in/force")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which force is yours?")
    found(page, "which-force")
    guest = next(p for p in site.cluster.world.staff if p.is_guest)
    page.get_by_role("link", name="Riverbend Police").click()
    log_in(page, guest)
    expect(page.get_by_text("is a guest in your force's directory")).to_be_visible()
    found(page, "refused-guest")


def log_in(page: Page, person: Person) -> None:
    """At the identity provider."""
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()


def found(page: Page, name: str) -> None:
    """Without a violation, no wider than the screen, and kept to be looked at."""
    sound(page)
    kept(page, name, PHONE)
