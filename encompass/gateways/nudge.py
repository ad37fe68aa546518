"""What every provider of nudges offers. What travels carries no personal data but the recipient's address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from encompass.domain.nudge import Channel, NudgeStatus
from encompass.gateways.pace import Pace, SharedPace


class About(StrEnum):
    """What a message says, for a provider that has the words."""

    WAITING = "waiting"
    CONTACT_CHANGED = "contact_changed"


@dataclass(frozen=True)
class Message:
    """One content-free message, under the nudge's own id; a provider with templates takes the link alone."""

    channel: Channel
    to: str = field(repr=False)
    language: str
    subject: str
    body: str
    link: str
    reference: UUID
    about: About = About.WAITING


@dataclass(frozen=True)
class Accepted:
    """The provider took it, under this reference where it gave one."""

    reference: str | None


@dataclass(frozen=True)
class Bounced:
    """The provider refused the recipient for good."""

    code: int


@dataclass(frozen=True)
class Rejected:
    """The provider refused the message itself, or answered what cannot be read: others may go all the same."""

    code: int


@dataclass(frozen=True)
class Ambiguous:
    """The connection broke after the message was handed over: it may have been taken."""

    reason: str


@dataclass(frozen=True)
class Traced:
    """What the provider knows of a message: accepted, delivered or failed; its own word for it and its reference."""

    status: NudgeStatus
    provider_status: str
    provider_reference: str | None


Answer = Accepted | Bounced | Rejected | Ambiguous


class Sender(Protocol):
    """One connection to a provider, used by one thread at a time."""

    def send(self, mail: Message, /) -> Answer:
        """Hand over one message. Raises Unavailable or Busy before it was handed over, Refused for us altogether."""
        ...

    def find(self, reference: UUID, /) -> Traced | None:
        """What became of the message of this reference; None when unknown. Raises Unavailable or Refused."""
        ...


@dataclass(frozen=True)
class Provider:
    """A way to reach people: how to connect, how fast it may be used, and whether it says what became of it."""

    name: str
    is_asked: bool
    connect: Callable[[], AbstractContextManager[Sender]]
    pace: Pace | SharedPace
