"""DfE Sign-in's role API, against real servers: what it grants, what it refuses, and what opens nothing."""

from __future__ import annotations

import time

import pytest
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import OctKey

from encompass.domain.sign_in import ANYWHERE, Claims, Organisation, Place, PlaceKind, SignInRefused
from encompass.gateways.dfe_roles import RoleApi, RoleApiAddress
from encompass.gateways.failures import Refused, Unavailable
from encompass.pipeline.place_of import place_of
from tests.gateways.conftest import Serve

SECRET = "an-invented-api-secret-of-the-service"  # pragma: allowlist secret
USER, ORGANISATION = "0b5f6e4c-user", "7a11-organisation"
KEY_ADULT = frozenset({"key-adult"})


def access(**changes: object) -> dict[str, object]:
    """What the API says of a Key Adult, in the shape that its README shows, ids in capitals as it sends them."""
    role = {"id": "R", "name": "Key Adult", "code": "key-adult", "numericId": "9", "status": {"id": 1}}
    return {
        "userId": USER.upper(),
        "serviceId": "S",
        "organisationId": ORGANISATION.upper(),
        "roles": [role],
        "identifiers": [],
        **changes,
    }


def api(serve: Serve, answer: object, timeout: float = 2) -> RoleApi:
    app = Flask(__name__)

    @app.get("/services/service/organisations/<organisation>/users/<user>")
    def of_user(organisation: str, user: str):
        assert (organisation, user) == (ORGANISATION, USER)
        scheme, token = request.headers["Authorization"].split(" ")
        key = OctKey.import_key(SECRET)
        claims = jwt.decode(token, key, algorithms=["HS256"]).claims
        assert (scheme, claims["iss"], claims["aud"]) == ("bearer", "client", "signin.education.gov.uk")
        assert time.time() < claims["exp"] <= time.time() + 60
        return answer() if callable(answer) else jsonify(answer)

    return RoleApi(RoleApiAddress(serve(app), "service", "client", SECRET, timeout))


def test_the_roles_at_an_organisation_are_asked_with_a_token_that_soon_expires(serve: Serve) -> None:
    assert api(serve, access()).roles_of(ORGANISATION, USER) == KEY_ADULT


def test_a_role_that_is_not_active_is_none(serve: Serve) -> None:
    ended = {"code": "key-adult", "status": {"id": 0}}
    assert api(serve, access(roles=[ended])).roles_of(ORGANISATION, USER) == frozenset()


def test_not_found_is_no_access(serve: Serve) -> None:
    assert api(serve, lambda: Response(status=404)).roles_of(ORGANISATION, USER) is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response(status=500),
        lambda: Response(status=429),
        lambda: Response("not JSON"),
        lambda: Response(""),
        [],
        {},
        access(userId="another"),
        access(organisationId="another"),
        access(roles=None),
        access(roles=[{"code": "key-adult"}]),
        access(roles=["key-adult"]),
    ],
)
def test_a_failure_or_an_answer_about_somebody_else_is_never_access(serve: Serve, answer: object) -> None:
    with pytest.raises(Unavailable, match="role_api"):
        api(serve, answer).roles_of(ORGANISATION, USER)


@pytest.mark.parametrize("answer", [lambda: Response(status=403), lambda: redirect("/elsewhere")])
def test_an_api_that_does_not_know_us_is_refusing_us(serve: Serve, answer: object) -> None:
    with pytest.raises(Refused, match="role_api: [34]0"):
        api(serve, answer).roles_of(ORGANISATION, USER)


def test_an_answer_that_does_not_come_in_time_is_given_up(serve: Serve) -> None:
    def dripping():
        def body():
            for _ in range(20):
                yield b" "
                time.sleep(0.1)

        return Response(body())

    for slow in (lambda: time.sleep(1) or Response(status=200), dripping):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="role_api"):
            api(serve, slow, timeout=0.3).roles_of(ORGANISATION, USER)
        assert time.monotonic() - began < 1.5
    with pytest.raises(Unavailable):
        RoleApi(RoleApiAddress("http://127.0.0.1:1", "service", "client", SECRET)).roles_of("o", "u")


def claims(organisation: Organisation | None) -> Claims:
    return Claims("issuer", USER, (), organisation=organisation)


def test_a_place_needs_a_role_of_ours_there(serve: Serve) -> None:
    school, office = Organisation(ORGANISATION, 102884), Organisation(ORGANISATION, None)
    assert place_of(claims(school), api(serve, access()), KEY_ADULT) == Place(PlaceKind.SCHOOL, 102884)
    assert place_of(claims(office), api(serve, access()), KEY_ADULT) == Place(PlaceKind.OFFICE)
    no_access = SignInRefused("no_access")
    assert place_of(claims(school), api(serve, access()), frozenset({"other"})) == no_access
    assert place_of(claims(school), api(serve, access(roles=[])), KEY_ADULT) == no_access
    assert place_of(claims(school), api(serve, lambda: Response(status=404)), KEY_ADULT) == no_access
    assert place_of(claims(None), api(serve, access()), KEY_ADULT) == SignInRefused("no_organisation")
    assert place_of(claims(None), None, frozenset()) == ANYWHERE
