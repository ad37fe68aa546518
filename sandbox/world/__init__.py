"""The fictional partnership's data: the same every time for one seed and one night."""

from __future__ import annotations

import csv
import io
import random
import tomllib
import uuid
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sandbox.world.exports import CENSUS, CTF, census_xml, ctf_xml, pupils_csv, wonde_students
from sandbox.world.night import ORDINARY, SMALL, NightOfIncidents, build_night
from sandbox.world.pupils import Rolls, build_rolls, gias_bytes, school_year

SEED = "encompass"
NAMESPACE = uuid.UUID("6b1f0f0e-8b8b-4d53-9a55-0d6f3a0e7c11")
SHORT_BY = 30
Answers = Literal["prompt", "late", "never"]


@dataclass(frozen=True)
class Person:
    """A fictional Key Adult: how he or she signs in, and whether and when he or she answers."""

    key_adult_ref: str
    urn: int
    role: Literal["dsl", "deputy"]
    full_name: str
    email: str
    phone: str
    username: str
    password: str
    subject: str
    answers: Answers
    mailbox: Literal["accepts", "bounces"]


@dataclass(frozen=True)
class StaffPerson:
    """A fictional member of staff of police or the partnership."""

    username: str
    password: str
    subject: str
    full_name: str
    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Everything that the outside world would serve on one night."""

    night: date
    scenario: str
    seed: str
    rolls: Rolls = field(repr=False)
    incidents: NightOfIncidents = field(repr=False)
    people: tuple[Person, ...] = field(repr=False)
    staff: tuple[StaffPerson, ...] = field(repr=False)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The feed's records in update order; a short night serves fewer than it announces."""
        if self.scenario in ("absent", "empty"):
            return []
        return self.incidents.records[:-SHORT_BY] if self.scenario == "short" else self.incidents.records

    @property
    def duplicates(self) -> list[dict[str, Any]]:
        """Records served a second time, on a later page."""
        return self.incidents.duplicates if self.scenario == "ordinary" else []

    @property
    def withheld(self) -> int:
        """How many records the manifest announces and the feed does not serve."""
        return SHORT_BY if self.scenario == "short" else 0

    @property
    def is_absent(self) -> bool:
        """The feed does not answer."""
        return self.scenario == "absent"

    @property
    def la_codes(self) -> tuple[str, ...]:
        """The local authorities whose rolls are exported."""
        return tuple(sorted({s.la_code for s in self.rolls.schools.values()}))

    def gias_csv(self) -> bytes:
        """The GIAS extract."""
        return gias_bytes()

    def pupils_csv(self, la_code: str) -> bytes:
        """One local authority's rolls."""
        return pupils_csv(self.rolls, la_code)

    def links_csv(self) -> bytes:
        """The GIAS links: nothing of these schools became another."""
        return b"URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\r\n"

    def roll_xml(self, urn: int) -> bytes | None:
        """The roll of a school that sends XML: a common transfer file or a census return."""
        if urn in CTF:
            return ctf_xml(self.rolls, urn)
        return census_xml(self.rolls, urn) if urn in CENSUS else None

    def wonde_students(self, school_id: str) -> list[dict[str, Any]]:
        """The students of a school that comes through Wonde. Raises KeyError."""
        return wonde_students(self.rolls, school_id)

    def calendar_ics(self, urn: int) -> bytes:
        """A school's own calendar: a week of half-term, an inset day, and a meeting that closes nothing."""
        year = self.rolls.year + 1
        events = (
            ("Half-term", f";VALUE=DATE:{year}0216", f";VALUE=DATE:{year}0221"),
            ("Inset day", f";VALUE=DATE:{year}0601", f";VALUE=DATE:{year}0602"),
            ("Governors", f":{year}0310T180000Z", f":{year}0310T190000Z"),
        )
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//fictional school {urn}//EN"]
        for name, start, end in events:
            stamp = f"DTSTAMP:{year - 1}0901T090000Z"
            lines += ["BEGIN:VEVENT", f"UID:{name}-{urn}@school.example", stamp]
            lines += [f"DTSTART{start}", f"DTEND{end}", f"SUMMARY:{name}", "END:VEVENT"]
        return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()

    def key_adults_csv(self) -> bytes:
        """The Key Adult register."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(
            [
                "key_adult_ref",
                "urn",
                "role",
                "full_name",
                "email",
                "phone",
                "language",
                "active_from",
                "active_to",
            ]
        )
        start = date(self.rolls.year, 9, 1)
        for p in self.people:
            writer.writerow([p.key_adult_ref, p.urn, p.role, p.full_name, p.email, p.phone, "en", start, ""])
        return out.getvalue().encode()

    def school_days_csv(self) -> bytes:
        """Closed days: the Easter holiday, and two schools' inset day."""
        year = self.rolls.year + 1
        urns = sorted(self.rolls.schools)[:2]
        lines = ["scope,code,date,reason"]
        lines += [f"default,,{year}-04-{day:02d},Easter holiday" for day in range(1, 11)]
        lines += [f"school,{urn},{year}-02-13,Inset day" for urn in urns]
        return ("\r\n".join(lines) + "\r\n").encode()

    def expected(self) -> list[dict[str, Any]]:
        """What must become of each child of the records served."""
        served = {r["incident_reference"] for r in self.records}
        return [e for e in self.incidents.expected if e["incident_reference"] in served]

    def canaries(self) -> list[str]:
        """Strings of at least twelve characters that the night carried and nothing else holds."""
        found: set[str] = set()
        for record in self.records:
            found |= {record["event"]["narrative"], record["location"]["address"]}
            for child in record["children"]:
                found |= {
                    child["surname"],
                    child["address"]["address"],
                    child["voice"],
                    child["circumstances"],
                } - {None}
        on_rolls = random.Random("canaries").sample(self.rolls.rows, 40)
        found |= {p.surname for p in on_rolls} | {p.address for p in on_rolls}
        gias = gias_bytes().decode("cp1252")
        return sorted(c for c in found if len(c) >= 12 and c not in gias)


def named_night(name_or_date: str) -> tuple[date, str]:
    """A night's date and scenario by its name or its date. Raises ValueError naming the known nights."""
    nights = tomllib.loads((Path(__file__).parent.parent / "nights.toml").read_text("utf-8"))
    if name_or_date in nights:
        return nights[name_or_date]["date"], name_or_date
    try:
        wanted = date.fromisoformat(name_or_date)
    except ValueError:
        raise ValueError(f"a night is YYYY-MM-DD or one of: {', '.join(nights)}") from None
    named = [name for name, night in nights.items() if night["date"] == wanted]
    return wanted, named[0] if named else "ordinary"


def build_world(night: date, scenario: str | None = None, seed: str = SEED) -> World:
    """The world of one night; its scenario is the named night's, else ordinary."""
    scenario = scenario or named_night(night.isoformat())[1]
    rolls = build_rolls(seed, school_year(night))
    counts = SMALL if scenario == "small" else ORDINARY
    incidents = build_night(seed, night, rolls, counts)
    return World(night, scenario, seed, rolls, incidents, _people(seed, rolls), _staff())


def _people(seed: str, rolls: Rolls) -> tuple[Person, ...]:
    people: list[Person] = []
    for n, urn in enumerate(sorted(rolls.schools)):
        rng = random.Random(f"{seed}|people|{urn}")
        draw = rng.random()
        deputy_answers = rng.random() < 0.15
        dsl: Answers = "never" if draw < 0.1 or deputy_answers else "late" if draw < 0.18 else "prompt"
        deputy: Answers = "prompt" if deputy_answers and draw >= 0.1 else "never"
        bounces = not deputy_answers and rng.random() < 0.05
        people.append(_person(urn, "dsl", dsl, n, bounces=False))
        people.append(_person(urn, "deputy", deputy, n, bounces=bounces))
    return tuple(people)


def _person(urn: int, role: Literal["dsl", "deputy"], answers: Answers, n: int, *, bounces: bool) -> Person:
    subject = str(uuid.uuid5(NAMESPACE, f"{role}.{urn}"))
    return Person(
        key_adult_ref=f"KA-{urn}-{role}",
        urn=urn,
        role=role,
        full_name=f"{'Designated' if role == 'dsl' else 'Deputising'} Lead-of-{urn}",
        email=f"{role}.{urn}@school-{urn}.example",
        phone=f"020 7946 {n:04d}",
        username=f"{role}.{urn}",
        password=f"fictional-{uuid.uuid5(NAMESPACE, subject).hex[:10]}",
        subject=subject,
        answers=answers,
        mailbox="bounces" if bounces else "accepts",
    )


def _staff() -> tuple[StaffPerson, ...]:
    def one(name: str, role: str) -> StaffPerson:
        subject = str(uuid.uuid5(NAMESPACE, name))
        password = f"fictional-{uuid.uuid5(NAMESPACE, subject).hex[:10]}"
        return StaffPerson(name, password, subject, f"Fictional {role}", f"{name}@riverbend.example", (role,))

    return one("leader", "leader"), one("mash", "mash")
