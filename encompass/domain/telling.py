"""What a school is told of an incident, in words: the fields that the force's profile allows, and no other.

Written once, when the notification is prepared, and kept as written: what a school read can be shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from encompass.domain.incident import ReportedChild, ReportedIncident


@dataclass(frozen=True)
class Line:
    """One thing told: the profile's field, its heading, and what is said."""

    name: str
    label: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Helpline:
    """Whom a school can ask."""

    name: str
    number: str
    hours: str


@dataclass(frozen=True)
class Advice:
    """What stands below every message of a force: what to do, what not to do, whom to ask, what to do with paper."""

    to_do: tuple[str, ...] = ()
    warning: str | None = None
    on_paper: str | None = None
    helpline: Helpline | None = None


@dataclass(frozen=True)
class Profile:
    """What a force's schools are told: the allowed fields, the force's own headings, and its advice."""

    fields: frozenset[str]
    headings: Mapping[str, str]
    advice: Advice
    office_advice: Advice


HEADINGS: Final = {
    "voice": "What the child said",
    "present": "Was the child there?",
    "present_where": "Where the child was",
    "seen": "Did officers see the child?",
    "spoken_to": "Did officers speak to the child?",
    "spoken_to_by": "Who spoke to the child",
    "in_presence_of": "Who else was there when the child was spoken to",
    "circumstances": "Circumstances",
    "nature": "What kind of incident it was",
    "narrative": "What happened",
    "location": "Where it happened",
    "police_reference": "Police reference",
}
"""Every field of an incident, in the order in which a school reads it."""

FREE_TEXT: Final = frozenset(
    {"voice", "circumstances", "present_where", "spoken_to_by", "in_presence_of", "narrative"}
)
"""The fields that hold officers' own words, which may say more than a school should learn."""

OF_THE_CHILD: Final = frozenset({"date_of_birth"})
ALWAYS: Final = frozenset({"occurred_from"})
FIELDS: Final = frozenset(HEADINGS) | OF_THE_CHILD | ALWAYS
"""Every field that a profile may name."""

_NATURE: Final = {
    "verbal_argument": "A verbal argument.",
    "threats": "Threats.",
    "violence": "Violence.",
    "damage": "Damage to property.",
    "other": "Another kind of incident.",
}
_NOT_RECORDED: Final = {
    "voice": "Officers recorded no words of the child's.",
    "present": "Officers did not record whether the child was there.",
    "seen": "Officers did not record whether they saw the child.",
    "spoken_to": "Officers did not record whether the child was spoken to.",
    "circumstances": "Officers recorded nothing about the child's circumstances.",
}
_ASKED_OF_ONE_SPOKEN_TO: Final = {
    "spoken_to_by": "Officers did not record who spoke to the child.",
    "in_presence_of": "Officers did not record who else was there when the child was spoken to.",
}


def headings_of(profile: Profile) -> dict[str, str]:
    """Each field's heading, the force's own where it has one."""
    return {name: profile.headings.get(name, heading) for name, heading in HEADINGS.items()}


def lines_of(incident: ReportedIncident, child: ReportedChild, profile: Profile) -> tuple[Line, ...]:
    """What a school reads of one incident: what police left unsaid is said to be so, what is not allowed is absent."""
    headings = headings_of(profile)
    said = ((name, _WORDS[name](incident, child)) for name in HEADINGS if name in profile.fields)
    return tuple(Line(name, headings[name], text) for name, text in said if text is not None)


def changed_fields(before: Sequence[Line], after: Sequence[Line]) -> tuple[str, ...]:
    """The headings of what a correction changed, added or took away, in the order of reading."""
    old, new = {x.name: x.text for x in before}, {x.name: x.text for x in after}
    labels = {x.name: x.label for x in (*before, *after)}
    return tuple(labels[name] for name in HEADINGS if old.get(name) != new.get(name))


def _voice(_: ReportedIncident, child: ReportedChild) -> str:
    if child.voice is None and child.spoken_to:
        return "Officers spoke to the child but recorded no words of the child's."
    return f"“{child.voice}”" if child.voice else _NOT_RECORDED["voice"]


def _present_where(_: ReportedIncident, child: ReportedChild) -> str | None:
    if not child.present:
        return None
    return child.present_where or "Officers did not record where the child was."


def _of_one_spoken_to(name: str) -> Callable[[ReportedIncident, ReportedChild], str | None]:
    def words(_: ReportedIncident, child: ReportedChild) -> str | None:
        said: str | None = getattr(child, name)
        return said or (_ASKED_OF_ONE_SPOKEN_TO[name] if child.spoken_to else None)

    return words


def _location(incident: ReportedIncident, _: ReportedChild) -> str:
    where = incident.location
    return ", ".join(part for part in (where.address, where.town) if part)


def _yes_or_no(name: str) -> Callable[[ReportedIncident, ReportedChild], str]:
    def words(_: ReportedIncident, child: ReportedChild) -> str:
        answer: bool | None = getattr(child, name)
        return {True: "Yes.", False: "No.", None: _NOT_RECORDED[name]}[answer]

    return words


_WORDS: Final[Mapping[str, Callable[[ReportedIncident, ReportedChild], str | None]]] = {
    "voice": _voice,
    "present": _yes_or_no("present"),
    "present_where": _present_where,
    "seen": _yes_or_no("seen"),
    "spoken_to": _yes_or_no("spoken_to"),
    "spoken_to_by": _of_one_spoken_to("spoken_to_by"),
    "in_presence_of": _of_one_spoken_to("in_presence_of"),
    "circumstances": lambda _, child: child.circumstances or _NOT_RECORDED["circumstances"],
    "nature": lambda incident, _: _NATURE[incident.nature],
    "narrative": lambda incident, _: incident.narrative,
    "location": _location,
    "police_reference": lambda incident, _: incident.incident_reference,
}
