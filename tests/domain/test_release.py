"""What a text seems to give away, and who at a school must not read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from encompass.domain.hold import Hold, HoldKind, Scan, joined, needs_two
from encompass.domain.incident import Relationship, ReportedChild
from encompass.domain.release import Knowledge, SchoolNames, conflicted, scan
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.domain.telling import Line

MINE, OTHER, THIRD = 100001, 100002, 100003
SCHOOLS = SchoolNames(
    {
        MINE: "Crumplewick Primary School",
        OTHER: "Saint Fellgate's CofE Primary School",
        THIRD: "The Plum Academy",
    }
)
CHILD = ReportedChild(
    "P1", "Aisha", None, "Crumplewhistle", (), date(2016, 3, 1), None, None, True, Relationship.CHILD_OF_BOTH, True,
    None, True, True, None, None, None, None, None, None,
)  # fmt: skip
BROTHER = replace(CHILD, person_id="P2", forename="Tomasz", surname="Nettlewobble")
KNOWN = Knowledge(MINE, ("Plum Tree House",), SCHOOLS, (BROTHER,))


def found(text: str, field: str = "voice") -> set[Scan]:
    return {hit.scan for hit in scan([Line(field, "", text)], CHILD, KNOWN)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("they went to 14 Marzipan Crescent", Scan.ADDRESS),
        ("now at 3a, Hopscotch Row", Scan.ADDRESS),
        ("lives at 12 hopscotch close with nan", Scan.ADDRESS),
        ("staying in Flat 7 for now", Scan.ADDRESS),
        ("moved to 112 toffee apple lane", Scan.ADDRESS),
        ("the new house is near TW1 3CK", Scan.POSTCODE),
        ("kt12cm she said", Scan.POSTCODE),
        ("ring Mum on 07700 900123", Scan.TELEPHONE),
        ("her number is +44 (0)7700 900 123", Scan.TELEPHONE),
        ("(020) 7946 0000", Scan.TELEPHONE),
        ("we are at Plum-Tree House", Scan.REFUGE),
        ("the family is in PLUM TREE HOUSE", Scan.REFUGE),
        ("his sister goes to St Fellgates school", Scan.OTHER_SCHOOL),
        ("his sister goes to Saint Fellgate’s", Scan.OTHER_SCHOOL),
        ("he is at Plum Academy now", Scan.OTHER_SCHOOL),
        ("Tomasz hid under the bed", Scan.OTHER_CHILD),
        ("the Nettlewobble boys were there", Scan.OTHER_CHILD),
    ],
)
def test_what_a_text_gives_away(text: str, expected: Scan) -> None:
    assert found(text) == {expected}


@pytest.mark.parametrize(
    "text",
    [
        "I hid for 10 minutes and then went to my room.",
        "It was after a row on 4 March; 2 officers came close to the house.",
        "Aisha likes Crumplewick Primary and her teacher.",
        "She ate a plum and felt safer with the big light on.",
        "He is 7 and his brother is 9, the third of 3 children of the house.",
        "I was looking after a jar of marbles number 1432 and felt worried about going home.",
        "Aisha Crumplewhistle was asleep upstairs.",
        "This was incident 3 in 6 weeks, about 20 minutes drive from the park.",
    ],
)
def test_ordinary_words_hold_nothing_up(text: str) -> None:
    assert found(text) == set()


def test_fields_that_are_no_ones_own_words_are_searched_for_refuges_only() -> None:
    assert found("14 Marzipan Crescent, Twickenham", "location") == set()
    assert found("Plum Tree House, Twickenham", "location") == {Scan.REFUGE}


def test_a_hit_does_not_show_its_words() -> None:
    (hit,) = scan([Line("voice", "", "ring 07700 900123")], CHILD, KNOWN)
    assert "07700" not in repr(hit)


def adult(name: str, *declared: str) -> KeyAdultEntry:
    return KeyAdultEntry(
        "K", MINE, KeyAdultRole.DSL, name, "lead@school.example", None, "en", date(2026, 1, 1), None,
        declared_surnames=declared,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "is_party_here", "reason"),
    [
        (adult("Deputising Lead", "CRUMPLEWHISTLE"), False, "declared"),
        (adult("Deputising Lead", "Crumple-Whistle"), False, "declared"),
        (adult("Deputising Lead", "Nettlewobble"), False, None),
        (adult("Deputising Crumplewhistle"), False, None),
        (adult("Deputising Crumplewhistle"), True, "party_works_here"),
        (adult("Deputising Lead"), True, None),
    ],
)
def test_who_must_not_read_of_the_family(
    entry: KeyAdultEntry, is_party_here: bool, reason: str | None
) -> None:
    told = conflicted([("k", entry)], ["Crumplewhistle"], is_party_here=is_party_here)
    assert told == ({"k": reason} if reason else {})


def test_holds_joined_keep_every_reason_and_the_latest_end() -> None:
    early, late = datetime(2026, 3, 17, 9, tzinfo=UTC), datetime(2026, 3, 18, 9, tzinfo=UTC)
    police, content = Hold("covert", "Inspector", late), Hold("text", "MASH", early, (HoldKind.CONTENT,))
    both = joined([content, police])
    assert both == Hold("text; covert", "MASH; Inspector", late, (HoldKind.POLICE, HoldKind.CONTENT))
    assert (police.ends_by_itself, both.ends_by_itself) == (True, False)
    assert joined([]) is None


def test_two_people_where_the_profile_says_so_and_always_to_tell_nobody() -> None:
    kinds = (HoldKind.CONTENT,)
    assert not needs_two(kinds, frozenset({"police"}), "released")
    assert needs_two(kinds, frozenset({"content"}), "released")
    assert needs_two(kinds, frozenset(), "cancelled")
