"""Settings: TOML files parsed once, checked whole, frozen. A secret has no fall-back value."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, cast

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from encompass.settings.feed import FeedSettings, PushSettings, SftpSettings
from encompass.settings.force import (
    CalendarSettings,
    ForceSettings,
    LadderSettings,
    MatchingSettings,
    ProfileSettings,
    RegisterSettings,
    RollSettings,
    StaffSettings,
    WondeSettings,
)
from encompass.settings.installation import (
    DatabaseSettings,
    DeadlineSettings,
    IdentityProviders,
    IdentitySettings,
    KeySettings,
    MailSettings,
    RoleApiSettings,
    SchoolIdentitySettings,
    StaffIdentitySettings,
    WebSettings,
)
from encompass.settings.live import unfit_for_live
from encompass.settings.nudges import NotifySettings, NudgeSettings, TemplateSettings
from encompass.settings.table import Table
from encompass.settings.watchdog import WatchdogSettings

__all__ = [
    "CalendarSettings",
    "DatabaseSettings",
    "DeadlineSettings",
    "FeedSettings",
    "ForceSettings",
    "IdentityProviders",
    "IdentitySettings",
    "KeySettings",
    "LadderSettings",
    "MailSettings",
    "MatchingSettings",
    "NotifySettings",
    "NudgeSettings",
    "ProfileSettings",
    "PushSettings",
    "RegisterSettings",
    "RoleApiSettings",
    "RollSettings",
    "SchoolIdentitySettings",
    "SftpSettings",
    "StaffIdentitySettings",
    "StaffSettings",
    "TemplateSettings",
    "WatchdogSettings",
    "WebSettings",
    "WondeSettings",
]

ROOT: Final = Path(__file__).resolve().parents[2]


NAME_THEM: Final = (
    "Name your settings files in ENCOMPASS_CONFIG (docs/runbook.md lists the settings); "
    "`make night` makes those of the sandbox."
)


class SettingsError(Exception):
    """The settings cannot be used; the text lists every fault by its name, never by its value."""


class Settings(Table):
    """Everything that an installation decides."""

    environment: Literal["sandbox", "live"]
    var: Path
    database: DatabaseSettings = DatabaseSettings()
    keys: KeySettings = KeySettings()
    web: WebSettings
    nudges: NudgeSettings = NudgeSettings()
    identity: IdentityProviders
    deadline_minutes: DeadlineSettings = DeadlineSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    forces: Mapping[str, ForceSettings]
    mail: Annotated[MailSettings | None, Field(validate_default=True)] = None

    @field_validator("mail")
    @classmethod
    def _where_it_is_used(cls, mail: MailSettings | None, told: ValidationInfo) -> MailSettings | None:
        """Named as missing beside whatever else is missing or wrong, and not only once that is mended."""
        forces: Mapping[str, ForceSettings] = told.data.get("forces", {})
        used = [f.nudges or told.data.get("nudges") for f in forces.values()] or [told.data.get("nudges")]
        if mail is None and any(n is not None and n.email == "smtp" for n in used):
            raise ValueError("missing: nudges.email is smtp")
        return mail

    def nudges_of(self, force_id: str) -> NudgeSettings:
        """How a force's nudges leave: as its own settings say, else the installation's."""
        return self.forces[force_id].nudges or self.nudges

    @model_validator(mode="after")
    def _staff_told_apart(self) -> Self:
        own = {force_id: f.staff.identity for force_id, f in self.forces.items() if f.staff.identity}
        sharing = {force_id: f.staff for force_id, f in self.forces.items() if force_id not in own}
        if sharing and self.identity.staff is None:
            raise ValueError(f"identity.staff: missing, and {', '.join(sharing)} have no staff.identity")
        named = Counter((staff.claim, staff.value or force_id) for force_id, staff in sharing.items())
        if any(n > 1 for n in named.values()):
            raise ValueError("forces.*.staff: two forces cannot be known by the same claim and value")
        shared = [self.identity.staff] if self.identity.staff else []
        issuers = Counter(i.issuer for i in (*own.values(), *shared, self.identity.school))
        if any(n > 1 for n in issuers.values()):
            raise ValueError("identity: one issuer cannot be two of the providers")
        return self

    @property
    def identity_providers(self) -> tuple[IdentitySettings, ...]:
        """Every provider that people sign in with."""
        own = (f.staff.identity for f in self.forces.values())
        return tuple(p for p in (self.identity.school, self.identity.staff, *own) if p is not None)

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
    faults = unfit_for_live(settings) if settings.environment == "live" else []
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def load_deadlines() -> DeadlineSettings:
    """The deadlines alone, which a timetable needs before there is a secret. Raises SettingsError."""
    return _checked(DeadlineSettings, _merged(state_folder()).get("deadline_minutes", {}))


@dataclass(frozen=True)
class Watch:
    """What the watchdog looks at: its settings, its files and keys, and which forces must give signs of life."""

    settings: WatchdogSettings
    folder: Path
    keys_folder: Path
    forces: tuple[str, ...]


def load_watch() -> Watch:
    """The watchdog's own settings and the forces' names; it needs no other secrets. Raises SettingsError."""
    var = state_folder()
    merged = _merged(var)
    settings = _checked(WatchdogSettings, merged.get("watchdog", {}))
    forces = _with_force_files(cast(dict[str, Any], merged.get("forces", {})))
    return Watch(settings, settings.folder_in(var), settings.keys_in(var), tuple(sorted(forces)))


T = TypeVar("T", bound=Table)


def _checked(kind: type[T], values: Any) -> T:
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
