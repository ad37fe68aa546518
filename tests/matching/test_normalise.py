"""Names, places and dates as they are compared."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.domain.days import day_of
from encompass.matching.names import Likeness, likeness
from encompass.matching.normalise import name_words, normalise_name, place_of, sound
from tests.matching.people import PARAMETERS, person

SPELLINGS = PARAMETERS.spellings
NAMES = st.text(st.characters(categories=["L", "Mn", "Zs", "Pd", "Po"]), max_size=30)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("O'Brien", "obrien"), ("O’Brien", "obrien"), ("Zoë", "zoe"), ("ŁUKASZ", "lukasz"), ("Strauß", "strauss"),
        ("Smith-Jones", "smithjones"), ("  de la Cruz ", "delacruz"), ("Þór", "thor"), ("'", ""),
    ],
)  # fmt: skip
def test_a_name_is_compared_without_how_it_is_written(written: str, compared: str) -> None:
    assert normalise_name(written) == compared


@given(NAMES)
def test_normalising_again_changes_nothing_and_neither_does_case_or_composition(name: str) -> None:
    once = normalise_name(name)
    assert normalise_name(once) == once
    assert normalise_name(unicodedata.normalize("NFD", name)) == normalise_name(
        unicodedata.normalize("NFC", name)
    )
    if name.isascii():
        assert normalise_name(name.upper()) == once


@given(st.lists(st.sampled_from(["al", "van", "Smith", "Khan", "de"]), min_size=1, max_size=4))
def test_a_name_always_keeps_a_word(words: list[str]) -> None:
    assert name_words(" ".join(words))


def test_particles_do_not_tell_names_apart() -> None:
    assert name_words("Al-Hassan") == name_words("Hassan") == ("hassan",)
    assert name_words("van der Berg") == ("berg",)
    assert name_words("St. John-Smythe") == ("john", "smythe")


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("muhammad", "mohammed", Likeness.KNOWN), ("aisha", "ayesha", Likeness.KNOWN), ("aleksei", "alexey", Likeness.KNOWN),
        ("zhang", "chang", Likeness.KNOWN), ("elizabeth", "lizzie", Likeness.KNOWN), ("lizzie", "beth", Likeness.KNOWN),
        ("alan", "albert", Likeness.NONE), ("crumplewick", "crumplewik", Likeness.SOUND),
        ("crumplewick", "crumplewixk", Likeness.SLIP), ("barnabus", "abrnabus", Likeness.SLIP), ("a", "aisha", Likeness.INITIAL),
        ("hassan", "hussain", Likeness.RIVAL), ("jayden", "kayden", Likeness.RIVAL), ("ottilie", "peregrine", Likeness.NONE),
    ],
)  # fmt: skip
def test_how_alike_two_names_are(one: str, other: str, how: Likeness) -> None:
    assert likeness(SPELLINGS, one, other) is likeness(SPELLINGS, other, one) is how


@pytest.mark.parametrize("name", ["muhammad", "mohamed", "mohammad"])
def test_a_transliterated_name_has_one_sound_mostly(name: str) -> None:
    assert sound(name) == sound("muhammed")


@pytest.mark.parametrize(
    ("postcode", "address", "place"),
    [
        ("tw1 1aa", "12 Plum Street", ("tw11aa", "12", "plumstreet")),
        ("TW11AA", "12, plum st", ("tw11aa", "12", "plumst")),
        (None, "Flat 3, 12 Plum Rd", (None, "3/12", "plumroad")),
        ("", "The Old Forge, Plum Lane", (None, None, "theoldforge")),
        (None, None, (None, None, None)),
        ("TW1 1AA", "12a Plum Avenue, Twickenham", ("tw11aa", "12a", "plumavenue")),
    ],
)
def test_a_home_is_a_postcode_a_house_and_a_street(
    postcode: str | None, address: str | None, place: tuple[str | None, ...]
) -> None:
    found = place_of(postcode, address)
    assert (found.postcode, found.house, found.street) == place


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2015-05-14", date(2015, 5, 14)), ("14/05/2015", date(2015, 5, 14)), ("2015-13-01", None), ("2015-05", None),
        ("30/02/2015", None), ("", None), ("unknown", None), ("0000-00-00", None),
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_not_known(text: str, day: date | None) -> None:
    assert day_of(text) == day


def test_a_compound_forename_is_gone_by_whole_and_by_its_first_name() -> None:
    who = person("Mary-Jane")
    assert who.forenames == ("maryjane", "mary")
    assert who.further == ("jane",)
