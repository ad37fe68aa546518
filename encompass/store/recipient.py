"""Recipients: one row for each school, office or partner force to whom a duty is, or may be, owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from encompass.domain.recipient import (
    AtSchool,
    LaOfficer,
    Office,
    PartnerForce,
    Recipient,
    RecipientKind,
    code_of,
    kind_of,
)
from encompass.store.queries import load

Q: Final = load("recipient")


@dataclass(frozen=True)
class Named:
    """A recipient with its name: a school's, a local authority's, or a force's."""

    recipient_id: UUID
    recipient: Recipient
    name: str


def ensure(connection: Connection, force_id: str, recipient: Recipient) -> UUID:
    """The recipient's id, made when it is new."""
    sought = {"force_id": force_id, "kind": kind_of(recipient).value, "code": code_of(recipient)}
    known = connection.execute(Q["recipient_id"], sought).scalar()
    if known is not None:
        return known
    columns = {"recipient_id": uuid4(), "force_id": force_id, **columns_of(recipient)}
    connection.execute(Q["insert_recipient"], columns)
    return connection.execute(Q["recipient_id"], sought).scalar_one()


def named(connection: Connection, recipient_id: UUID) -> Named:
    """Who a recipient is."""
    row = connection.execute(Q["named"], {"recipient_id": recipient_id}).one()
    return Named(recipient_id, recipient_of(row), row.name)


def columns_of(recipient: Recipient) -> dict[str, object]:
    """The recipient as the columns of its row."""
    return {
        "kind": kind_of(recipient).value,
        "urn": recipient.urn if isinstance(recipient, AtSchool) else None,
        "la_code": recipient.la_code if isinstance(recipient, LaOfficer) else None,
        "office": recipient.office.value if isinstance(recipient, LaOfficer) else None,
        "partner_force": recipient.name if isinstance(recipient, PartnerForce) else None,
    }


def recipient_of(row: Row[Any]) -> Recipient:
    """The recipient of a row with those columns."""
    match RecipientKind(row.kind):
        case RecipientKind.SCHOOL:
            return AtSchool(row.urn)
        case RecipientKind.LA_OFFICER:
            return LaOfficer(row.la_code, Office(row.office))
        case RecipientKind.PARTNER_FORCE:
            return PartnerForce(row.partner_force)
