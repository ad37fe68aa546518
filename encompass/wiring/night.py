"""The steps of a night, each one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from encompass.domain.audit import ChainFault
from encompass.domain.child import UnderReception
from encompass.domain.compliance import Account, ComplianceReport
from encompass.domain.cover import CoverRule
from encompass.domain.key_adults import LapsedTraining
from encompass.domain.ladder import LadderTimes, Step
from encompass.domain.nudge import SendingRules
from encompass.domain.readiness import Readiness
from encompass.domain.run import LONDON, Run
from encompass.pipeline.bring_forward import bring_forward
from encompass.pipeline.change_contacts import check_contacts
from encompass.pipeline.chase_acknowledgements import LadderRules
from encompass.pipeline.chase_acknowledgements import chase_acknowledgements as chase
from encompass.pipeline.compare_contacts import compare_contacts
from encompass.pipeline.feed_of import feed_of, shape_of_feed
from encompass.pipeline.freeze_sending import is_frozen
from encompass.pipeline.give_sign_of_life import Fallback, give_sign_of_life
from encompass.pipeline.issue_codes import issue_codes
from encompass.pipeline.match_children import DutyRules
from encompass.pipeline.match_children import match_children as match
from encompass.pipeline.match_rules import match_rules
from encompass.pipeline.one_by_one import Failed
from encompass.pipeline.prepare_notifications import prepare_notifications as prepare
from encompass.pipeline.read_readiness import read_readiness
from encompass.pipeline.read_status import Status, read_status
from encompass.pipeline.receive_incidents import receive_incidents as receive
from encompass.pipeline.reconcile_acknowledgements import account_at
from encompass.pipeline.reconcile_acknowledgements import reconcile_acknowledgements as reconcile
from encompass.pipeline.record_receipts import record_receipts
from encompass.pipeline.refresh_rolls import refresh_rolls as refresh
from encompass.pipeline.registers_of import registers_of
from encompass.pipeline.report_compliance import report_at
from encompass.pipeline.report_compliance import report_compliance as report
from encompass.pipeline.resolve_quarantine import release_quarantined
from encompass.pipeline.seal_audit import seal_audit as seal
from encompass.pipeline.seal_audit import verify_audit
from encompass.pipeline.send_notifications import send_notifications as send
from encompass.pipeline.take_answers import take_answers
from encompass.pipeline.take_changes import take_changes
from encompass.pipeline.take_push import PushedPages
from encompass.pipeline.telling_rules import TellingRules, telling_rules
from encompass.store import force, placement
from encompass.store.database import Role
from encompass.store.placement import ChildOutcome
from encompass.wiring.delivery import providers_of
from encompass.wiring.installation import Installation


class NightSteps(Installation):
    """What a timetable or an operator asks for, a run at a time."""

    def refresh_rolls(self, run: Run) -> int:
        """Refresh every register of the force; how many could not be taken."""
        force, engine = self.force(run.force_id), self.database.engine(Role.PIPELINE)
        missing = refresh(engine, self.ring, registers_of(force.registers), run)
        check_contacts(engine, self.ring, self.attestation_rule(run.force_id), run)
        compare_contacts(engine, self.ring, run).raise_surprises("compare_contacts")
        return missing

    def receive_incidents(self, run: Run) -> int:
        """Pull the force's incidents; how many records were served."""
        engine = self.database.engine(Role.PIPELINE)
        feed, rules = feed_of(
            self.force(run.force_id).feed,
            lambda shape: PushedPages(engine, self.ring, run.force_id, shape),
        )
        return receive(engine, self.ring, feed, rules, run)

    def duty_rules(self, force_id: str) -> DutyRules:
        """When the schools' day starts and when a person is chased."""
        p = self.force(force_id).profile
        return DutyRules(p.school_starts, p.chase_after, p.holiday_act_days, p.bank_holidays)

    def match_children(self, run: Run) -> int:
        """Place every child who waits for a decision; how many."""
        rules = self.duty_rules(run.force_id)
        force = self.force(run.force_id)
        matching = replace(
            match_rules(force.matching), under_reception=UnderReception(force.profile.under_reception)
        )
        return match(self.database.engine(Role.PIPELINE), self.ring, rules, matching, run)

    def prepare_notifications(self, run: Run) -> int:
        """Prepare a notification for every untold duty; how many duties."""
        engine, failed = self.database.engine(Role.PIPELINE), self._answers_and_contacts(run)
        duties = prepare(engine, self.ring, self.telling_rules(run.force_id), run)
        failed.raise_surprises("answers_and_contacts")
        return duties

    def _answers_and_contacts(self, run: Run) -> Failed:
        """Take up what schools answered and changed, and compare new contacts with what was told."""
        engine = self.database.engine(Role.PIPELINE)
        failed = take_answers(engine, self.ring, self.telling_rules(run.force_id), run)
        failed.add(take_changes(engine, self.ring, run))
        failed.add(compare_contacts(engine, self.ring, run))
        return failed

    def telling_rules(self, force_id: str) -> TellingRules:
        """What the force's schools are told, and by whose leave."""
        return telling_rules(self.force(force_id))

    def send_notifications(self, run: Run) -> int:
        """Send every nudge that is due, unless sending is frozen; how many their providers took."""
        engine, link = self.database.engine(Role.PIPELINE), f"{self.settings.web.base_url}/"
        if is_frozen(engine, run, timedelta(hours=self.force(run.force_id).ladder.freeze_after_hours)):
            return 0
        rules = SendingRules(workers=self.settings.nudges_of(run.force_id).at_once)
        return send(engine, self.ring, providers_of(self.settings, run.force_id, engine), rules, link, run)

    def chase_acknowledgements(self, run: Run) -> int:
        """Take the steps of the ladder that are due; how many telephone tasks are new."""
        engine, failed = self.database.engine(Role.PIPELINE), self._answers_and_contacts(run)
        failed.add(bring_forward(engine, self.duty_rules(run.force_id), run))
        opened = chase(engine, self.ring, self.ladder_rules(run.force_id), run)
        failed.raise_surprises("answers_and_contacts")
        return opened

    def ladder_rules(self, force_id: str) -> LadderRules:
        """The force's ladder, as its file says."""
        force = self.force(force_id)
        own = force.ladder
        times = LadderTimes(
            own.deputy_at,
            own.accepted_by,
            own.second_channel_at,
            own.remind_at,
            tuple(Step(who) for who in own.escalate_to),
            timedelta(minutes=own.escalate_every_minutes),
        )
        lapsed = LapsedTraining(force.profile.lapsed_training)
        engine = self.database.engine(Role.PIPELINE)
        channels = frozenset(providers_of(self.settings, force_id, engine))
        cover = CoverRule(force.profile.cover)
        return LadderRules(times, self.duty_rules(force_id), own.school_ends, lapsed, cover, channels)

    def reconcile_acknowledgements(self, run: Run) -> Account:
        """Join the receipts, then the night's account, an imbalance raising an alarm."""
        engine = self.database.engine(Role.PIPELINE)
        record_receipts(engine, providers_of(self.settings, run.force_id, engine), run)
        return reconcile(engine, run)

    def account(self, run: Run) -> Account:
        """The night's account as of the run's instant; nothing is changed."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return account_at(connection, run.force_id, run.night, run.as_of)

    def accounts(self, force_ids: Sequence[str], night: date | None) -> list[Account]:
        """Each force's account of a night (of the newest that any of them has had), as of its last run's instant.

        One that has had no run of it is accounted for as of the others' last: its feed is a gap. Raises UnknownRun
        where nobody has had one.
        """
        with self.database.engine(Role.PIPELINE).begin() as connection:
            wanted = night or max(
                (n for f in force_ids for n in force.nights(connection, f)[:1]), default=None
            )
            if wanted is None:
                raise force.UnknownRun
            runs = {
                f: force.last_run_of_night(connection, f, wanted)
                for f in force_ids
                if wanted in force.nights(connection, f)
            }
            if not runs:
                raise force.UnknownRun
            last = max(run.as_of for run in runs.values())
            instants = {f: runs[f].as_of if f in runs else last for f in force_ids}
            return [account_at(connection, f, wanted, instants[f]) for f in force_ids]

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

    def seal_audit(self) -> int:
        """Chain the audit events committed since and sign the head; how many."""
        s = self.settings
        return seal(self.database.engine(Role.PIPELINE), s.audit_signing_key_file, s.audit_heads_file)

    def verify_audit(self) -> ChainFault | int:
        """The first fault of the audit chain, or how many links hold."""
        s = self.settings
        return verify_audit(self.database.engine(Role.AUDITOR), s.audit_signing_key_file, s.audit_heads_file)

    def issue_binding_codes(self, force_id: str, only: str | None = None) -> dict[str, str]:
        """Register reference to a new one-time code, for every Key Adult, or the one named, who cannot sign in yet."""
        day = self.clock.now().astimezone(LONDON).date()
        return issue_codes(self.database.engine(Role.PIPELINE), self.ring, force_id, day, only)

    def status(self, force_id: str) -> Status:
        """How fresh the registers are, what waits, what is in quarantine."""
        stale_after = timedelta(days=self.force(force_id).matching.roll_stale_days)
        return read_status(self.database.engine(Role.PIPELINE), force_id, self.clock.now(), stale_after)

    def give_sign_of_life(self, run: Run) -> int:
        """Give the watchdog its sign of life and telephone list; how many schools are on the list."""
        watchdog, var = self.settings.watchdog, self.settings.var
        engine, places = self.database.engine(Role.PIPELINE), (watchdog.folder_in(var), watchdog.keys_in(var))
        own = self.force(run.force_id).ladder
        fallback = Fallback(tuple(Step(who) for who in own.escalate_to), own.la_telephones)
        return give_sign_of_life(engine, self.ring, *places, fallback, run, self.clock.now())

    def readiness(self, force_id: str) -> Readiness:
        """Whether the force is safe by the next bell, and what to do if not."""
        return read_readiness(self.database.engine(Role.PIPELINE), force_id, self.clock.now())

    def outcomes_of_night(self, force_id: str, night: date) -> list[ChildOutcome]:
        """What became of each child of a night, opened: for a rehearsal's known truth."""
        with self.database.engine(Role.PIPELINE).begin() as connection:
            return placement.outcomes_of_night(connection, self.ring, force_id, night)
