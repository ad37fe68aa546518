"""Every status, bucket and holder in words, from the catalogue."""

from __future__ import annotations

from encompass.domain.access import AwaitingSecondFactor, KeyAdultViewer, may_enter_days
from encompass.domain.compliance import Bucket
from encompass.domain.cover import CoverFault, CoverState
from encompass.domain.entered_day import ClosedReason, DayFault
from encompass.domain.notification import NoticeKind, NotificationStatus
from encompass.domain.own_contact import ContactFault
from encompass.domain.recipient import LaOfficer, Office
from encompass.domain.school import KeyAdultRole
from encompass.domain.sign_in import Choice
from encompass.domain.support import SupportFault, SupportKind, SupportStep
from encompass.domain.telling import HEADINGS, Line
from encompass.web.catalogue import gettext, lazy_gettext

NOTIFICATION_STATUS = {
    NotificationStatus.HELD: lazy_gettext("Held"),
    NotificationStatus.RELEASED: lazy_gettext("New"),
    NotificationStatus.ACKNOWLEDGED: lazy_gettext("Acknowledged"),
    NotificationStatus.NOT_OUR_PUPIL: lazy_gettext("Not our pupil"),
    NotificationStatus.WITHDRAWN: lazy_gettext("Withdrawn"),
    NotificationStatus.SUPERSEDED: lazy_gettext("Replaced"),
    NotificationStatus.RECALLED: lazy_gettext("Recalled"),
    NotificationStatus.CANCELLED: lazy_gettext("Cancelled"),
}
BUCKET = {
    Bucket.EXCLUDED: lazy_gettext("Out of scope or withdrawn"),
    Bucket.ACKNOWLEDGED: lazy_gettext("Acknowledged by a named adult"),
    Bucket.ESCALATED: lazy_gettext("Being telephoned"),
    Bucket.WITH_A_PERSON: lazy_gettext("With a person to decide"),
    Bucket.OVERDUE: lazy_gettext("Overdue, nobody chasing yet"),
    Bucket.AWAITING: lazy_gettext("Awaiting the school, not yet due"),
}
WAITING_WITH = {
    "school": lazy_gettext("The Key Adults of the school or office"),
    "mash_telephone": lazy_gettext("MASH, to telephone the school"),
    "mash_in_review": lazy_gettext("MASH, to decide between pupils"),
    "mash_not_found": lazy_gettext("MASH, to find the school"),
    "mash_referred": lazy_gettext("Nobody told yet: referred to an office or force"),
    "mash_unplaced": lazy_gettext("The pipeline, not yet placed"),
    "mash_placed": lazy_gettext("MASH, returned by the school"),
    "police_hold": lazy_gettext("Police, who asked to hold"),
    "mash_held": lazy_gettext("MASH, to look before the school is told"),
    "nobody": lazy_gettext("Nobody: the account does not balance"),
}
OFFICE = {
    Office.CME: lazy_gettext("children missing education"),
    Office.EHE: lazy_gettext("elective home education"),
    Office.VIRTUAL_SCHOOL: lazy_gettext("virtual school"),
}
NOTICE = {
    NoticeKind.WITHDRAWN: lazy_gettext(
        "Police have withdrawn this message. You need do nothing more about it. Destroy what was copied or printed, or "
        "mark it as withdrawn."
    ),
    NoticeKind.PART_WITHDRAWN: lazy_gettext(
        "Police have withdrawn one of the incidents that this message told of. The rest stands."
    ),
    NoticeKind.RECALLED: lazy_gettext(
        "This message was sent to you by mistake. Do not use or pass on what you read. Destroy what was copied or "
        "printed. Somebody will telephone you."
    ),
    NoticeKind.PART_RECALLED: lazy_gettext(
        "One of the incidents that this message told of was about another child, and told to you by mistake. Do not "
        "use or pass on what you read of it. Destroy what was copied or printed of it. The rest stands. Somebody will "
        "telephone you."
    ),
}
NOTICE_TAG = {
    NoticeKind.WITHDRAWN: lazy_gettext("Withdrawn"),
    NoticeKind.PART_WITHDRAWN: lazy_gettext("Partly withdrawn"),
    NoticeKind.RECALLED: lazy_gettext("Sent by mistake"),
    NoticeKind.PART_RECALLED: lazy_gettext("Partly sent by mistake"),
}
SUPPORT_KIND = {
    SupportKind.SILENT: lazy_gettext("Silent support"),
    SupportKind.OVERT: lazy_gettext("Overt support"),
    SupportKind.OTHER: lazy_gettext("Something else"),
}
SUPPORT_HINT = {
    SupportKind.SILENT: lazy_gettext(
        "The day was made easier for the child; nothing was said about the incident."
    ),
    SupportKind.OVERT: lazy_gettext("Somebody spoke with the child."),
    SupportKind.OTHER: lazy_gettext("For example: the child was absent. Say in the note what was done."),
}
SUPPORT_STEP = {
    SupportStep.STAFF_WATCH: lazy_gettext("Staff who need to know were asked to keep an eye on the child"),
    SupportStep.EXPECTATIONS: lazy_gettext("Expectations were adjusted: homework, uniform, lateness"),
    SupportStep.TRUSTED_ADULT: lazy_gettext("An adult whom the child trusts was on hand"),
    SupportStep.QUIET_PLACE: lazy_gettext("The child had somewhere quiet to go"),
    SupportStep.FOOD_OR_KIT: lazy_gettext("Breakfast, lunch, uniform or kit was found"),
    SupportStep.OTHER_AGENCY: lazy_gettext("Another service was asked to help"),
}
SUPPORT_FAULT = {
    SupportFault.NO_KIND: lazy_gettext("Select what kind of support was given"),
    SupportFault.NO_NOTE: lazy_gettext("Say in the note what was done"),
    SupportFault.LONG_NOTE: lazy_gettext("The note must be 2,000 characters or fewer"),
    SupportFault.AMENDED_MEANWHILE: lazy_gettext(
        "Somebody else has recorded this meanwhile. Look at what was recorded below, then save yours again"
    ),
}
EXCLUSION = {
    "retracted": lazy_gettext("Retracted by police"),
    "not_domestic_abuse": lazy_gettext("Not domestic abuse"),
    "not_related": lazy_gettext("Not related to an adult involved"),
    "outside_area": lazy_gettext("Lives outside the force area"),
    "adult": lazy_gettext("Aged 18 or over"),
    "under_reception_age": lazy_gettext("Under reception age"),
    "no_longer_named": lazy_gettext("No longer named by police, as two people confirmed"),
}
EXCEPTION = {
    "unacknowledged": lazy_gettext("Not acknowledged by the bell"),
    "not_accepted": lazy_gettext("No nudge was accepted by the provider"),
    "told_late": lazy_gettext("Told after the bell"),
    "held": lazy_gettext("Held at the request of police"),
    "not_told": lazy_gettext("Not told by the bell"),
    "not_placed": lazy_gettext("The child had not been placed with a school"),
    "in_doubt": lazy_gettext("Told, but police have corrected the record: a person decides"),
    "recall_unconfirmed": lazy_gettext("Told to the wrong school: a second person confirms the recall"),
    "conflict_found_later": lazy_gettext(
        "A new Key Adult may be connected with the family: a person decides"
    ),
}
BEYOND_SCOPE = {
    "eighteen": lazy_gettext("Beyond the duty: eighteen and still at school"),
    "under_reception": lazy_gettext("Beyond the duty: under reception age"),
    "outside_england_and_wales": lazy_gettext("Beyond the duty: outside England and Wales"),
}
ALARM = {
    "feed_absent": lazy_gettext("The police feed did not answer."),
    "feed_empty": lazy_gettext("The police feed announced no incidents."),
    "feed_short": lazy_gettext("The police feed served fewer incidents than it announced."),
    "feed_stale": lazy_gettext("Nothing in the police feed is new: it may have stopped at its source."),
    "feed_altered": lazy_gettext("The police feed's records do not agree with its manifest."),
    "feed_refused": lazy_gettext("The police feed could not be read."),
    "register_absent": lazy_gettext("A register or roll did not arrive."),
    "register_short": lazy_gettext(
        "A register or roll was far shorter than the last: a person has to release it."
    ),
    "register_refused": lazy_gettext("A register or roll could not be read."),
    "rows_refused": lazy_gettext("Rows of a register or roll were refused."),
    "nudges_not_accepted": lazy_gettext("A school's nudges were not accepted by the provider in time."),
    "duty_untold": lazy_gettext("A school that ought to have been told by now has not been told."),
    "nudges_waiting": lazy_gettext("Messages to schools wait: what carries them is away."),
    "nudge_parked": lazy_gettext(
        "A message to a Key Adult failed again and again, and was given up: telephone."
    ),
    "key_adult_left": lazy_gettext("A Key Adult had left before the message was sent, and got none."),
    "sending_frozen": lazy_gettext(
        "Sending is frozen until a person has compared with the provider's records."
    ),
    "key_adults_away": lazy_gettext("Every Key Adult of a school is away: telephone it."),
    "training_lapsed": lazy_gettext("A Key Adult's training has lapsed."),
    "no_key_adult": lazy_gettext("A school or office has no contact on the register."),
    "too_few_key_adults": lazy_gettext("A school has fewer than two Key Adults on the register."),
    "attestation_lapsed": lazy_gettext(
        "A school has not said lately that its Key Adults are still the right ones."
    ),
    "contact_changes_waiting": lazy_gettext(
        "A change of a contact waits for a second person; the former one is used."
    ),
    "successor_unconfirmed": lazy_gettext(
        "A school has closed, and whom to tell at the one after it is not checked: telephone it."
    ),
    "child_unreadable": lazy_gettext("A child's sealed record does not open: nobody can be told of it."),
    "contact_not_compared": lazy_gettext(
        "A new contact could not be compared with what was told, and opens nothing meanwhile."
    ),
    "answer_not_taken": lazy_gettext("What a school answered on its page could not be taken up."),
    "calendar_wrong": lazy_gettext("The school calendar has no open day; weekdays were taken instead."),
    "hold_overdue": lazy_gettext(
        "A message waits for a person past the time by which its school should know."
    ),
    "account_unbalanced": lazy_gettext("The account does not balance."),
    "deadline_missed": lazy_gettext("The night's run did not finish in time."),
}


CLOSED_REASON = {
    ClosedReason.INSET: lazy_gettext("INSET day"),
    ClosedReason.HOLIDAY: lazy_gettext("School holiday"),
    ClosedReason.EMERGENCY: lazy_gettext("Emergency closure"),
    ClosedReason.OTHER: lazy_gettext("Another reason"),
}
DAY_FAULT = {
    DayFault.NO_FIRST_DAY: lazy_gettext("Enter the first day, for example 27 3 2026"),
    DayFault.NO_LAST_DAY: lazy_gettext("Enter the last day, for example 27 3 2026, or leave it empty"),
    DayFault.IN_THE_PAST: lazy_gettext("The first day must be today or later"),
    DayFault.TOO_FAR: lazy_gettext("The days must be within the next 400 days"),
    DayFault.ENDS_BEFORE_IT_BEGINS: lazy_gettext("The last day must be the first day or later"),
    DayFault.TOO_MANY: lazy_gettext(
        "A school can enter no more than 70 closed days ahead. Holidays of all schools are known already."
    ),
    DayFault.NO_REASON: lazy_gettext("Select why the school is closed"),
    DayFault.NO_TIME: lazy_gettext("Enter a time between 7:00 and 11:00, for example 8:45"),
}
DAY_FIELD = {
    DayFault.NO_LAST_DAY: "last-day",
    DayFault.ENDS_BEFORE_IT_BEGINS: "last-day",
    DayFault.NO_REASON: "reason",
    DayFault.NO_TIME: "starts_at",
}
"""Where a fault of a school's days is put right; in the first day, where it is not named."""
COVER_STATE = {
    CoverState.UNCONFIRMED: lazy_gettext("Not confirmed"),
    CoverState.NOT_BOUND: lazy_gettext("Not signed in"),
    CoverState.READY: lazy_gettext("Ready"),
}
COVER_NOTE = {
    CoverState.UNCONFIRMED: lazy_gettext("Waits for a second person, who confirms the new contact."),
    CoverState.NOT_BOUND: lazy_gettext("Has not signed in yet. Until then messages go to both."),
}
ENTER_NAME = lazy_gettext("Enter the full name")
ENTER_EMAIL = lazy_gettext("Enter that person's own work e-mail address, not a shared or private one")
ENTER_PHONE = lazy_gettext("Enter a telephone number, for example 07700 900 982")
COVER_FAULT = {
    CoverFault.NO_FIRST_DAY: lazy_gettext("Enter the first day, for example 27 3 2026"),
    CoverFault.NO_LAST_DAY: lazy_gettext("Enter the last day, for example 27 3 2026"),
    CoverFault.IN_THE_PAST: lazy_gettext("The first day must be today or later"),
    CoverFault.TOO_FAR: lazy_gettext("The days must be within the next 400 days"),
    CoverFault.ENDS_BEFORE_IT_BEGINS: lazy_gettext("The last day must be the first day or later"),
    CoverFault.TOO_LONG: lazy_gettext("Cover can last no longer than 100 days"),
    CoverFault.OVERLAPS: lazy_gettext("You have cover on some of these days already"),
    CoverFault.NOBODY: lazy_gettext("Select who stands in for you"),
    CoverFault.NOT_THERE: lazy_gettext("That person is not a Key Adult on all of these days"),
    CoverFault.ALREADY: lazy_gettext("That e-mail address is of a Key Adult of yours: select that person"),
    CoverFault.AWAY_TOO: lazy_gettext("That person is away on some of these days too"),
    CoverFault.NAME: ENTER_NAME,
    CoverFault.EMAIL: ENTER_EMAIL,
    CoverFault.PHONE: ENTER_PHONE,
}
COVER_FIELD = {
    **dict.fromkeys(
        (CoverFault.NOBODY, CoverFault.NOT_THERE, CoverFault.AWAY_TOO, CoverFault.ALREADY), "stand_in"
    ),
    **dict.fromkeys(
        (CoverFault.NO_LAST_DAY, CoverFault.ENDS_BEFORE_IT_BEGINS, CoverFault.TOO_LONG, CoverFault.TOO_FAR),
        "last-day",
    ),
    CoverFault.NAME: "full_name",
    CoverFault.EMAIL: "email",
    CoverFault.PHONE: "phone",
}
"""Where a fault of a cover is put right; in the first day, where it is not named."""


CONTACT_FAULT = {
    ContactFault.NAME: ENTER_NAME,
    ContactFault.EMAIL: ENTER_EMAIL,
    ContactFault.PHONE: ENTER_PHONE,
    ContactFault.NO_ROLE: lazy_gettext("Select whether this person leads or deputises"),
    ContactFault.ALREADY: lazy_gettext("That e-mail address is of another Key Adult of yours"),
    ContactFault.WAITS: lazy_gettext(
        "A change of this person waits already: it has to be confirmed or taken back first"
    ),
    ContactFault.NOTHING: lazy_gettext("Nothing is different from before"),
    ContactFault.LAST: lazy_gettext(
        "Nobody would be left: add another Key Adult first, and have that confirmed"
    ),
}
CONTACT_FIELD = {
    ContactFault.EMAIL: "email",
    ContactFault.ALREADY: "email",
    ContactFault.PHONE: "phone",
    ContactFault.NO_ROLE: "role",
}
"""Where a fault of a contact is put right; in the name, where it is not named."""
ROLE = {
    KeyAdultRole.DSL: lazy_gettext("Designated safeguarding lead"),
    KeyAdultRole.OFFICER: lazy_gettext("Responsible officer"),
    KeyAdultRole.DEPUTY: lazy_gettext("Deputy"),
}
CONTACT_CHANGE = {
    "add": lazy_gettext("New Key Adult"),
    "change": lazy_gettext("Other details"),
    "end": lazy_gettext("No longer a Key Adult"),
}


HEADING = {
    "voice": lazy_gettext("What the child said"),
    "present": lazy_gettext("Was the child there?"),
    "present_where": lazy_gettext("Where the child was"),
    "seen": lazy_gettext("Did officers see the child?"),
    "spoken_to": lazy_gettext("Did officers speak to the child?"),
    "spoken_to_by": lazy_gettext("Who spoke to the child"),
    "in_presence_of": lazy_gettext("Who else was there when the child was spoken to"),
    "circumstances": lazy_gettext("Circumstances"),
    "nature": lazy_gettext("What kind of incident it was"),
    "narrative": lazy_gettext("What happened"),
    "location": lazy_gettext("Where it happened"),
    "police_reference": lazy_gettext("Police reference"),
}


def heading(line: Line) -> str | None:
    """A field's heading in the language of the page; None where the force has a heading of its own."""
    return str(HEADING[line.name]) if line.label == HEADINGS.get(line.name) else None


def own_pages(viewer: KeyAdultViewer) -> list[tuple[str, str]]:
    """The pages of a school or office, each by its endpoint and its name."""
    pages = [
        ("school.inbox", gettext("Inbox")),
        ("school_contacts.contacts", gettext("Key Adults")),
        ("school_cover.covers", gettext("Cover")),
    ]
    days = ("school_days.days", gettext("School days"))
    return [*pages, days] if may_enter_days(viewer) else pages


def whose(viewer: KeyAdultViewer | AwaitingSecondFactor | Choice) -> str:
    """Whose pages these are: a school, an office of a local authority, a force."""
    if isinstance(viewer.recipient, LaOfficer):
        return f"{viewer.name}: {OFFICE[viewer.recipient.office]}"
    return viewer.name


def on_paper() -> str:
    """How every message on paper is marked, whatever its force adds."""
    return gettext(
        "For the child's separate safeguarding file. Not for the main pupil record, and not for a parent without "
        "advice."
    )


def alarm(text: str) -> str:
    """An alarm, `kind: source`, in words."""
    kind, _, source = text.partition(": ")
    return f"{ALARM[kind]} ({source})" if kind in ALARM else text


def year_group(code: str | None) -> str:
    """A national curriculum year in words."""
    if not code:
        return gettext("Year not recorded")
    return gettext("Reception") if code.upper() in ("R", "0") else gettext("Year %(year)s", year=code)
