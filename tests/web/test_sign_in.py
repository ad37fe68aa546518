"""Signing in for a school over real HTTP: what DfE Sign-in must say, which school it is, and what opens nothing."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import time
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
from flask import Flask, Response
from sqlalchemy import text

from encompass.domain.sign_in import Claims, SignedIn, SignInRefused
from encompass.pipeline.sign_in import SessionRules, sign_in_staff
from encompass.settings import SchoolIdentitySettings
from encompass.store.database import Role
from encompass.store.key_adult import reference_hash_of
from sandbox.authenticator import add_key, next_code
from sandbox.organisations import Organisation, authority, reset_organisations, school, set_organisations
from sandbox.world import Person
from tests.cluster import FORCE, Cluster
from tests.gateways.conftest import Serve, serve
from tests.sessions import HOUR
from tests.site import Site, serving

__all__ = ["serve"]
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
KEY = re.compile(r"<span>([A-Z2-7]{4})</span>")
CHOICE = re.compile(r'name="of" type="radio" value="([^"]+)"')
CHANGE = re.compile(r'href="(/sign-in/change)"')
TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@pytest.fixture(scope="module")
def shared(cluster: Cluster) -> Generator[Site]:
    """One site for every test here: each signs in people of its own."""
    with (
        cluster.opened(cluster.played(), cluster.at(time(7, 50))) as encompass,
        serving(cluster, encompass) as site,
    ):
        yield site


@pytest.fixture
def lead(shared: Site, numbers: Generator[int]) -> Generator[Person]:
    """A designated safeguarding lead who has not signed in yet, of the own school alone."""
    told = set(shared.told())
    others = [p for p in shared.cluster.world.people if p.role == "dsl" and p.urn not in told]
    yield others[next(numbers)]
    reset_organisations(shared.cluster.var)


@pytest.fixture(scope="module")
def numbers() -> Generator[int]:
    return (n for n in range(1000))


class Visitor:
    """A browser: it goes to the identity provider, and comes back."""

    def __init__(self, site: Site) -> None:
        self.web, self.site, self.session = site.web, site, requests.Session()

    def go(
        self, person: Person, at: str = "school", organisation: Organisation | None = None
    ) -> requests.Response:
        """Signed in at the provider, and the page of ours arrived at."""
        back = self.sent_back(person, at, organisation)
        return self.session.get(back)

    def sent_back(self, person: Person, at: str = "school", organisation: Organisation | None = None) -> str:
        """Signed in at the provider, and where it sends the browser."""
        page = self.session.get(f"{self.web}/sign-in/{at}")
        fields = {"username": person.username, "password": person.password}
        page = self._post(page, fields)
        if organisation is not None:
            page = self._post(page, {"organisation": organisation.id})
        return page.headers["Location"]

    def post(self, page: requests.Response, **fields: str) -> requests.Response:
        """The page's form of ours, filled in."""
        return self.session.post(page.url, {"csrf_token": CSRF.search(page.text).group(1), **fields})

    def step_up(self, person: Person, page: requests.Response) -> requests.Response:
        """The second factor, set up where it is asked to be."""
        assert page.url.endswith("/second-factor"), (page.url, page.status_code)
        var, key = self.site.cluster.var, "".join(KEY.findall(page.text))
        if key:
            add_key(var, person.username, key)
        return self.post(page, code=next_code(var, person.username))

    def enrol(
        self, person: Person, at: str = "school", organisation: Organisation | None = None
    ) -> requests.Response:
        """The inbox, by the one-time code of the person's own."""
        page = self.go(person, at, organisation)
        page = self.post(page, code=self.site.codes[person.key_adult_ref])
        return self.step_up(person, page)

    @property
    def is_signed_in(self) -> bool:
        return "encompass" in self.session.cookies

    def _post(self, page: requests.Response, fields: dict[str, str]) -> requests.Response:
        fields = {"ticket": TICKET.search(page.text).group(1), **fields}
        return self.session.post(page.url, fields, allow_redirects=False)


@contextmanager
def with_school_identity(site: Site, **changes: object) -> Generator[None]:
    """The schools' provider as changed, while inside."""
    settings = site.encompass.settings
    identity: SchoolIdentitySettings = settings.identity.school.model_copy(update=changes)
    identities = settings.identity.model_copy(update={"school": identity})

    def use(now: object) -> None:
        object.__setattr__(site.encompass, "settings", now)
        for kept in ("_providers", "_role_api"):
            site.encompass.__dict__.pop(kept, None)

    use(settings.model_copy(update={"identity": identities}))
    try:
        yield
    finally:
        use(settings)


def without_dfe(site: Site):
    """As with a provider that says nothing of organisations."""
    return with_school_identity(site, role_api=None)


def test_without_a_role_of_ours_at_the_organisation_nobody_comes_in(shared: Site, lead: Person) -> None:
    for role in (None, "another-service-s-role"):
        set_organisations(shared.cluster.var, lead.username, [school(lead.urn, role)])
        visitor = Visitor(shared)
        page = visitor.go(lead)
        assert page.status_code == 403
        assert "you may not use this service at the organisation" in page.text
        assert not visitor.is_signed_in
        assert visitor.session.get(f"{shared.web}/sign-in/bind").url == f"{shared.web}/"


def test_without_an_organisation_nobody_comes_in(shared: Site, lead: Person) -> None:
    set_organisations(shared.cluster.var, lead.username, [])
    page = Visitor(shared).go(lead)
    assert page.status_code == 403
    assert "did not say which organisation" in page.text


def test_a_role_alone_opens_nothing(shared: Site, lead: Person) -> None:
    visitor = Visitor(shared)
    page = visitor.go(lead)
    assert page.url.endswith("/sign-in/bind")
    assert visitor.session.get(f"{shared.web}/inbox").url.startswith(
        shared.cluster.settings.identity.school.issuer
    )
    assert not visitor.is_signed_in


def test_a_role_at_another_school_opens_neither_that_school_nor_the_own_one(
    shared: Site, lead: Person
) -> None:
    """The code is the person's own: at another organisation it binds nothing, and is not used up."""
    told = shared.told()[0]
    visitor, code = Visitor(shared), shared.codes[lead.key_adult_ref]
    set_organisations(shared.cluster.var, lead.username, [school(told)])
    for organisation in (school(told), authority("318")):
        set_organisations(shared.cluster.var, lead.username, [organisation])
        refused = visitor.post(visitor.go(lead), code=code)
        assert refused.status_code == 422
        assert "for another school than the one that you chose" in refused.text
        assert not visitor.is_signed_in
    reset_organisations(shared.cluster.var)
    assert Visitor(shared).enrol(lead).url.endswith("/inbox")
    set_organisations(shared.cluster.var, lead.username, [school(told)])
    bound = Visitor(shared)
    assert bound.go(lead).url.endswith("/sign-in/bind")
    assert bound.session.get(f"{shared.web}/sign-in/choose").url == f"{shared.web}/"


def test_of_several_organisations_the_one_chosen_at_the_provider_counts(shared: Site, lead: Person) -> None:
    own, other, without = school(lead.urn), school(shared.told()[0]), school(shared.told()[1], None)
    set_organisations(shared.cluster.var, lead.username, [other, own, without])
    assert Visitor(shared).enrol(lead, organisation=own).url.endswith("/inbox")
    assert Visitor(shared).go(lead, organisation=other).url.endswith("/sign-in/bind")
    assert Visitor(shared).go(lead, organisation=without).status_code == 403
    visitor = Visitor(shared)
    assert visitor.step_up(lead, visitor.go(lead, organisation=own)).url.endswith("/inbox")


@pytest.mark.parametrize("how", ["500", "403", "of another", "away"])
def test_while_the_role_api_does_not_answer_nobody_comes_in_and_the_page_says_try_again(
    shared: Site, lead: Person, serve: Serve, how: str
) -> None:
    answers = {
        "500": lambda: Response(status=500),
        "403": lambda: Response(status=403),
        "of another": lambda: {
            "userId": "another", "organisationId": school(lead.urn).id,
            "roles": [{"code": "encompass-key-adult", "status": {"id": 1}}],
        },
    }  # fmt: skip
    app = Flask(__name__)
    app.add_url_rule("/<path:_>", "all", lambda _: answers[how]())
    url = "http://127.0.0.1:1" if how == "away" else serve(app)
    assert Visitor(shared).enrol(lead).url.endswith("/inbox")
    known = shared.encompass.settings.identity.school.role_api
    with with_school_identity(shared, role_api=known.model_copy(update={"url": url})):
        visitor = Visitor(shared)
        page = visitor.go(lead)
    assert page.status_code == 503
    assert "Sign-in is not available just now" in page.text and "try again" in page.text
    assert not visitor.is_signed_in


def test_what_comes_back_counts_once_and_only_in_the_browser_that_began(shared: Site, lead: Person) -> None:
    Visitor(shared).enrol(lead)
    visitor, other = Visitor(shared), Visitor(shared)
    back = visitor.sent_back(lead)
    assert other.session.get(back).status_code == 403
    begun = visitor.session.cookies["sign-in"]
    assert visitor.session.get(back).url.endswith("/second-factor")
    assert visitor.session.get(back).status_code == 403
    broken = Visitor(shared)
    back = broken.sent_back(lead)
    assert broken.session.get(f"{shared.web}/sign-in/school/callback?code=c&state=forged").status_code == 403
    assert broken.session.get(back).status_code == 403  # one answer is all that a sign-in takes
    replayed = requests.get(back, cookies={"sign-in": begun}, allow_redirects=False)
    assert replayed.status_code == 403
    assert "encompass" not in replayed.cookies


def test_a_code_of_another_s_sign_in_is_refused(shared: Site, lead: Person) -> None:
    """Somebody slips their own code into a victim's sign-in: the state fits, the challenge and the nonce do not."""
    Visitor(shared).enrol(lead)
    victim, attacker = Visitor(shared), Visitor(shared)
    mine = {n: v[0] for n, v in parse_qs(urlsplit(attacker.sent_back(lead)).query).items()}
    theirs = urlsplit(victim.sent_back(lead))
    state = parse_qs(theirs.query)["state"][0]
    callback = f"{shared.web}{theirs.path}"
    swapped = victim.session.get(callback, params={"code": mine["code"], "state": state})
    assert (swapped.status_code, victim.is_signed_in) == (403, False)
    again = Visitor(shared)
    code = parse_qs(urlsplit(again.sent_back(lead)).query)["code"][0]
    for forged in ("", "forged", mine["state"]):
        fresh = Visitor(shared)
        fresh.sent_back(lead)
        assert fresh.session.get(callback, params={"code": code, "state": forged}).status_code == 403
        assert not fresh.is_signed_in


def test_a_sign_in_begun_at_one_door_does_not_end_at_another(shared: Site, lead: Person) -> None:
    visitor = Visitor(shared)
    back = visitor.sent_back(lead)
    for door in ("staff", "force/fellgate"):
        begun = dict(visitor.session.cookies)
        answer = requests.get(back.replace("/school/", f"/{door}/"), cookies=begun)
        assert answer.status_code == 403
    assert visitor.session.get(back).url.endswith(
        "/sign-in/bind"
    )  # the other doors' providers were not asked


def test_whoever_has_no_second_factor_any_more_chooses_nothing(shared: Site, lead: Person) -> None:
    """The ticket that lets a one-time code be tried opens no session by itself, not even of the own school."""
    Visitor(shared).enrol(lead)
    with shared.encompass.database.engine(Role.OWNER).begin() as connection:
        ended = "UPDATE encompass.second_factor SET ended_at = now() WHERE subject = :subject"
        connection.execute(text(ended), {"subject": lead.subject})
    visitor = Visitor(shared)
    page = visitor.go(lead)
    assert page.url.endswith("/sign-in/bind")
    fields = {"csrf_token": CSRF.search(page.text).group(1), "of": key_adult_of(shared, lead)}
    assert visitor.session.post(f"{shared.web}/sign-in/choose", fields).status_code == 403
    assert not visitor.is_signed_in


def test_a_member_of_staff_without_an_app_role_is_refused(shared: Site) -> None:
    engine, rules = shared.encompass.database.engine(Role.SIGN_IN), SessionRules(HOUR, HOUR, 120)
    now = shared.encompass.clock.now()
    for roles in ((), ("Leader",), ("leaders", "admin")):
        refused = sign_in_staff(engine, rules, FORCE, Claims("issuer", "tenant|object", roles), now)
        assert refused == SignInRefused("no_role")


def test_a_leader_of_a_force_whose_first_night_is_to_come_is_told_so(shared: Site) -> None:
    engine, rules = shared.encompass.database.engine(Role.SIGN_IN), SessionRules(HOUR, HOUR, 120)
    claims, now = Claims("issuer", "tenant|object", ("leader",)), shared.encompass.clock.now()
    assert sign_in_staff(engine, rules, "nowhere", claims, now) == SignInRefused("not_begun")
    assert isinstance(sign_in_staff(engine, rules, FORCE, claims, now), SignedIn)


def test_of_several_schools_one_is_chosen_and_the_second_factor_still_asked(
    shared: Site, lead: Person
) -> None:
    told = shared.lead_of(shared.told()[0])
    with without_dfe(shared):
        visitor = Visitor(shared)
        visitor.enrol(lead)
        page = visitor.go(lead, at="school/code")
        assert page.url.endswith("/sign-in/bind")
        page = visitor.step_up(lead, visitor.post(page, code=shared.codes[told.key_adult_ref]))
        assert page.url.endswith("/inbox") and "/notifications/" in page.text
        change = visitor.session.get(f"{shared.web}{CHANGE.search(page.text).group(1)}").text
        assert 'href="/sign-in/school"' in change and 'href="/sign-in/school/code"' in change
        before = visitor.session.cookies["encompass"]

        page = visitor.go(lead)
        assert page.url.endswith("/sign-in/choose")
        assert set(CHOICE.findall(page.text)) == {key_adult_of(shared, p) for p in (lead, told)}
        nothing = visitor.post(page)
        assert (nothing.status_code, "Select the school" in nothing.text) == (422, True)
        half = visitor.post(page, of=key_adult_of(shared, lead))
        assert half.url.endswith("/second-factor")
        ended = requests.get(f"{shared.web}/inbox", cookies={"encompass": before}, allow_redirects=False)
        assert ended.headers["Location"].startswith("/?ended")
        assert visitor.session.get(f"{shared.web}/inbox").url.endswith("/second-factor")
        inbox = visitor.step_up(lead, half)
        assert inbox.url.endswith("/inbox") and "/notifications/" not in inbox.text
        again = visitor.session.post(f"{shared.web}/sign-in/choose", {"of": key_adult_of(shared, told)})
        assert again.status_code == 403


def test_at_the_provider_that_names_the_school_a_second_one_is_bound_by_choosing_it(
    shared: Site, lead: Person
) -> None:
    told = shared.lead_of(shared.told()[0], "deputy")
    own, second = school(lead.urn), school(told.urn)
    set_organisations(shared.cluster.var, lead.username, [own, second])
    visitor = Visitor(shared)
    visitor.enrol(lead, organisation=own)
    page = visitor.go(lead, organisation=second)
    assert page.url.endswith("/sign-in/bind")
    inbox = visitor.step_up(lead, visitor.post(page, code=shared.codes[told.key_adult_ref]))
    assert "/notifications/" in inbox.text
    back = visitor.step_up(lead, visitor.go(lead, organisation=own))
    assert back.url.endswith("/inbox") and "/notifications/" not in back.text
    half = Visitor(shared).go(lead, organisation=second)
    assert half.url.endswith("/second-factor")


def test_a_stranger_s_choice_and_one_that_nobody_has_are_answered_alike(shared: Site, lead: Person) -> None:
    stranger = shared.lead_of(shared.told()[1])
    with without_dfe(shared):
        Visitor(shared).enrol(lead)
        visitor = Visitor(shared)
        page = visitor.go(lead, at="school/code")
        answers = [
            visitor.session.post(
                f"{shared.web}/sign-in/choose", {"csrf_token": CSRF.search(page.text).group(1), "of": of}
            )
            for of in (key_adult_of(shared, stranger), str(uuid4()))
        ]
    assert [a.status_code for a in answers] == [403, 403]
    assert answers[0].text == answers[1].text
    assert not visitor.is_signed_in
    anonymous = requests.get(f"{shared.web}/sign-in/choose")
    assert anonymous.url == f"{shared.web}/"


def key_adult_of(site: Site, person: Person) -> str:
    """The id by which the register knows a person."""
    hashed = reference_hash_of(site.encompass.ring, FORCE, person.key_adult_ref)
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        found = connection.execute(
            text("SELECT key_adult_id FROM encompass.key_adult WHERE reference_hash = :hash"),
            {"hash": hashed},
        )
        return str(found.scalar_one())
