"""The two fictional partnerships' data: the same every time for one seed and one night."""

from __future__ import annotations

import csv
import io
import random
import tomllib
import uuid
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from sandbox.world.exports import CENSUS, CTF, census_xml, ctf_xml, pupils_csv, wonde_students
from sandbox.world.night import (
    FELLGATE,
    FELLGATE_SMALL,
    ORDINARY,
    SMALL,
    NightOfIncidents,
    build_night,
)
from sandbox.world.pupils import Rolls, build_rolls, gias_bytes, rolls_of, school_year

SEED = "encompass"
NAMESPACE = uuid.UUID("6b1f0f0e-8b8b-4d53-9a55-0d6f3a0e7c11")
SHORT_BY = 30
RIVERBEND_ID, FELLGATE_ID = "riverbend", "fellgate"
FELLGATE_LA = "936"
"""The one local authority that Fellgate's partnership works with. It borders on Riverbend's, which knows it too."""
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
    force: str
    roles: tuple[str, ...]
    is_guest: bool = False


@dataclass(frozen=True)
class World:
    """Everything that the outside world of one force would serve on one night."""

    force_id: str
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
    """Riverbend's world of one night; its scenario is the named night's, else ordinary."""
    scenario = scenario or named_night(night.isoformat())[1]
    rolls = build_rolls(seed, school_year(night))
    counts = SMALL if scenario == "small" else ORDINARY
    incidents = build_night(seed, night, rolls, counts)
    people, staff = _people(seed, rolls, ""), _staff(RIVERBEND_ID, "")
    return World(RIVERBEND_ID, night, scenario, seed, rolls, incidents, people, staff)


def neighbour(world: World) -> World:
    """Fellgate's world of the same night: small on the small night, and otherwise always an ordinary one."""
    small = world.scenario == "small"
    rolls = rolls_of(world.seed, school_year(world.night), FELLGATE_LA)
    counts = FELLGATE_SMALL if small else FELLGATE
    incidents = build_night(f"{world.seed}|{FELLGATE_ID}", world.night, rolls, counts, "FLG")
    people = _people(f"{world.seed}|{FELLGATE_ID}", rolls, f"{FELLGATE_ID}.")
    staff = _staff(FELLGATE_ID, f"{FELLGATE_ID}.")
    scenario = "small" if small else "quiet"
    return World(FELLGATE_ID, world.night, scenario, world.seed, rolls, incidents, people, staff)


def canaries_of(world: World) -> list[str]:
    """The canaries of the night of both forces."""
    return sorted({*world.canaries(), *neighbour(world).canaries()})


def expected_file(world: World) -> Path:
    """Where it is committed what must become of each child of a force's night."""
    folder = Path(__file__).parent.parent / "expected"
    return (folder if world.force_id == RIVERBEND_ID else folder / world.force_id) / f"{world.night}.json"


def _people(seed: str, rolls: Rolls, prefix: str) -> tuple[Person, ...]:
    """Two Key Adults a school. A school on both registers has two of its own at each."""
    people: list[Person] = []
    for n, urn in enumerate(sorted(rolls.schools)):
        rng = random.Random(f"{seed}|people|{urn}")
        draw = rng.random()
        deputy_answers = rng.random() < 0.15
        dsl: Answers = "never" if draw < 0.1 or deputy_answers else "late" if draw < 0.18 else "prompt"
        deputy: Answers = "prompt" if deputy_answers and draw >= 0.1 else "never"
        bounces = not deputy_answers and rng.random() < 0.05
        people.append(_person(urn, "dsl", dsl, n, prefix, bounces=False))
        people.append(_person(urn, "deputy", deputy, n, prefix, bounces=bounces))
    return tuple(people)


def _person(
    urn: int, role: Literal["dsl", "deputy"], answers: Answers, n: int, prefix: str, *, bounces: bool
) -> Person:
    username = f"{prefix}{role}.{urn}"
    subject = str(uuid.uuid5(NAMESPACE, username))
    return Person(
        key_adult_ref=f"KA-{prefix.upper()}{urn}-{role}",
        urn=urn,
        role=role,
        full_name=f"{'Designated' if role == 'dsl' else 'Deputising'} Lead-of-{urn}",
        email=f"{username}@school-{urn}.example",
        phone=f"020 7946 {n:04d}" if role == "dsl" else f"07700 900{n:03d}",  # Ofcom's numbers for drama
        username=username,
        password=f"fictional-{uuid.uuid5(NAMESPACE, subject).hex[:10]}",
        subject=subject,
        answers=answers,
        mailbox="bounces" if bounces else "accepts",
    )


def _staff(force_id: str, prefix: str) -> tuple[StaffPerson, ...]:
    def one(name: str, role: str) -> StaffPerson:
        name = f"{prefix}{name}"
        subject = str(uuid.uuid5(NAMESPACE, name))
        password = f"fictional-{uuid.uuid5(NAMESPACE, subject).hex[:10]}"
        return StaffPerson(
            name, password, subject, f"Fictional {role}", f"{name}@{force_id}.example", force_id, (role,)
        )

    return one("leader", "leader"), one("mash", "mash"), replace(one("guest", "leader"), is_guest=True)
