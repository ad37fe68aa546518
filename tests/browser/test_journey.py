"""A real browser without scripts, on a phone: what each person does, every page and state looked at on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import time, timedelta
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from sqlalchemy import text

from encompass.pipeline import change_contacts
from encompass.store.database import Role
from encompass.web.app import create_app
from sandbox.world import Person
from tests.browser import seldom
from tests.browser.looking import (
    DESKTOP,
    OWN_PAGES,
    PHONE,
    Glass,
    a_page,
    begin,
    bind,
    can_draw_pdfs,
    downloaded,
    signed_in,
    step_up,
)
from tests.cluster import FORCE
from tests.pipeline.told import Told
from tests.site import Site

MOST_BYTES = 60 * 1024
PARTS = {"layout.html", "fields.html", "second_factor_form.html", "paper.html"}
"""Templates that are no page: what others are made of, and what a PDF is."""


def lead(site: Site, kind: str, number: int = 0, role: str = "dsl") -> Person:
    """The lead of the school of one of the night's children."""
    return site.lead_of(Told(site.encompass, site.cluster).expected(kind, number)["urns"][0], role)


def owner(site: Site, statement: str, **values: object) -> None:
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(statement), values)


def test_a_morning_from_the_first_sign_in_to_the_support_given(
    browser: Browser, site: Site, glass: Glass
) -> None:
    person = lead(site, "on_roll", 1)
    leader = next(p for p in site.cluster.world.staff if "leader" in p.roles)
    report = a_page(browser, DESKTOP)
    begin(report, site, leader)
    before = figures(report)
    glass.look("report", report, axe_at=(PHONE, DESKTOP))

    page = a_page(browser)
    page.goto(f"{site.web}/")
    glass.look("start", page)
    page.goto(f"{site.web}/sign-in/force")
    glass.look("which-force", page)
    begin(page, site, person)
    page.wait_for_url("**/sign-in/bind")
    glass.look("bind", page)
    bind(page, "AAAA-AAAA-AAAA-AAAA")
    expect(page.get_by_role("alert")).to_be_visible()
    glass.look("bind-wrong", page)
    bind(page, site.codes[person.key_adult_ref])
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up your second check")
    box = page.locator("svg.app-qr").bounding_box()
    assert box is not None and box["width"] >= 150
    glass.look("enrol", page)
    page.locator("#code").fill("12345")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    glass.look("enrol-wrong", page)
    step_up(page, site, person)

    expect(page.get_by_role("heading", name="2 messages to acknowledge")).to_be_visible()
    glass.look("inbox", page)
    first, second = sorted(
        page.locator(".app-list a").evaluate_all("links => links.map(a => a.getAttribute('href'))"),
        key=lambda path: adds(site, path),
    )
    read_and_acknowledge(page, site, glass, first)
    record_support(page, glass)
    keep_on_file(page, glass)
    look_back(page, site, glass, first, second)

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.web}/inbox")
    assert "/inbox" not in page.url
    report.reload()
    after = figures(report)
    assert after["Acknowledged before the bell"] == before["Acknowledged before the bell"] + 1
    assert after["Duties to tell a school"] == before["Duties to tell a school"]

    begin(page, site, person)
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code from your authenticator app")
    glass.look("second-factor", page)
    step_up(page, site, person)
    page.get_by_role("link", name="Change school or office").click()
    glass.look("change", page)


def adds(site: Site, path: str) -> bool:
    """Whether a message adds to another, as the database has it."""
    rows = Told(site.encompass, site.cluster).rows(
        "SELECT adds_to FROM encompass.notification WHERE notification_id = CAST(:id AS uuid)",
        id=path.rsplit("/", 1)[1],
    )
    return rows[0].adds_to is not None


def read_and_acknowledge(page: Page, site: Site, glass: Glass, path: str) -> None:
    page.locator(f'.app-list a[href="{path}"]').click()
    expect(page.get_by_role("button", name="I should not see this")).to_be_visible()
    glass.look("cover", page)
    page.get_by_role("button", name="Open the message").click()
    expect(page.get_by_role("heading", name="What the child said")).to_be_visible()
    glass.look("notification", page)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged at")).to_be_visible()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    glass.look("acknowledged", page)


def record_support(page: Page, glass: Glass) -> None:
    page.get_by_role("link", name="Back to the inbox").click()
    expect(page.get_by_role("heading", name="What support was given?")).to_be_visible()
    glass.look("inbox-asks-for-support", page)
    page.get_by_role("link", name="Record it").click()
    glass.look("support", page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Select what kind of support was given")
    glass.look("support-missing", page)
    page.get_by_label("Something else").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in the note what was done")
    glass.look("support-no-note", page)
    page.get_by_label("Silent support").check()
    page.get_by_label("Breakfast, lunch, uniform or kit was found").check()
    page.get_by_label("Note (optional)").fill("Breakfast club; a quiet word with the form tutor.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Breakfast club; a quiet word")).to_be_visible()
    glass.look("support-recorded", page)
    page.get_by_role("link", name="Change or add to this").click()
    glass.look("support-amend", page)
    page.get_by_label("Overt support").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#support")).to_contain_text("Overt support")


def keep_on_file(page: Page, glass: Glass) -> None:
    """Printed, the page says where it belongs and shows nothing to press; the files are named like any other."""
    expect(page.locator(".app-paper-only")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".app-paper-only")).to_contain_text("separate safeguarding file")
    for nothing in (".app-exit", ".app-bar", "#keep-heading", "button"):
        assert not [e for e in page.locator(nothing).all() if e.is_visible()], nothing
    page.emulate_media(media="screen")
    name, content = downloaded(page, "CSV for your safeguarding system")
    assert name == "message.csv"
    headings = [row[2] for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    assert "What the child said" in headings
    assert "Support given" in headings
    if can_draw_pdfs():
        name, content = downloaded(page, "PDF to attach or print")
        assert (name, content[:5]) == ("message.pdf", b"%PDF-")


def look_back(page: Page, site: Site, glass: Glass, first: str, second: str) -> None:
    """The later message leads to the earlier one about the same child."""
    page.goto(f"{site.web}{second}/content")
    expect(page.get_by_text("This adds to an earlier message.")).to_be_visible()
    glass.look("adds-to", page)
    earlier = page.locator("section[aria-labelledby=earlier-heading] a")
    expect(earlier).to_have_attribute("href", first)
    earlier.click()
    page.wait_for_url(f"**{first}")
    page.goto(f"{site.web}/inbox")
    expect(page.get_by_text("Support recorded")).to_be_visible()
    glass.look("inbox-support-recorded", page)


def figures(page: Page) -> dict[str, float]:
    expect(page.locator(".app-figures")).to_be_visible()
    names = page.locator(".app-figures dt").all_inner_texts()
    numbers = page.locator(".app-figures dd").all_inner_texts()
    return {name: float(number.rstrip("%")) for name, number in zip(names, numbers, strict=True)}


def test_not_our_pupil_and_i_should_not_see_this(browser: Browser, site: Site, glass: Glass) -> None:
    urn = lead(site, "on_roll", 0).urn
    owner(
        site,
        "UPDATE encompass.duty SET duty_by = duty_by - interval '1 day' WHERE recipient_id IN "
        "(SELECT recipient_id FROM encompass.recipient WHERE urn = :urn)",
        urn=urn,
    )
    page = signed_in(browser, site, site.lead_of(urn))
    expect(page.get_by_text("Late")).to_be_visible()
    glass.look("inbox-late", page)
    page.locator(".app-list a").first.click()
    page.get_by_role("button", name="Open the message").click()
    expect(page.get_by_text("This reached you late")).to_be_visible()
    glass.look("late", page)
    page.get_by_role("button", name="Not our pupil").click()
    expect(page.get_by_text("a person finds the right school")).to_be_visible()
    glass.look("inbox-not-ours", page)

    person = lead(site, "family", 1)
    page = signed_in(browser, site, person)
    page.locator(".app-list a").first.click()
    path = page.url
    page.get_by_role("button", name="I should not see this").click()
    expect(page.get_by_text("You cannot open that message any more")).to_be_visible()
    glass.look("inbox-not-for-me", page)
    page.goto(f"{path}/content")
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    glass.look("not-found", page)


def test_the_keyboard_alone_is_enough(browser: Browser, site: Site) -> None:
    """For the deputy, who may still open what the lead should not see."""
    page = signed_in(browser, site, lead(site, "family", 1, "deputy"))
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


def test_what_was_withdrawn_or_sent_by_mistake_and_a_session_that_expired(
    browser: Browser, site: Site, glass: Glass
) -> None:
    page = signed_in(browser, site, lead(site, "family", 0))
    expect(page.get_by_text("Sent by mistake", exact=True)).to_be_visible()
    glass.look("inbox-recalled", page)
    page.locator(".app-list a").first.click()
    glass.look("recalled", page)
    owner(site, "UPDATE encompass.web_session SET idle_until = now() - interval '1 second'")
    page.reload()
    expect(page.get_by_text("You have been signed out")).to_be_visible()
    glass.look("expired", page)


def test_who_is_no_longer_a_key_adult_is_out_at_the_next_page(
    browser: Browser, site: Site, glass: Glass
) -> None:
    person = lead(site, "dual")
    page = signed_in(browser, site, person)
    page.locator(".app-list a").first.click()
    glass.look("withdrawn", page)
    encompass, at = site.encompass, site.cluster.at(time(7, 55))
    engine = encompass.database.engine(Role.PIPELINE)
    who = [change_contacts.By(FORCE, by, at, encompass.ring) for by in ("PC 1234", "Sgt 55")]
    ending = change_contacts.propose_end(engine, who[0], person.key_adult_ref, who[0].day - timedelta(days=1))
    change_contacts.confirm_change(engine, who[1], ending)
    page.goto(f"{site.web}/inbox")
    assert "/inbox" not in page.url
    begin(page, site, person)
    page.wait_for_url("**/sign-in/bind")
    bind(page, site.codes[person.key_adult_ref])
    expect(page.get_by_role("alert")).to_be_visible()


def test_inbox_and_message_weigh_little_the_first_time(browser: Browser, site: Site, glass: Glass) -> None:
    """Headers, stylesheet and picture of the tab with it: nothing is kept from one page to the next."""
    page = signed_in(browser, site, lead(site, "on_roll", 2))
    expect(page.get_by_text("Corrected")).to_be_visible()
    glass.look("inbox-corrected", page)
    message = page.locator(".app-list a").first.get_attribute("href")
    for path in ("/inbox", f"{message}/content"):
        came: list[Response] = []
        listening = partial(_note, came)
        page.on("response", listening)
        page.goto(f"{site.web}{path}", wait_until="networkidle")
        page.remove_listener("response", listening)
        assert {"/static/encompass.css", path} <= {re.sub(r"^http://[^/]+", "", r.url) for r in came}
        assert weight(came) < MOST_BYTES
    expect(page.get_by_text("Police corrected:")).to_be_visible()
    glass.look("corrected", page)


def test_the_longest_inbox_weighs_little_too(site: Site) -> None:
    viewer = Told(site.encompass, site.cluster).viewer(lead(site, "on_roll", 2).urn)
    app = create_app(site.encompass)
    with app.test_request_context():
        page = seldom.longest_inbox(viewer, site.encompass.read_inbox(viewer).entries[0])
    style = app.test_client().get("/static/encompass.css", headers={"Accept-Encoding": "br"})
    assert style.headers["Content-Encoding"] == "br"
    assert len(page.encode()) + len(style.get_data()) < MOST_BYTES - 2048  # headers and the tab's picture


def _note(came: list[Response], answer: Response) -> None:
    came.append(answer)


def weight(came: Sequence[Response]) -> int:
    """What these answers took over the wire, in bytes."""
    sizes = [r.request.sizes() for r in came]
    return sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes)


def test_states_that_are_seldom_met(site: Site, glass: Glass) -> None:
    """Drawn straight from their templates; the errors by the application's own handlers."""
    told = Told(site.encompass, site.cluster)
    viewer = told.viewer(lead(site, "on_roll", 2).urn)
    entry = site.encompass.read_inbox(viewer).entries[0]
    page = site.encompass.read_notification(viewer, entry.notification_id)
    app = create_app(site.encompass)
    with app.test_request_context():
        drawn = {
            **seldom.errors(app),
            **seldom.refusals(),
            **seldom.of_sign_in(viewer),
            **seldom.of_inbox(viewer, entry),
            **seldom.of_messages(viewer, page),
        }
    for name, html in drawn.items():
        glass.look(name, html)


def test_a_name_behind_a_click_is_printed_all_the_same(site: Site, glass: Glass) -> None:
    viewer = Told(site.encompass, site.cluster).viewer(lead(site, "on_roll", 2).urn)
    entry = site.encompass.read_inbox(viewer).entries[0]
    page = site.encompass.read_notification(viewer, entry.notification_id)
    app = create_app(site.encompass)
    with app.test_request_context():
        glass.look("name-on-request", seldom.message(viewer, page, name_at_once=False))
    name = glass.page.get_by_text(f"{page.child.forename} {page.child.surname}")
    expect(name).to_be_hidden()
    glass.page.emulate_media(media="print")
    expect(name).to_be_visible()
    glass.page.emulate_media(media="screen")
    glass.page.get_by_text("Show the name").click()
    expect(name).to_be_visible()


@pytest.mark.parametrize(
    ("wrong", "found"), [('<img src="/static/favicon.svg">', "image-alt"), (f"<p>{'x' * 300}</p>", "wide")]
)
def test_the_glass_shows_what_is_wrong(site: Site, glass: Glass, wrong: str, found: str) -> None:
    app = create_app(site.encompass)
    with app.test_request_context():
        page = seldom.errors(app)["error-404"]
    with pytest.raises(AssertionError, match=found):
        glass.look("wide" if found == "wide" else "", page.replace("</main>", f"{wrong}</main>"))


def test_every_page_was_looked_at(seen: set[str]) -> None:
    """In the tests before this one: run the whole file. Whoever adds a page looks at it here, in each of its states."""
    assert {t.name for t in seldom.TEMPLATES.glob("*.html")} - PARTS - OWN_PAGES <= seen
