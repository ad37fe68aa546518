"""GOV.UK Notify over real HTTP with its own client: every way of answering, and of not answering, told apart."""

from __future__ import annotations

import logging
import logging.config
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
import requests
from flask import Flask

from encompass.domain.nudge import Channel, NudgeStatus
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.http_get import Busy
from encompass.gateways.notify import NotifyAddress, NotifyGateway
from encompass.gateways.nudge import About, Accepted, Ambiguous, Bounced, Message, Rejected
from encompass.gateways.pace import Pace
from sandbox.notify import TEMPLATES, NotifyStandIn, notify

KEY = f"encompass-{uuid.UUID(int=1)}-{uuid.UUID(int=2)}"
LINK = "https://pages.example/"
Serve = Callable[[Flask], str]


def message(channel: Channel = Channel.EMAIL, to: str | None = None, language: str = "en") -> Message:
    address = to or {Channel.EMAIL: "dsl@school.example", Channel.SMS: "07700900001"}[channel]
    return Message(channel, address, language, "subject", "body", LINK, uuid.uuid4())


def gateway(url: str, key: str = KEY, templates=None) -> NotifyGateway:
    known = templates or {
        c: {lang: TEMPLATES[c.value, lang] for lang in ("en", "cy")} for c in (Channel.EMAIL, Channel.SMS)
    }
    return NotifyGateway(NotifyAddress(url, key, known, 1))


@pytest.fixture
def service() -> NotifyStandIn:
    return NotifyStandIn(KEY)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("language", ["en", "cy"])
def test_a_message_is_taken_by_the_template_of_its_channel_and_language(
    serve: Serve, service: NotifyStandIn, channel: Channel, language: str
) -> None:
    sent = message(channel, language=language)
    with gateway(serve(notify(service))) as sender:
        answer = sender.send(sent)
        traced = sender.find(sent.reference)
    (taken,) = service.messages
    assert answer == Accepted(taken.id)
    assert (taken.kind, taken.reference) == (channel.value, str(sent.reference))
    assert taken.template == TEMPLATES[channel.value, language]
    assert LINK in taken.body
    assert traced is not None
    assert (traced.status, traced.provider_reference) == (NudgeStatus.ACCEPTED, taken.id)


def test_an_adult_is_written_to_in_english_where_there_is_no_welsh_template(
    serve: Serve, service: NotifyStandIn
) -> None:
    only_english = {Channel.EMAIL: {"en": TEMPLATES["email", "en"]}}
    with gateway(serve(notify(service)), templates=only_english) as sender:
        sender.send(message(language="cy"))
        with pytest.raises(Refused):
            sender.send(message(Channel.SMS))
    assert [m.template for m in service.messages] == [TEMPLATES["email", "en"]]


def test_a_former_address_is_written_to_by_the_template_of_its_own_where_there_is_one(
    serve: Serve, service: NotifyStandIn
) -> None:
    url = serve(notify(service))
    changed = replace(message(), about=About.CONTACT_CHANGED)
    templates = {Channel.EMAIL: {"en": TEMPLATES["email", "en"]}}
    own = {"en": TEMPLATES["email", "cy"]}  # another than the ordinary one: the stand-in knows these alone
    for contact_templates in (own, {}):
        with NotifyGateway(NotifyAddress(url, KEY, templates, 1, contact_templates)) as sender:
            sender.send(replace(changed, reference=uuid.uuid4()))
            sender.send(message())
    ordinary = templates[Channel.EMAIL]["en"]
    assert [m.template for m in service.messages] == [own["en"], ordinary, ordinary, ordinary]


@pytest.mark.parametrize("bad", ["reset", "garbage", "drip", "taken_then_dropped"])
def test_what_may_have_been_taken_is_ambiguous_and_asking_tells(
    serve: Serve, service: NotifyStandIn, bad
) -> None:
    service.next_ones.append(bad)
    sent, started = message(), time.monotonic()
    with gateway(serve(notify(service))) as sender:
        assert isinstance(sender.send(sent), Ambiguous)
        assert (sender.find(sent.reference) is not None) is (bad == "taken_then_dropped")
    assert time.monotonic() - started < 5, "an answer that comes a byte at a time is given up"


def test_nobody_listening_was_never_told(serve: Serve) -> None:
    with gateway("http://127.0.0.1:9") as sender, pytest.raises(Unavailable):
        sender.send(message())


@pytest.mark.parametrize(("bad", "raised"), [("500", Unavailable), ("429", Busy), ("403", Refused)])
def test_a_failure_that_says_so_is_raised(serve: Serve, service: NotifyStandIn, bad, raised) -> None:
    service.next_ones.append(bad)
    with gateway(serve(notify(service))) as sender:
        with pytest.raises(raised) as failed:
            sender.send(message(to="secret@school.example"))
        assert "secret" not in str(failed.value)
        assert isinstance(sender.send(message()), Accepted), "the next one goes"


def test_a_retry_after_is_heard(serve: Serve) -> None:
    app = Flask("busy")
    body = {"errors": [{"error": "RateLimitError", "message": "slower"}], "status_code": 429}
    app.add_url_rule("/<path:_>", "busy", lambda _: (body, 429, {"Retry-After": "7"}), methods=["POST"])
    with gateway(serve(app)) as sender, pytest.raises(Busy) as busy:
        sender.send(message())
    assert busy.value.after == 7


def test_the_day_s_limit_is_not_over_in_a_moment(serve: Serve) -> None:
    app = Flask("full")
    body = {"errors": [{"error": "TooManyRequestsError", "message": "limit"}], "status_code": 429}
    app.add_url_rule("/<path:_>", "full", lambda _: (body, 429), methods=["POST"])
    with gateway(serve(app)) as sender, pytest.raises(Unavailable) as full:
        sender.send(message())
    assert not isinstance(full.value, Busy)


def test_an_address_that_cannot_be_is_the_recipient_s_and_a_wrong_template_is_ours(
    serve: Serve, service: NotifyStandIn
) -> None:
    url = serve(notify(service))
    with gateway(url) as sender:
        assert sender.send(message(to="not an address")) == Bounced(400)
    wrong = {Channel.EMAIL: {"en": str(uuid.uuid4())}}
    with gateway(url, templates=wrong) as sender:
        assert sender.send(message()) == Rejected(400)


def test_a_wrong_key_is_refused_and_the_stand_in_checks_it(serve: Serve, service: NotifyStandIn) -> None:
    url = serve(notify(service))
    with gateway(url, key=f"encompass-{uuid.UUID(int=1)}-{uuid.UUID(int=3)}") as sender:
        with pytest.raises(Refused):
            sender.send(message())
        with pytest.raises(Refused):
            sender.find(uuid.uuid4())
    assert requests.get(f"{url}/v2/notifications", timeout=5).status_code == 403
    assert service.messages == []


def test_a_redirect_is_not_followed(serve: Serve, service: NotifyStandIn) -> None:
    elsewhere = serve(notify(service))
    app = Flask("moved")
    app.add_url_rule(
        "/<path:p>", "moved", lambda p: ("", 307, {"Location": f"{elsewhere}/{p}"}), methods=["POST"]
    )
    with gateway(serve(app)) as sender:
        assert isinstance(sender.send(message()), Rejected)
    assert service.messages == []


def test_the_client_s_own_log_says_nothing(serve: Serve, service: NotifyStandIn, caplog) -> None:
    """Also after logging has been configured anew, as Airflow does."""
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    with caplog.at_level(logging.DEBUG), gateway(serve(notify(service))) as sender:
        sender.send(message(to="not an address"))
    assert [r for r in caplog.records if r.name.startswith("notifications_python_client")] == []


def test_the_best_of_two_under_one_reference_counts(serve: Serve, service: NotifyStandIn) -> None:
    sent = message()
    with gateway(serve(notify(service))) as sender:
        sender.send(sent)
        sender.send(replace(sent, to="other@school.example"))
        service.unreachable = frozenset({"other@school.example"})
        service.deliver()
        traced = sender.find(sent.reference)
    assert traced is not None
    assert traced.status is NudgeStatus.DELIVERED


def test_the_limit_of_the_stand_in_holds_and_our_pace_keeps_below_it(
    serve: Serve, service: NotifyStandIn
) -> None:
    """12 a minute let 5 in at once; of 120 a minute, 41 are let in, and we take one fewer."""
    service.per_minute = 12
    assert service.burst == 5
    service._tokens = service.burst
    with gateway(serve(notify(service))) as sender:
        for _ in range(5):
            sender.send(message())
        with pytest.raises(Busy):
            sender.send(message())
    pace = Pace(120)
    turns = [pace.reserve() for _ in range(44)]
    assert turns[:40] == [0.0] * 40
    assert turns[40] == pytest.approx(0.5, abs=0.05)
    assert turns[43] == pytest.approx(2.0, abs=0.05)
    pace.pause(3)
    assert pace.reserve() >= 2.9
