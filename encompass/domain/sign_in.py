"""What comes of a sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from encompass.domain.access import Audience
from encompass.domain.recipient import AtSchool, Recipient


class SignInUnavailable(Exception):
    """The identity provider does not answer as it should, by a reason code: try again later."""


@dataclass(frozen=True)
class Door:
    """Where somebody signs in: at the schools' provider, that of several forces' staff, or one force's own."""

    audience: Audience
    force_id: str | None = None

    @property
    def path(self) -> str:
        """Its path on our pages."""
        if self.force_id is not None:
            return f"/sign-in/force/{self.force_id}"
        return f"/sign-in/{self.audience.value}"


@dataclass(frozen=True)
class Organisation:
    """The organisation that a person chose at DfE Sign-in, by DfE's id; a school's has a URN."""

    organisation_id: str
    urn: int | None


@dataclass(frozen=True)
class Claims:
    """What an identity provider vouches for: who, by issuer and subject, in which roles, and what else it says.

    `said` has each of the token's claims that is a text, or a list of texts.
    """

    issuer: str
    subject: str
    roles: tuple[str, ...]
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    organisation: Organisation | None = None


class PlaceKind(StrEnum):
    """What an identity provider says of where a person is."""

    ANYWHERE = "anywhere"
    SCHOOL = "school"
    OFFICE = "office"


@dataclass(frozen=True)
class Place:
    """Where the identity provider says that the person is: at one school, at no school, or it does not say."""

    kind: PlaceKind
    urn: int | None = None

    def allows(self, recipient: Recipient) -> bool:
        """Whether somebody there may sign in for this recipient."""
        match self.kind:
            case PlaceKind.ANYWHERE:
                return True
            case PlaceKind.SCHOOL:
                return isinstance(recipient, AtSchool) and recipient.urn == self.urn
            case PlaceKind.OFFICE:
                return not isinstance(recipient, AtSchool)


ANYWHERE = Place(PlaceKind.ANYWHERE)


@dataclass(frozen=True)
class OfForce:
    """The claim and the value by which a token says that somebody is of a force."""

    claim: str
    value: str


def force_of(claims: Claims, forces: Mapping[str, OfForce]) -> str | None:
    """The one force that the token names; None when it names none, or several."""
    named = [f for f, of in forces.items() if of.value in claims.said.get(of.claim, ())]
    return named[0] if len(named) == 1 else None


@dataclass(frozen=True)
class SignedIn:
    """A session was opened; its token goes into the cookie and nowhere else."""

    session_token: str = field(repr=False)
    audience: Audience


@dataclass(frozen=True)
class NeedsBinding:
    """The identity is bound to no Key Adult there, or has no second factor: a one-time code may be tried."""

    ticket: str = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """One of several schools or offices that a person may sign in for."""

    key_adult_id: UUID
    recipient: Recipient
    name: str


@dataclass(frozen=True)
class NeedsChoice:
    """The identity is a Key Adult of several schools or offices: one of them is chosen with this ticket."""

    ticket: str = field(repr=False)


@dataclass(frozen=True)
class SignInRefused:
    """No session: a reason code."""

    reason: str


@dataclass(frozen=True)
class SignInStart:
    """Where to send the browser, and what must come back with it."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
