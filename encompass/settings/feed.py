"""How a force's incidents reach us: one way in, how far back it is asked, and how its records are written."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from encompass.settings.table import Table

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with, not one
SHORTEST_SECRET: Final = 24


class SftpSettings(Table):
    """Where files are fetched over SFTP. `host_key` is the server's, as in a known_hosts file: type and key."""

    host: str
    port: Annotated[int, Field(gt=0, lt=65536)] = 22
    username: str
    host_key: str
    private_key_file: Path
    folder: str = "."


class PushSettings(Table):
    """Pages that the force sends us, signed by Standard Webhooks with any of `secrets`: two while one is replaced.

    More than `most_a_minute` pages in a minute are asked to come later.
    """

    secrets: Annotated[tuple[SecretStr, ...], Field(min_length=1, max_length=4)]
    most_a_minute: Annotated[int, Field(gt=0)] = 60

    @field_validator("secrets")
    @classmethod
    def _long_enough(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            text = secret.get_secret_value()
            try:
                raw = base64.b64decode(text.removeprefix(SECRET_PREFIX) + "==", validate=False)
            except binascii.Error:
                raw = b""
            if not text.startswith(SECRET_PREFIX) or len(raw) < SHORTEST_SECRET:
                raise ValueError(
                    f"a secret is {SECRET_PREFIX} and at least {SHORTEST_SECRET} bytes in base64"
                )
        return secrets


class FeedSettings(Table):
    """A force's incident feed, by one way in: REST at a `base_url`, files in a `folder` or over `sftp`, or `push`.

    At REST we are known by client credentials, by a client certificate (`certificate_file`, `certificate_key_file`),
    or by both; `ca_file` names the authority of the feed's own certificate. `mapping` is for
    `encompass.formats.police_mapping`; none is the neutral contract.
    """

    base_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    ca_file: Path | None = None
    folder: Path | None = None
    sftp: SftpSettings | None = None
    push: PushSettings | None = None
    page_size: Annotated[int, Field(gt=0, le=500)] = 50
    overlap_minutes: Annotated[int, Field(ge=0)] = 120
    first_window_hours: Annotated[int, Field(gt=0)] = 48
    fewest_records: Annotated[int, Field(ge=0)] = 1
    stale_after_hours: Annotated[int, Field(gt=0)] = 24
    mapping: Mapping[str, Any] | None = None

    @property
    def way(self) -> str:
        """The way in: rest, folder, sftp or push."""
        ways = {"folder": self.folder, "sftp": self.sftp, "push": self.push}
        return next((name for name, given in ways.items() if given is not None), "rest")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (self.base_url, self.folder, self.sftp, self.push)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "a feed has one way in: base_url (with client_id and client_secret), folder, sftp or push"
            )
        return self

    @model_validator(mode="after")
    def _known_at_rest(self) -> Self:
        credentials = (self.client_id is not None, self.client_secret is not None)
        certificate = (self.certificate_file is not None, self.certificate_key_file is not None)
        for pair, names in (
            (credentials, "client_id and client_secret"),
            (certificate, "certificate_file and certificate_key_file"),
        ):
            if any(pair) and not all(pair):
                raise ValueError(f"{names} belong together")
        if self.base_url is not None and not (any(credentials) or any(certificate)):
            raise ValueError(
                "base_url needs client_id and client_secret beside it, or certificate_file and certificate_key_file"
            )
        if any(certificate) and not (self.base_url or "").startswith("https://"):
            raise ValueError("a client certificate needs a base_url of https")
        return self
