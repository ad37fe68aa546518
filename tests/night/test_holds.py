"""Holds, conflicts found later, recalls, breaches and privileges at the command line, as a MASH officer uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import time

from sqlalchemy import text

from encompass.store.database import Role
from tests.cluster import Cluster
from tests.night.conftest import OnDatabase

Copy = Callable[[str], OnDatabase]
ONE, OTHER, WHY = ("--by", "PC 1234"), ("--by", "Sgt 55"), ("--reason", "spoke to the inspector")
ISO = re.compile(r"\d{4}-\d\d-\d\dT")


def surnames(cluster: Cluster) -> set[str]:
    return {c["surname"] for r in cluster.world.records for c in r["children"]}


def test_a_held_message_is_shown_released_and_cancelled_by_two(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    (held,) = json.loads(cli.run("holds", "list", "--json").stdout)
    listed = cli.run("holds", "list")
    assert (listed.returncode, held["id"] in listed.stdout) == (0, True)
    assert "ended: the next `encompass prepare` looks at it" in listed.stdout
    plain = cli.run("holds", "show", held["id"])
    assert plain.returncode == 0, plain.stderr
    assert ("2 would be nudged" in plain.stdout, "None" in plain.stdout) == (True, False)
    assert ISO.search(plain.stdout) is None
    personal = cli.run("holds", "show", held["id"], "--show-personal").stdout
    assert [n for n in surnames(cluster) if n in listed.stdout + plain.stdout] == []
    assert any(n in personal for n in surnames(cluster)) and "reason      covert" in personal

    proposed = cli.run("holds", "release", held["id"], *ONE, *WHY)
    assert (proposed.returncode, f"holds confirm {held['id']}" in proposed.stdout) == (0, True)
    assert "released, once a second person confirms" in cli.run("holds", "list").stdout
    same = cli.run("holds", "confirm", held["id"], "--by", " pc 1234")
    assert (same.returncode, "second person" in same.stderr) == (1, True)
    assert cli.run("holds", "withdraw", held["id"]).returncode == 0
    assert cli.run("holds", "cancel", held["id"], *ONE, *WHY).returncode == 0
    assert cli.run("holds", "confirm", held["id"], *OTHER).stdout == "decided: cancelled\n"
    assert cli.run("holds", "list").stdout == "nothing is held\n"
    gone = cli.run("holds", "show", held["id"])
    assert (gone.returncode, "holds list" in gone.stderr) == (1, True)
    assert cli.run("holds", "cancel", held["id"], *ONE).returncode == 2  # no reason
    assert cli.run("holds", "show", "yesterday").returncode == 2


def test_a_conflict_found_later_is_listed_and_decided(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    assert cli.run("holds", "conflicts").stdout == "nobody waits for a decision\n"
    found = (
        "INSERT INTO encompass.notification_exclusion (notification_id, person_hash, key_adult_id, force_id, reason, "
        "excluded_at, rerouted_at, found_later) SELECT n.notification_id, k.person_hash, k.key_adult_id, k.force_id, "
        "'declared', now(), now(), true FROM encompass.notification AS n JOIN encompass.key_adult AS k "
        "ON k.recipient_id = n.recipient_id WHERE n.status = 'released' AND n.notification_id = "
        "(SELECT max(notification_id::text) FROM encompass.notification WHERE status = 'released')::uuid"
    )
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        assert connection.execute(text(found)).rowcount == 2
    lead, deputy = sorted(
        json.loads(cli.run("holds", "conflicts", "--json").stdout), key=lambda c: -len(c["key_adult"])
    )
    table = cli.run("holds", "conflicts").stdout
    assert (lead["key_adult"] in table, "declared the child's surname" in table) == (True, True)
    exceptions = cli.run("exceptions")
    assert (exceptions.returncode, "conflict_found_later" in exceptions.stdout) == (3, True)
    assert "`encompass holds conflicts`" in exceptions.stdout
    of_lead, of_deputy = (("--adult", c["key_adult"]) for c in (lead, deputy))
    assert cli.run("holds", "admit", lead["id"], "--adult", "KA-nobody", *ONE, *WHY).returncode == 1
    admitted = cli.run("holds", "admit", lead["id"], *of_lead, *ONE, *WHY)
    assert admitted.stdout == "decided: may read it\n", admitted.stderr
    kept = cli.run("holds", "keep-out", deputy["id"], *of_deputy, *ONE, *WHY)
    assert kept.stdout == "decided: never reads it\n"
    assert "conflict_found_later" not in cli.run("exceptions").stdout
    assert cli.run("holds", "confirm-conflict", lead["id"], *of_lead, *OTHER).returncode == 1
    assert cli.run("holds", "withdraw-conflict", lead["id"], *of_lead).returncode == 1


def test_the_wrong_school_is_recalled_by_two_and_the_breach_is_kept(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy(cluster.played())
    with cluster.on(cli.name) as encompass:
        encompass.chase_acknowledgements(cluster.run(encompass, time(9, 30)))
    told = json.loads(cli.run("told", "--json").stdout)
    wrong = told[0]
    table = cli.run("told", "--school", wrong["recipient"], "--night", wrong["night"]).stdout
    assert (wrong["id"] in table, told[-1]["id"] in table) == (True, False)
    assert [n for n in surnames(cluster) if n in table] == []
    assert cli.run("recall", wrong["id"], *ONE).returncode == 2  # neither a reason nor a step
    assert cli.run("recall", "nonsense", *ONE, "--confirm").returncode == 2
    nobody = cli.run("recall", wrong["id"], *ONE, "--confirm")
    assert (nobody.returncode, "begin with --reason" in nobody.stderr) == (1, True)
    elsewhere = cli.run("recall", wrong["id"], *ONE, *WHY, "--urn", "999999")
    assert (elsewhere.returncode, "on no roll of 999999" in elsewhere.stderr) == (1, True)

    begun = cli.run("recall", wrong["id"], *ONE, *WHY)
    assert (begun.returncode, f"recall {wrong['id']} --by WHO --confirm" in begun.stdout) == (0, True)
    standing = cli.run("exceptions")
    assert (standing.returncode, "recall_unconfirmed" in standing.stdout) == (3, True)
    assert cli.run("recall", wrong["id"], *ONE, "--withdraw").returncode == 0
    assert "recall_unconfirmed" not in cli.run("exceptions").stdout
    cli.run("recall", wrong["id"], *ONE, *WHY)
    assert cli.run("recall", wrong["id"], *ONE, "--confirm").returncode == 1
    assert cli.run("breaches", "list").stdout == "no breaches\n"
    done = cli.run("recall", wrong["id"], *OTHER, "--confirm")
    assert (done.returncode, "nobody had opened it" in done.stdout) == (0, True)
    assert "encompass queue list" in done.stdout
    assert wrong["id"] not in cli.run("told").stdout

    (breach,) = json.loads(cli.run("breaches", "list", "--json").stdout)
    assert (breach["notification"], breach["outcome"]) == (wrong["id"], None)
    assert re.search(r"open: 7[12] hours left", cli.run("breaches", "list").stdout)
    plain = cli.run("breaches", "show", breach["id"]).stdout
    assert ("recalled by     PC 1234, confirmed by Sgt 55" in plain, "None" in plain) == (True, False)
    assert ("spoke to" in plain, ISO.search(plain)) == (False, None)
    assert "spoke to" in cli.run("breaches", "show", breach["id"], "--show-personal").stdout
    assert "encompass breaches list" in cli.run("status").stdout
    (call,) = [c for c in json.loads(cli.run("calls", "list", "--json").stdout) if c["id"] == wrong["id"]]
    assert call["why"] == "recalled"
    told_them = cli.run("calls", "done", wrong["id"], "--outcome", "told", "--spoke-to", "head teacher", *ONE)
    assert told_them.returncode == 0, told_them.stderr
    assert wrong["id"] not in cli.run("calls", "list", "--json").stdout
    close = ("breaches", "close", breach["id"], "--outcome", "not_reportable", *OTHER, *WHY)
    assert cli.run(*close).stdout == "closed\n"
    assert (cli.run(*close).returncode, cli.run("breaches", "show", "1").returncode) == (1, 2)
    assert "not reportable, by Sgt 55" in cli.run("breaches", "list").stdout


def test_the_database_s_privileges_are_compared_with_what_is_shipped(cluster: Cluster, on_copy: Copy) -> None:
    cli = on_copy("encompass")
    printed = cli.run("db", "privileges")
    assert (
        printed.returncode,
        "grant to encompass_school: INSERT on table acknowledgement" in printed.stdout,
    ) == (
        0,
        True,
    )
    agreed = cli.run("db", "privileges", "--check")
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    with cluster.superuser(cli.name) as connection:
        connection.exec_driver_sql("GRANT SELECT ON encompass.pupil TO encompass_school")
        connection.exec_driver_sql("DROP POLICY school_not_excluded ON encompass.notification")
    differs = cli.run("db", "privileges", "--check")
    assert differs.returncode == 3
    assert differs.stdout.splitlines() == [
        "+ grant to encompass_school: SELECT on table pupil",
        "- policy on notification: school_not_excluded, RESTRICTIVE ALL to encompass_school",
    ]
    assert "differs from what is shipped" in differs.stderr
