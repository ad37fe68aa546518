"""What an installation decides for every force: database, keys, pages, mail, identity, deadlines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from encompass.settings.table import Table


class DatabaseSettings(Table):
    """Where PostgreSQL is. `embedded` runs our own under the state folder; `external` names a server."""

    mode: Literal["embedded", "external"] = "embedded"
    host: str = "127.0.0.1"
    port: int | None = None
    name: str = "encompass"
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    passwords_file: Path | None = None


class KeySettings(Table):
    """Where the key ring and the audit signing key are kept, off the database host."""

    ring_file: Path | None = None
    audit_signing_key_file: Path | None = None
    audit_heads_file: Path | None = None


class WebSettings(Table):
    """The public address of the pages and the key that signs the sign-in cookie."""

    base_url: str = "http://127.0.0.1:8400"
    secret_key: SecretStr
    idle_minutes: Annotated[int, Field(gt=0)] = 15
    session_hours: Annotated[int, Field(gt=0)] = 8


class MailSettings(Table):
    """The mail server that nudges leave by; TLS is enforced."""

    host: str
    port: int
    username: str
    password: SecretStr
    sender: str
    ca_file: Path | None = None
    timeout_seconds: float = 15.0


class IdentitySettings(Table):
    """One OpenID Connect identity provider."""

    issuer: str
    client_id: str
    client_secret: SecretStr


class IdentityProviders(Table):
    """The identity providers of schools and of staff."""

    school: IdentitySettings
    staff: IdentitySettings


class DeadlineSettings(Table):
    """Within how many minutes of its start each DAG's run must have ended, else an alarm is raised."""

    refresh_rolls: Annotated[float, Field(gt=0)] = 20
    notify_before_school: Annotated[float, Field(gt=0)] = 45
    reconcile_acknowledgements: Annotated[float, Field(gt=0)] = 10
    report_compliance: Annotated[float, Field(gt=0)] = 10
