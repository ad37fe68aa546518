"""Take a page that a force pushes: is it the force's, is it whole, is it new; and give it to the night's look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from encompass import log
from encompass.domain.push import Pushed, PushOutcome
from encompass.formats.faults import BrokenFile
from encompass.formats.police_contract import Manifest, Page, Shape
from encompass.formats.pushed_page import read_pushed
from encompass.gateways.dropped_files import NothingDropped
from encompass.store import pushed
from encompass.store.pushed import NewPage
from encompass.store.sealed import KeyRing

A_MINUTE: Final = timedelta(minutes=1)
MESSAGE_ID: Final = "webhook-id"


@dataclass(frozen=True)
class PushRules:
    """How a force's pages are written, and how many are taken in a minute."""

    shape: Shape
    most_a_minute: int


def is_signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the secrets signed the message within five minutes of now.

    Source: the Standard Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
    """
    return any(_signed_by(secret, headers, body) for secret in secrets)


def _signed_by(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # what is not even written as a signature is a ValueError
        return False
    return True


def take_push(
    engine: Engine,
    ring: KeyRing,
    rules: PushRules,
    force_id: str,
    message_id: str,
    body: bytes,
    now: datetime,
) -> Pushed:
    """Keep a signed page for the night's look at the feed. The same message again changes nothing."""
    try:
        read = read_pushed(body, rules.shape)
    except BrokenFile as fault:
        return _said(force_id, Pushed(PushOutcome.NOT_AS_ANNOUNCED, reason=fault.reason))
    page = NewPage(
        ring.keyed_hash(force_id, "message", message_id),
        ring.keyed_hash(force_id, "content", body),
        read.manifest.created_at,
        read.manifest.count,
        body,
    )
    try:
        outcome = _keep(engine, ring, rules, force_id, page, now)
    except IntegrityError:  # the same message came twice at once, and the other was first
        outcome = _keep(engine, ring, rules, force_id, page, now)
    return _said(force_id, Pushed(outcome, page.records))


def _keep(
    engine: Engine, ring: KeyRing, rules: PushRules, force_id: str, page: NewPage, now: datetime
) -> PushOutcome:
    with engine.begin() as connection:
        if not pushed.force_is_known(connection, force_id):
            return PushOutcome.NOT_READY
        known = pushed.content_of_message(connection, force_id, page.message_hash)
        if known is not None:
            same = known == page.content_hash
            return PushOutcome.ALREADY_TAKEN if same else PushOutcome.MESSAGE_ID_REUSED
        if pushed.pages_since(connection, force_id, now - A_MINUTE) >= rules.most_a_minute:
            return PushOutcome.TOO_MANY
        pushed.keep(connection, ring, force_id, page, now)
    return PushOutcome.TAKEN


def _said(force_id: str, taken: Pushed) -> Pushed:
    log.get_logger().info(
        "push_answered",
        force_id=force_id,
        status=taken.outcome.value,
        count=taken.records,
        reason=taken.reason,
    )
    return taken


@dataclass(frozen=True)
class PushedPages:
    """What a force pushed, as a feed: the pages that came in a window."""

    engine: Engine = field(repr=False)
    ring: KeyRing = field(repr=False)
    force_id: str
    shape: Shape

    def manifest(self, updated_from: datetime, updated_to: datetime) -> Manifest:
        """What came in the window. Raises NothingDropped when nothing did."""
        with self.engine.begin() as connection:
            found = list(pushed.pages_between(connection, self.ring, self.force_id, updated_from, updated_to))
        if not found:
            raise NothingDropped("nothing was pushed")
        return Manifest(sum(p.records for p in found), None, max(p.made_at for p in found))

    def pages(self, updated_from: datetime, updated_to: datetime) -> Iterator[Page]:
        """Each page of the window, in the order in which they came. Raises BrokenFile."""
        with self.engine.begin() as connection:
            found = list(pushed.pages_between(connection, self.ring, self.force_id, updated_from, updated_to))
        return (read_pushed(page.raw, self.shape).page for page in found)
