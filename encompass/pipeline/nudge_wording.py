"""What a nudge says, in the language of whom it is for: that something waits, and nothing of whom or what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Wording:
    """The subject, which a locked telephone shows, and the body, which names the link."""

    subject: str
    body: str


ENGLISH: Final = Wording(
    "You have a message waiting",
    "A message is waiting for you.\n\n"
    "Sign in to read and acknowledge it: {link}\n\n"
    "Please do this before the school day begins. This e-mail says nothing more on purpose; do not reply to it.\n",
)
WELSH: Final = Wording(
    "Mae gennych neges yn aros",
    "Mae neges yn aros amdanoch.\n\n"
    "Mewngofnodwch i'w darllen a'i chydnabod: {link}\n\n"
    "Gwnewch hyn cyn i'r diwrnod ysgol ddechrau. Nid yw'r e-bost hwn yn dweud dim mwy, yn fwriadol; "
    "peidiwch ag ateb.\n",
)
WORDINGS: Final[Mapping[str, Wording]] = {"en": ENGLISH, "cy": WELSH}
CHANGED_ENGLISH: Final = Wording(
    "Your contact details were changed",
    "Your contact details at this service were changed, or you are no longer a contact there.\n\n"
    "If you expected this, there is nothing to do. If not, tell your safeguarding lead or the police at once.\n\n"
    "{link}\n\nThis e-mail says nothing more on purpose; do not reply to it.\n",
)
CHANGED_WELSH: Final = Wording(
    "Newidiwyd eich manylion cyswllt",
    "Newidiwyd eich manylion cyswllt yn y gwasanaeth hwn, neu nid ydych yn gyswllt yno mwyach.\n\n"
    "Os oeddech yn disgwyl hyn, nid oes angen gwneud dim. Os nad oeddech, dywedwch wrth eich arweinydd diogelu neu'r "
    "heddlu ar unwaith.\n\n"
    "{link}\n\nNid yw'r e-bost hwn yn dweud dim mwy, yn fwriadol; peidiwch ag ateb.\n",
)
OF_CHANGES: Final[Mapping[str, Wording]] = {"en": CHANGED_ENGLISH, "cy": CHANGED_WELSH}


def wording_of(language: str) -> Wording:
    """The wording in this language, else in English."""
    return WORDINGS.get(language, ENGLISH)


def wording_of_change(language: str) -> Wording:
    """What a former address is told of a change of the contact, in this language, else in English."""
    return OF_CHANGES.get(language, CHANGED_ENGLISH)
