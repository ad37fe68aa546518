"""What the pages ask for: who is there, and what he or she may read and do."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from encompass.domain.access import KeyAdultViewer, StaffViewer
from encompass.domain.compliance import ComplianceReport
from encompass.domain.notification import Inbox, InboxEntry, Notice, NotificationPage, Reading
from encompass.domain.push import Pushed
from encompass.domain.receipt import report_of
from encompass.domain.support import Support, SupportFault, SupportSoFar
from encompass.pipeline.acknowledge import acknowledge, excuse_from, return_notification
from encompass.pipeline.feed_of import shape_of_feed
from encompass.pipeline.give_support import read_support, record_support
from encompass.pipeline.read_notifications import read_cover, read_inbox, read_notification
from encompass.pipeline.record_receipts import take_report
from encompass.pipeline.report_compliance import read_nights, read_report
from encompass.pipeline.take_push import PushRules, is_signed, take_push
from encompass.store.database import Role
from encompass.wiring.sign_in import SignInCalls


class PageCalls(SignInCalls):
    """What the pages ask for."""

    def read_inbox(self, viewer: KeyAdultViewer, page: int = 1) -> Inbox:
        """A page of the notifications and notices that the viewer's school or office may read, its viewing audited."""
        engine, rule = self.database.engine(Role.SCHOOL), self.attestation_rule(viewer.force_id)
        return read_inbox(engine, self.ring, viewer, rule, page, self.clock.now())

    def read_cover(self, viewer: KeyAdultViewer, notification_id: UUID) -> InboxEntry | Notice:
        """What stands before a notification's content, or the notice of one that is gone; audited. Raises NotFound."""
        engine, now = self.database.engine(Role.SCHOOL), self.clock.now()
        return read_cover(engine, self.ring, viewer, notification_id, now)

    def read_notification(
        self, viewer: KeyAdultViewer, notification_id: UUID, reading: Reading = Reading.VIEWED
    ) -> NotificationPage:
        """One notification, its reading audited. Raises NotFound."""
        engine = self.database.engine(Role.SCHOOL)
        return read_notification(engine, self.ring, viewer, notification_id, reading, self.clock.now())

    def name_is_shown_at_once(self, viewer: KeyAdultViewer) -> bool:
        """Whether the child's name stands open on a notification, or behind a click."""
        return self.force(viewer.force_id).profile.name_shown == "at_once"

    def read_support(self, viewer: KeyAdultViewer, notification_id: UUID) -> tuple[InboxEntry, SupportSoFar]:
        """What was recorded of the support given, its viewing audited. Raises NotFound."""
        engine = self.database.engine(Role.SCHOOL)
        return read_support(engine, self.ring, viewer, notification_id, self.clock.now())

    def record_support(
        self, viewer: KeyAdultViewer, notification_id: UUID, given: Support, after: int
    ) -> SupportFault | None:
        """Record the support given, as the version after `after`. Raises NotFound."""
        engine, now = self.database.engine(Role.SCHOOL), self.clock.now()
        return record_support(engine, self.ring, viewer, notification_id, given, after, now)

    def acknowledge(self, viewer: KeyAdultViewer, notification_id: UUID) -> None:
        """Acknowledge a notification, once. Raises NotFound."""
        acknowledge(self.database.engine(Role.SCHOOL), viewer, notification_id, self.clock.now())

    def is_provider(self, force_id: str, token: str) -> bool:
        """Whether this is the token of the force's provider of nudges, compared in constant time."""
        if force_id not in self.settings.forces:
            return False
        notify = self.settings.nudges_of(force_id).notify
        return notify is not None and hmac.compare_digest(
            notify.callback_token.get_secret_value().encode(), token.encode()
        )

    def take_receipt(self, force_id: str, fields: Mapping[str, object]) -> None:
        """Keep what the provider says of a nudge; what is no last word, or of nothing of ours, is let go."""
        report = report_of(force_id, fields.get("reference"), fields.get("status"), fields.get("id"))
        if report is not None:
            take_report(self.database.engine(Role.INBOUND), report)

    def return_notification(self, viewer: KeyAdultViewer, notification_id: UUID) -> None:
        """Say that the child is not the school's pupil. Raises NotFound."""
        return_notification(self.database.engine(Role.SCHOOL), viewer, notification_id, self.clock.now())

    def excuse_from(self, viewer: KeyAdultViewer, notification_id: UUID) -> None:
        """Say that the viewer should not see it. Raises NotFound."""
        excuse_from(self.database.engine(Role.SCHOOL), viewer, notification_id, self.clock.now())

    def push_is_signed(self, force_id: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a force that pushes its records signed this message just now."""
        known = self.settings.forces.get(force_id)
        if known is None or known.feed.push is None:
            return False
        secrets = [s.get_secret_value() for s in known.feed.push.secrets]
        return is_signed(secrets, headers, body)

    def take_push(self, force_id: str, message_id: str, body: bytes) -> Pushed:
        """Keep a signed page of the force's for the night's look at its feed."""
        feed = self.force(force_id).feed
        rules = PushRules(shape_of_feed(feed), feed.push.most_a_minute if feed.push else 0)
        engine = self.database.engine(Role.INBOUND)
        return take_push(engine, self.ring, rules, force_id, message_id, body, self.clock.now())

    def read_report(self, viewer: StaffViewer, night: date | None) -> ComplianceReport:
        """A leader's report of a night as of now. Raises NotFound."""
        return read_report(self.database.engine(Role.LEADER), viewer, night, self.clock.now())

    def nights(self, viewer: StaffViewer) -> tuple[date, ...]:
        """The nights that a leader may read of, newest first. Raises NotFound."""
        return read_nights(self.database.engine(Role.LEADER), viewer)
