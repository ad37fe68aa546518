"""The Key Adult register as CSV: two named adults a school, each with a personal work mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from encompass.domain.incident import RefusedRecord
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.formats.csv_rows import Row, WrongField, read_rows

REQUIRED: Final = ("key_adult_ref", "urn", "role", "full_name", "email", "active_from", "active_to")
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


@dataclass(frozen=True)
class KeyAdultsFile:
    """The named adults of a register, and the rows refused."""

    entries: tuple[KeyAdultEntry, ...]
    refused: tuple[RefusedRecord, ...]


def read_key_adults(raw: bytes) -> KeyAdultsFile:
    """The named adults of a register; personal and shared mailboxes are refused. Raises BrokenFile."""
    return KeyAdultsFile(*read_rows(raw, "utf-8-sig", REQUIRED, _entry))


def _entry(row: Row) -> KeyAdultEntry:
    role = row.required("role")
    if role not in {r.value for r in KeyAdultRole}:
        raise WrongField("role: unknown_code")
    return KeyAdultEntry(
        key_adult_ref=row.required("key_adult_ref"),
        urn=row.number("urn"),
        role=KeyAdultRole(role),
        full_name=row.required("full_name"),
        email=_work_email(row.required("email")),
        phone=row.optional("phone"),
        language=row.optional("language") or "en",
        active_from=row.day("active_from"),
        active_to=row.optional_day("active_to"),
    )


def _work_email(email: str) -> str:
    local, at, domain = email.rpartition("@")
    if not (at and local and "." in domain) or not email.isprintable() or " " in email:
        raise WrongField("email: not_an_address")
    if local.lower() in SHARED_MAILBOXES or domain.lower() in PERSONAL_PROVIDERS:
        raise WrongField("email: shared_or_personal_mailbox")
    return email
