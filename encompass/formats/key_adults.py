"""The Key Adult register as CSV: two named adults a school or office, each with a personal work mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.recipient import (
    AtSchool,
    LaOfficer,
    Office,
    PartnerForce,
    Recipient,
    RecipientKind,
    kind_of,
)
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.formats.csv_rows import Dialect, Row, WrongField, read_rows
from encompass.formats.faults import Remark

REQUIRED: Final = ("key_adult_ref", "urn", "role", "full_name", "email", "active_from", "active_to")
OPTIONAL: Final = (
    "phone", "language", "verified_on", "attested_on", "trained_on", "training_expires", "away_from", "away_to",
    "declared_surnames", "recipient_kind", "la_code", "office", "partner_force",
)  # fmt: skip
WARNED: Final = ("phone",)
ROLES: Final = {r.value: r for r in KeyAdultRole}
KINDS: Final = {k.value: k for k in RecipientKind}
OFFICES: Final = {o.value: o for o in Office}
COLUMNS_OF: Final = {
    RecipientKind.SCHOOL: ("urn",),
    RecipientKind.LA_OFFICER: ("la_code", "office"),
    RecipientKind.PARTNER_FORCE: ("partner_force",),
}
LANGUAGES: Final = frozenset({"en", "cy"})
PHONE: Final = re.compile(r"\+?[0-9][0-9 ()\-]{6,20}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?")
SHARED_MAILBOXES: Final = frozenset(
    {"admin", "contact", "enquiries", "head", "headteacher", "info", "mail", "office", "reception", "school"}
)
PERSONAL_PROVIDERS: Final = frozenset(
    {
        "aol.com",
        "btinternet.com",
        "gmail.com",
        "googlemail.com",
        "hotmail.co.uk",
        "hotmail.com",
        "icloud.com",
        "live.co.uk",
        "live.com",
        "me.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "sky.com",
        "yahoo.co.uk",
        "yahoo.com",
    }
)


def read_key_adults(stream: BinaryIO) -> Iterator[KeyAdultEntry | RefusedRecord | Remark]:
    """The named adults of a register; personal and shared mailboxes are refused, as is a reference given twice.

    Raises BrokenFile.
    """
    seen: set[str] = set()

    def entry(row: Row) -> KeyAdultEntry:
        read = _entry(row)
        if read.key_adult_ref in seen:
            raise WrongField("key_adult_ref: repeated")
        seen.add(read.key_adult_ref)
        return read

    return read_rows(stream, Dialect(), REQUIRED, entry, OPTIONAL, WARNED)


def entry_of_fields(fields: Mapping[str, str]) -> KeyAdultEntry:
    """A contact from the register's columns as a person gives them. Raises WrongField."""
    return _entry(Row(0, {c: fields.get(c, "").strip() for c in (*REQUIRED, *OPTIONAL)}))


def fields_of(entry: KeyAdultEntry) -> dict[str, str]:
    """A contact as the register's columns."""
    fields = {
        c: getattr(entry, c)
        for c in (*REQUIRED, *OPTIONAL)
        if c not in ("recipient_kind", "declared_surnames")
    }
    return {
        **{column: "" if value is None else str(value) for column, value in fields.items()},
        "recipient_kind": kind_of(entry.recipient).value,
        "declared_surnames": "; ".join(entry.declared_surnames),
    }


def _entry(row: Row) -> KeyAdultEntry:
    active_from, active_to = row.day("active_from"), row.optional_day("active_to")
    if active_to is not None and active_to < active_from:
        raise WrongField("active_to: before_active_from")
    away_from, away_to = row.optional_day("away_from"), row.optional_day("away_to")
    if (away_from is None) != (away_to is None) or (away_from and away_to and away_to < away_from):
        raise WrongField("away_to: does_not_fit_away_from")
    language = row.optional("language") or "en"
    if language not in LANGUAGES:
        raise WrongField("language: unknown_code")
    recipient = _recipient(row)
    role = row.code("role", ROLES)
    if (role is KeyAdultRole.DSL and not isinstance(recipient, AtSchool)) or (
        role is KeyAdultRole.OFFICER and isinstance(recipient, AtSchool)
    ):
        raise WrongField("role: does_not_fit_recipient")
    return KeyAdultEntry(
        key_adult_ref=row.required("key_adult_ref"),
        urn=recipient.urn if isinstance(recipient, AtSchool) else None,
        role=role,
        full_name=row.required("full_name"),
        email=_work_email(row.required("email")),
        phone=_phone(row.optional("phone")),
        language=language,
        active_from=active_from,
        active_to=active_to,
        verified_on=row.optional_day("verified_on"),
        attested_on=row.optional_day("attested_on"),
        trained_on=row.optional_day("trained_on"),
        training_expires=row.optional_day("training_expires"),
        away_from=away_from,
        away_to=away_to,
        declared_surnames=tuple(
            filter(None, map(str.strip, (row.optional("declared_surnames") or "").split(";")))
        ),
        la_code=recipient.la_code if isinstance(recipient, LaOfficer) else None,
        office=recipient.office if isinstance(recipient, LaOfficer) else None,
        partner_force=recipient.name if isinstance(recipient, PartnerForce) else None,
    )


def _recipient(row: Row) -> Recipient:
    kind = row.code("recipient_kind", KINDS) if row.optional("recipient_kind") else RecipientKind.SCHOOL
    for column in ("urn", "la_code", "office", "partner_force"):
        if row.optional(column) and column not in COLUMNS_OF[kind]:
            raise WrongField(f"{column}: does_not_fit_recipient_kind")
    match kind:
        case RecipientKind.SCHOOL:
            return AtSchool(row.number("urn"))
        case RecipientKind.LA_OFFICER:
            return LaOfficer(row.required("la_code"), row.code("office", OFFICES))
        case RecipientKind.PARTNER_FORCE:
            return PartnerForce(row.required("partner_force"))


def _work_email(email: str) -> str:
    local, at, domain = email.rpartition("@")
    if not (at and local and "." in domain) or not email.isprintable() or " " in email:
        raise WrongField("email: not_an_address")
    if local.lower() in SHARED_MAILBOXES or domain.lower() in PERSONAL_PROVIDERS:
        raise WrongField("email: shared_or_personal_mailbox")
    return email


def _phone(phone: str | None) -> str | None:
    if phone is not None and not PHONE.fullmatch(phone):
        raise WrongField("phone: not_a_number")
    return phone
