"""The school's pages in Welsh: every string translated, no English of ours left, chosen by a link that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from encompass.web.app import create_app
from tests.cluster import FORCE, Cluster
from tests.web.own import OwnPages, own_pages

LOCALE = Path(__file__).parents[2] / "encompass" / "web" / "locale"
WELSH = LOCALE / "cy" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
SAME_IN_BOTH = {"CSV", "JSON", "MASH"}
ENGLISH = re.compile(
    r"\b(the|and|of|you|your|this|that|not|is|are|was|were|for|with|to|in|on|at|by|from|error|day|month|year|sign|message|"
    r"school|child|police|inbox|back|open|close|save|remove|change|continue|warning|received|acknowledge)\b",
    re.IGNORECASE,
)
WELSH_TOO = {"at"}
VOID = {"input", "meta", "link", "br", "img", "hr"}


class _Texts(HTMLParser):
    """The texts of a page, what labels and titles say included, but for what is marked as being in English."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.lang = ""
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "html":
            self.lang = str(named.get("lang"))
        skipped = (tag != "html" and named.get("lang") == "en") or tag in ("style", "script", "svg")
        if not skipped and not any(s for _, s in self._open):
            self.found += [
                str(named[a]) for a in ("aria-label", "title", "placeholder", "alt") if named.get(a)
            ]
        if tag not in VOID:
            self._open.append((tag, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(skipped for _, skipped in self._open):
            self.found.append(" ".join(data.split()))


def texts(page: str) -> _Texts:
    parser = _Texts()
    parser.feed(page)
    return parser


def catalogue() -> dict[str | tuple[str, str], object]:
    with (WELSH / "messages.po").open("rb") as file:
        return {m.id: m for m in read_po(file) if m.id}


def forms(string: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def test_every_string_is_in_welsh_with_the_same_placeholders() -> None:
    with (LOCALE / "messages.pot").open("rb") as file:
        wanted = {m.id for m in read_po(file) if m.id}
    welsh = catalogue()
    assert set(welsh) == wanted
    for english, message in welsh.items():
        assert not message.fuzzy, english
        for form in forms(message.string):
            assert form.strip(), english
            for original in forms(english):
                assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(original)), english
                assert form != original or original in SAME_IN_BOTH, english
                assert form.startswith(" ") == original.startswith(" ") and form.endswith(
                    " "
                ) == original.endswith(" ")


def test_what_is_used_is_what_is_written() -> None:
    with (WELSH / "messages.mo").open("rb") as file:
        compiled = {forms(m.id): forms(m.string) for m in read_mo(file) if m.id}
    assert compiled == {forms(i): forms(m.string) for i, m in catalogue().items()}, "make docs"


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Generator[OwnPages]:
    with own_pages(cluster) as opened:
        opened.post(
            "/school-days/closed",
            {"first-day": "23", "first-month": "3", "first-year": "2026", "reason": "inset"},
        )
        opened.post(
            "/school-days/start",
            {"first-day": "23", "first-month": "3", "first-year": "2026", "starts_at": "8:40"},
        )
        stand_in = re.search(
            r'name="stand_in" type="radio" value="([0-9a-f-]{36})"', opened.get("/cover/new")
        )
        assert stand_in
        dates = {
            "first-day": "23",
            "first-month": "3",
            "first-year": "2026",
            "last-day": "24",
            "last-month": "3",
            "last-year": "2026",
        }
        opened.post("/cover/new", {"stand_in": stand_in.group(1), **dates})
        lead = re.search(r"/key-adults/([0-9a-f-]{36})/details", opened.get("/key-adults"))
        assert lead
        details = {
            "full_name": "Newly Named-of-Crumplewick",
            "email": "new@crumplewick.example",
            "phone": "07700 900 985",
        }
        opened.post(f"/key-adults/{lead.group(1)}/details", details)
        assert opened.lead.get(f"{opened.site.web}/language/cy?to=/inbox").url == f"{opened.site.web}/inbox"
        yield opened


def names(own: OwnPages) -> list[str]:
    """What stands on a page and is nobody's language: of schools, people and addresses."""
    schools = [name for (name,) in own.sql("SELECT name FROM encompass.school")]
    people = [
        child[k]
        for r in own.site.cluster.world.records
        for child in r["children"]
        for k in ("forename", "surname")
    ]
    return sorted(
        {*schools, *people, "Encompass", "English", "Get Information About Schools"}, key=len, reverse=True
    )


def english_in(own: OwnPages, page: str) -> list[str]:
    """The texts of a Welsh page in which there is English."""
    read = texts(page)
    assert read.lang == "cy"
    found: list[str] = []
    for said in read.found:
        bare = said
        for name in names(own):
            bare = bare.replace(name, "")
        bare = re.sub(
            r"\S+@\S+|DfE Sign-in|Designated Lead-of-\d+|Deputising Lead-of-\d+|Newly Named\S*|Microsoft \w+|Google \w+",
            "",
            bare,
        )
        if any(word.lower() not in WELSH_TOO for word in ENGLISH.findall(bare)):
            found.append(said)
    return found


def test_no_page_has_english_of_ours_left(own: OwnPages) -> None:
    inbox = own.get("/inbox")
    notification = re.search(r"/notifications/[0-9a-f-]{36}", inbox)
    lead = re.search(r"/key-adults/[0-9a-f-]{36}/details", own.get("/key-adults"))
    assert notification and lead
    path = notification.group(0)
    pages = {p: own.get(p) for p in (
        "/inbox", path, f"{path}/content", "/school-days", "/school-days/closed", "/school-days/start", "/cover",
        "/cover/new", "/key-adults", "/key-adults/new", lead.group(0), "/inbox?answered=not-ours",
    )}  # fmt: skip
    for form in ("/school-days/closed", "/school-days/start", "/cover/new", "/key-adults/new"):
        pages[f"{form} wrong"] = own.post(form, {}, status=422)
    own.post(f"{path}/acknowledge", {})
    pages["acknowledged"] = own.get(f"{path}/content")
    pages["support"] = own.get(f"{path}/support")
    pages["support wrong"] = own.post(f"{path}/support", {}, status=422)
    pages["missing"] = own.get("/nowhere", status=404)
    pages["stale"] = own.lead.post(f"{own.site.web}{path}/acknowledge").text
    assert {name: found for name, page in pages.items() if (found := english_in(own, page))} == {}


def test_english_would_be_found(own: OwnPages) -> None:
    for path in ("/inbox", "/cover", "/key-adults", "/school-days"):
        english = own.get(path, own.stranger)
        assert len(english_in(own, english.replace('<html lang="en"', '<html lang="cy"'))) >= 5


def test_sign_in_is_in_welsh_from_the_first_page(own: OwnPages) -> None:
    person = own.site.lead_of(own.site.told()[2])
    session = requests.Session()
    session.cookies.set("encompass-language", "cy")
    for path in ("/", "/?ended=1", "/sign-in/school/callback"):
        assert english_in(own, session.get(own.site.web + path).text) == []
    page = session.get(f"{own.site.web}/sign-in/school")
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert ticket
    page = session.post(
        page.url, {"ticket": ticket.group(1), "username": person.username, "password": person.password}
    )
    assert english_in(own, page.text) == []
    for code, wanted in (
        ("AAAA-AAAA-AAAA-AAAA", "/sign-in/bind"),
        (own.site.codes[person.key_adult_ref], "/second-factor"),
    ):
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token
        page = session.post(f"{own.site.web}/sign-in/bind", {"csrf_token": token.group(1), "code": code})
        assert page.url.endswith(wanted)
        assert english_in(own, page.text) == []
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    page = session.post(f"{own.site.web}/second-factor", {"csrf_token": token.group(1), "code": "nothing"})
    assert english_in(own, page.text) == []


def test_the_words_of_police_are_marked_as_english_and_dates_are_welsh(own: OwnPages) -> None:
    path = re.search(r"/notifications/[0-9a-f-]{36}", own.get("/inbox"))
    assert path
    page = own.get(f"{path.group(0)}/content")
    assert "Mawrth 2026" in page
    assert "March" not in page
    assert 'lang="en"' in page
    assert "Yr hyn a ddywedodd y plentyn" in page
    assert "23 Mawrth 2026" in own.get("/school-days")
    english = own.get("/inbox", own.deputy)
    assert '<html lang="en"' in english
    assert 'lang="cy" hreflang="cy">Cymraeg</a>' in english


def test_the_link_changes_nothing_here_and_leads_nowhere_else(own: OwnPages) -> None:
    before = own.sql("SELECT count(*) FROM encompass.audit_event")
    for to in (
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/\tevil",
    ):
        answer = own.deputy.get(f"{own.site.web}/language/cy", params={"to": to}, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/"), to
    answer = own.deputy.get(
        f"{own.site.web}/language/en", params={"to": "/cover/new?x=1"}, allow_redirects=False
    )
    assert answer.headers["Location"] == "/cover/new?x=1"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert own.sql("SELECT count(*) FROM encompass.audit_event") == before
    for code in ("de", "EN", "cy-GB"):
        assert own.deputy.get(f"{own.site.web}/language/{code}").status_code == 404
    own.get("/language/cy", own.deputy, 303)
    page = own.post("/cover/new", {}, own.deputy, status=422)
    assert "to=/cover/new" in page  # a form sent goes back to its own page
    own.deputy.cookies.clear(domain="127.0.0.1", path="/", name="encompass-language")


def test_a_force_that_does_not_offer_it_has_none(own: OwnPages) -> None:
    encompass = own.site.encompass
    before, force = encompass.settings, encompass.settings.forces[FORCE]
    profile = force.profile.model_copy(update={"languages": ("en",)})
    forces = {
        f: s.model_copy(update={"profile": profile}) if f == FORCE else s for f, s in before.forces.items()
    }
    object.__setattr__(encompass, "settings", before.model_copy(update={"forces": forces}))
    try:
        inbox = own.get("/inbox")
        assert '<html lang="en"' in inbox
        assert "Cymraeg" not in inbox
        assert "Cymraeg" not in requests.get(f"{own.site.web}/").text
        assert requests.get(f"{own.site.web}/language/cy").status_code == 404
    finally:
        object.__setattr__(encompass, "settings", before)


def test_over_https_the_cookie_is_bound_to_the_host(own: OwnPages) -> None:
    encompass = own.site.encompass
    web = encompass.settings.web.model_copy(update={"base_url": "https://encompass.example"})
    app = create_app(replace(encompass, settings=encompass.settings.model_copy(update={"web": web})))
    answer = app.test_client().get("/language/cy?to=/", base_url="https://encompass.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-encompass-language=cy;")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
