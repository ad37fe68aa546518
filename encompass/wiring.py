"""Settings to working parts: one application object, and the one-line calls that a timetable makes."""

from __future__ import annotations

import time as monotonic
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from uuid import UUID

from encompass.domain.access import Audience, SchoolViewer, StaffViewer, Viewer
from encompass.domain.audit import ChainFault
from encompass.domain.compliance import Account, ComplianceReport
from encompass.domain.key_adults import LapsedTraining
from encompass.domain.notification import InboxEntry, NotificationPage
from encompass.domain.run import LONDON, Run, aware
from encompass.domain.sign_in import NeedsBinding, SignedIn, SignInRefused, SignInStart, SignInUnavailable
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.identity import IdentityAddress, IdentityProvider
from encompass.gateways.nudge import MailAddress, MailGateway
from encompass.pipeline import sign_in as signing_in
from encompass.pipeline.acknowledge import acknowledge
from encompass.pipeline.chase_acknowledgements import chase_acknowledgements as chase
from encompass.pipeline.feed_of import feed_of, shape_of_feed
from encompass.pipeline.issue_codes import issue_codes
from encompass.pipeline.match_children import DutyRules
from encompass.pipeline.match_children import match_children as match
from encompass.pipeline.match_rules import match_rules
from encompass.pipeline.prepare_notifications import TellingRules
from encompass.pipeline.prepare_notifications import prepare_notifications as prepare
from encompass.pipeline.read_notifications import read_inbox, read_notification
from encompass.pipeline.read_status import Status, read_status
from encompass.pipeline.receive_incidents import receive_incidents as receive
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.pipeline.reconcile_acknowledgements import reconcile_acknowledgements as reconcile
from encompass.pipeline.refresh_rolls import refresh_rolls as refresh
from encompass.pipeline.registers_of import registers_of
from encompass.pipeline.report_compliance import read_nights, read_report, report_at
from encompass.pipeline.report_compliance import report_compliance as report
from encompass.pipeline.resolve_quarantine import release_quarantined
from encompass.pipeline.seal_audit import seal_audit as seal
from encompass.pipeline.seal_audit import verify_audit
from encompass.pipeline.send_notifications import send_notifications as send
from encompass.settings import ForceSettings, Settings, SettingsError, load_deadlines, load_settings
from encompass.store import force, placement, schema
from encompass.store.database import Database, Role
from encompass.store.installation import database_running
from encompass.store.placement import ChildOutcome
from encompass.store.sealed import KeyRing, read_ring


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
class Encompass:
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

    def refresh_rolls(self, run: Run) -> int:
        """Refresh every register of the force; how many could not be taken."""
        registers = registers_of(self.force(run.force_id).registers)
        return refresh(self.database.engine(Role.PIPELINE), self.ring, registers, run)

    def receive_incidents(self, run: Run) -> int:
        """Pull the force's incidents; how many records were served."""
        feed, rules = feed_of(self.force(run.force_id).feed)
        return receive(self.database.engine(Role.PIPELINE), self.ring, feed, rules, run)

    def duty_rules(self, force_id: str) -> DutyRules:
        """When the schools' day starts and when a person is chased."""
        p = self.force(force_id).profile
        return DutyRules(p.school_starts, p.chase_after, p.holiday_act_days, p.bank_holidays)

    def match_children(self, run: Run) -> int:
        """Place every child who waits for a decision; how many."""
        rules = self.duty_rules(run.force_id)
        matching = match_rules(self.force(run.force_id).matching)
        return match(self.database.engine(Role.PIPELINE), self.ring, rules, matching, run)

    def prepare_notifications(self, run: Run) -> int:
        """Prepare a notification for every untold duty; how many duties."""
        profile = self.force(run.force_id).profile
        rules = TellingRules(frozenset(profile.fields), LapsedTraining(profile.lapsed_training))
        return prepare(self.database.engine(Role.PIPELINE), self.ring, rules, run)

    def send_notifications(self, run: Run) -> int:
        """Send every nudge that is due; how many the mail server took."""
        m = self.settings.mail
        address = MailAddress(
            host=m.host,
            port=m.port,
            username=m.username,
            password=m.password.get_secret_value(),
            sender=m.sender,
            ca_file=str(m.ca_file) if m.ca_file else None,
            timeout_seconds=m.timeout_seconds,
        )
        engine = self.database.engine(Role.PIPELINE)
        return send(engine, self.ring, MailGateway(address), self.settings.web.base_url, run)

    def chase_acknowledgements(self, run: Run) -> int:
        """Open the telephone tasks that are due; how many are new."""
        return chase(self.database.engine(Role.PIPELINE), run)

    def reconcile_acknowledgements(self, run: Run) -> Account:
        """The night's account, an imbalance raising an alarm."""
        return reconcile(self.database.engine(Role.PIPELINE), run)

    def account(self, run: Run) -> Account:
        """The night's account as of the run's instant; nothing is changed."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return account_at(connection, run.force_id, run.night, run.as_of)

    def report_compliance(self, run: Run) -> ComplianceReport:
        """Draw up and keep the night's report."""
        return report(self.database.engine(Role.PIPELINE), run)

    def report(self, run: Run) -> ComplianceReport:
        """The night's report as of the run's instant; nothing is changed."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return report_at(connection, run.force_id, run.night, run.as_of)

    def release_quarantined(self, run: Run, quarantine_id: UUID, by: str, why: str) -> None:
        """Take a refused record or file after all. Raises CannotRelease."""
        settings = self.force(run.force_id)
        registers, mapped = registers_of(settings.registers), shape_of_feed(settings.feed).mapped
        engine = self.database.engine(Role.PIPELINE)
        release_quarantined(engine, self.ring, registers, mapped, run, quarantine_id, by, why)

    def raise_alarm(self, run: Run, kind: str, source: str) -> None:
        """Raise an alarm of the run's night."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            force.raise_alarm(connection, run, kind, source)

    def seal_audit(self) -> int:
        """Chain the audit events committed since and sign the head; how many."""
        s = self.settings
        return seal(self.database.engine(Role.PIPELINE), s.audit_signing_key_file, s.audit_heads_file)

    def verify_audit(self) -> ChainFault | int:
        """The first fault of the audit chain, or how many links hold."""
        s = self.settings
        return verify_audit(self.database.engine(Role.AUDITOR), s.audit_signing_key_file, s.audit_heads_file)

    def issue_binding_codes(self, force_id: str) -> dict[str, str]:
        """Register reference to a new one-time code, for every Key Adult not yet bound."""
        day = self.clock.now().astimezone(LONDON).date()
        return issue_codes(self.database.engine(Role.PIPELINE), self.ring, force_id, day)

    def status(self, force_id: str) -> Status:
        """How fresh the registers are, what waits, what is in quarantine."""
        return read_status(self.database.engine(Role.PIPELINE), force_id)

    def outcomes_of_night(self, force_id: str, night: date) -> list[ChildOutcome]:
        """What became of each child of a night, opened: for a rehearsal's known truth."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return placement.outcomes_of_night(connection, self.ring, force_id, night)

    @cached_property
    def _providers(self) -> dict[Audience, IdentityProvider]:
        named = {Audience.SCHOOL: self.settings.identity.school, Audience.STAFF: self.settings.identity.staff}
        return {
            audience: IdentityProvider(
                IdentityAddress(
                    issuer=p.issuer,
                    client_id=p.client_id,
                    client_secret=p.client_secret.get_secret_value(),
                    redirect_uri=f"{self.settings.web.base_url}/sign-in/{audience.value}/callback",
                )
            )
            for audience, p in named.items()
        }

    @property
    def _session_rules(self) -> signing_in.SessionRules:
        web = self.settings.web
        return signing_in.SessionRules(
            timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours)
        )

    def begin_sign_in(self, audience: Audience) -> SignInStart:
        """Where to send the browser, and what to remember until it comes back. Raises SignInUnavailable."""
        try:
            return self._providers[audience].begin()
        except (Unavailable, Refused):
            raise SignInUnavailable from None

    def complete_sign_in(
        self, audience: Audience, start: SignInStart, code: str, state: str
    ) -> SignedIn | NeedsBinding | SignInRefused:
        """Turn the provider's answer into a session. Raises SignInUnavailable."""
        try:
            claims = self._providers[audience].complete(start, code, state)
        except Refused:
            return SignInRefused("not_vouched_for")
        except Unavailable:
            raise SignInUnavailable from None
        engine, now = self.database.engine(Role.SIGN_IN), self.clock.now()
        if audience is Audience.SCHOOL:
            return signing_in.sign_in_school(engine, self._session_rules, claims, now)
        if len(self.settings.forces) != 1:
            return SignInRefused("no_force")
        (force_id,) = self.settings.forces
        return signing_in.sign_in_staff(engine, self._session_rules, force_id, claims, now)

    def bind_key_adult(self, binding_ticket: str, code: str) -> SignedIn | SignInRefused:
        """Bind an identity to the Key Adult register by a one-time code, and sign in."""
        return signing_in.bind_key_adult(
            self.database.engine(Role.SIGN_IN),
            self.ring,
            self._session_rules,
            self.settings.forces,
            binding_ticket,
            code,
            self.clock.now(),
        )

    def sign_out(self, session_token: str) -> None:
        """End the session at once."""
        signing_in.sign_out(self.database.engine(Role.SIGN_IN), session_token)

    def viewer(self, session_token: str) -> Viewer | None:
        """Whose session this is; None when unknown, expired or revoked."""
        return signing_in.read_viewer(self.database.engine(Role.SIGN_IN), self._session_rules, session_token)

    def read_inbox(self, viewer: SchoolViewer) -> tuple[InboxEntry, ...]:
        """The notifications that the viewer's school may read."""
        return read_inbox(self.database.engine(Role.SCHOOL), self.ring, viewer)

    def read_notification(self, viewer: SchoolViewer, notification_id: UUID) -> NotificationPage:
        """One notification, its viewing audited. Raises NotFound."""
        engine = self.database.engine(Role.SCHOOL)
        return read_notification(engine, self.ring, viewer, notification_id, self.clock.now())

    def acknowledge(self, viewer: SchoolViewer, notification_id: UUID) -> None:
        """Acknowledge a notification, once. Raises NotFound."""
        acknowledge(self.database.engine(Role.SCHOOL), viewer, notification_id, self.clock.now())

    def read_report(self, viewer: StaffViewer, night: date | None) -> ComplianceReport:
        """A leader's report of a night as of now. Raises NotFound."""
        return read_report(self.database.engine(Role.LEADER), viewer, night, self.clock.now())

    def nights(self, viewer: StaffViewer) -> tuple[date, ...]:
        """The nights that a leader may read of, newest first. Raises NotFound."""
        return read_nights(self.database.engine(Role.LEADER), viewer)


@contextmanager
def opened(settings: Settings, as_of: datetime | None = None) -> Generator[Encompass]:
    """The installation, ready to work. With `as_of`, business time is replayed from that instant."""
    ring = read_ring(settings.ring_file, settings.forces)
    with database_running(settings) as database:
        try:
            yield Encompass(settings, database, ring, Clock(as_of))
        finally:
            database.dispose()


def pending_migrations(encompass: Encompass) -> int:
    """How many migrations have not been run."""
    return schema.pending(encompass.database)


def force_ids() -> list[str]:
    """The forces that this installation serves."""
    return sorted(load_settings().forces)


def deadline(dag_id: str) -> timedelta:
    """Within what time of its start a DAG's run must have ended."""
    minutes: float = getattr(load_deadlines(), dag_id)
    return timedelta(minutes=minutes)


def open_run(force_id: str, night: str, as_of: str) -> str:
    """The id of the force's run of a night (ISO date) at an instant (ISO with offset), opened if new."""
    with opened(load_settings()) as encompass:
        return str(
            encompass.open_run(force_id, date.fromisoformat(night), datetime.fromisoformat(as_of)).run_id
        )


def refresh_rolls(run_id: str) -> int:
    """Refresh every register; how many could not be taken."""
    with opened(load_settings()) as encompass:
        return encompass.refresh_rolls(encompass.run(run_id))


def receive_incidents(run_id: str) -> int:
    """Pull the night's incidents; how many records were served."""
    with opened(load_settings()) as encompass:
        return encompass.receive_incidents(encompass.run(run_id))


def match_children(run_id: str) -> int:
    """Place every child who waits for a decision; how many."""
    with opened(load_settings()) as encompass:
        return encompass.match_children(encompass.run(run_id))


def prepare_notifications(run_id: str) -> int:
    """Prepare a notification for every untold duty; how many duties."""
    with opened(load_settings()) as encompass:
        return encompass.prepare_notifications(encompass.run(run_id))


def send_notifications(run_id: str) -> int:
    """Send every nudge that is due; how many the mail server took."""
    with opened(load_settings()) as encompass:
        return encompass.send_notifications(encompass.run(run_id))


def chase_acknowledgements(run_id: str) -> int:
    """Open the telephone tasks that are due; how many are new."""
    with opened(load_settings()) as encompass:
        return encompass.chase_acknowledgements(encompass.run(run_id))


def reconcile_acknowledgements(run_id: str) -> int:
    """Draw up the account; how many of its three ledgers do not balance."""
    with opened(load_settings()) as encompass:
        account = encompass.reconcile_acknowledgements(encompass.run(run_id))
    return sum(not ledger.balances for ledger in (account.manifest, account.involvements, account.duties))


def report_compliance(run_id: str) -> int:
    """Draw up and keep the night's report; how many duties it counts."""
    with opened(load_settings()) as encompass:
        return encompass.report_compliance(encompass.run(run_id)).duties


def seal_audit() -> int:
    """Chain the audit events committed since and sign the head; how many."""
    with opened(load_settings()) as encompass:
        return encompass.seal_audit()


def raise_alarm(force_id: str, night: str, kind: str, source: str) -> None:
    """Raise an alarm of a night (ISO date), as of its last run, or of now when it has none."""
    with opened(load_settings()) as encompass:
        wanted = date.fromisoformat(night)
        try:
            run = encompass.last_run(force_id, wanted)
        except force.UnknownRun:
            run = encompass.open_run(force_id, wanted, encompass.clock.now())
        encompass.raise_alarm(run, kind, source)
