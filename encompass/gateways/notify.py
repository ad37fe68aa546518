"""Nudges by GOV.UK Notify, e-mail and text message, with its own client. One gateway a thread: the client needs it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, cast
from uuid import UUID

import requests
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient
from urllib3.exceptions import HTTPError

from encompass.domain.nudge import Channel, NudgeStatus
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.http_get import Busy, read_body
from encompass.gateways.nudge import About, Accepted, Ambiguous, Answer, Bounced, Message, Rejected, Traced

RATE_LIMITED: Final = 1.0
STATUSES: Final[Mapping[str, NudgeStatus]] = {
    "created": NudgeStatus.ACCEPTED,
    "sending": NudgeStatus.ACCEPTED,
    "pending": NudgeStatus.ACCEPTED,
    "sent": NudgeStatus.ACCEPTED,
    "delivered": NudgeStatus.DELIVERED,
    "permanent-failure": NudgeStatus.FAILED,
    "temporary-failure": NudgeStatus.FAILED,
    "technical-failure": NudgeStatus.FAILED,
}
BEST_FIRST: Final = (NudgeStatus.DELIVERED, NudgeStatus.ACCEPTED, NudgeStatus.FAILED)
OF_THE_RECIPIENT: Final = re.compile(r"^(?:email_address|phone_number)\b")
OURS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
IN_BETWEEN: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
NEVER_SENT: Final = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})
# The client logs what the other side answered, which may name the recipient: we log our own words instead. A filter
# outlasts a configuration of logging, which switches a disabled logger on again.
for _name in ("notifications_python_client", "notifications_python_client.base"):
    logging.getLogger(_name).addFilter(lambda _: False)


@dataclass(frozen=True)
class NotifyAddress:
    """Where Notify answers, our key, and our templates by channel and language (English is always there)."""

    base_url: str
    api_key: str = field(repr=False)
    templates: Mapping[Channel, Mapping[str, str]]
    timeout_seconds: int
    contact_templates: Mapping[str, str] = field(default_factory=dict[str, str])


class NotifyGateway:
    """One client, kept open for every message of one thread."""

    def __init__(self, address: NotifyAddress) -> None:
        self._address = address
        self._client = NotificationsAPIClient(
            address.api_key, base_url=address.base_url, timeout=address.timeout_seconds
        )
        session = self._client.request_session
        session.hooks["response"].append(self._read_in_time)
        session.max_redirects = 0
        # Proxies and authorities of the environment are read once, not for each message; a .netrc never is.
        found = session.merge_environment_settings(address.base_url, {}, None, None, None)
        session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def send(self, mail: Message) -> Answer:
        """Hand over one message. Raises Unavailable or Busy before it was handed over, Refused for our key."""
        templates = self._address.templates.get(mail.channel)
        if mail.about is About.CONTACT_CHANGED and self._address.contact_templates:
            templates = self._address.contact_templates
        if templates is None:
            raise Refused(f"notify: no template for {mail.channel.value}")
        template = templates.get(mail.language) or templates["en"]
        try:
            answer = self._post(mail, template, str(mail.reference))
        except InvalidResponse:
            return Ambiguous("unreadable_answer")
        except APIError as error:
            return _sorted(error)
        except Unavailable:
            return Ambiguous("answer_broke_off")
        return Accepted(_id_of(answer)) if _id_of(answer) else Ambiguous("unreadable_answer")

    def find(self, reference: UUID) -> Traced | None:
        """What Notify knows under our reference, the best when it took two. Raises Unavailable or Refused."""
        try:
            found = cast(Any, self._client).get_all_notifications(reference=str(reference))
            known = [_traced(n) for n in found["notifications"] if n["reference"] == str(reference)]
        except APIError as error:
            if _status(error) in OURS:
                raise Refused(f"notify: {_status(error)}") from None
            raise Unavailable(f"notify: {_status(error)}") from None
        except (KeyError, TypeError):
            raise Unavailable("notify: unreadable_answer") from None
        return min(known, key=lambda t: BEST_FIRST.index(t.status), default=None)

    def _post(self, mail: Message, template: str, reference: str) -> Any:
        c, link = cast(Any, self._client), {"link": mail.link}
        if mail.channel is Channel.SMS:
            return c.send_sms_notification(mail.to, template, personalisation=link, reference=reference)
        return c.send_email_notification(mail.to, template, personalisation=link, reference=reference)

    def _read_in_time(self, answer: requests.Response, **_: object) -> None:
        """Read the body within the time for a whole answer: one that comes a byte at a time is given up."""
        try:
            body = read_body("notify", answer, self._address.timeout_seconds)
        except (Refused, HTTPError):
            raise Unavailable("notify: the answer broke off") from None
        answer.raw = io.BytesIO(body)


def _sorted(error: APIError) -> Answer:
    """What a failure means: nothing was sent, it may have been, or the answer says so itself."""
    status = _status(error)
    if status is None:
        return _without_answer(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _busy(error) from None
    if status in OURS:
        raise Refused(f"notify: {status}") from None
    if status in IN_BETWEEN:
        return Ambiguous("answer_from_in_between")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"notify: {status}") from None
    return Bounced(status) if _is_of_recipient(error) else Rejected(status)


def _without_answer(error: APIError) -> Answer:
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        raise Refused("notify: the certificate does not verify") from None
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    if type(reason).__name__ in NEVER_SENT:
        raise Unavailable("notify: does not answer") from None
    return Ambiguous("connection_lost")


def _busy(error: APIError) -> Busy | Unavailable:
    """Too fast is over in a moment; the day's own limit is not."""
    if any(e.get("error") == "TooManyRequestsError" for e in _errors(error)):
        return Unavailable("notify: the day's limit")
    after = cast(requests.Response, error.response).headers.get("Retry-After", "")
    return Busy("notify: 429", float(after) if after.isdigit() else RATE_LIMITED)


def _is_of_recipient(error: APIError) -> bool:
    return any(OF_THE_RECIPIENT.match(str(e.get("message", ""))) for e in _errors(error))


def _errors(error: APIError) -> list[dict[str, Any]]:
    try:
        found = cast(requests.Response, error.response).json()["errors"]
        return [cast(dict[str, Any], e) for e in found if isinstance(e, dict)]
    except (ValueError, KeyError, TypeError):
        return []


def _status(error: APIError) -> int | None:
    """The status of the answer; None when there was none."""
    response = error.response
    return None if response is None else response.status_code


def _id_of(answer: Any) -> str | None:
    found = cast(dict[str, Any], answer).get("id") if isinstance(answer, dict) else None
    return found if isinstance(found, str) else None


def _traced(found: Mapping[str, Any]) -> Traced:
    status = str(found["status"])
    return Traced(STATUSES[status], status, str(found["id"]))
