"""The sandbox's provider is a strict one: what a real one refuses, it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import OctKey

from encompass.gateways.dfe_roles import RoleApi, RoleApiAddress
from encompass.gateways.failures import Refused
from encompass.settings import IdentitySettings
from sandbox import identity_provider
from sandbox.organisations import school
from sandbox.world import World
from tests.cluster import Cluster

VERIFIER = "a-verifier-that-nobody-guesses-of-43-letters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def asked(cluster: Cluster, **changes: str) -> requests.Response:
    base = cluster.settings.identity.school.issuer
    query = {
        "client_id": "encompass-school", "redirect_uri": f"{cluster.web}/sign-in/school/callback",
        "response_type": "code", "scope": "openid", "state": "s", "nonce": "n", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes  # fmt: skip
    return requests.get(f"{base}/authorize", params=query, timeout=5)


def a_code(cluster: Cluster, world: World) -> str:
    page = asked(cluster)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    person = world.people[0]
    fields = {"ticket": ticket, "username": person.username, "password": person.password}
    answer = requests.post(page.url, fields, allow_redirects=False, timeout=5)
    return re.search(r"code=([^&]+)", answer.headers["Location"]).group(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"nonce": ""},
        {"redirect_uri": ""},
        {"redirect_uri": "http://127.0.0.1/sign-in/school/callback"},
        {"state": ""},
        {"scope": "email"},
        {"response_type": "token"},
    ],
)
def test_a_request_that_does_not_fit_is_refused(cluster: Cluster, changes: dict[str, str]) -> None:
    assert asked(cluster).status_code == 200
    assert asked(cluster, **changes).status_code == 400


def test_a_wrong_password_is_refused_and_the_ticket_spent(cluster: Cluster) -> None:
    page = asked(cluster)
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
    fields = {"ticket": ticket, "username": cluster.world.people[0].username, "password": "wrong"}
    assert requests.post(page.url, fields, timeout=5).status_code == 401
    assert requests.post(page.url, fields, timeout=5).status_code == 400


def exchanged(cluster: Cluster, client: IdentitySettings, secret: str | None = None, **changes: str):
    """A code of a school's sign-in, asked to be exchanged for a token as `changes` say."""
    fields = {
        "grant_type": "authorization_code", "code_verifier": VERIFIER,
        "redirect_uri": f"{cluster.web}/sign-in/school/callback",
    } | changes  # fmt: skip
    given = {name: value for name, value in fields.items() if value}
    known = secret or client.client_secret.get_secret_value()
    return requests.post(f"{client.issuer}/token", given, auth=(client.client_id, known), timeout=5)


def test_a_code_is_exchanged_once_by_its_verifier(cluster: Cluster) -> None:
    school, code = cluster.settings.identity.school, a_code(cluster, cluster.world)
    assert "id_token" in exchanged(cluster, school, code=code).json()
    again = exchanged(cluster, school, code=code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "v" * 43},
        {"code_verifier": ""},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": ""},
        {"grant_type": "implicit"},
        {"code": "forged"},
    ],
)
def test_an_exchange_that_does_not_fit_is_refused(cluster: Cluster, changes: dict[str, str]) -> None:
    code = {"code": a_code(cluster, cluster.world)}
    answer = exchanged(cluster, cluster.settings.identity.school, **(code | changes))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_a_code_of_another_client_and_a_wrong_secret_are_refused(cluster: Cluster) -> None:
    identity, code = cluster.settings.identity, a_code(cluster, cluster.world)
    assert exchanged(cluster, identity.school, "wrong", code=code).status_code == 401
    theirs = f"{cluster.web}/sign-in/staff/callback"
    assert "id_token" not in exchanged(cluster, identity.staff, code=code, redirect_uri=theirs).text
    own = cluster.settings.forces["fellgate"].staff.identity
    theirs = f"{cluster.web}/sign-in/force/fellgate/callback"
    again = a_code(cluster, cluster.world)
    assert "id_token" not in exchanged(cluster, own, code=again, redirect_uri=theirs).text


def test_a_code_is_too_old_after_a_minute(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert identity_provider.CODE_SECONDS == 60
    monkeypatch.setattr(identity_provider, "CODE_SECONDS", -1)
    answer = exchanged(cluster, cluster.settings.identity.school, code=a_code(cluster, cluster.world))
    assert answer.json() == {"error": "invalid_grant"}


def test_the_role_api_answers_whoever_signs_with_its_own_secret(cluster: Cluster) -> None:
    settings, person = cluster.settings.identity.school, cluster.world.people[0]
    api = settings.role_api
    address = RoleApiAddress(api.url, api.service_id, settings.client_id, api.secret.get_secret_value())
    organisation = school(person.urn).id
    assert RoleApi(address).roles_of(organisation, person.subject) == set(api.roles)
    assert RoleApi(address).roles_of(school(999999).id, person.subject) is None
    assert RoleApi(address).roles_of(organisation, "nobody") is None
    for wrong in (
        replace(address, secret=settings.client_secret.get_secret_value()),
        replace(address, client_id="another"),
    ):
        with pytest.raises(Refused, match="403"):
            RoleApi(wrong).roles_of(organisation, person.subject)
    monday = {"iss": settings.client_id, "aud": "signin.education.gov.uk", "exp": int(time.time()) - 60}
    for claims in (monday, {**monday, "exp": None}, {**monday, "exp": monday["exp"] + 120, "aud": "another"}):
        kept = {n: v for n, v in claims.items() if v is not None}
        token = jwt.encode({"alg": "HS256"}, kept, OctKey.import_key(address.secret))
        url = f"{api.url}/services/{api.service_id}/organisations/{organisation}/users/{person.subject}"
        answer = requests.get(url, headers={"Authorization": f"bearer {token}"}, timeout=5)
        assert answer.status_code == 403


def test_everything_listens_on_loopback_alone(cluster: Cluster) -> None:
    """By the kernel's own list of listening sockets: 127.0.0.1 as it writes it, little-endian."""
    ports = set(json.loads((cluster.var / "sandbox" / "ports.json").read_text()).values())
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {int(r[1].split(":")[1], 16): r[1].split(":")[0] for r in rows if r[3] == "0A"}
    assert len(ports & set(listening)) >= 7
    assert {address for port, address in listening.items() if port in ports} == {"0100007F"}
    wide = [line.split()[1] for line in Path("/proc/net/tcp6").read_text().splitlines()[1:] if " 0A " in line]
    assert not ports & {int(address.split(":")[1], 16) for address in wide}
