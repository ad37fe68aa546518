"""One bucket for each account at a provider, whichever processes and forces draw from it."""

from __future__ import annotations

import pytest

from encompass.domain.nudge import Channel
from encompass.gateways.pace import SharedPace
from encompass.settings import NotifySettings, TemplateSettings
from encompass.store.database import Role
from encompass.wiring import Encompass
from encompass.wiring.delivery import account_hash, providers_of
from tests.pipeline.sending import KEY


def test_two_senders_by_one_account_share_its_limit(empty: Encompass) -> None:
    """Of 120 a minute 40 are let go at once, and two a second from then on, however many draw."""
    engine, account = empty.database.engine(Role.PIPELINE), account_hash("notify", "https://n.example", "one")
    one, other = SharedPace(engine, account, 120), SharedPace(engine, account, 120)
    turns = sorted(pace.reserve() for _ in range(30) for pace in (one, other))
    assert sum(turn == 0.0 for turn in turns) in (40, 41)
    assert turns[-1] == pytest.approx(10.0, abs=0.9)
    elsewhere = SharedPace(engine, account_hash("notify", "https://n.example", "two"), 120)
    assert elsewhere.reserve() == 0.0
    other.pause(30)
    third = SharedPace(engine, account, 120)
    assert third.reserve() >= 29


def test_a_turn_that_was_not_used_comes_again(empty: Encompass) -> None:
    pace = SharedPace(empty.database.engine(Role.PIPELINE), b"an account", 60)
    first = [pace.reserve() for _ in range(21)]
    assert (first[19], first[20]) == (0.0, pytest.approx(1.0, abs=0.2))
    pace.give_back(first[20])
    assert pace.reserve() == pytest.approx(first[20], abs=0.2)


def test_two_forces_with_keys_of_one_service_share_its_limit_and_another_service_has_its_own(
    empty: Encompass,
) -> None:
    service, other = KEY[-73:-37], "00000000-0000-0000-0000-000000000009"
    assert service.count("-") == 4
    keys = [KEY, f"another-{service}-{other}", f"fellgate-{other}-{service}"]
    found = []
    for key in keys:
        notify = NotifySettings(
            base_url="https://notify.example", api_key=key, callback_token="t" * 32,
            email_templates=TemplateSettings(en="e"), sms_templates=TemplateSettings(en="s"),
        )  # fmt: skip
        nudges = empty.settings.nudges.model_copy(
            update={"email": "notify", "sms": "notify", "notify": notify}
        )
        settings = empty.settings.model_copy(update={"nudges": nudges})
        force_id = next(iter(settings.forces))
        force = settings.forces[force_id].model_copy(update={"nudges": nudges})
        settings = settings.model_copy(update={"forces": {force_id: force}})
        providers = providers_of(settings, force_id, empty.database.engine(Role.PIPELINE))
        assert providers[Channel.EMAIL].pace is providers[Channel.SMS].pace
        assert isinstance(providers[Channel.EMAIL].pace, SharedPace)
        found.append(providers[Channel.EMAIL].pace.account_hash)
    assert (found[0] == found[1], found[0] == found[2]) == (True, False)
