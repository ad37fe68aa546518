"""The sandbox's provider is a strict one: what a real one refuses, it refuses."""

from __future__ import annotations

import re

import pytest
import requests

from sandbox.world import World
from tests.cluster import Cluster


def asked(cluster: Cluster, **changes: str) -> requests.Response:
    base = cluster.settings.identity.school.issuer
    query = {
        "client_id": "encompass-school", "redirect_uri": f"{cluster.web}/sign-in/school/callback",
        "response_type": "code", "scope": "openid", "state": "s", "nonce": "n", "code_challenge": "c" * 43,
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


@pytest.mark.parametrize("how", ["wrong verifier", "wrong secret", "used twice", "other tenant"])
def test_a_code_is_for_its_client_its_verifier_and_once(cluster: Cluster, how: str) -> None:
    identity = cluster.settings.identity
    issuer = identity.staff.issuer if how == "other tenant" else identity.school.issuer
    client = identity.staff if how == "other tenant" else identity.school
    secret = (
        "wrong" if how == "wrong secret" else client.client_secret.get_secret_value()
    )  # pragma: allowlist secret
    fields = {
        "grant_type": "authorization_code", "code": a_code(cluster, cluster.world), "code_verifier": "v" * 43,
        "redirect_uri": f"{cluster.web}/sign-in/school/callback",
    }  # fmt: skip
    answer = requests.post(f"{issuer}/token", fields, auth=(client.client_id, secret), timeout=5)
    assert answer.status_code == (401 if how == "wrong secret" else 400)
    assert "id_token" not in answer.text
