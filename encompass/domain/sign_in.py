"""What comes of a sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field

from encompass.domain.access import Audience


class SignInUnavailable(Exception):
    """The identity provider does not answer as it should: try again later."""


@dataclass(frozen=True)
class Claims:
    """What an identity provider vouches for: who, by issuer and subject, and in which roles."""

    issuer: str
    subject: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class SignedIn:
    """A session was opened; its token goes into the cookie and nowhere else."""

    session_token: str = field(repr=False)
    audience: Audience


@dataclass(frozen=True)
class NeedsBinding:
    """The identity is not bound to a Key Adult yet: a one-time code may be tried with this ticket."""

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
