"""What is decided for one force: its feed, its registers, its profile, how its children are matched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from encompass.settings.feed import FeedSettings
from encompass.settings.installation import StaffIdentitySettings
from encompass.settings.nudges import NudgeSettings
from encompass.settings.table import Table


class RollSettings(Table):
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


class CalendarSettings(Table):
    """One calendar: a CSV that names its scopes, or the iCalendar file of one school, trust or local authority."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    format: Literal["calendar-csv", "calendar-ics"]
    path: str
    scope: Literal["school", "trust", "la", "default"] = "default"
    code: str | None = None


class WondeSettings(Table):
    """Where Wonde answers and the token that opens it."""

    base_url: str
    token: SecretStr


class RegisterSettings(Table):
    """Where the school register, the rolls, the calendars and the Key Adult register come from.

    A `local_authorities` code stands for that authority's roll as mis-csv at /rolls/<code>/pupils.csv. A roll or
    Key Adult register with less than `fewest_pupils_percent` of its last rows, and a school register with less than
    `fewest_schools_percent`, are refused until a person releases them. `contact_changes`: whether a new contact of a
    recipient that has some waits for a person, or is taken as it comes.
    """

    base_url: str
    token: SecretStr
    local_authorities: tuple[str, ...] = ()
    rolls: tuple[RollSettings, ...] = ()
    calendars: tuple[CalendarSettings, ...] = (
        CalendarSettings(source="national", format="calendar-csv", path="/school-days.csv"),
    )
    wonde: WondeSettings | None = None
    contact_changes: Literal["confirm", "take"] = "confirm"
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


ToldField = Literal[
    "date_of_birth", "occurred_from", "police_reference", "nature", "location", "present", "present_where", "seen",
    "spoken_to", "spoken_to_by", "in_presence_of", "voice", "circumstances", "narrative",
]  # fmt: skip
HoldKind = Literal["police", "content", "conflict", "suspect", "restricted", "disputed"]


class HelplineSettings(Table):
    """Whom a school can ask, and when somebody answers."""

    name: str
    number: str
    hours: str


class AdviceSettings(Table):
    """What stands below every message: forces disagree on whether a school may speak to the parents.

    `to_do_at_office` is for officers of local authorities and partner forces, who see no child of a morning.
    """

    to_do: tuple[str, ...] = ()
    to_do_at_office: tuple[str, ...] = ()
    warning: str | None = None
    on_paper: str | None = None
    helpline: HelplineSettings | None = None


class ProfileSettings(Table):
    """What this force's schools are told, and by when; and whether lapsed training warns or keeps from being told.

    `languages`: in which the school's pages are offered; English always is.
    `attestation`: whether each term a school says that its Key Adults are still the right ones.
    `cover`: whether who stands in for a Key Adult is nudged instead of him or her, or as well.

    `headings` are the force's own for a field; `refuges` are names that no school may read; `two_people_for` are the
    kinds of hold that one person alone may not release; with `name_shown` "on_request" the child's name and birth date
    stand behind a click, since a corridor has passers-by. Children under reception age, whom the statutory duty does
    not reach, are excluded or go to a person. `suppress_below`: smaller counts of children are hidden in a report that
    leaves the partnership.
    """

    fields: tuple[ToldField, ...]
    headings: Mapping[ToldField, str] = {}
    advice: AdviceSettings = AdviceSettings()
    refuges: tuple[str, ...] = ()
    two_people_for: tuple[HoldKind, ...] = ("police", "suspect", "restricted")
    send_by: time
    school_starts: time
    chase_after: time
    name_shown: Literal["at_once", "on_request"] = "at_once"
    bank_holidays: Literal["england-and-wales", "scotland", "northern-ireland"] = "england-and-wales"
    holiday_act_days: Annotated[int, Field(ge=0)] = 1
    lapsed_training: Literal["warn", "block"] = "warn"
    cover: Literal["instead", "as_well"] = "instead"
    attestation: Literal["never", "term"] = "never"
    languages: tuple[Literal["en", "cy"], ...] = ("en",)
    under_reception: Literal["exclude", "person"] = "exclude"
    suppress_below: Annotated[int, Field(ge=3)] = 5

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if "occurred_from" not in self.fields:
            raise ValueError("fields must have occurred_from: a school has to know of which night it reads")
        return self


class LadderSettings(Table):
    """The times of the morning (Europe/London) at which an unacknowledged notification goes on to the next.

    `deputy_at` none: lead and deputy are nudged together. `escalate_to` are telephoned one after the other once the
    bell has gone; `la_telephones` is by local authority code. Nudges left from before a gap of
    `freeze_after_hours` in the force's runs freeze its sending until a person lifts it.
    """

    deputy_at: time | None = None
    accepted_by: time = time(7, 30)
    second_channel_at: time = time(8, 0)
    remind_at: time = time(7, 0)
    school_ends: time = time(15, 30)
    escalate_to: tuple[Literal["head", "chair", "la"], ...] = ("head", "la")
    escalate_every_minutes: Annotated[int, Field(gt=0)] = 30
    la_telephones: Mapping[str, str] = {}
    freeze_after_hours: Annotated[int, Field(gt=0)] = 14


class MatchingSettings(Table):
    """How this force's children are matched: a version in config/matching/, and limits stricter than its own."""

    parameters: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "2026-11"
    roll_stale_days: Annotated[int, Field(gt=0)] = 7
    automatic: float | None = None
    automatic_in_doubt: float | None = None
    automatic_elsewhere: float | None = None
    margin: float | None = None
    review: float | None = None


class StaffSettings(Table):
    """How somebody is known as this force's: by its own provider, or by a claim of the shared provider's token.

    Without a `value` (or one of the claim's values) it is the force's id. At Entra ID `roles` and an app role of the
    force. `identity` is the force's own tenant: whoever has a role there is of this force.
    """

    claim: str = "force"
    value: str | None = None
    identity: StaffIdentitySettings | None = None


class ForceSettings(Table):
    """One police force that this installation serves."""

    name: str
    partnership_id: str
    partnership_name: str
    feed: FeedSettings
    registers: RegisterSettings
    profile: ProfileSettings
    ladder: LadderSettings = LadderSettings()
    matching: MatchingSettings = MatchingSettings()
    staff: StaffSettings = StaffSettings()
    nudges: NudgeSettings | None = None
