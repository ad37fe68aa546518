"""Chromium, and a fictional Key Adult who signs in with it for the first time."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from sandbox.authenticator import add_key, next_code
from sandbox.world import Person

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Where the system's Chromium is; None where it is not installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def sign_in(page: Page, web: str, var: Path, person: Person, code: str) -> None:
    """To the inbox: the provider, the one-time code, a second factor set up."""
    page.goto(f"{web}/sign-in/school")
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/second-factor")
    add_key(var, person.username, page.locator(".app-secret").inner_text())
    page.locator("#code").fill(next_code(var, person.username))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/inbox")
