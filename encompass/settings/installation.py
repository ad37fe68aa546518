"""What an installation decides for every force: database, keys, pages, mail, identity, deadlines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, model_validator

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
    """The public address of the pages and the key that signs the sign-in cookie.

    Requests a minute are those of one session, and those of all people at one address who have not signed in: many
    schools may share one. `proxies` is how many proxies stand before the pages and say where a request came from.
    """

    base_url: str = "http://127.0.0.1:8400"
    secret_key: SecretStr
    idle_minutes: Annotated[int, Field(gt=0)] = 15
    session_hours: Annotated[int, Field(gt=0)] = 8
    requests_per_minute: Annotated[int, Field(gt=0)] = 120
    address_requests_per_minute: Annotated[int, Field(gt=0)] = 1200
    proxies: Annotated[int, Field(ge=0)] = 1


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


class RoleApiSettings(Table):
    """DfE Sign-in's public API: its address, our service's id, the API secret, and the role codes that let in."""

    url: str
    service_id: str
    secret: SecretStr
    roles: Annotated[tuple[str, ...], Field(min_length=1)]


class SchoolIdentitySettings(IdentitySettings):
    """The identity provider of schools and offices; `role_api` where it is DfE Sign-in."""

    role_api: RoleApiSettings | None = None


class StaffIdentitySettings(IdentitySettings):
    """Entra ID, for police and partnership staff of one tenant, by its id."""

    tenant: UUID

    @model_validator(mode="after")
    def _of_one_tenant(self) -> Self:
        """An issuer for many tenants (`common`, `organizations`) would vouch for anybody's directory."""
        if f"/{self.tenant}/" not in self.issuer:
            raise ValueError("issuer: not the tenant's own")
        return self


class IdentityProviders(Table):
    """The identity provider of schools, and the one of staff whose force has none of its own."""

    school: SchoolIdentitySettings
    staff: StaffIdentitySettings | None = None


class DeadlineSettings(Table):
    """Within how many minutes of its start each DAG's run must have ended, else an alarm is raised."""

    refresh_rolls: Annotated[float, Field(gt=0)] = 20
    notify_before_school: Annotated[float, Field(gt=0)] = 45
    reconcile_acknowledgements: Annotated[float, Field(gt=0)] = 10
    report_compliance: Annotated[float, Field(gt=0)] = 10
