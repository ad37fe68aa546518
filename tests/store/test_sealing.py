"""Sealed values open only where they were sealed, and never again once their data key is destroyed."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import text

from encompass.domain.notification import NotifiedChild
from encompass.store.database import Role
from encompass.store.sealed import CannotOpen, Erased, KeyRing, NoKeyRing, make_ring, read_ring
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    file = tmp_path_factory.mktemp("ring") / "ring.json"
    make_ring(file, [FORCE, "other"], "sandbox")
    assert file.stat().st_mode & 0o777 == 0o600
    return read_ring(file, [FORCE, "other"])


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_and_never_twice_the_same(ring: KeyRing, plain: bytes) -> None:
    key, row = ring.new_data_key()[0], uuid4()
    one, two = key.seal("t", "c", row, plain), key.seal("t", "c", row, plain)
    assert one != two
    assert key.open("t", "c", row, one) == plain
    assert len(plain) < 4 or plain not in one


def test_a_value_does_not_open_elsewhere_or_changed(ring: KeyRing) -> None:
    key, _ = ring.new_data_key()
    row = uuid4()
    sealed = key.seal("t", "c", row, b"words")
    for table, column, row_id, value in (
        ("u", "c", row, sealed),
        ("t", "d", row, sealed),
        ("t", "c", uuid4(), sealed),
        ("t", "c", row, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("t", "c", row, b""),
    ):
        with pytest.raises(CannotOpen):
            key.open(table, column, row_id, value)
    with pytest.raises(CannotOpen):
        replace(key, key_id=uuid4()).open("t", "c", row, sealed)


def test_json_of_another_shape_does_not_open_and_its_fault_shows_no_word_of_it(ring: KeyRing) -> None:
    key, _ = ring.new_data_key()
    row = uuid4()
    sealed = key.seal("notification", "sealed_child", row, b'{"forename": "Pepperlantern", "surname": 7}')
    with pytest.raises(CannotOpen) as fault:
        key.open_as(TypeAdapter(NotifiedChild), "notification", "sealed_child", row, sealed)
    assert str(fault.value) == "notification.sealed_child"
    assert "Pepperlantern" not in "".join(traceback.format_exception(fault.value))


def test_a_destroyed_data_key_is_gone(ring: KeyRing) -> None:
    _, wrapped = ring.new_data_key()
    assert ring.unwrap(wrapped).key_id == wrapped.key_id
    with pytest.raises(Erased):
        ring.unwrap(replace(wrapped, wrapped=None))
    with pytest.raises(NoKeyRing):
        ring.unwrap(replace(wrapped, ring_key_id="ring-0"))


def test_a_keyed_hash_is_the_force_s_own(ring: KeyRing) -> None:
    assert ring.keyed_hash(FORCE, "blocking", "x") == ring.keyed_hash(FORCE, "blocking", "x")
    assert ring.keyed_hash(FORCE, "blocking", "x") != ring.keyed_hash("other", "blocking", "x")
    assert ring.keyed_hash(FORCE, "blocking", "x") != ring.keyed_hash(FORCE, "code", "x")


def test_a_missing_ring_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoKeyRing, match="ring.json"):
        read_ring(tmp_path / "ring.json", [FORCE])


def test_destroying_an_incident_s_key_erases_the_child_and_leaves_the_account(
    played: Encompass, cluster: Cluster
) -> None:
    run = cluster.run(played)
    before = played.account(run)
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text(
                "UPDATE encompass.data_key SET wrapped = NULL, destroyed_at = now() WHERE purpose = 'incident'"
            )
        )
    with pytest.raises(Erased):
        played.outcomes_of_night(FORCE, cluster.world.night)
    assert played.account(run) == before
