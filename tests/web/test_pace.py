"""Who asks for pages too often waits; everybody else goes on. The count is the database's, one for every process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from encompass.store.database import Role
from encompass.web.app import create_app
from encompass.wiring import Encompass
from tests.store.test_row_level_security import school_token, told_schools


@pytest.fixture
def paced(played: Encompass) -> Encompass:
    """Three requests a minute of a session, and five of an address."""
    web = played.settings.web.model_copy(update={"requests_per_minute": 3, "address_requests_per_minute": 5})
    return replace(played, settings=played.settings.model_copy(update={"web": web}))


def process(encompass: Encompass, token: str | None = None) -> FlaskClient:
    """A process of its own, as a browser with a session sees it."""
    client = create_app(encompass).test_client()
    if token:
        client.set_cookie("encompass", token)
    return client


def asked(client: FlaskClient, path: str, times: int, **given: dict[str, str]) -> list[int]:
    return [client.get(path, **given).status_code for _ in range(times)]


def test_one_session_that_asks_too_often_waits_and_the_next_school_does_not(paced: Encompass) -> None:
    one, other = (school_token(paced, urn) for urn in told_schools(paced)[:2])
    assert asked(process(paced, one), "/inbox", 2) == [200, 200]
    assert asked(process(paced, one), "/inbox", 2) == [200, 429]
    refused = process(paced, one).get("/inbox")
    assert refused.headers["Retry-After"] == "30"
    assert "Wait half a minute" in refused.text
    assert refused.headers["Cache-Control"] == "no-store"
    assert asked(process(paced, other), "/inbox", 3) == [200] * 3
    with paced.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text("UPDATE encompass.page_pace SET counted_at = counted_at - interval '40 seconds'")
        )
    assert asked(process(paced, one), "/inbox", 1) == [200]


def test_an_address_without_a_session_waits_and_another_does_not(paced: Encompass) -> None:
    client = process(paced)
    at, elsewhere = ({"X-Forwarded-For": f"198.51.100.{n}"} for n in (1, 2))
    assert asked(client, "/inbox", 6, headers=at) == [302] * 5 + [429]
    assert asked(process(paced, "x" * 43), "/", 1, headers=at) == [429]
    assert asked(client, "/", 1, headers=elsewhere) == [200]
    before_the_proxy = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    assert asked(client, "/", 1, headers=before_the_proxy) == [429]
    assert asked(client, "/health", 2, headers=at) == [200, 200]
    signed_in = process(paced, school_token(paced, told_schools(paced)[0]))
    assert asked(signed_in, "/inbox", 1, headers=at) == [200]


def test_an_address_is_kept_as_a_keyed_hash_for_an_hour(paced: Encompass) -> None:
    at = {"X-Forwarded-For": "198.51.100.1"}
    asked(process(paced), "/", 1, headers=at)
    with paced.database.engine(Role.OWNER).begin() as connection:
        kept = connection.execute(text("SELECT asker_hash FROM encompass.page_pace")).scalars().all()
        assert [len(k) for k in kept] == [32]
        connection.execute(
            text("UPDATE encompass.page_pace SET counted_at = counted_at - interval '61 minutes'")
        )
    process(paced).get("/sign-in/school", headers={"X-Forwarded-For": "198.51.100.2"})
    with paced.database.engine(Role.OWNER).begin() as connection:
        assert (
            kept[0]
            not in connection.execute(text("SELECT asker_hash FROM encompass.page_pace")).scalars().all()
        )
