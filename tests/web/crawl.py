"""Every route with every verb and everyone's ids, as one visitor after another: what was not as it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http.client import HTTPConnection
from itertools import product
from typing import cast
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID, uuid4

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

READING = ("GET", "HEAD", "OPTIONS")
VERBS = (*READING, "POST", "PUT", "PATCH", "DELETE")
#: Of no converter, or of none that leads anywhere.
NONSENSE = ("x", "..%2f..%2fetc%2fpasswd", "%00", "'%20OR%20true--", "٣", "0" * 300)
#: What a visitor lawfully changes of his or her own: the session, the count of wrong codes, a word about the own school.
OF_THE_VISITOR = frozenset({"/sign-out", "/second-factor", "/key-adults/attest"})
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
HEADERS: dict[str, Callable[[str], bool]] = {
    "Content-Security-Policy": lambda v: (
        v.startswith("default-src 'none'; ")
        and "script-src 'none'" in v
        and "frame-ancestors 'none'" in v
        and "unsafe" not in v
    ),
    "Cache-Control": lambda v: v == "no-store",
    "Referrer-Policy": lambda v: v == "no-referrer",
    "X-Content-Type-Options": lambda v: v == "nosniff",
    "X-Frame-Options": lambda v: v == "DENY",
    "Cross-Origin-Opener-Policy": lambda v: v == "same-origin",
    "Permissions-Policy": lambda v: "camera=()" in v,
}


@dataclass(frozen=True)
class Visitor:
    """Who asks: a name, the session cookie, and the ids that are not this visitor's."""

    name: str
    token: str | None
    theirs: tuple[UUID, ...]


@dataclass(frozen=True)
class Route:
    """An address of the application: its pattern, the names in it, the verbs that are answered."""

    rule: str
    arguments: frozenset[str]
    methods: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Message
    text: str


@dataclass
class Crawl:
    """A served application, what its routes' arguments may be, and what nobody here may be shown."""

    web: str
    app: Flask
    arguments: Mapping[str, tuple[str, ...]]
    secrets: frozenset[str]
    providers: frozenset[str]
    asked: int = 0
    form_cookie: str = ""
    form_token: str = ""

    def __post_init__(self) -> None:
        """Be a browser that has been given a form: the token against forgery, and the cookie that it belongs to."""
        self._connection = HTTPConnection(urlsplit(self.web).netloc, timeout=20)
        raw, key = "0" * 40, self.app.secret_key
        assert isinstance(key, str)
        signed = cast(SecureCookieSessionInterface, self.app.session_interface).get_signing_serializer(
            self.app
        )
        assert signed
        self.form_cookie = str(signed.dumps({"csrf_token": raw}))
        self.form_token = str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))

    def routes(self) -> list[Route]:
        """Every address once, with the verbs that something answers there; a file of the pages' own is one of them."""
        found: dict[str, Route] = {}
        for rule in self.app.url_map.iter_rules():
            known = found.get(rule.rule, Route(rule.rule, frozenset(rule.arguments), frozenset()))
            found[rule.rule] = replace(known, methods=known.methods | (rule.methods or set()))
        return [found[address] for address in sorted(found)]

    def paths(self, rule: Route, verb: str, ids: tuple[UUID, ...]) -> Iterator[str]:
        """The route's addresses with these ids, and with nonsense where it has an argument."""
        names, asked = sorted(rule.arguments), verb in ("GET", "POST")
        for values in product(*(self._values(rule, name, ids if asked else ids[:1]) for name in names)):
            yield _address(rule, dict(zip(names, values, strict=True)))
        if names and asked:
            for nonsense in NONSENSE:
                yield _address(rule, dict.fromkeys(names, nonsense))

    def ask(self, visitor: Visitor, verb: str, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        """One request as this visitor."""
        self.asked += 1
        cookies = {"sign-in": self.form_cookie} | ({"encompass": visitor.token} if visitor.token else {})
        headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in cookies.items())}
        body = urlencode(fields) if fields is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(verb, path, body, headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))

    def faults(self, visitor: Visitor, verb: str, path: str, answer: Answer) -> list[str]:
        """What is wrong with one answer, whoever asked."""
        found: list[str] = []
        if answer.status >= 500:
            found.append("a fault of the server")
        found += [f"header {n}" for n, good in HEADERS.items() if not good(answer.headers.get(n, ""))]
        found += ["somebody else's data"] * any(s in answer.text for s in self.secrets)
        to = urlsplit(answer.headers.get("Location", ""))
        if to.netloc and f"{to.scheme}://{to.netloc}" not in self.providers:
            found.append("leads elsewhere")
        return [f"{visitor.name}: {verb} {path}: {answer.status}: {fault}" for fault in found]

    def read(self, visitor: Visitor) -> list[str]:
        """Every address with the verbs that only read, by ids of others and of nobody: the faults found.

        What is another's is answered as what does not exist.
        """
        found: list[str] = []
        for rule in self.routes():
            for verb in READING:
                for path in self.paths(rule, verb, visitor.theirs):
                    found += self.faults(visitor, verb, path, self.ask(visitor, verb, path))
            if any(_is_id(rule, name) for name in rule.arguments):
                found += self._told_apart(visitor, rule, "GET", None)
        return found

    def write(self, visitor: Visitor) -> list[str]:
        """Every address with the verbs that change something, by ids of others, the forms filled in: the faults found."""
        names, found = field_names(self.app), list[str]()
        for rule in self.routes():
            if rule.rule in OF_THE_VISITOR:
                continue
            by_id = any(_is_id(rule, n) for n in rule.arguments)
            for named in visitor.theirs if "POST" in rule.methods and not by_id else visitor.theirs[:1]:
                fields = {**dict.fromkeys(names, str(named)), "csrf_token": self.form_token}
                for verb in VERBS[len(READING) :]:
                    for path in self.paths(rule, verb, visitor.theirs):
                        found += self.faults(visitor, verb, path, self.ask(visitor, verb, path, fields))
                if by_id and "POST" in rule.methods:
                    found += self._told_apart(visitor, rule, "POST", fields)
        return found

    def forge(self, visitor: Visitor, own: tuple[UUID, ...]) -> list[str]:
        """Every form that the visitor may send, sent from elsewhere without its token: those not refused."""
        found: list[str] = []
        for rule in self.routes():
            if "POST" not in rule.methods:
                continue
            for path in self.paths(rule, "POST", own):
                for fields in ({}, {"csrf_token": "forged"}):
                    answer = self.ask(visitor, "POST", path, fields)
                    if answer.status not in (401, 403, 404):
                        found.append(f"{visitor.name}: POST {path}: {answer.status} without its token")
        return found

    def _told_apart(
        self, visitor: Visitor, rule: Route, verb: str, fields: Mapping[str, str] | None
    ) -> list[str]:
        answers: dict[tuple[int, str], str] = {}
        for path in (next(self.paths(rule, verb, (i,))) for i in (*visitor.theirs, uuid4())):
            answer = self.ask(visitor, verb, path, fields)
            answers[answer.status, CSRF.sub("", answer.text)] = path
        if len(answers) == 1:
            return []
        return [f"{visitor.name}: {verb} {rule.rule}: what is another's is told from what does not exist"]

    def _values(self, rule: Route, name: str, ids: tuple[UUID, ...]) -> tuple[str, ...]:
        if _is_id(rule, name):
            return tuple(map(str, ids))
        return self.arguments[name]


def field_names(app: Flask) -> set[str]:
    """The names of every field of every form of the pages."""
    loader = app.jinja_env.loader
    assert loader
    names: set[str] = set()
    for template in loader.list_templates():
        if "/" not in template:
            source = loader.get_source(app.jinja_env, template)[0]
            names |= set(re.findall(r'name"?[=:] ?"([a-z_]+)"', source))
    return names


def _is_id(rule: Route, name: str) -> bool:
    return f"<uuid:{name}>" in rule.rule


def _address(rule: Route, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        given = values[match.group(1)]
        return given if "%" in given else quote(given, safe="")

    return re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", value, rule.rule)
