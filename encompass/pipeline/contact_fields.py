"""What a page was told of a contact, as the register would have it."""

from __future__ import annotations

from typing import Final

from encompass.domain.own_contact import ContactFault, NewContact
from encompass.domain.school import KeyAdultEntry
from encompass.formats.csv_rows import WrongField
from encompass.formats.key_adults import entry_of_fields, fields_of

LONGEST: Final = 200
FAULT_OF: Final = {
    "full_name": ContactFault.NAME,
    "email": ContactFault.EMAIL,
    "phone": ContactFault.PHONE,
    "role": ContactFault.NO_ROLE,
}
OF_THE_PERSON: Final = (
    "verified_on", "attested_on", "trained_on", "training_expires", "away_from", "away_to", "declared_surnames",
)  # fmt: skip


def entry_with(entry: KeyAdultEntry, new: NewContact, **columns: str) -> KeyAdultEntry | ContactFault:
    """The contact with other details and columns; or what of them is wrong."""
    if not new.full_name.isprintable() or len(new.full_name) > LONGEST:
        return ContactFault.NAME
    if len(new.email) > LONGEST:
        return ContactFault.EMAIL
    details = {"full_name": new.full_name, "email": new.email, "phone": new.phone}
    try:
        return entry_of_fields({**fields_of(entry), **details, **columns})
    except WrongField as wrong:
        return FAULT_OF[str(wrong).partition(":")[0]]


def newcomer(
    beside: KeyAdultEntry, new: NewContact, reference: str, **columns: str
) -> KeyAdultEntry | ContactFault:
    """Another contact of the same recipient, with nothing taken over of the person; or what is wrong."""
    blank = dict.fromkeys(OF_THE_PERSON, "")
    return entry_with(beside, new, **{**blank, "key_adult_ref": reference, "active_to": "", **columns})
