"""The children of one night, each of a known kind, in the incidents that police record."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.world import names
from sandbox.world.pupils import Pupil, Rolls

LONDON = ZoneInfo("Europe/London")
ORDINARY = {
    "on_roll": 60, "family": 22, "dual": 6, "spelling": 12, "preferred": 4, "mover": 4, "misspelt": 8,
    "no_birth_date": 5, "swapped_date": 5, "wrong_date": 3, "absent_twin": 3, "double": 2, "guest": 3,
    "leaver": 4, "stranger": 8,
    "under_reception": 3, "adult": 3, "outside_area": 3, "not_domestic": 3, "retracted": 2, "not_related": 2,
    "hold": 2, "twice": 2, "late_record": 2,
}  # fmt: skip
FELLGATE = {
    "on_roll": 12, "family": 5, "spelling": 3, "misspelt": 2, "no_birth_date": 1, "absent_twin": 1, "stranger": 2,
    "under_reception": 1, "adult": 1, "outside_area": 1, "not_related": 1, "hold": 1,
}  # fmt: skip
FELLGATE_SMALL = {"on_roll": 3, "family": 1, "stranger": 1}
SMALL = {"on_roll": 3, "family": 1, "dual": 1, "absent_twin": 1, "stranger": 1, "adult": 1, "hold": 1}
EXCLUDED = {
    "under_reception": "under_reception_age", "adult": "adult", "outside_area": "outside_area",
    "not_domestic": "not_domestic_abuse", "retracted": "retracted", "not_related": "not_related",
}  # fmt: skip
REVIEW = {
    "wrong_date": "birth_date", "absent_twin": "forename", "double": "namesake", "guest": "guest",
    "leaver": "no_current_enrolment",
}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A child as police will name him or her, and what must become of the child."""

    kind: str
    person_id: str
    forename: str
    surname: str
    born: date | None
    source: Pupil
    urns: tuple[int, ...]


@dataclass
class NightOfIncidents:
    """The night's records in update order, those served twice, and what must become of each child."""

    records: list[dict[str, Any]]
    duplicates: list[dict[str, Any]]
    expected: list[dict[str, Any]]


class _Draw:
    """Draws children of each kind from the rolls, no pupil twice. `prefix` begins a force's own references."""

    def __init__(self, rng: random.Random, rolls: Rolls, night: date, prefix: str) -> None:
        self.rng, self.rolls, self.night, self.prefix = rng, rolls, night, prefix
        self.used: set[str] = set()
        self.number = 0
        self.unique = _unique_by_pairs(rolls)
        self.plain = [p for p in rolls.by_kind["plain"] if self._stands_alone(p)]
        self.alone = {p.pupil_ref for p in self.plain}

    def person_id(self) -> str:
        self.number += 1
        digest = hashlib.sha256(f"{self.night}|{self.number}".encode()).hexdigest()
        return f"{self.prefix}-P-{int(digest[:8], 16) % 10_000_000:07d}"

    def pupil(self, kind: str = "plain") -> Pupil:
        pool = self.plain if kind == "plain" else self.rolls.by_kind[kind]
        while True:
            p = self.rng.choice(pool)
            if p.pupil_ref not in self.used and _in_scope(p.born, self.night):
                self.used.add(p.pupil_ref)
                return p

    def _stands_alone(self, p: Pupil) -> bool:
        """Nobody else on any roll shares two of forename, surname and birth date."""
        return (
            all(self.unique[key] == 1 for key in _pairs(p.forename, p.surname, p.born))
            and not p.preferred_forename
        )

    def alone_with(self, forename: str, surname: str, born: date | None) -> bool:
        """Nobody at all shares two of these three."""
        return not any(self.unique.get(key) for key in _pairs(forename, surname, born))


def build_night(
    seed: str, night: date, rolls: Rolls, counts: dict[str, int], prefix: str = "RVB"
) -> NightOfIncidents:
    """The incidents of a night with this many children of each kind."""
    rng = random.Random(f"{seed}|night|{night}")
    draw = _Draw(rng, rolls, night, prefix)
    groups = [group for kind, n in counts.items() for _ in range(n) for group in [_group(draw, kind)]]
    rng.shuffle(groups)
    records: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    pending: list[list[Named]] = []
    for group in groups:
        pending.append(group)
    for group in _joined(rng, pending):
        for children in _incidents_of(group):
            record = _record(draw, len(records), children)
            records.append(record)
            expected += [_expected(record, c) for c in children]
    bad = _bad_records(draw, records) if prefix == "RVB" else []
    duplicates = [r for r in records if r["status"] == "active"][2:4] if len(records) > 20 else []
    records = sorted([*records, *bad], key=lambda r: (r["updated_at"], r["incident_reference"]))
    expected.sort(key=lambda e: (e["incident_reference"], e["person_id"]))
    return NightOfIncidents(records, duplicates, expected)


def _joined(rng: random.Random, groups: list[list[Named]]) -> Iterator[list[Named]]:
    """Some unrelated children of plain kinds are named in one incident, as when cousins stay over."""
    joinable = {"on_roll", "spelling", "misspelt", "stranger", "dual", "no_birth_date", "preferred"}
    waiting: list[Named] = []
    for group in groups:
        if len(group) == 1 and group[0].kind in joinable and rng.random() < 0.85:
            waiting += group
            if len(waiting) >= rng.choice((2, 3)):
                yield waiting
                waiting = []
        else:
            yield group
    if waiting:
        yield waiting


def _incidents_of(group: list[Named]) -> list[list[Named]]:
    if group[0].kind == "twice":
        return [group, group]
    return [group]


def _group(draw: _Draw, kind: str) -> list[Named]:
    if kind == "family":
        return _family(draw)
    if kind in ("guest", "leaver", "double"):
        p = draw.pupil(kind)
        return [Named(kind, draw.person_id(), p.forename, p.surname, p.born, p, ())]
    if kind in ("dual", "mover"):
        p = draw.pupil(kind)
        second = next(q for q in draw.rolls.by_kind[f"{kind}_second"] if q.upn == p.upn)
        urns = (p.urn, second.urn) if kind == "dual" else (second.urn,)
        return [Named(kind, draw.person_id(), p.forename, p.surname, p.born, p, tuple(sorted(urns)))]
    if kind == "absent_twin":
        return [_absent_twin(draw)]
    p = draw.pupil()
    while kind == "swapped_date" and not _may_be_swapped(p.born, draw.night):
        p = draw.pupil()
    return [_varied(draw, kind, Named(kind, draw.person_id(), p.forename, p.surname, p.born, p, (p.urn,)))]


def _may_be_swapped(born: date, night: date) -> bool:
    return (
        born.day <= 12 and born.day != born.month and _in_scope(date(born.year, born.day, born.month), night)
    )


def _varied(draw: _Draw, kind: str, child: Named) -> Named:
    born = child.source.born
    changes: dict[str, dict[str, Any]] = {
        "spelling": {"forename": _decorated(draw.rng, child.forename), "surname": child.surname.upper()},
        "preferred": {"forename": f" {child.forename.lower()}", "surname": child.surname.replace("-", " ")},
        "misspelt": {
            "forename": f"{child.forename[:2]}x{child.forename[2:]}",
        },
        "no_birth_date": {"born": None},
        "swapped_date": {"born": date(born.year, born.day, born.month) if kind == "swapped_date" else born},
        "wrong_date": {"born": born - timedelta(days=40), "urns": ()},
    }
    if kind in ("stranger", "under_reception", "adult"):
        return _stranger(draw, kind, child)
    return replace(child, **changes.get(kind, {"urns": ()} if kind in EXCLUDED else {}))


def _stranger(draw: _Draw, kind: str, child: Named) -> Named:
    years = {"stranger": 9, "under_reception": 2, "adult": 18}[kind]
    while True:
        surname, forename = names.surname(draw.rng), draw.rng.choice(names.FORENAMES)
        born = date(
            draw.night.year - years - (1 if kind == "adult" else 0),
            draw.rng.randint(1, 12),
            draw.rng.randint(1, 28),
        )
        if draw.alone_with(forename, surname, born):
            town, postcode = names.town(draw.rng)
            home = replace(child.source, address=names.street(draw.rng), town=town, postcode=postcode)
            return replace(child, forename=forename, surname=surname, born=born, source=home, urns=())


def _absent_twin(draw: _Draw) -> Named:
    p = draw.pupil()
    others = {q.forename for q in draw.rolls.households[p.household]}
    while True:
        forename = draw.rng.choice([f for f in names.FORENAMES if f not in others])
        if all(draw.unique.get(k, 0) <= (k[0] == "sd") for k in _pairs(forename, p.surname, p.born)):
            return Named("absent_twin", draw.person_id(), forename, p.surname, p.born, p, ())


def _family(draw: _Draw) -> list[Named]:
    """Siblings on the rolls, named in one incident; at one school or at several."""
    while True:
        p = draw.pupil()
        family = [q for q in draw.rolls.households[p.household] if q.pupil_ref in draw.alone]
        family = [q for q in family if q is p or q.pupil_ref not in draw.used]
        if len(family) > 1 and all(_in_scope(q.born, draw.night) for q in family):
            draw.used |= {q.pupil_ref for q in family}
            return [
                Named("family", draw.person_id(), q.forename, q.surname, q.born, q, (q.urn,)) for q in family
            ]


def _expected(record: dict[str, Any], c: Named) -> dict[str, Any]:
    placement, reason = "placed", None
    if c.kind in EXCLUDED:
        placement, reason = "excluded", EXCLUDED[c.kind]
    elif c.kind in REVIEW:
        placement, reason = "in_review", REVIEW[c.kind]
    elif c.kind == "stranger":
        placement = "not_found"
    return {
        "incident_reference": record["incident_reference"],
        "person_id": c.person_id,
        "kind": c.kind,
        "placement": placement,
        "reason": reason,
        "urns": list(c.urns) if placement == "placed" else [],
        "held": c.kind == "hold",
    }


def _record(draw: _Draw, number: int, children: list[Named]) -> dict[str, Any]:
    rng, kinds = draw.rng, {c.kind for c in children}
    opens = datetime.combine(draw.night - timedelta(days=1), time(9, 0), LONDON)
    occurred = opens + timedelta(minutes=int(20 * 60 * rng.random() ** 0.5))
    updated = min(occurred + timedelta(minutes=rng.randint(20, 200)), opens + timedelta(hours=20, minutes=20))
    if "late_record" in kinds:
        occurred -= timedelta(days=12)
    town, postcode = names.town(rng)
    home = children[0].source
    reference = f"{draw.prefix}/{draw.night:%y}/{int(draw.night.strftime('%j')) * 1000 + number:06d}"
    return {
        "contract_version": "1.0",
        "incident_reference": reference,
        "updated_at": updated.astimezone(UTC).isoformat(),
        "recorded_at": (occurred + timedelta(minutes=15)).astimezone(UTC).isoformat(),
        "status": "retracted" if "retracted" in kinds else "active",
        "domestic_abuse": "not_domestic" not in kinds,
        "event": {
            "occurred_from": occurred.astimezone(UTC).isoformat(),
            "occurred_to": None,
            "nature": rng.choice(("verbal_argument", "threats", "violence", "damage", "other")),
            "narrative": names.narrative(rng, int(reference[-6:])),
        },
        "location": {"address": home.address, "town": town, "postcode": postcode, "in_force_area": True},
        "risk": rng.choice(
            (None, {"tool": "DASH", "grade": "standard"}, {"tool": "DARA", "grade": "medium"})
        ),
        "adults": [
            {"person_id": draw.person_id(), "role": "victim"},
            {"person_id": draw.person_id(), "role": "suspect"},
        ],
        "children": [_child(draw, c) for c in children],
        "team": f"Response Team {rng.choice('ABCDE')}",
    }


def _child(draw: _Draw, c: Named) -> dict[str, Any]:
    rng, number = draw.rng, int(c.person_id[-7:])
    spoken = rng.choice((True, True, False, None))
    present = rng.choice((True, True, False, None))
    until = datetime.combine(draw.night + timedelta(days=3), time(9), LONDON).isoformat()
    return {
        "person_id": c.person_id,
        "forename": c.forename,
        "middle_names": None,
        "surname": c.surname,
        "other_names": [],
        "date_of_birth": c.born.isoformat() if c.born else None,
        "sex": c.source.sex,
        "address": {"address": c.source.address, "town": c.source.town, "postcode": c.source.postcode},
        "resides_in_force_area": c.kind != "outside_area",
        "relationship": "none"
        if c.kind == "not_related"
        else rng.choice(("child_of_both", "child_of_victim")),
        "present": present,
        "present_where": rng.choice(names.WHERE) if present else None,
        "seen": True if spoken else rng.choice((True, False, None)),
        "spoken_to": spoken,
        "spoken_to_by": "the attending officer" if spoken else None,
        "in_presence_of": rng.choice(("alone", "with a grandparent")) if spoken else None,
        "voice": names.voice(rng, number) if spoken else None,
        "circumstances": names.circumstances(rng, number) if rng.random() < 0.6 else None,
        "school_named": None,
        "hold": {"reason": "covert", "owner": "MASH inspector", "until": until} if c.kind == "hold" else None,
    }


def _bad_records(draw: _Draw, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two records that cannot be taken: one child without a surname, one with an impossible birth date."""
    if len(records) <= 20:
        return []
    bad: list[dict[str, Any]] = []
    for n, broken in enumerate(({"surname": ""}, {"date_of_birth": "31/02/2016"})):
        p = draw.pupil()
        child = Named("bad", draw.person_id(), p.forename, p.surname, p.born, p, ())
        record = _record(draw, 900 + n, [child])
        record["children"][0].update(broken)
        bad.append(record)
    return bad


def _decorated(rng: random.Random, forename: str) -> str:
    """The same letters with other marks: an acute accent, an apostrophe or a hyphen."""
    at = rng.randrange(1, len(forename))
    mark = rng.choice(("\u0301", "'", "-"))
    return unicodedata.normalize("NFC", forename[:at] + mark + forename[at:])


def _in_scope(born: date, night: date) -> bool:
    return 4 < (night - born).days / 365.25 < 17.5 and night >= date(
        born.year + (4 if (born.month, born.day) < (9, 1) else 5), 9, 1
    )


@cache
def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).casefold().replace("ł", "l")
    return "".join(c for c in folded if c.isalnum())


def _pairs(forename: str, surname: str, born: date | None) -> list[tuple[str, str, str]]:
    f, s = _plain(forename), _plain(surname)
    pairs = [("fs", f, s)]
    return pairs if born is None else [*pairs, ("fd", f, born.isoformat()), ("sd", s, born.isoformat())]


def _unique_by_pairs(rolls: Rolls) -> dict[tuple[str, str, str], int]:
    counts: dict[tuple[str, str, str], int] = {}
    for p in rolls.rows:
        for forename in {p.forename, p.preferred_forename} - {""}:
            for key in _pairs(forename, p.surname, p.born):
                counts[key] = counts.get(key, 0) + 1
    return counts
