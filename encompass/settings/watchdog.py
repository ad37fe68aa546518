"""What the watchdog needs to know: where the night's files are, by when they must be there, and whom to tell."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from encompass.settings.installation import MailSettings
from encompass.settings.table import Table


class WatchdogSettings(Table):
    """The watchdog's own settings. Times are in Europe/London; `webhook_secret` is base64, with or without `whsec_`."""

    folder: Path | None = None
    keys_folder: Path | None = None
    heartbeat_by: time = time(6, 30)
    told_by: time = time(7, 0)
    watch_until: time = time(18, 0)
    stale_minutes: Annotated[int, Field(gt=0)] = 30
    recipients: tuple[str, ...] = ()
    mail: MailSettings | None = None
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.recipients) != (self.mail is not None):
            raise ValueError("recipients need mail, and mail needs recipients")
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("webhook_url and webhook_secret belong together")
        return self

    def folder_in(self, var: Path) -> Path:
        """The folder of heartbeats and telephone lists."""
        return self.folder or var / "watchdog"

    def keys_in(self, var: Path) -> Path:
        """The folder of the watchdog's keys."""
        return self.keys_folder or var / "secrets"
