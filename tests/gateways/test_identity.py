"""OpenID Connect against a real provider, and against ones that cheat: each is refused."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from encompass.domain.sign_in import SignInStart
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.identity import IdentityAddress, IdentityProvider
from tests.gateways.conftest import Serve

KEY = ECKey.generate_key("P-256", auto_kid=True)
OTHER = ECKey.generate_key("P-256", auto_kid=True)


def provider_at(url: str, issuer: str | None = None) -> IdentityProvider:
    return IdentityProvider(
        IdentityAddress(
            issuer or url, "client", "client-secret", "http://127.0.0.1/callback", timeout_seconds=1
        )
    )


def cheating(serve: Serve, claims=None, key=KEY, header=None, issuer: str | None = None, keys=(KEY,)) -> str:
    app = Flask(__name__)
    state: dict[str, str] = {}

    @app.get("/.well-known/openid-configuration")
    def discovery():
        return jsonify(
            issuer=issuer or state["url"],
            authorization_endpoint=f"{state['url']}/authorize",
            token_endpoint=f"{state['url']}/token",
            jwks_uri=f"{state['url']}/jwks",
        )

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
        return jsonify(access_token="a", token_type="Bearer", id_token=signed)

    state["url"] = serve(app)
    return state["url"]


def complete(url: str, state: str = "s"):
    return provider_at(url).complete(SignInStart("", "s", "n", "v" * 43), "code", state)


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
        {"aud": "someone-else"},
        {"aud": None},
        {"iss": "https://evil.example"},
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
