"""Settings: TOML files parsed once, checked whole, frozen. A secret has no fall-back value."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

ROOT: Final = Path(__file__).resolve().parent.parent


NAME_THEM: Final = (
    "Name your settings files in ENCOMPASS_CONFIG (docs/runbook.md lists the settings); "
    "`make night` makes those of the sandbox."
)


class SettingsError(Exception):
    """The settings cannot be used; the text lists every fault by its name, never by its value."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Table):
    """Where PostgreSQL is. `embedded` runs our own under the state folder; `external` names a server."""

    mode: Literal["embedded", "external"] = "embedded"
    host: str = "127.0.0.1"
    port: int | None = None
    name: str = "encompass"
    sslmode: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    passwords_file: Path | None = None


class KeySettings(_Table):
    """Where the key ring and the audit signing key are kept, off the database host."""

    ring_file: Path | None = None
    audit_signing_key_file: Path | None = None
    audit_heads_file: Path | None = None


class WebSettings(_Table):
    """The public address of the pages and the key that signs the sign-in cookie."""

    base_url: str = "http://127.0.0.1:8400"
    secret_key: SecretStr
    idle_minutes: Annotated[int, Field(gt=0)] = 15
    session_hours: Annotated[int, Field(gt=0)] = 8


class MailSettings(_Table):
    """The mail server that nudges leave by; TLS is enforced."""

    host: str
    port: int
    username: str
    password: SecretStr
    sender: str
    ca_file: Path | None = None
    timeout_seconds: float = 15.0


class IdentitySettings(_Table):
    """One OpenID Connect identity provider."""

    issuer: str
    client_id: str
    client_secret: SecretStr


class IdentityProviders(_Table):
    """The identity providers of schools and of staff."""

    school: IdentitySettings
    staff: IdentitySettings


class SftpSettings(_Table):
    """Where files are fetched over SFTP. `host_key` is the server's, as in a known_hosts file: type and key."""

    host: str
    port: Annotated[int, Field(gt=0, lt=65536)] = 22
    username: str
    host_key: str
    private_key_file: Path
    folder: str = "."


class FeedSettings(_Table):
    """A force's incident feed: REST at a `base_url`, or files dropped in a local `folder` or fetched by `sftp`.

    `mapping` is for `encompass.formats.police_mapping`; none is the neutral contract.
    """

    base_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    folder: Path | None = None
    sftp: SftpSettings | None = None
    page_size: Annotated[int, Field(gt=0, le=500)] = 50
    overlap_minutes: Annotated[int, Field(ge=0)] = 120
    first_window_hours: Annotated[int, Field(gt=0)] = 48
    fewest_records: Annotated[int, Field(ge=0)] = 1
    mapping: Mapping[str, Any] | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = [self.base_url is not None, self.folder is not None, self.sftp is not None]
        if sum(ways) != 1:
            raise ValueError(
                "a feed has one way in: base_url (with client_id and client_secret), folder or sftp"
            )
        if self.base_url is not None and (self.client_id is None or self.client_secret is None):
            raise ValueError("base_url needs client_id and client_secret beside it")
        return self


class RollSettings(_Table):
    """One roll: a file at a path of the registers' address, or a school's students at Wonde.

    `supplier` names the columns of a mis-csv (a file of config/rolls); `urn` is the school of a file that has no
    such column, and of Wonde's `school_id`.
    """

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    format: Literal["mis-csv", "ctf", "school-census", "wonde"]
    path: str | None = None
    supplier: str = "plain"
    urn: int | None = None
    school_id: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9]+$")] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wonde = self.format == "wonde"
        if (
            wonde != (self.school_id is not None)
            or wonde == (self.path is not None)
            or (wonde and not self.urn)
        ):
            raise ValueError("wonde needs school_id and urn, every other format a path")
        return self


class CalendarSettings(_Table):
    """One calendar: a CSV that names its scopes, or the iCalendar file of one school, trust or local authority."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    format: Literal["calendar-csv", "calendar-ics"]
    path: str
    scope: Literal["school", "trust", "la", "default"] = "default"
    code: str | None = None


class WondeSettings(_Table):
    """Where Wonde answers and the token that opens it."""

    base_url: str
    token: SecretStr


class RegisterSettings(_Table):
    """Where the school register, the rolls, the calendars and the Key Adult register come from.

    A `local_authorities` code stands for that authority's roll as mis-csv at /rolls/<code>/pupils.csv. A roll or
    Key Adult register with less than `fewest_pupils_percent` of its last rows, and a school register with less than
    `fewest_schools_percent`, are refused until a person releases them.
    """

    base_url: str
    token: SecretStr
    local_authorities: tuple[str, ...] = ()
    rolls: tuple[RollSettings, ...] = ()
    calendars: tuple[CalendarSettings, ...] = (
        CalendarSettings(source="national", format="calendar-csv", path="/school-days.csv"),
    )
    wonde: WondeSettings | None = None
    fewest_pupils_percent: Annotated[int, Field(ge=0, le=100)] = 60
    fewest_schools_percent: Annotated[int, Field(ge=0, le=100)] = 90

    @property
    def every_roll(self) -> tuple[RollSettings, ...]:
        """Every roll, the local authorities' first."""
        of_authorities = (
            RollSettings(source=la, format="mis-csv", path=f"/rolls/{la}/pupils.csv")
            for la in self.local_authorities
        )
        return (*of_authorities, *self.rolls)


class ProfileSettings(_Table):
    """What this force's schools are told, and by when; and whether lapsed training warns or keeps from being told."""

    fields: tuple[str, ...]
    send_by: time
    school_starts: time
    chase_after: time
    bank_holidays: Literal["england-and-wales", "scotland", "northern-ireland"] = "england-and-wales"
    holiday_act_days: Annotated[int, Field(ge=0)] = 1
    lapsed_training: Literal["warn", "block"] = "warn"


class MatchingSettings(_Table):
    """How this force's children are matched: a version in config/matching/, and limits stricter than its own."""

    parameters: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "2026-11"
    roll_stale_days: Annotated[int, Field(gt=0)] = 7
    automatic: float | None = None
    automatic_in_doubt: float | None = None
    automatic_elsewhere: float | None = None
    margin: float | None = None
    review: float | None = None


class ForceSettings(_Table):
    """One police force that this installation serves."""

    name: str
    partnership_id: str
    partnership_name: str
    feed: FeedSettings
    registers: RegisterSettings
    profile: ProfileSettings
    matching: MatchingSettings = MatchingSettings()


class DeadlineSettings(_Table):
    """Within how many minutes of its start each DAG's run must have ended, else an alarm is raised."""

    refresh_rolls: Annotated[float, Field(gt=0)] = 20
    notify_before_school: Annotated[float, Field(gt=0)] = 45
    reconcile_acknowledgements: Annotated[float, Field(gt=0)] = 10
    report_compliance: Annotated[float, Field(gt=0)] = 10


class Settings(_Table):
    """Everything that an installation decides."""

    environment: Literal["sandbox", "live"]
    var: Path
    database: DatabaseSettings = DatabaseSettings()
    keys: KeySettings = KeySettings()
    web: WebSettings
    mail: MailSettings
    identity: IdentityProviders
    deadline_minutes: DeadlineSettings = DeadlineSettings()
    forces: Mapping[str, ForceSettings]

    @property
    def ring_file(self) -> Path:
        """The key ring's file."""
        return self.keys.ring_file or self.var / "secrets" / "keyring.json"

    @property
    def audit_signing_key_file(self) -> Path:
        """The audit signing key's file."""
        return self.keys.audit_signing_key_file or self.var / "secrets" / "audit_signing_key.pem"

    @property
    def audit_heads_file(self) -> Path:
        """Where signed heads of the audit chain are appended, outside the database."""
        return self.keys.audit_heads_file or self.var / "audit" / "heads.jsonl"

    @property
    def database_passwords_file(self) -> Path:
        """The database roles' passwords, a TOML table of role to password."""
        return self.database.passwords_file or self.var / "secrets" / "database.toml"


def state_folder() -> Path:
    """The folder that holds all local state: ENCOMPASS_VAR, else var/ beside the code."""
    return Path(os.environ.get("ENCOMPASS_VAR") or ROOT / "var").resolve()


def settings_files(var: Path) -> tuple[Path, ...]:
    """The settings files in order, later overriding earlier: ENCOMPASS_CONFIG, else the default pair."""
    named = os.environ.get("ENCOMPASS_CONFIG")
    if named:
        return tuple(Path(p) for p in named.split(os.pathsep))
    overlay = var / "sandbox" / "encompass.toml"
    default = ROOT / "config" / "encompass.toml"
    return (default, overlay) if overlay.exists() else (default,)


def load_settings() -> Settings:
    """Read and check every settings file. Raises SettingsError naming each missing or wrong setting."""
    merged = _merged(state_folder())
    merged["forces"] = _with_force_files(cast(dict[str, Any], merged.get("forces", {})))
    settings = _checked(Settings, merged)
    _refuse_sandbox_in_live(settings)
    return settings


def load_deadlines() -> DeadlineSettings:
    """The deadlines alone, which a timetable needs before there is a secret. Raises SettingsError."""
    return _checked(DeadlineSettings, _merged(state_folder()).get("deadline_minutes", {}))


Table = TypeVar("Table", bound=_Table)


def _checked(kind: type[Table], values: Any) -> Table:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"settings are missing or wrong:\n{faults}\n{NAME_THEM}") from None


def _merged(var: Path) -> dict[str, Any]:
    merged: dict[str, Any] = {"var": str(var)}
    for file in settings_files(var):
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise SettingsError(f"settings file not found: {file.name}") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"settings file {file.name} is not TOML: {error}") from None
        merged = _overlaid(merged, table)
    return merged


def forces_folder() -> Path:
    """The folder with a file for each force: ENCOMPASS_FORCES, else config/forces/ beside the code."""
    return Path(os.environ.get("ENCOMPASS_FORCES") or ROOT / "config" / "forces")


def rolls_folder() -> Path:
    """The folder with a file for each supplier of rolls: ENCOMPASS_ROLLS, else config/rolls/ beside the code."""
    return Path(os.environ.get("ENCOMPASS_ROLLS") or ROOT / "config" / "rolls")


def _with_force_files(overrides: dict[str, Any]) -> dict[str, Any]:
    forces: dict[str, Any] = {
        f.stem: tomllib.loads(f.read_text("utf-8")) for f in sorted(forces_folder().glob("*.toml"))
    }
    return _overlaid(forces, overrides)


def _overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[name] = _overlaid(cast(dict[str, Any], old), cast(dict[str, Any], value))
        else:
            merged[name] = value
    return merged


def _refuse_sandbox_in_live(settings: Settings) -> None:
    if settings.environment != "live":
        return
    addresses = {
        "web.base_url": settings.web.base_url,
        "identity.school.issuer": settings.identity.school.issuer,
        "identity.staff.issuer": settings.identity.staff.issuer,
        **{
            f"forces.{n}.feed.base_url": f.feed.base_url
            for n, f in settings.forces.items()
            if f.feed.base_url
        },
        **{f"forces.{n}.registers.base_url": f.registers.base_url for n, f in settings.forces.items()},
    }
    insecure = [name for name, url in addresses.items() if not url.startswith("https://")]
    if insecure:
        raise SettingsError(f"environment = live needs https in: {', '.join(insecure)}")
    if settings.database.mode == "embedded":
        raise SettingsError("environment = live needs database.mode = external")
