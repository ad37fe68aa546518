"""The feed's contract: a bad record is quarantined with path and kind, never a value; good ones go on."""

from __future__ import annotations

import copy
import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encompass.formats.faults import BrokenFile
from encompass.formats.police_contract import (
    canonical,
    digest_of,
    json_schema,
    read_manifest,
    read_records,
)
from sandbox.world import build_world, named_night

RECORDS = build_world(*named_night("small")).records


def page(*records: object) -> bytes:
    return json.dumps({"records": records, "next": None}).encode()


def changed(path: str, value: object) -> dict:
    record = copy.deepcopy(RECORDS[0])
    *parents, last = path.split(".")
    at = record
    for step in parents:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return record


def test_good_records_are_taken() -> None:
    read = read_records(page(*RECORDS))
    assert len(read.taken) == len(RECORDS)
    assert read.refused == ()


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("incident_reference", "", "incident_reference: string_too_short"),
        ("updated_at", "2026-03-10T05:30:00", "updated_at: timezone_aware"),
        ("event.occurred_from", 1741581000, "event.occurred_from: value_error"),
        ("children.0.date_of_birth", ..., "children.0.date_of_birth: missing"),
        ("children.0.date_of_birth", "10/03/2016", "children.0.date_of_birth: date_from_datetime_parsing"),
        ("children.0.present", "yes", "children.0.present: bool_type"),
        ("children.0.present", ..., "children.0.present: missing"),
        ("children.0.relationship", "cousin", "children.0.relationship: enum"),
        ("children.0.surname", "  ", "children.0.surname: string_too_short"),
        ("contract_version", "2.0", "contract_version: literal_error"),
        ("children", ..., "children: missing"),
    ],
)
def test_a_wrong_field_refuses_the_record_by_path_and_kind(path: str, value: object, reason: str) -> None:
    read = read_records(page(changed(path, value), RECORDS[1]))
    assert [r.reason for r in read.refused] == [reason]
    assert len(read.taken) == 1
    assert RECORDS[0]["children"][0]["surname"] not in repr(read.refused)


def test_a_person_named_twice_in_one_incident_refuses_the_record() -> None:
    record = copy.deepcopy(RECORDS[0])
    record["children"] = [record["children"][0], {**record["children"][0], "surname": "Other"}]
    read = read_records(page(record, RECORDS[1]))
    assert [r.reason for r in read.refused] == ["children: repeated_person"]
    assert len(read.taken) == 1


def test_a_refused_record_keeps_its_bytes() -> None:
    record = changed("children.0.surname", "")
    (refused,) = read_records(page(record)).refused
    assert json.loads(refused.raw) == record


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"records": {}}', b"\xff", b'{"records": [], "next": 3}']
)
def test_a_broken_page_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(BrokenFile):
        read_records(raw)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_whatever_stands_among_the_records_is_refused_not_raised(junk: object) -> None:
    read = read_records(page(junk, RECORDS[0]))
    assert len(read.refused) == 1
    assert len(read.taken) == 1


def test_the_manifest_s_hash_does_not_depend_on_order() -> None:
    digests = [t.digest for t in read_records(page(*RECORDS)).taken]
    assert digest_of(digests) == digest_of(digests[::-1])
    assert digest_of(digests) != digest_of(digests[1:])


@pytest.mark.parametrize("raw", [b"{}", b'{"contract_version":"1.0","count":-1}', b"no"])
def test_a_broken_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenFile):
        read_manifest(raw)


def test_canonical_bytes_are_stable() -> None:
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'.encode()


def test_the_published_schema_accepts_what_the_sandbox_serves_and_refuses_what_we_refuse() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    for record in RECORDS:
        validator.validate(record)
    for path, value in (
        ("children", ...),
        ("children.0.relationship", "cousin"),
        ("contract_version", "2.0"),
    ):
        assert list(validator.iter_errors(changed(path, value)))
