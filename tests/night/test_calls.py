"""Telephone calls and exceptions at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import time

from encompass.pipeline.make_calls import call_sheet
from encompass.store.database import Role
from tests.cluster import FORCE, Cluster
from tests.night.conftest import OnDatabase

Copy = Callable[[str], OnDatabase]
WHO = ("--by", "PC 1234")


def test_from_the_list_to_an_acknowledgement_and_a_closed_exception(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    assert cli.run("calls", "list").stdout.strip() == "nobody is to be telephoned"
    waiting = json.loads(cli.run("calls", "list", "--all", "--json").stdout)
    with cluster.on(cli.name) as encompass:
        encompass.chase_acknowledgements(cluster.run(encompass, time(8, 50)))
        calls = call_sheet(encompass.database.engine(Role.PIPELINE), FORCE, {})
    listed = json.loads(cli.run("calls", "list", "--json").stdout)
    assert {t["id"] for t in listed} == {t["id"] for t in waiting}
    assert {t["call"] for t in listed} == {"key_adult", "head"}
    plain, html = cli.run("calls", "sheet").stdout, cli.run("calls", "sheet", "--format", "html").stdout
    surnames = {c["surname"] for r in cluster.world.records for c in r["children"]}
    adults = {p.full_name for p in cluster.world.people}
    for printed in (plain, html, cli.run("calls", "list").stdout):
        assert [n for n in (*surnames, *adults) if n in printed] == []
        assert listed[0]["name"].split()[0] in printed
    assert html.startswith("<!DOCTYPE html>") and html.count("<section>") == len(calls)
    personal = cli.run("calls", "sheet", "--show-personal").stdout
    assert any(name in personal for name in adults) and any(name in personal for name in surnames)

    task = next(t for t in listed if t["call"] == "key_adult")
    done = cli.run("calls", "done", task["task"], "--outcome", "no-answer", *WHO)
    assert done.returncode == 0, done.stderr
    lead = ("--spoke-to", f"KA-{task['urn']}-dsl")
    then = ("--at", cluster.at(time(8, 30)).isoformat())
    refused = cli.run("calls", "done", task["id"], "--outcome", "acknowledged", *WHO, *then)
    assert (refused.returncode, "which Key Adult" in refused.stderr) == (1, True)
    done = cli.run("calls", "done", task["id"], "--outcome", "acknowledged", *WHO, *lead, *then)
    assert done.returncode == 0, done.stderr
    assert task["id"] not in cli.run("calls", "list", "--all", "--json").stdout

    listed = cli.run("exceptions", "--json")
    assert listed.returncode == 3
    standing = json.loads(listed.stdout)
    answered = next(e for e in standing if e["acknowledged_at"])
    closed = cli.run("exceptions", "close", answered["id"], *WHO, "--reason", "telephoned in time")
    assert closed.returncode == 0, closed.stderr
    assert answered["id"] not in cli.run("exceptions", "--json").stdout
    assert cli.run("exceptions", "close", answered["id"], *WHO, "--reason", "again").returncode == 1
    assert len(cli.run("exceptions").stdout.splitlines()) >= len(standing)
    sealed = "SELECT count(*) FROM encompass.duty_exception WHERE position('telephoned' IN encode(sealed_reason, 'escape')) = 0"
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.exec_driver_sql(sealed + " AND closed_by = 'PC 1234'").scalar() == 1
