"""`python -m docs.screenshots`: the pictures of docs/images, drawn in Chromium from a fictional night."""

from __future__ import annotations

import io
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import text

from encompass.store.database import Role
from sandbox.browser import chromium, sign_in
from sandbox.told_night import ToldNight, told_night
from sandbox.world import Person, World, build_world, named_night

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT, SHARPNESS, COLOURS = 375, 812, 2, 64
VOICE = (
    "I hid in the airing cupboard with my rabbit until it was quiet. I do not want to miss the school trip."
)
CIRCUMSTANCES = "She slept little and came home late. A grandparent brings her to school today."


def main() -> None:
    """Draw every picture anew."""
    executable = chromium()
    if executable is None:
        click.echo(
            "screenshots: Chromium is not installed: `make browser` installs it where it can", err=True
        )
        sys.exit(1)
    world = build_world(*named_night("ordinary"))
    retell(world)
    IMAGES.mkdir(exist_ok=True)
    with told_night(world) as night, a_phone(executable) as page:
        person = night.lead_of(night.told()[0])
        rename(night, person)
        sign_in(page, night.web, night.var, person, night.codes[person.key_adult_ref])
        keep(page, "inbox")
        page.locator(".app-list a").first.click()
        keep(page, "cover")
        page.get_by_role("button", name="Open the message").click()
        keep(page, "message")
        page.get_by_role("button", name="Acknowledge").click()
        page.get_by_role("button", name="Record the support given").click()
        page.get_by_label("Silent support").check()
        page.get_by_label("Expectations were adjusted: homework, uniform, lateness").check()
        keep(page, "support")


def retell(world: World) -> None:
    """Every child's record in words that a reader takes for a child's."""
    told = {"voice": VOICE, "spoken_to": True, "seen": True, "circumstances": CIRCUMSTANCES}
    for record in world.incidents.records:
        record["children"] = [child | told for child in record["children"]]


def rename(night: ToldNight, person: Person) -> None:
    """The pictures show no real school."""
    with night.encompass.database.engine(Role.OWNER).begin() as connection:
        renamed = text("UPDATE encompass.school SET name = 'Crumplewick Academy' WHERE urn = :urn")
        connection.execute(renamed, {"urn": person.urn})


@contextmanager
def a_phone(executable: str) -> Generator[Page]:
    """A browser of a telephone's size, without scripts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            device_scale_factor=SHARPNESS,
            java_script_enabled=False,
        )
        yield context.new_page()
        browser.close()


def keep(page: Page, name: str) -> None:
    """What the screen shows, in few colours: a small file."""
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLOURS).save(IMAGES / f"{name}.png", optimize=True)
    click.echo(f"{name}.png", err=True)


if __name__ == "__main__":
    main()
