"""One installation: its settings, its database, its keys, and its runs."""

from __future__ import annotations

import time as monotonic
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from encompass.domain.attestation import AttestationRule
from encompass.domain.run import Run, aware
from encompass.settings import ForceSettings, Settings, SettingsError
from encompass.store import force
from encompass.store.database import Database, Role
from encompass.store.sealed import KeyRing


@dataclass(frozen=True)
class Clock:
    """Business time: now, or a replay that began at an instant and goes on from there."""

    replayed_from: datetime | None = None
    started: float = field(default_factory=monotonic.time)

    def now(self) -> datetime:
        """The business instant, aware, in UTC."""
        if self.replayed_from is None:
            return datetime.now(UTC)
        return self.replayed_from.astimezone(UTC) + timedelta(seconds=monotonic.time() - self.started)


@dataclass(frozen=True)
class Installation:
    """One installation, ready to work: its settings, its database, its keys."""

    settings: Settings
    database: Database
    ring: KeyRing = field(repr=False)
    clock: Clock = field(default_factory=Clock)

    def force(self, force_id: str) -> ForceSettings:
        """The force's settings. Raises SettingsError."""
        if force_id not in self.settings.forces:
            raise SettingsError(
                f"no force {force_id} in the settings; known: {', '.join(self.settings.forces)}"
            )
        return self.settings.forces[force_id]

    def attestation_rule(self, force_id: str) -> AttestationRule:
        """How often the force's schools say that their Key Adults are still right. Raises SettingsError."""
        return AttestationRule(self.force(force_id).profile.attestation)

    def open_run(self, force_id: str, night: date, as_of: datetime) -> Run:
        """The force's run of a night at an instant, opened if new."""
        f = self.force(force_id)
        with self.database.engine(Role.PIPELINE).begin() as connection:
            force.upsert_force(connection, force_id, f.name, f.partnership_id, f.partnership_name)
            return force.open_run(connection, force_id, night, aware(as_of))

    def run(self, run_id: str) -> Run:
        """The run of this id. Raises UnknownRun."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return force.run_by_id(connection, UUID(run_id))

    def last_run(self, force_id: str, night: date | None) -> Run:
        """The latest run of a night, or of the newest night. Raises UnknownRun."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            known = force.nights(connection, force_id)
            if night is None and not known:
                raise force.UnknownRun
            return force.last_run_of_night(connection, force_id, night or known[0])

    def raise_alarm(self, run: Run, kind: str, source: str) -> None:
        """Raise an alarm of the run's night."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            force.raise_alarm(connection, run, kind, source)
