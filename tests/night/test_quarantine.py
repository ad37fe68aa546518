"""Refused records in a person's hands: listed, shown, taken after all or discarded, each decision kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from encompass.domain.incident import RefusedRecord
from encompass.formats.mis_csv import PLAIN
from encompass.formats.police_contract import canonical, sorted_out, unmapped
from encompass.pipeline import registers
from encompass.pipeline.feed_of import shape_of_feed
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import Register
from encompass.pipeline.resolve_quarantine import CannotRelease, list_quarantine, release_quarantined
from encompass.store import feed
from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.world.police_exports import riverbend_record
from tests.cluster import FORCE, Cluster
from tests.night.conftest import OnDatabase

Copy = Callable[[str], OnDatabase]
WHO, WHY = ("--by", "PC 1234"), ("--reason", "a test record of the force")


def held(cli: OnDatabase) -> list[dict[str, Any]]:
    return json.loads(cli.run("quarantine", "list", "--json").stdout)


def scalars(encompass: Encompass, query: str, **values: object) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query), values).scalars())


def test_a_refused_record_is_shown_discarded_and_never_asked_about_again(
    cluster: Cluster, on_copy: Copy
) -> None:
    cli = on_copy(cluster.played())
    record = json.loads(canonical(cluster.world.records[0]))
    record["children"][0]["date_of_birth"] = "the 14th"
    mapped = shape_of_feed(cluster.settings.forces[FORCE].feed).mapped
    (refused,) = sorted_out([riverbend_record(record)], mapped)[1]
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.PIPELINE).begin() as connection:
        feed.quarantine(connection, encompass.ring, cluster.run(encompass), "police_feed", [refused])
    (first,) = held(cli)
    assert first["source"] == "police_feed"
    assert first["place"] == "records[0]"
    plain, personal = (cli.run("quarantine", "show", first["id"], *m) for m in ((), ("--show-personal",)))
    surnames = {c["surname"] for r in cluster.world.records for c in r["children"] if c["surname"]}
    for printed in (cli.run("quarantine", "list").stdout, plain.stdout, plain.stderr):
        assert [name for name in surnames if name in printed] == []
    assert '"occurrence"' in personal.stdout
    again = cli.run("quarantine", "release", first["id"], *WHO, *WHY)
    assert again.returncode == 2
    assert f"it would be refused again: {first['reason']}" in again.stderr
    assert cli.run("quarantine", "discard", first["id"], *WHO, *WHY).returncode == 0
    assert first["id"] not in {q["id"] for q in held(cli)}
    twice = cli.run("quarantine", "discard", first["id"], *WHO, *WHY)
    assert (twice.returncode, "nothing of this id is held" in twice.stderr) == (2, True)
    with cluster.on(cli.name) as encompass:
        actions = (
            "SELECT action FROM encompass.audit_event WHERE subject_kind = 'quarantine' ORDER BY event_id"
        )
        assert scalars(encompass, actions) == [
            "quarantine_viewed",
            "quarantine_viewed",
            "quarantine_discarded",
        ]
        kept = "SELECT resolved_by || encode(sealed_resolution, 'escape') FROM encompass.quarantine WHERE status = 'discarded'"
        (why,) = scalars(encompass, kept)
        assert why.startswith("PC 1234")
        assert "test record" not in why


def test_who_and_why_are_asked_for_and_an_id_is_one(on_copy: Copy, cluster: Cluster) -> None:
    cli = on_copy(cluster.rolled())
    assert "nothing is held" in cli.run("quarantine", "list").stdout
    for arguments, says in (
        (("discard", "x", *WHO, *WHY), "an id is one that `encompass quarantine list` shows"),
        (("discard", str(UUID(int=1)), *WHY), "Missing option '--by'"),
        (("discard", str(UUID(int=1)), "--by", " ", *WHY), "say who decides"),
        (("release", str(UUID(int=1)), *WHO, *WHY), "nothing of this id is held"),
    ):
        done = cli.run("quarantine", *arguments)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr


def test_a_record_that_the_mapping_has_learnt_to_read_is_taken_and_matched(
    rolled: Encompass, cluster: Cluster
) -> None:
    run = cluster.run(rolled)
    good = next(
        r
        for r in cluster.world.records
        if all(c["surname"] for c in r["children"]) and r["status"] == "active"
    )
    engine = rolled.database.engine(Role.PIPELINE)
    with engine.begin() as connection:
        refused = [RefusedRecord("event.nature: unknown_code", canonical(good), path="records[0]")]
        feed.quarantine(connection, rolled.ring, run, "police_feed", refused)
    (waiting,) = list_quarantine(engine, FORCE)
    release_quarantined(
        engine, rolled.ring, [], unmapped, run, waiting.quarantine_id, "PC 1234", "code added"
    )
    assert list_quarantine(engine, FORCE) == []
    assert scalars(rolled, "SELECT count(*) FROM encompass.incident") == [1]
    assert rolled.match_children(run) == len(good["children"])
    with pytest.raises(CannotRelease, match="nothing of this id"):
        release_quarantined(engine, rolled.ring, [], unmapped, run, waiting.quarantine_id, "PC 1234", "again")


def test_a_short_roll_is_taken_once_a_person_has_seen_it(rolled: Encompass, cluster: Cluster) -> None:
    run, engine = cluster.run(rolled), rolled.database.engine(Role.PIPELINE)
    header = "pupil_ref,urn,legal_forename,legal_surname,date_of_birth,enrol_status,entry_date,leaving_date\n"
    row = "{n},101005,Anna{n},Example{n},2016-04-05,C,2020-09-01,\n"

    def roll(count: int) -> Register:
        raw = (header + "".join(row.format(n=n) for n in range(count)) + "x,y\n").encode()
        return Register("roll", "test", lambda _: raw, registers.store_mis_csv(PLAIN, None), 60)

    assert refresh_rolls(engine, rolled.ring, [roll(50)], run) == 0
    assert refresh_rolls(engine, rolled.ring, [roll(5)], run) == 1
    by_reason = {q.reason: q.quarantine_id for q in list_quarantine(engine, FORCE)}
    assert set(by_reason) == {"file: too_short", "row: too_few_cells"}
    decide = (run, by_reason["row: too_few_cells"], "PC 1234", "?")
    with pytest.raises(CannotRelease, match="corrected at its source"):
        release_quarantined(engine, rolled.ring, [roll(5)], unmapped, *decide)
    with pytest.raises(CannotRelease, match="no longer name"):
        release_quarantined(
            engine, rolled.ring, [], unmapped, run, by_reason["file: too_short"], "PC 1234", "?"
        )
    release_quarantined(
        engine,
        rolled.ring,
        [roll(5)],
        unmapped,
        run,
        by_reason["file: too_short"],
        "PC 1234",
        "a small school",
    )
    open_rows = "SELECT count(*) FROM encompass.enrolment WHERE source = 'test' AND last_generation IS NULL"
    assert scalars(rolled, open_rows) == [5]
    assert scalars(
        rolled, "SELECT count(*) FROM encompass.alarm WHERE source = 'roll/test' AND cleared_at IS NULL"
    ) == [0]


def test_a_schools_days_are_shown_with_whose_word_it_is(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.rolled())
    done = cli.run("calendar", "show", "102884", "--from", "2026-02-13", "--days", "11", "--json")
    days = {d["day"]: (d["open"], d["says"], d["bell"]) for d in json.loads(done.stdout)["days"]}
    assert days["2026-02-13"] == (True, "nothing known against it", "08:45")
    assert days["2026-02-14"] == (False, "weekend", None)
    assert days["2026-02-16"] == days["2026-02-20"] == (False, "school", None)
    assert days["2026-02-23"] == (True, "nothing known against it", "08:45")
    printed = cli.run("calendar", "show", "102884", "--from", "2026-04-03", "--days", "4").stdout
    assert "Darell Primary and Nursery School (102884)" in printed
    assert "default" in printed
    unknown = cli.run("calendar", "show", "999999")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        "the school register of riverbend has no school 999999\n",
    )
