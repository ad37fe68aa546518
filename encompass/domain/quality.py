"""What police left unsaid of a child: the list that goes back to supervisors, because inspectors found it missing."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from encompass.domain.incident import ReportedChild, ReportedIncident
from encompass.domain.report_export import defused

WORDS: Final = {
    "present": "whether the child was present",
    "seen": "whether the child was seen",
    "spoken_to": "whether the child was spoken to",
    "in_presence_of": "alone or with whom the child was spoken to",
    "voice": "what the child said",
    "circumstances": "the family's circumstances",
    "date_of_birth": "the date of birth",
    "address": "the address",
}
SHORT: Final = {
    "present": "present",
    "seen": "seen",
    "spoken_to": "spoken to",
    "in_presence_of": "with whom",
    "voice": "voice",
    "circumstances": "family",
    "date_of_birth": "born",
    "address": "home",
}


@dataclass(frozen=True)
class Completeness:
    """How complete one incident's record is: children named in it, and how many of them lack each field."""

    team: str | None
    children: int
    missing: Mapping[str, int]


@dataclass(frozen=True)
class Shortfall:
    """One incident for its supervisor: by the force's own reference, with what is missing of how many children."""

    reference: str
    team: str | None
    children: int
    missing: Mapping[str, int]


@dataclass(frozen=True)
class Quality:
    """A night's records: of each team the children named, and how many lack each field; and the shortfalls."""

    force_id: str
    night: date
    children: Mapping[str, int]
    missing: Mapping[str, Mapping[str, int]]
    shortfalls: Sequence[Shortfall]


def missing_of(child: ReportedChild) -> tuple[str, ...]:
    """The fields that police did not record of this child. What was said is asked of a child who was spoken to.

    Source: the joint inspection of 2024 found that officers do not consistently see or speak to children or record
    their voice.
    """
    spoken = child.spoken_to is True
    unsaid = {
        "present": child.present is None,
        "seen": child.seen is None,
        "spoken_to": child.spoken_to is None,
        "in_presence_of": spoken and child.in_presence_of is None,
        "voice": spoken and child.voice is None,
        "circumstances": child.circumstances is None,
        "date_of_birth": child.date_of_birth is None,
        "address": child.address is None,
    }
    return tuple(name for name, is_unsaid in unsaid.items() if is_unsaid)


def completeness_of(incident: ReportedIncident) -> Completeness:
    """How complete an incident's record is."""
    missing = Counter(name for child in incident.children for name in missing_of(child))
    return Completeness(incident.team, len(incident.children), {n: missing[n] for n in WORDS if missing[n]})


def quality_of(force_id: str, night: date, incidents: Iterable[Shortfall]) -> Quality:
    """The night's records together; those without a shortfall only count."""
    children, missing = Counter[str](), dict[str, Counter[str]]()
    short: list[Shortfall] = []
    for incident in incidents:
        team = incident.team or ""
        children[team] += incident.children
        missing.setdefault(team, Counter()).update(incident.missing)
        short += [incident] if incident.missing else []
    short.sort(key=lambda s: (s.team or "", s.reference))
    return Quality(force_id, night, dict(sorted(children.items())), missing, short)


def quality_json(quality: Quality) -> str:
    """The night's records for a machine."""
    table = {
        "force": quality.force_id,
        "night": quality.night.isoformat(),
        "teams": [
            {"team": team or None, "children": count, "missing": {n: quality.missing[team][n] for n in WORDS}}
            for team, count in quality.children.items()
        ],
        "incidents": [
            {"reference": s.reference, "team": s.team, "children": s.children, "missing": dict(s.missing)}
            for s in quality.shortfalls
        ],
    }
    return json.dumps(table, indent=2) + "\n"


def quality_csv(quality: Quality) -> str:
    """The shortfalls, a row for each incident; text that a spreadsheet would take for a formula is defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["team", "reference", "children", *(f"missing: {words}" for words in WORDS.values())])
    for s in quality.shortfalls:
        counts = (s.missing.get(name, 0) for name in WORDS)
        writer.writerow([defused(s.team or ""), defused(s.reference), s.children, *counts])
    return out.getvalue()
