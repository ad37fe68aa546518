"""Sign-in with an OpenID Connect identity provider: authorisation code flow, PKCE, nonce."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from encompass.domain.sign_in import Claims, Organisation, SignInStart
from encompass.gateways.entra import member_of
from encompass.gateways.failures import Refused, Unavailable

ALGORITHMS: Final = ["ES256", "RS256"]
LEEWAY_SECONDS: Final = 30
KEYS_SECONDS: Final = 3600
ORGANISATION: Final = "organisation"
Signed = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@dataclass(frozen=True)
class IdentityAddress:
    """One identity provider and how we are known to it. `tenant` makes it Entra ID's, of that tenant."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    tenant: str | None = None
    scope: str = "openid email profile"
    timeout_seconds: float = 10.0


class IdentityProvider:
    """One provider, its discovery document read once, its keys every hour and when a key is unknown."""

    def __init__(self, address: IdentityAddress) -> None:
        self._address = address
        self._discovered: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_until = 0.0

    def begin(self) -> SignInStart:
        """Begin a sign-in. Raises Unavailable or Refused."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        url, state = self._client().create_authorization_url(
            self._endpoint("authorization_endpoint"), nonce=nonce, code_verifier=verifier
        )
        return SignInStart(url, state, nonce, verifier)

    def complete(self, start: SignInStart, code: str, state: str) -> Claims:
        """Who signed in. Raises Unavailable, or Refused with a reason code when anything does not fit."""
        if not secrets.compare_digest(start.state.encode(), state.encode()):
            raise Refused("state_differs")
        try:
            answer = self._client().fetch_token(
                self._endpoint("token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=start.code_verifier,
                timeout=self._address.timeout_seconds,
                allow_redirects=False,
            )
        except OAuthError:
            raise Refused("code_not_accepted") from None
        except (requests.RequestException, ValueError):
            raise Unavailable("token_endpoint") from None
        tokens = cast(dict[str, Any], answer)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise Refused("no_id_token")
        return self._claims(self._checked(id_token, start.nonce), tokens.get("access_token"))

    def _claims(self, claims: Mapping[str, Any], access_token: object) -> Claims:
        a = self._address
        subject = str(claims["sub"]) if a.tenant is None else member_of(a.tenant, claims)
        said = {name: _texts(value) for name, value in claims.items()}
        organisation = _organisation(claims.get("organisation"))
        if organisation is None and ORGANISATION in a.scope.split():
            organisation = _organisation(self._user_info(claims["sub"], access_token).get("organisation"))
        return Claims(a.issuer, subject, said.get("roles", ()), said, organisation)

    def _user_info(self, subject: object, access_token: object) -> dict[str, Any]:
        """What the provider says of the person beside the token: DfE Sign-in may leave the organisation to that."""
        if "userinfo_endpoint" not in self._discovery() or not isinstance(access_token, str):
            return {}

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {access_token}"
            return request

        told = self._get("userinfo", self._endpoint("userinfo_endpoint"), signed)
        if told.get("sub") != subject:
            raise Refused("of_another_subject")
        return told

    def _checked(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of a token that is the provider's, for us, of this sign-in and of now. Raises Refused."""
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
        if token.claims["aud"] not in (self._address.client_id, [self._address.client_id]):
            raise Refused("id_token_not_for_us_alone")
        return token.claims

    def _keys_for(self, id_token: str) -> KeySet:
        """The provider's keys; read again when the token names one that is not among them, and every hour.

        A key that the provider has withdrawn, because it leaked, is not trusted for longer than that.
        """
        kid, now = _kid_of(id_token), time.monotonic()
        is_known = self._keys is not None and kid in {key.kid for key in self._keys.keys}
        if self._keys is None or not is_known or now > self._keys_until:
            self._keys = KeySet.import_key_set(self._get("keys", self._endpoint("jwks_uri")))  # pyright: ignore[reportArgumentType]
            self._keys_until = now + KEYS_SECONDS
        return self._keys

    def _client(self) -> Any:
        a = self._address
        return OAuth2Session(
            a.client_id,
            a.client_secret,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - the method's name
            scope=a.scope,
            redirect_uri=a.redirect_uri,
            code_challenge_method="S256",
        )

    def _endpoint(self, name: str) -> str:
        """An address of the discovery document; one in the clear is none where the issuer's is encrypted."""
        url = self._discovery().get(name)
        if not isinstance(url, str) or urlsplit(url).scheme != urlsplit(self._address.issuer).scheme:
            raise Refused(f"{name}_not_usable")
        return url

    def _discovery(self) -> dict[str, Any]:
        if self._discovered is None:
            found = self._get("discovery", f"{self._address.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self._address.issuer:
                raise Refused("issuer_differs")
            self._discovered = found
        return self._discovered

    def _get(self, what: str, url: str, signed: Signed | None = None) -> dict[str, Any]:
        try:
            answer = requests.get(
                url, auth=signed, timeout=self._address.timeout_seconds, allow_redirects=False
            )
            if answer.status_code != HTTPStatus.OK:
                raise Unavailable(f"{what}: {answer.status_code}")
            body = answer.json()
        except (requests.RequestException, ValueError):
            raise Unavailable(what) from None
        if not isinstance(body, dict):
            raise Refused(f"{what}_not_an_object")
        return cast(dict[str, Any], body)


def _texts(value: object) -> tuple[str, ...]:
    """A claim's text, or the texts in its list."""
    values = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(v for v in values if isinstance(v, str))


def _organisation(value: object) -> Organisation | None:
    """DfE Sign-in's organisation: an object with an id and, for a school, its URN as text."""
    if not isinstance(value, dict):
        return None
    told = cast(dict[str, object], value)
    identifier, urn = told.get("id"), told.get("urn")
    if not isinstance(identifier, str) or not identifier:
        return None
    if urn is None or urn == "":
        return Organisation(identifier, None)
    if not isinstance(urn, str) or not (urn.isascii() and urn.isdigit()):
        return None
    return Organisation(identifier, int(urn))


def _kid_of(id_token: str) -> str | None:
    return extract_compact(id_token.encode()).headers().get("kid")
