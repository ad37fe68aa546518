"""OpenID Connect against a real provider, and against ones that cheat: each is refused."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from encompass.domain.sign_in import Organisation, SignInStart
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.identity import IdentityAddress, IdentityProvider
from tests.gateways.conftest import Serve

KEY = ECKey.generate_key("P-256", auto_kid=True)
TENANT = "5a1fd2a6-7a3e-4a55-9d0b-6f1e2c3d4b5a"
OTHER = ECKey.generate_key("P-256", auto_kid=True)


def provider_at(url: str, **changes) -> IdentityProvider:
    address = IdentityAddress(url, "client", "client-secret", "http://127.0.0.1/callback", timeout_seconds=1)
    return IdentityProvider(replace(address, **changes))


def cheating(
    serve: Serve,
    claims=None,
    key=KEY,
    header=None,
    issuer: str | None = None,
    keys=(KEY,),
    told=None,
    forge=lambda t: t,
    moved=False,
) -> str:
    """A provider whose token, document or keys are as a test wants them; its address."""
    app = Flask(__name__)
    state: dict[str, str] = {}

    @app.get("/.well-known/openid-configuration")
    def discovery():
        return jsonify(
            issuer=issuer or state["url"],
            authorization_endpoint=f"{state['url']}/authorize",
            token_endpoint=f"{state['url']}/{'moved' if moved else 'token'}",
            jwks_uri=f"{state['url']}/jwks",
            userinfo_endpoint=f"{state['url']}/userinfo",
        )

    @app.post("/moved")
    def elsewhere():
        return redirect("/token", 307)

    @app.get("/userinfo")
    def userinfo():
        assert request.headers["Authorization"] == "Bearer a"
        return jsonify(told)

    @app.get("/jwks")
    def jwks():
        return jsonify(keys=[k.as_dict(private=False) for k in keys])

    @app.post("/token")
    def token():
        assert request.authorization is not None
        assert request.authorization.password == "client-secret"  # pragma: allowlist secret
        now = int(time.time())
        good = {
            "iss": state["url"],
            "aud": "client",
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "nonce": "n",
        }
        merged = {k: v for k, v in (good | (claims or {})).items() if v is not None}
        signed = jwt.encode(
            header or {"alg": "ES256", "kid": key.kid}, merged, key, algorithms=["ES256", "HS256", "none"]
        )
        return jsonify(access_token="a", token_type="Bearer", id_token=forge(signed))

    state["url"] = serve(app)
    return state["url"]


def complete(url: str, state: str = "s", **changes):
    return provider_at(url, **changes).complete(SignInStart("", "s", "n", "v" * 43), "code", state)


def test_a_good_token_says_who_signed_in(serve: Serve) -> None:
    claims = complete(cheating(serve, {"roles": ["leader"]}))
    assert (claims.subject, claims.roles) == ("person-1", ("leader",))
    said = complete(cheating(serve, {"force": "riverbend", "groups": ["a", 5, "b"]})).said
    assert (said["force"], said["groups"]) == (("riverbend",), ("a", "b"))


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "other"},
        {"nonce": None},
        {"nonce": ""},
        {"aud": "someone-else"},
        {"aud": ["someone-else"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"nbf": int(time.time()) + 3600},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"sub": None},
        {"iat": int(time.time()) + 3600},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_token_whose_claims_do_not_fit_is_refused(serve: Serve, claims: dict) -> None:
    with pytest.raises(Refused, match="id_token_not_valid"):
        complete(cheating(serve, claims))


def test_a_token_signed_with_another_key_is_refused(serve: Serve) -> None:
    with pytest.raises(Refused, match="id_token_not_valid"):
        complete(cheating(serve, key=OTHER, header={"alg": "ES256", "kid": KEY.kid}))


def test_an_unsigned_token_and_one_signed_with_the_client_s_secret_are_refused(serve: Serve) -> None:
    for header in ({"alg": "none"}, {"alg": "HS256"}):
        with pytest.raises(Refused, match="id_token_not_valid"):
            complete(
                cheating(serve, key=OctKey.import_key("client-secret-that-is-long-enough"), header=header)
            )


def test_a_token_for_somebody_else_too_is_refused(serve: Serve) -> None:
    with pytest.raises(Refused, match="not_for_us_alone"):
        complete(cheating(serve, {"aud": ["client", "someone-else"]}))
    assert complete(cheating(serve, {"aud": ["client"]})).subject == "person-1"


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(serve: Serve) -> None:
    """The provider's public key is known to everybody: as the secret of an HMAC it would vouch for anybody."""
    for public in (KEY.as_pem(private=False), json.dumps(KEY.as_dict(private=False)).encode()):
        url = cheating(serve, forge=hmac_signed(public, {"alg": "HS256", "kid": KEY.kid}))
        with pytest.raises(Refused, match="id_token_not_valid"):
            complete(url)


def hmac_signed(secret: bytes, header: dict):
    """Put an HMAC of the secret in the place of a token's signature, as no careful library would."""

    def forged(token: str) -> str:
        body = f"{encoded(json.dumps(header).encode())}.{token.split('.')[1]}"
        return f"{body}.{encoded(hmac.digest(secret, body.encode(), 'sha256'))}"

    return forged


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_subject_swapped_after_signing_is_refused(serve: Serve) -> None:
    def swapped(token: str) -> str:
        header, body, signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        return f"{header}.{encoded(json.dumps({**claims, 'sub': 'person-2'}).encode())}.{signature}"

    with pytest.raises(Refused, match="id_token_not_valid"):
        complete(cheating(serve, forge=swapped))


@pytest.mark.parametrize("kid", [OTHER.kid, "unheard-of", None], ids=["another's", "unknown", "none"])
def test_a_key_that_the_provider_does_not_list_is_refused(serve: Serve, kid: str | None) -> None:
    header = {"alg": "ES256", "kid": kid} if kid else {"alg": "ES256"}
    with pytest.raises(Refused, match="id_token_not_valid"):
        complete(cheating(serve, key=OTHER, header=header))


@pytest.mark.parametrize("garbage", ["", "a.b", "a.b.c", "....", "e30.e30.", "{}", "é.é.é"])
def test_what_is_no_token_is_refused(serve: Serve, garbage: str) -> None:
    with pytest.raises(Refused):
        complete(cheating(serve, forge=lambda _: garbage))


def test_the_organisation_comes_from_the_token_or_else_from_what_the_provider_says_beside_it(
    serve: Serve,
) -> None:
    scope = "openid organisation"
    school = {"id": "ORG-1", "name": "Crumplewick", "urn": "102884"}
    assert complete(cheating(serve, {"organisation": school}), scope=scope).organisation == Organisation(
        "ORG-1", 102884
    )
    beside = cheating(serve, told={"sub": "person-1", "organisation": school})
    assert complete(beside, scope=scope).organisation == Organisation("ORG-1", 102884)
    office = {"id": "ORG-2", "name": "Riverbend Council", "urn": None}
    assert complete(cheating(serve, {"organisation": office}), scope=scope).organisation == Organisation(
        "ORG-2", None
    )
    with pytest.raises(Refused, match="of_another_subject"):
        complete(cheating(serve, told={"sub": "person-2", "organisation": school}), scope=scope)


@pytest.mark.parametrize(
    "told",
    [
        {},
        "ORG-1",
        {"urn": "102884"},
        {"id": "", "urn": "102884"},
        {"id": "ORG-1", "urn": "10288x"},
        {"id": "ORG-1", "urn": 102884.5},
        {"id": "ORG-1", "urn": "１０２８８４"},
    ],
)
def test_an_organisation_that_cannot_be_read_is_none(serve: Serve, told: object) -> None:
    claims = complete(
        cheating(serve, {"organisation": told}, told={"sub": "person-1"}), scope="openid organisation"
    )
    assert claims.organisation is None


def test_a_token_endpoint_that_sends_the_secret_elsewhere_is_not_followed(serve: Serve) -> None:
    with pytest.raises(Unavailable):
        complete(cheating(serve, moved=True))


def test_an_encrypted_issuer_s_endpoints_are_encrypted_too() -> None:
    provider = provider_at("https://issuer.example")
    provider._discovered = {"issuer": "https://issuer.example", "token_endpoint": "http://issuer.example/t"}
    with pytest.raises(Refused, match="token_endpoint_not_usable"):
        provider.complete(SignInStart("", "s", "n", "v" * 43), "code", "s")


MEMBER = {"tid": TENANT, "oid": "object-1", "acct": 0, "roles": ["leader"]}


def test_entra_s_people_are_known_by_tenant_and_object_id(serve: Serve) -> None:
    url = cheating(serve, {**MEMBER, "email": "somebody@riverbend.example"})
    claims = complete(url, tenant=TENANT)
    assert (claims.subject, claims.roles) == (f"{TENANT}|object-1", ("leader",))
    assert complete(cheating(serve, {**MEMBER, "idp": None}), tenant=TENANT).subject == claims.subject


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}, "wrong_tenant"),
        ({"tid": None}, "wrong_tenant"),
        ({"acct": 1}, "guest"),
        ({"acct": None}, "guest"),
        ({"acct": "1"}, "guest"),
        ({"acct": False}, "guest"),
        ({"acct": [0]}, "guest"),
        ({"idp": "https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/"}, "guest"),
        ({"idp": "live.com"}, "guest"),
        ({"oid": None}, "no_object_id"),
        ({"oid": ""}, "no_object_id"),
        ({"oid": 5}, "no_object_id"),
    ],
    ids=str,
)
def test_a_guest_another_tenant_s_or_nobody_in_particular_is_refused(
    serve: Serve, changes: dict, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        complete(cheating(serve, MEMBER | changes), tenant=TENANT)


def test_another_issuer_s_document_is_refused(serve: Serve) -> None:
    with pytest.raises(Refused, match="issuer_differs"):
        complete(cheating(serve, issuer="https://evil.example"))


def test_a_state_that_is_not_ours_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(Refused, match="state_differs"):
        provider_at("http://127.0.0.1:1").complete(SignInStart("", "s", "n", "v"), "code", "forged")


def test_a_provider_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        provider_at("http://127.0.0.1:1").begin()


def test_a_sign_in_begins_with_state_nonce_and_an_s256_challenge(serve: Serve) -> None:
    start = provider_at(cheating(serve)).begin()
    query = {name: values[0] for name, values in parse_qs(urlsplit(start.url).query).items()}
    assert query["state"] == start.state
    assert query["nonce"] == start.nonce
    assert query["code_challenge_method"] == "S256"
    assert query["response_type"] == "code"
    assert start.code_verifier not in start.url
    assert len(start.code_verifier) >= 43
    again = provider_at(cheating(serve)).begin()
    assert {start.state, start.nonce, start.code_verifier}.isdisjoint(
        {again.state, again.nonce, again.code_verifier}
    )


def test_a_key_that_was_rotated_is_fetched(serve: Serve) -> None:
    url = cheating(serve, key=OTHER, keys=(KEY, OTHER))
    assert complete(url).subject == "person-1"


def test_a_key_that_was_withdrawn_is_trusted_for_an_hour_at_most(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [KEY, OTHER]
    provider = provider_at(cheating(serve, key=OTHER, keys=keys))
    start = SignInStart("", "s", "n", "v" * 43)
    assert provider.complete(start, "code", "s").subject == "person-1"
    keys.remove(OTHER)
    assert provider.complete(start, "code", "s").subject == "person-1"
    later = time.monotonic() + 3601
    monkeypatch.setattr("encompass.gateways.identity.time.monotonic", lambda: later)
    with pytest.raises(Refused, match="id_token_not_valid"):
        provider.complete(start, "code", "s")
