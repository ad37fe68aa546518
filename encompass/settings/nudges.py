"""How nudges leave: by which provider each channel goes, how fast, and GOV.UK Notify's keys and templates."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from encompass.settings.table import Table

NOTIFY_API = "https://api.notifications.service.gov.uk"


class TemplateSettings(Table):
    """One channel's templates at GOV.UK Notify, by language; where Welsh is missing everybody is written to in English.

    A template has one placeholder, ((link)).
    """

    en: str
    cy: str | None = None


class NotifySettings(Table):
    """GOV.UK Notify: our service's key, its templates, and the token by which its callbacks are known.

    `contact_templates` are of the e-mail to a former address whose contact was changed; without them it is sent by
    `email_templates`, which say that something waits.
    """

    base_url: str = NOTIFY_API
    api_key: Annotated[SecretStr, Field(min_length=73)]
    callback_token: Annotated[SecretStr, Field(min_length=20)]
    email_templates: TemplateSettings | None = None
    sms_templates: TemplateSettings | None = None
    contact_templates: TemplateSettings | None = None
    timeout_seconds: Annotated[int, Field(gt=0, le=25)] = 15


class NudgeSettings(Table):
    """Which provider each channel leaves by; how many messages a minute it takes, and how many are sent at once."""

    email: Literal["smtp", "notify"] = "smtp"
    sms: Literal["notify"] | None = None
    notify: NotifySettings | None = None
    per_minute: Annotated[int, Field(gt=0)] = 3000
    at_once: Annotated[int, Field(gt=0, le=16)] = 8

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.notify is None and "notify" in (self.email, self.sms):
            raise ValueError("notify needs nudges.notify with its api_key, callback_token and templates")
        if self.notify is not None:
            wanted = {
                "email_templates": self.email == "notify" and self.notify.email_templates is None,
                "sms_templates": self.sms == "notify" and self.notify.sms_templates is None,
            }
            if missing := [name for name, lacks in wanted.items() if lacks]:
                raise ValueError(f"missing in nudges.notify: {', '.join(missing)}")
        return self
