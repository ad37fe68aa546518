"""People who answer: fictional Key Adults who got an e-mail, sign in over OIDC and acknowledge over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from encompass.settings import state_folder
from sandbox.authenticator import NoKey, add_key, next_code
from sandbox.mail import Mailbox
from sandbox.state import folder, read_json, write_private
from sandbox.world import Answers, Person, World

AT_ONCE = 4
CODES_TRIED = 3
SECONDS = 20
GROUP = re.compile(r"<span>([A-Z2-7]{4})</span>")
NOTIFICATION = re.compile(r'href="(/notifications/[0-9a-f-]{36})"')


class CouldNotAnswer(Exception):
    """A page was not as a person would expect: its path and status, nothing else."""


@dataclass(frozen=True)
class Answered:
    """How many people answered, and how many notifications they acknowledged."""

    people: int
    acknowledged: int


@dataclass
class _Form:
    action: str
    fields: dict[str, str]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self.found.append(_Form(named.get("action") or "", {}))
        elif tag == "input" and self.found and named.get("name"):
            self.found[-1].fields[str(named["name"])] = named.get("value") or ""


def waiting(world: World, var: Path, wave: Answers) -> list[Person]:
    """The people of this wave who have mail that they have not answered this night."""
    with_mail = Mailbox(var).recipients()
    done = set(read_json(_state(var)).get(world.night.isoformat(), []))
    return [
        p for p in world.people if p.answers == wave and p.email in with_mail and p.key_adult_ref not in done
    ]


def answer_mail(world: World, var: Path, web: str, wave: Answers, codes: Mapping[str, str]) -> Answered:
    """Everyone of this wave who has mail signs in, reads and acknowledges. Raises CouldNotAnswer."""
    people = waiting(world, var, wave)
    acknowledged = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda p: (p, _answer(p, web, codes.get(p.key_adult_ref))), people)
        for person, count in answers:
            acknowledged += count
            _remember(world, var, person)
    return Answered(len(people), acknowledged)


def sign_in(
    web: str, audience: str, username: str, password: str, code: str | None, organisation: str | None = None
) -> tuple[requests.Session, str]:
    """A signed-in session and the page that it arrived at; `organisation` for somebody who has several."""
    session = requests.Session()
    page = _expect(session.get(f"{web}/sign-in/{audience}", timeout=SECONDS))
    form = _form(page, "")
    page = _expect(
        session.post(page.url, {**form.fields, "username": username, "password": password}, timeout=SECONDS)
    )
    if organisation is not None:
        form = _form(page, "")
        page = _expect(session.post(page.url, {**form.fields, "organisation": organisation}, timeout=SECONDS))
    if urlsplit(page.url).path == "/sign-in/bind":
        form = _form(page, "/sign-in/bind")
        page = _expect(session.post(page.url, {**form.fields, "code": code or ""}, timeout=SECONDS))
    if urlsplit(page.url).path == "/second-factor":
        page = step_up(session, page, username)
    return session, page.text


def step_up(session: requests.Session, page: requests.Response, username: str) -> requests.Response:
    """Set up the second factor where the page asks for it, then enter a code; the page arrived at.

    A code that grew too old on its way is followed by the next one, as a person would.
    """
    var, key = state_folder(), "".join(GROUP.findall(page.text))
    if key:
        add_key(var, username, key)
    for _ in range(CODES_TRIED):
        try:
            code = next_code(var, username)
        except NoKey as why:
            raise CouldNotAnswer(str(why)) from None
        form = _form(page, "/second-factor")
        page = session.post(page.url, {**form.fields, "code": code}, timeout=SECONDS)
        if page.status_code != requests.codes.unprocessable:
            break
    return _expect(page)


def _answer(person: Person, web: str, code: str | None) -> int:
    session, inbox = sign_in(web, "school", person.username, person.password, code)
    acknowledged = 0
    for path in dict.fromkeys(NOTIFICATION.findall(inbox)):
        cover = _expect(session.get(web + path, timeout=SECONDS))
        if f"{path}/content" not in cover.text:
            continue
        page = _expect(session.get(f"{web}{path}/content", timeout=SECONDS))
        forms = [f for f in _forms(page) if f.action == f"{path}/acknowledge"]
        if forms:
            _expect(session.post(urljoin(page.url, forms[0].action), forms[0].fields, timeout=SECONDS))
            acknowledged += 1
    session.close()
    return acknowledged


def _expect(answer: requests.Response) -> requests.Response:
    if answer.status_code != requests.codes.ok:
        raise CouldNotAnswer(f"{urlsplit(answer.url).path}: {answer.status_code}")
    return answer


def _forms(page: requests.Response) -> list[_Form]:
    parser = _Forms()
    parser.feed(page.text)
    return parser.found


def _form(page: requests.Response, action: str) -> _Form:
    for form in _forms(page):
        if form.action == action:
            return form
    raise CouldNotAnswer(f"{urlsplit(page.url).path}: no form")


def _state(var: Path) -> Path:
    return folder(var) / "people.json"


def _remember(world: World, var: Path, person: Person) -> None:
    known = read_json(_state(var))
    known.setdefault(world.night.isoformat(), []).append(person.key_adult_ref)
    write_private(_state(var), json.dumps(known))
