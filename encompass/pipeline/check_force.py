"""A force's file looked through before it is used: what is wrong with it, and what it says, in words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from encompass.formats.mis_csv import BadMapping, read_mapping
from encompass.formats.police_mapping import CHILD, INCIDENT, PoliceMapping
from encompass.pipeline.match_rules import match_rules
from encompass.settings import FeedSettings, ForceSettings, ProfileSettings, SettingsError, rolls_folder
from encompass.settings.feed import SECRET_PREFIX, SHORTEST_SECRET

ELSEWHERE = "https://set.elsewhere.example"
FROM_ELSEWHERE = {
    "feed": {"base_url": ELSEWHERE, "client_id": "-", "client_secret": "-"},
    "registers": {"base_url": ELSEWHERE, "token": "-"},
}
NO_SECRET = f"{SECRET_PREFIX}{'A' * 2 * SHORTEST_SECRET}"
WAYS = {
    "rest": "We ask for it over REST",
    "folder": "It is dropped as files in a folder of ours",
    "sftp": "It is dropped as files that we fetch over SFTP",
    "push": "It is pushed to us, each page signed",
}
WONDE = {"base_url": ELSEWHERE, "token": "-"}
NEEDED = frozenset(
    {"incident_reference", "updated_at", "recorded_at", "status", "domestic_abuse", "event.occurred_from",
     "event.nature", "event.narrative", "location.address", "location.in_force_area", "person_id", "forename",
     "surname", "relationship"}
)  # fmt: skip
WORTH_HAVING = (
    "date_of_birth",
    "address.address",
    "address.postcode",
    "seen",
    "spoken_to",
    "voice",
    "circumstances",
)


@dataclass(frozen=True)
class CheckedForce:
    """What is wrong, and what it says, a line each."""

    faults: tuple[str, ...]
    says: tuple[str, ...]


def check_force(file: Path) -> CheckedForce:
    """Look through one force's file. Addresses and secrets may come from elsewhere. Raises OSError."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return CheckedForce((f"not TOML: {error}",), ())
    try:
        force = ForceSettings.model_validate(_completed(table))
    except ValidationError as error:
        return CheckedForce(tuple(_faults(error)), ())
    faults: list[str] = []
    mapping = _mapping(force, faults)
    for roll in force.registers.every_roll:
        if roll.format == "mis-csv":
            _note(
                faults,
                f"registers.rolls.{roll.source}",
                lambda r=roll: read_mapping(rolls_folder() / f"{r.supplier}.toml"),
            )
    _note(faults, "", lambda: match_rules(force.matching))
    return CheckedForce(tuple(faults), () if faults else tuple(_words(force, mapping)))


def _completed(table: dict[str, Any]) -> dict[str, Any]:
    """The table with stand-ins for what a deployment lays over it: addresses and secrets."""
    completed = dict(table)
    for name, values in FROM_ELSEWHERE.items():
        given = table.get(name, {})
        is_other = name == "feed" and {"folder", "sftp", "push"} & set(given)
        completed[name] = {**({} if is_other else values), **given}
    if "push" in completed["feed"]:
        completed["feed"]["push"] = {"secrets": [NO_SECRET], **completed["feed"]["push"]}
    if any(r.get("format") == "wonde" for r in completed["registers"].get("rolls", ())):
        completed["registers"].setdefault("wonde", WONDE)
    return completed


def _faults(error: ValidationError) -> Iterator[str]:
    return (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())


def _mapping(force: ForceSettings, faults: list[str]) -> PoliceMapping | None:
    if force.feed.mapping is None:
        return None
    try:
        mapping = PoliceMapping.model_validate(force.feed.mapping)
    except ValidationError as error:
        faults += [f"feed.mapping.{fault}" for fault in _faults(error)]
        return None
    told = {*mapping.incident, *mapping.child, *mapping.constants}
    faults += [
        f"feed.mapping: nothing gives {name}, which every record needs" for name in sorted(NEEDED - told)
    ]
    return mapping


def _note(faults: list[str], where: str, do: Any) -> None:
    try:
        do()
    except (BadMapping, SettingsError) as fault:
        faults.append(f"{where}: {fault}" if where else str(fault))


def _telling_in_words(profile: ProfileSettings) -> Iterator[str]:
    helpline = profile.advice.helpline
    asked = (
        f"{helpline.name}, {helpline.number}, {helpline.hours}" if helpline else "nobody: no helpline is set"
    )
    yield (
        f"Lines of advice below each message: {len(profile.advice.to_do)}; whom to ask is {asked}. "
        f"Refuges looked for in every text: {len(profile.refuges)}."
    )
    two = ", ".join(profile.two_people_for) or "no kind of hold"
    yield f"Two people release {two}; two people always decide that a school is never told."


def _way_in(feed: FeedSettings) -> str:
    if feed.base_url == ELSEWHERE and feed.certificate_file is None:
        return "Its way in is told elsewhere, with addresses and secrets."
    way = WAYS[feed.way]
    if feed.push is not None:
        more = ": any of them is good" if len(feed.push.secrets) > 1 else ""
        return (
            f"{way} with {len(feed.push.secrets)} secrets{more}; more than {feed.push.most_a_minute} pages in a minute "
            "come later."
        )
    if feed.way != "rest":
        return f"{way}."
    credentials = ["client credentials"] if feed.client_id else []
    shown = [*credentials, *(["a client certificate"] if feed.certificate_file else [])]
    trust = " Its own certificate must be of an authority that is named." if feed.ca_file else ""
    return f"{way}, known by {' and '.join(shown)}.{trust}"


def _words(force: ForceSettings, mapping: PoliceMapping | None) -> Iterator[str]:
    p, f, r = force.profile, force.feed, force.registers
    yield f"{force.name}, of {force.partnership_name}."
    if mapping is None:
        yield "Its feed is written in the neutral contract 1.0."
    else:
        way = (
            "a row for each child"
            if mapping.children is None
            else f"each incident with its people in {mapping.children}"
        )
        yield f"Its feed is its own export: {way}; times without an offset are those of {mapping.zone}."
        missing = [name for name in WORTH_HAVING if name not in mapping.child]
        if missing:
            yield f"It never says: {', '.join(missing)}. Schools will read that police did not record it."
        unused = sorted((INCIDENT | CHILD) - {*mapping.incident, *mapping.child, *mapping.constants})
        yield f"{len(unused)} of the contract's fields have no place in it."
    yield _way_in(f)
    yield (
        f"Nothing newer than {f.stale_after_hours} hours in it raises an alarm; so does a feed that does not come, "
        "is empty, or is not as it was announced."
    )
    yield (
        f"A pull goes back {f.overlap_minutes} minutes behind the last complete one; fewer than {f.fewest_records} new "
        "records in a night raise an alarm."
    )
    yield (
        f"{len(r.every_roll)} rolls and {len(r.calendars)} calendars are taken; a roll with less than "
        f"{r.fewest_pupils_percent}% of its last rows waits for a person."
    )
    yield f"Schools are told {len(p.fields)} fields: {', '.join(p.fields)}."
    yield from _telling_in_words(p)
    yield (
        f"They are told before {p.send_by:%H:%M}; a day starts at {p.school_starts:%H:%M} where nobody says otherwise; "
        f"who has not acknowledged is telephoned from {p.chase_after:%H:%M}, and "
        f"within {p.holiday_act_days + 1} days in holidays."
    )
    youngest = "are excluded" if p.under_reception == "exclude" else "go to a person"
    yield f"Children under reception age {youngest}, and are counted apart from the statutory duty."
    of = force.staff
    by_claim = f"those whose token says {of.value or 'the name of this file'} in the claim {of.claim}"
    yield f"Its staff are {f'members of the tenant {of.identity.tenant}' if of.identity else by_claim}."
    yield f"Bank holidays are those of {p.bank_holidays}. Matching uses version {force.matching.parameters}."
