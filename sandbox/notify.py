"""GOV.UK Notify as its REST API describes it: tokens, templates, a rate limit, statuses, receipts by callback."""

from __future__ import annotations

import json
import math
import re
import socket
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import jwt
import requests
from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

TEMPLATES: Final = {
    (kind, language): str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{kind}.{language}.notify.example"))
    for kind in ("email", "sms")
    for language in ("en", "cy")
}
TEXTS: Final = {
    ("email", "en"): ("You have a message waiting", "Sign in to read and acknowledge it: ((link))"),
    ("email", "cy"): ("Mae gennych neges yn aros", "Mewngofnodwch i'w darllen a'i chydnabod: ((link))"),
    ("sms", "en"): (None, "You have a message waiting. Sign in: ((link))"),
    ("sms", "cy"): (None, "Mae gennych neges yn aros. Mewngofnodwch: ((link))"),
}
FIELD: Final = {"email": "email_address", "sms": "phone_number"}
WELL_FORMED: Final = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "sms": re.compile(r"(\+44|0)7\d{9}"),
}
PAGE: Final = 250
Misbehaviour = Literal["429", "500", "reset", "garbage", "taken_then_dropped", "drip", "403"]


@dataclass
class NotifyMessage:
    """One message that was taken."""

    id: str
    reference: str | None
    kind: str
    to: str = field(repr=False)
    template: str
    subject: str | None
    body: str
    created_at: float
    status: str = "created"
    completed_at: float | None = None


@dataclass
class NotifyStandIn:
    """One service at Notify, and how it misbehaves.

    `next_ones` are misbehaviours in the order of the requests; `poison` is a recipient at whom it always answers 500;
    `is_down` hangs up on everybody. Messages to `unreachable` end in permanent-failure. `heard` is every request.
    """

    api_key: str
    kept_in: Path | None = None
    per_minute: int = 3000
    answers_after: float = 0.0
    next_ones: deque[Misbehaviour] = field(default_factory=deque)
    poison: str | None = None
    unreachable: frozenset[str] = frozenset()
    is_down: bool = False
    messages: list[NotifyMessage] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list, repr=False)
    asked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._tokens, self._at = self.burst, time.monotonic()

    @property
    def burst(self) -> float:
        """How many messages may come at once: a third of a minute's, and one, at most 1,001."""
        return float(min(math.ceil(self.per_minute / 3) + 1, 1001))

    def floor(self, messages: int) -> float:
        """The fewest seconds in which this many messages can be taken."""
        return max(messages - self.burst, 0) / (self.per_minute / 60) + self.answers_after

    def has_room(self) -> bool:
        """Whether the rate limit lets one more message in."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._tokens + (now - self._at) * self.per_minute / 60, self.burst)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def take(self, kind: str, body: dict[str, Any]) -> NotifyMessage:
        """Keep a message that was checked."""
        language = next(lang for (k, lang), t in TEMPLATES.items() if k == kind and t == body["template_id"])
        subject, text = TEXTS[kind, language]
        text = text.replace("((link))", str(body["personalisation"]["link"]))
        made = NotifyMessage(
            str(uuid.uuid4()),
            body.get("reference"),
            kind,
            body[FIELD[kind]],
            body["template_id"],
            subject,
            text,
            time.time(),
        )
        with self._lock:
            self.messages.append(made)
            if self.kept_in is not None:
                with (self.kept_in / "notify.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(made.__dict__) + "\n")
        return made

    def known(self, reference: str | None) -> list[NotifyMessage]:
        """The messages of a reference, or all, the newest first."""
        with self._lock:
            return [m for m in reversed(self.messages) if reference in (None, m.reference)]

    def deliver(self) -> list[NotifyMessage]:
        """Bring every message to its end; those that came to it just now."""
        with self._lock:
            ended = [m for m in self.messages if m.completed_at is None]
            for m in ended:
                m.status = "permanent-failure" if m.to in self.unreachable else "delivered"
                m.completed_at = time.time()
        return ended

    def misbehaves(self, recipient: str | None) -> Misbehaviour | None:
        """How this request fares."""
        with self._lock:
            self.asked += 1
            if self.is_down:
                return "reset"
            if recipient is not None and recipient == self.poison:
                return "500"
            return self.next_ones.popleft() if self.next_ones else None


def receipt_of(m: NotifyMessage) -> dict[str, Any]:
    """The callback's body, the recipient's address in it as Notify sends it."""
    return {
        "id": m.id,
        "reference": m.reference,
        "to": m.to,
        "status": m.status,
        "created_at": _instant(m.created_at),
        "completed_at": _instant(m.completed_at),
        "sent_at": _instant(m.created_at),
        "notification_type": m.kind,
        "template_id": m.template,
        "template_version": 1,
    }


def call_back(url: str, token: str, messages: list[NotifyMessage]) -> list[int]:
    """Send each message's receipt; the statuses answered."""
    headers = {"Authorization": f"Bearer {token}"}
    return [requests.post(url, json=receipt_of(m), headers=headers, timeout=5).status_code for m in messages]


def notify(service: NotifyStandIn) -> Flask:
    """The API's application."""
    app = Flask("sandbox.notify")

    @app.before_request
    def guard() -> ResponseReturnValue | None:
        service.heard.append(
            f"{request.method} {request.url}\n{request.headers}".encode() + request.get_data()
        )
        return (
            None
            if _is_signed(service)
            else _error(403, "AuthError", "Invalid token: signature, api token not found")
        )

    @app.post("/v2/notifications/<any(email, sms):kind>")
    def send(kind: str) -> ResponseReturnValue:
        body: dict[str, Any] = request.get_json(silent=True) or {}
        time.sleep(service.answers_after)
        bad = service.misbehaves(body.get(FIELD[kind]))
        if bad is not None:
            return _misbehave(service, bad, kind, body)
        if not service.has_room():
            return _error(
                429,
                "RateLimitError",
                f"Exceeded rate limit for key type LIVE of {service.per_minute} requests per 60 seconds",
            )
        return _refusal(kind, body) or (jsonify(_created(service.take(kind, body))), 201)

    @app.get("/v2/notifications")
    def listed() -> ResponseReturnValue:
        if (bad := service.misbehaves(None)) is not None:
            return _misbehave(service, bad, "", {})
        found = service.known(request.args.get("reference"))[:PAGE]
        shown = [{**receipt_of(m), "type": m.kind, FIELD[m.kind]: m.to} for m in found]
        return jsonify(notifications=shown, links={"current": request.url})

    return app


def _is_signed(service: NotifyStandIn) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = jwt.decode(
            token, service.api_key[-36:], algorithms=["HS256"], leeway=30, options={"require": ["iss", "iat"]}
        )
    except jwt.InvalidTokenError:
        return False
    return (
        scheme == "Bearer"
        and claims["iss"] == service.api_key[-73:-37]
        and abs(claims["iat"] - time.time()) <= 30
    )


def _refusal(kind: str, body: dict[str, Any]) -> ResponseReturnValue | None:
    if not WELL_FORMED[kind].fullmatch(str(body.get(FIELD[kind], ""))):
        return _error(400, "ValidationError", f"{FIELD[kind]} Not a valid {FIELD[kind].replace('_', ' ')}")
    if body.get("template_id") not in {t for (k, _), t in TEMPLATES.items() if k == kind}:
        return _error(400, "BadRequestError", "Template not found")
    if "link" not in body.get("personalisation", {}):
        return _error(400, "BadRequestError", "Missing personalisation: link")
    return None


def _created(m: NotifyMessage) -> dict[str, Any]:
    uri = f"{request.host_url}v2/notifications/{m.id}"
    template = {"id": m.template, "version": 1, "uri": f"{request.host_url}v2/template/{m.template}"}
    content = {"subject": m.subject, "body": m.body, "from_email": "messages@notice.example"}
    return {
        "id": m.id,
        "reference": m.reference,
        "content": content,
        "uri": uri,
        "template": template,
        "scheduled_for": None,
    }


def _misbehave(
    service: NotifyStandIn, bad: Misbehaviour, kind: str, body: dict[str, Any]
) -> ResponseReturnValue:
    match bad:
        case "429":
            return _error(
                429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"
            )
        case "500":
            return _error(500, "Exception", "Internal server error")
        case "403":
            return _error(403, "AuthError", "Invalid token: API key revoked")
        case "garbage":
            return Response("<html>out of order</html>", 200, mimetype="text/html")
        case "drip":
            return Response(_a_byte_at_a_time(), 201, mimetype="application/json")
        case "taken_then_dropped" | "reset":
            if bad == "taken_then_dropped" and kind:
                service.take(kind, body)
            _hang_up()
            return Response(status=500)


def _a_byte_at_a_time() -> Iterator[bytes]:
    for _ in range(600):
        yield b" "
        time.sleep(0.1)


def _hang_up() -> None:
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


def _error(status: int, error: str, message: str) -> ResponseReturnValue:
    return jsonify(errors=[{"error": error, "message": message}], status_code=status), status


def _instant(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
