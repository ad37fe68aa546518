"""DfE Sign-in's public API: what somebody may do at an organisation with our service, asked with a signed token.

GET {url}/services/{service}/organisations/{organisation}/users/{user}, with a bearer JWT (HS256 by the API secret,
`iss` our client id, `aud` signin.education.gov.uk); 404 says that the user has no access there.
Source: github.com/DFE-Digital/login.dfe.public-api, README, "Get user access to service".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote

import requests
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import BaseModel, Field, ValidationError
from urllib3.exceptions import HTTPError

from encompass.gateways.failures import Unavailable
from encompass.gateways.http_get import check, read_body

AUDIENCE: Final = "signin.education.gov.uk"
TOKEN_SECONDS: Final = 60
ACTIVE: Final = 1
API: Final = "role_api"


@dataclass(frozen=True)
class RoleApiAddress:
    """Where the API is and how we are known to it. The API secret is another than the client secret."""

    url: str
    service_id: str
    client_id: str
    secret: str = field(repr=False)
    timeout_seconds: float = 10.0


class _Status(BaseModel):
    id: int


class _Role(BaseModel):
    code: str
    status: _Status


class _Access(BaseModel):
    user_id: Annotated[str, Field(alias="userId")]
    organisation_id: Annotated[str, Field(alias="organisationId")]
    roles: list[_Role]


class RoleApi:
    """DfE Sign-in's public API, for one service."""

    def __init__(self, address: RoleApiAddress) -> None:
        self._address = address

    def roles_of(self, organisation_id: str, user_id: str) -> frozenset[str] | None:
        """The codes of the user's active roles there; None for no access.

        Raises Unavailable, and Refused where the API does not accept us.
        """
        a = self._address
        parts = (a.service_id, organisation_id, user_id)
        service, organisation, user = (quote(part, safe="") for part in parts)
        try:
            with requests.get(
                f"{a.url}/services/{service}/organisations/{organisation}/users/{user}",
                auth=self._signed,
                timeout=a.timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    return None
                check(API, answer)
                return _roles(read_body(API, answer, a.timeout_seconds), organisation_id, user_id)
        except (requests.RequestException, HTTPError):
            raise Unavailable(API) from None

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """As `auth`, so that no .netrc of the machine takes the token's place."""
        now = int(time.time())
        claims = {"iss": self._address.client_id, "aud": AUDIENCE, "iat": now, "exp": now + TOKEN_SECONDS}
        token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self._address.secret))
        request.headers["Authorization"] = f"bearer {token}"
        return request


def _roles(body: bytes, organisation_id: str, user_id: str) -> frozenset[str]:
    """The roles of an answer that is about this user at this organisation. Raises Unavailable."""
    try:
        access = _Access.model_validate_json(body)
    except ValidationError:
        raise Unavailable(f"{API}: not_understood") from None
    asked = (organisation_id.casefold(), user_id.casefold())
    if (access.organisation_id.casefold(), access.user_id.casefold()) != asked:
        raise Unavailable(f"{API}: of_another")
    return frozenset(role.code for role in access.roles if role.status.id == ACTIVE)
