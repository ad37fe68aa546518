"""A school's pages in Chromium with its CPU slowed four times and nothing cached: bytes over the wire, first paint."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page, Response, sync_playwright
from rich.console import Console
from rich.table import Table

from sandbox.browser import chromium, sign_in
from sandbox.told_night import ToldNight, told_night
from sandbox.world import build_world, named_night

SLOWER, TIMES = 4, 5
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


@dataclass(frozen=True)
class Painted:
    """One page: what came over the wire in KiB, and the first paint in milliseconds, of several cold loads."""

    page: str
    kib: float
    median: float
    worst: float


def measure() -> list[Painted]:
    """A page that holds nothing, and a school's inbox and message; empty where Chromium is not installed."""
    executable = chromium()
    if executable is None:
        return []
    with told_night(build_world(*named_night("ordinary"))) as night, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 375, "height": 740})
        context.set_default_timeout(30_000)
        message = _first_message(context.new_page(), night)
        paths = {"not found": "/nowhere", "inbox": "/inbox", "message": f"{message}/content"}
        return [_painted(context, name, night.web + path) for name, path in paths.items()]


def _first_message(page: Page, night: ToldNight) -> str:
    """The path of the first message of the school with most to read, whose lead has signed in."""
    person = night.lead_of(night.told()[0])
    sign_in(page, night.web, night.var, person, night.codes[person.key_adult_ref])
    return str(page.locator(".app-list a").first.get_attribute("href"))


def _painted(context: BrowserContext, name: str, url: str) -> Painted:
    paints: list[float] = []
    sizes: list[int] = []
    for _ in range(TIMES):
        page, came = context.new_page(), list[Response]()
        devtools = context.new_cdp_session(page)
        devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.on("response", lambda answer, kept=came: kept.append(answer))
        page.goto(url, wait_until="networkidle")
        paints.append(float(page.evaluate(FIRST_PAINT)))
        sizes.append(sum(sum(_bytes(answer)) for answer in came))
        page.close()
    return Painted(name, max(sizes) / 1024, statistics.median(paints), max(paints))


def _bytes(answer: Response) -> tuple[int, int]:
    taken = answer.request.sizes()
    return taken["responseHeadersSize"], taken["responseBodySize"]


def print_painted(painted: list[Painted]) -> None:
    """The measures, the worst of all loads beside the median."""
    table = Table(
        "page", "KiB over the wire", "first paint, ms", "worst", title=f"Pages, CPU slowed {SLOWER} times"
    )
    for p in painted:
        table.add_row(p.page, f"{p.kib:.1f}", f"{p.median:.0f}", f"{p.worst:.0f}")
    Console(file=sys.stdout, width=120).print(table if painted else "pages: Chromium is not installed")


if __name__ == "__main__":
    print_painted(measure())
