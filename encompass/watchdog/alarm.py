"""The alarm: by e-mail and to a webhook, each finding once a day, with nobody's data in it."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import requests

from encompass.domain.run import LONDON
from encompass.settings.installation import MailSettings
from encompass.watchdog.check import WORDS, Finding
from encompass.watchdog.keys import write_private

SECONDS = 15
WHAT_TO_DO = (
    "Look at Airflow and the database (docs/runbook.md, 'Everything is down').\n"
    "The telephone list opens without them: encompass-watchdog phone-list --key FILE\n"
)


class NotSent(Exception):
    """An alarm could not be handed over by one channel; the text names the channel."""


Send = Callable[[Finding, datetime], None]


def raise_once(
    folder: Path, found: Sequence[Finding], channels: Mapping[str, Send], now: datetime
) -> list[str]:
    """Send each finding by each channel, once a day; the channels that failed, which the next check tries again."""
    failed: list[str] = []
    with _memory(folder) as sent:
        for finding in found:
            for name, send in channels.items():
                mark = f"{now.astimezone(LONDON).date()} {finding.force_id} {finding.kind.value} {name}"
                if mark in sent:
                    continue
                try:
                    send(finding, now)
                except NotSent as fault:
                    failed.append(str(fault))
                else:
                    sent[mark] = now.isoformat()
    return failed


def by_mail(mail: MailSettings, recipients: Sequence[str]) -> Send:
    """Sends by SMTP with enforced TLS."""

    def send(finding: Finding, now: datetime) -> None:
        message = EmailMessage()
        message["From"], message["To"] = mail.sender, ", ".join(recipients)
        message["Subject"] = f"ALARM Encompass {finding.force_id}: {finding.kind.value}"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{_says(finding, now)}\n\n{WHAT_TO_DO}")
        context = ssl.create_default_context(cafile=str(mail.ca_file) if mail.ca_file else None)
        try:
            with smtplib.SMTP(mail.host, mail.port, timeout=SECONDS) as server:
                server.starttls(context=context)
                server.login(mail.username, mail.password.get_secret_value())
                server.send_message(message)
        except (smtplib.SMTPException, OSError):
            raise NotSent("e-mail") from None

    return send


def by_webhook(url: str, secret: str) -> Send:
    """Posts JSON, signed as the Standard Webhooks specification says (HMAC-SHA256 over id, time and body)."""

    def send(finding: Finding, now: datetime) -> None:
        body = json.dumps({"type": finding.kind.value, "force": finding.force_id, "at": now.isoformat()})
        seed = f"{now.date()} {finding.force_id} {finding.kind.value}"
        message_id = f"msg_{hashlib.sha256(seed.encode()).hexdigest()[:24]}"
        timestamp = str(int(now.timestamp()))
        signed = f"{message_id}.{timestamp}.{body}".encode()
        signature = base64.b64encode(hmac.digest(_secret(secret), signed, "sha256")).decode()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signature}",
        }
        try:
            answer = requests.post(url, body, headers=headers, timeout=SECONDS, allow_redirects=False)
        except requests.RequestException:
            raise NotSent("webhook") from None
        if not answer.ok:
            raise NotSent("webhook")

    return send


def _secret(text: str) -> bytes:
    return base64.b64decode(text.removeprefix("whsec_"))


def _says(finding: Finding, now: datetime) -> str:
    return f"{now.astimezone(LONDON):%H:%M on %A %d %B %Y}, {finding.force_id}: {WORDS[finding.kind]}."


@contextmanager
def _memory(folder: Path) -> Generator[dict[str, Any]]:
    """What has been sent, kept beside the heartbeats; one check at a time."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "alarms.json"
    with (folder / "alarms.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sent = cast(dict[str, Any], json.loads(file.read_text("utf-8"))) if file.exists() else {}
        try:
            yield sent
        finally:
            write_private(file, json.dumps(sent, indent=2).encode())
