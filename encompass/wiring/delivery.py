"""From settings to the providers by which a force's nudges leave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Engine

from encompass.domain.nudge import Channel
from encompass.gateways.mail import MailAddress, MailGateway
from encompass.gateways.notify import NotifyAddress, NotifyGateway
from encompass.gateways.nudge import Provider
from encompass.gateways.pace import SharedPace
from encompass.settings import MailSettings, NotifySettings, Settings, SettingsError, TemplateSettings

SERVICE_AND_SECRET: Final = 73
SECRET: Final = 37
"""A key of GOV.UK Notify ends in the service's id and the secret, 36 characters each; the limit is the service's."""


def providers_of(settings: Settings, force_id: str, engine: Engine) -> Mapping[Channel, Provider]:
    """The provider of each channel that the force uses; all that goes by one account shares its pace."""
    chosen = settings.nudges_of(force_id)
    found: dict[Channel, Provider] = {}
    if chosen.notify is not None:
        address = notify_address(chosen.notify)
        service = address.api_key[-SERVICE_AND_SECRET:-SECRET]
        pace = SharedPace(engine, account_hash("notify", address.base_url, service), chosen.per_minute)
        notify = Provider("notify", is_asked=True, connect=lambda: NotifyGateway(address), pace=pace)
        found |= {Channel.EMAIL: notify} if chosen.email == "notify" else {}
        found |= {Channel.SMS: notify} if chosen.sms == "notify" else {}
    if chosen.email == "smtp":
        if settings.mail is None:
            raise SettingsError("mail is missing: nudges.email is smtp")
        mail = mail_address(settings.mail)
        pace = SharedPace(
            engine, account_hash("smtp", f"{mail.host}:{mail.port}", mail.username), chosen.per_minute
        )
        found[Channel.EMAIL] = Provider("smtp", is_asked=False, connect=lambda: MailGateway(mail), pace=pace)
    return found


def account_hash(provider: str, where: str, account: str) -> bytes:
    """One account at one provider, whichever force and process sends by it."""
    return hashlib.blake2b("\n".join((provider, where, account)).encode(), digest_size=32).digest()


def mail_address(m: MailSettings) -> MailAddress:
    """Where mail leaves."""
    return MailAddress(
        host=m.host,
        port=m.port,
        username=m.username,
        password=m.password.get_secret_value(),
        sender=m.sender,
        ca_file=str(m.ca_file) if m.ca_file else None,
        timeout_seconds=m.timeout_seconds,
    )


def notify_address(n: NotifySettings) -> NotifyAddress:
    """Where GOV.UK Notify answers, and the templates of each channel that has some."""
    named = {Channel.EMAIL: n.email_templates, Channel.SMS: n.sms_templates}
    return NotifyAddress(
        base_url=n.base_url,
        api_key=n.api_key.get_secret_value(),
        templates={channel: _by_language(t) for channel, t in named.items() if t is not None},
        timeout_seconds=n.timeout_seconds,
        contact_templates=_by_language(n.contact_templates) if n.contact_templates else {},
    )


def _by_language(templates: TemplateSettings) -> Mapping[str, str]:
    return {"en": templates.en, **({"cy": templates.cy} if templates.cy else {})}
