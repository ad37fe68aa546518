"""What a school's pages about itself ask for: its days, who stands in, and its contacts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from encompass.domain.access import KeyAdultViewer
from encompass.domain.cover import CoverFault, CoverPage, WantedCover
from encompass.domain.entered_day import Closure, DayFault, EnteredDays, StartTime
from encompass.domain.own_contact import ContactFault, ContactsPage, NewContact
from encompass.domain.run import LONDON
from encompass.domain.school import DayKind
from encompass.pipeline.enter_days import enter_closure, enter_start, read_days, remove_days
from encompass.pipeline.name_cover import end_cover, name_cover, read_covers
from encompass.pipeline.own_contacts import (
    add_contact,
    attest,
    change_contact,
    confirm_own,
    end_contact,
    read_contacts,
    withdraw_own,
)
from encompass.store.database import Role
from encompass.wiring.installation import Installation


class OwnPageCalls(Installation):
    """What a school's pages about itself ask for."""

    def today(self) -> date:
        """The day in London."""
        return self.clock.now().astimezone(LONDON).date()

    def read_days(self, viewer: KeyAdultViewer) -> EnteredDays:
        """The closed days and start times that the viewer's school has entered. Raises NotFound."""
        return read_days(self.database.engine(Role.SCHOOL), viewer, self.clock.now())

    def enter_closure(self, viewer: KeyAdultViewer, closure: Closure) -> DayFault | None:
        """The school is shut on these days; or why that is not taken. Raises NotFound."""
        return enter_closure(self.database.engine(Role.SCHOOL), viewer, closure, self.clock.now())

    def enter_start(self, viewer: KeyAdultViewer, start: StartTime) -> DayFault | None:
        """When the school's day starts; or why that is not taken. Raises NotFound."""
        return enter_start(self.database.engine(Role.SCHOOL), viewer, start, self.clock.now())

    def remove_days(self, viewer: KeyAdultViewer, kind: DayKind, first: date, last: date) -> int:
        """Take back what was entered for these days, as far as they are not over. Raises NotFound."""
        return remove_days(self.database.engine(Role.SCHOOL), viewer, kind, first, last, self.clock.now())

    def read_covers(self, viewer: KeyAdultViewer) -> CoverPage:
        """Who stands in for whom at the viewer's school or office, and who could. Raises NotFound."""
        return read_covers(self.database.engine(Role.SCHOOL), self.ring, viewer, self.clock.now())

    def name_cover(self, viewer: KeyAdultViewer, wanted: WantedCover) -> CoverFault | None:
        """Somebody stands in for the viewer; or why that is not taken. Raises NotFound."""
        return name_cover(self.database.engine(Role.SCHOOL), self.ring, viewer, wanted, self.clock.now())

    def end_cover(self, viewer: KeyAdultViewer, cover_id: UUID) -> None:
        """The viewer's own cover ends. Raises NotFound."""
        end_cover(self.database.engine(Role.SCHOOL), viewer, cover_id, self.clock.now())

    def read_contacts(self, viewer: KeyAdultViewer) -> ContactsPage:
        """Who is told at the viewer's school or office, and what waits for a second person. Raises NotFound."""
        engine, rule = self.database.engine(Role.SCHOOL), self.attestation_rule(viewer.force_id)
        return read_contacts(engine, self.ring, viewer, rule, self.clock.now())

    def attest(self, viewer: KeyAdultViewer) -> None:
        """The viewer's school says that its contacts are still the right ones. Raises NotFound."""
        attest(self.database.engine(Role.SCHOOL), viewer, self.clock.now())

    def change_contact(
        self, viewer: KeyAdultViewer, key_adult_id: UUID, new: NewContact
    ) -> ContactFault | None:
        """Ask for other details of a contact; or why that is not taken. Raises NotFound."""
        engine = self.database.engine(Role.SCHOOL)
        return change_contact(engine, self.ring, viewer, key_adult_id, new, self.clock.now())

    def add_contact(self, viewer: KeyAdultViewer, role: str, new: NewContact) -> ContactFault | None:
        """Ask for another contact; or why that is not taken. Raises NotFound."""
        engine = self.database.engine(Role.SCHOOL)
        return add_contact(engine, self.ring, viewer, role, new, self.clock.now())

    def end_contact(self, viewer: KeyAdultViewer, key_adult_id: UUID) -> ContactFault | None:
        """Ask that somebody is a contact no longer; or why that is not taken. Raises NotFound."""
        return end_contact(
            self.database.engine(Role.SCHOOL), self.ring, viewer, key_adult_id, self.clock.now()
        )

    def confirm_own_change(self, viewer: KeyAdultViewer, change_id: UUID) -> None:
        """Confirm what another of the school asked for. Raises NotFound."""
        confirm_own(self.database.engine(Role.SCHOOL), viewer, change_id, self.clock.now())

    def withdraw_own_change(self, viewer: KeyAdultViewer, change_id: UUID) -> None:
        """Take back what the viewer asked for. Raises NotFound."""
        withdraw_own(self.database.engine(Role.SCHOOL), viewer, change_id, self.clock.now())
