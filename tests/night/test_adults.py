"""Contacts at the command line: proposed by one person, confirmed by another, listed without names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from encompass.store import second_factor
from encompass.store.database import Role
from tests.cluster import Cluster
from tests.night.conftest import OnDatabase
from tests.pipeline.told import Told
from tests.register import officer, register

PERSONAL = ("Lead-of-102884", "102884@school-102884.example", "020 7946")


def test_contacts_are_changed_by_two_people_and_listed_without_names(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase], tmp_path: Path
) -> None:
    cli = on_copy(cluster.rolled())
    asked = "Deputising Second-of-102884\nsecond.102884@school-102884.example\n020 7946 0001\n"
    add = (
        "adults",
        "add",
        "KA-102884-second",
        "--set",
        "urn=102884",
        "--set",
        "role=deputy",
        "--by",
        "PC 1234",
    )
    done = cli.run(*add, typed=asked)
    assert done.returncode == 0, done.stderr
    (change_id,) = re.findall(r"adults confirm (\S+) --by", done.stdout)
    alone = cli.run("adults", "confirm", change_id, "--by", "pc 1234")
    assert (alone.returncode, "second person" in alone.stderr) == (1, True)
    second = cli.run("adults", "confirm", change_id, "--by", "Sgt 55")
    assert (second.returncode, second.stdout) == (0, "confirmed: add at 102884\n"), second.stderr
    file = tmp_path / "officers.csv"
    file.write_bytes(
        register(cluster, {"KA-102884-dsl": {**officer("318", "cme"), "key_adult_ref": "KA-318"}})
    )
    imported = cli.run("adults", "import", str(file), "--by", "PC 1234")
    assert imported.stdout.startswith("1 taken, 0 proposed, "), imported.stderr
    listed = cli.run("adults", "list", "--problems", "--json")
    contacts = json.loads(listed.stdout)["contacts"]
    assert {c["recipient"] for c in contacts} >= {"318 cme", "102884"}
    assert sum(c["recipient"] == "102884" for c in contacts) == 3
    plain, personal = (
        cli.run("adults", "show", "KA-102884-dsl", *more) for more in ((), ("--show-personal",))
    )
    for printed in (listed.stdout, plain.stdout, cli.run("adults", "list").stdout):
        assert [p for p in PERSONAL if p in printed] == []
    assert [p for p in PERSONAL if p not in personal.stdout] == []
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        actions = connection.execute(
            text("SELECT action FROM encompass.audit_event WHERE actor_kind = 'operator' ORDER BY event_id")
        ).scalars()
        assert list(actions) == [
            "contact_change_proposed", "contact_change_confirmed", "contacts_imported", "contact_shown", "contact_shown",
        ]  # fmt: skip
        sealed = connection.execute(text("SELECT sealed FROM encompass.contact_change")).scalar_one()
    assert b"second.102884" not in bytes(sealed)
    wrong = cli.run("adults", "change", "KA-102884-dsl", "--set", "email=x@y.example", "--by", "PC 1234")
    assert (wrong.returncode, "asked for" in wrong.stderr) == (2, True)
    missing = cli.run("adults", "end", "KA-nobody", "--by", "PC 1234")
    assert (missing.returncode, "adults list" in missing.stderr) == (1, True)
    assert cli.run("adults", "confirm-school", "102884", "--by", "PC 1234").returncode == 1


def test_who_is_confirmed_by_command_is_compared_at_once(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    """No step follows before the morning: the lead, whose telephone alone has changed, opens messages all the same."""
    cli = on_copy(cluster.played())
    with cluster.on(cli.name) as encompass:
        told = Told(encompass, cluster)
        urn = told.rows("SELECT min(urn) FROM encompass.notification WHERE status = 'released'")[0][0]
        message = told.only(urn, "released")
    asked = cli.run(
        "adults", "change", f"KA-{urn}-dsl", "--ask", "phone", "--by", "PC 1234", typed="020 7946 0107\n"
    )
    (change_id,) = re.findall(r"adults confirm (\S+) --by", asked.stdout)
    confirmed = cli.run("adults", "confirm", change_id, "--by", "Sgt 55")
    assert confirmed.returncode == 0, confirmed.stderr
    with cluster.on(cli.name) as encompass:
        told = Told(encompass, cluster)
        changed = "SELECT count(*) FROM encompass.contact_change WHERE taken_at IS NOT NULL"
        assert told.rows(changed) == [(1,)]
        assert [e.notification_id for e in encompass.read_inbox(told.viewer(urn)).entries] == [message]


def test_a_second_check_is_reset_by_two_people(
    cluster: Cluster, on_copy: Callable[[str], OnDatabase]
) -> None:
    cli = on_copy(cluster.rolled())
    with cluster.on(cli.name) as encompass, encompass.database.engine(Role.OWNER).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO encompass.key_adult_identity (key_adult_id, force_id, person_hash, issuer, subject) "
                "SELECT key_adult_id, force_id, person_hash, 'issuer', 'subject' FROM encompass.key_adult "
                "WHERE urn = 102884 AND role = 'dsl'"
            )
        )
        second_factor.make(connection, encompass.ring, cluster.force_id, "issuer", "subject", "A" * 32)
    asked = cli.run("adults", "reset-second-factor", "KA-102884-dsl", "--by", "PC 1234")
    (reset_id,) = re.findall(r"adults confirm-reset (\S+) --by", asked.stdout)
    assert f"{reset_id}  of contact" in cli.run("adults", "resets").stdout
    done = cli.run("adults", "confirm-reset", reset_id, "--by", "Sgt 55")
    assert (done.returncode, done.stdout[:6]) == (0, "reset:"), done.stderr
    again = cli.run("adults", "withdraw-reset", reset_id, "--by", "Sgt 55")
    assert (again.returncode, "no reset of this id waits" in again.stderr) == (1, True)
