"""Sign-in with an OpenID Connect identity provider: authorisation code flow, PKCE, nonce."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from encompass.domain.sign_in import Claims, SignInStart
from encompass.gateways.failures import Refused, Unavailable

ALGORITHMS: Final = ["ES256", "RS256"]
LEEWAY_SECONDS: Final = 30


@dataclass(frozen=True)
class IdentityAddress:
    """One identity provider and how we are known to it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    timeout_seconds: float = 10.0


class IdentityProvider:
    """One provider, its discovery document and keys read once and again when a key is unknown."""

    def __init__(self, address: IdentityAddress) -> None:
        self._address = address
        self._discovered: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    def begin(self) -> SignInStart:
        """Begin a sign-in. Raises Unavailable or Refused."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        url, state = self._client().create_authorization_url(
            self._discovery()["authorization_endpoint"], nonce=nonce, code_verifier=verifier
        )
        return SignInStart(url, state, nonce, verifier)

    def complete(self, start: SignInStart, code: str, state: str) -> Claims:
        """Who signed in. Raises Unavailable, or Refused with a reason code when anything does not fit."""
        if not secrets.compare_digest(start.state.encode(), state.encode()):
            raise Refused("state_differs")
        try:
            answer = self._client().fetch_token(
                self._discovery()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=start.code_verifier,
                timeout=self._address.timeout_seconds,
            )
        except OAuthError:
            raise Refused("code_not_accepted") from None
        except requests.RequestException:
            raise Unavailable("token_endpoint") from None
        id_token = cast(dict[str, Any], answer).get("id_token")
        if not isinstance(id_token, str):
            raise Refused("no_id_token")
        return self._claims(id_token, start.nonce)

    def _claims(self, id_token: str, nonce: str) -> Claims:
        try:
            token = jwt.decode(id_token, self._keys_for(id_token), algorithms=ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self._address.issuer},
                aud={"essential": True, "value": self._address.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError):
            raise Refused("id_token_not_valid") from None
        said = {name: _texts(value) for name, value in token.claims.items()}
        return Claims(self._address.issuer, str(token.claims["sub"]), said.get("roles", ()), said)

    def _keys_for(self, id_token: str) -> KeySet:
        """The provider's keys; read again once when the token names one that is not among them."""
        kid = _kid_of(id_token)
        if self._keys is None or kid not in {key.kid for key in self._keys.keys}:
            self._keys = KeySet.import_key_set(self._get(self._discovery()["jwks_uri"]))  # pyright: ignore[reportArgumentType]
        return self._keys

    def _client(self) -> Any:
        a = self._address
        return OAuth2Session(
            a.client_id,
            a.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the method's name
            scope="openid email profile",
            redirect_uri=a.redirect_uri,
            code_challenge_method="S256",
        )

    def _discovery(self) -> dict[str, Any]:
        if self._discovered is None:
            found = self._get(f"{self._address.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self._address.issuer:
                raise Refused("issuer_differs")
            self._discovered = found
        return self._discovered

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = requests.get(url, timeout=self._address.timeout_seconds, allow_redirects=False)
            if answer.status_code != HTTPStatus.OK:
                raise Unavailable("discovery")
            body = answer.json()
        except (requests.RequestException, ValueError):
            raise Unavailable("discovery") from None
        if not isinstance(body, dict):
            raise Refused("discovery_not_an_object")
        return cast(dict[str, Any], body)


def _texts(value: object) -> tuple[str, ...]:
    """A claim's text, or the texts in its list."""
    values = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(v for v in values if isinstance(v, str))


def _kid_of(id_token: str) -> str | None:
    return extract_compact(id_token.encode()).headers().get("kid")
