"""The watchdog: silence, staleness and tampering are noticed once, and the list opens with everything else down."""

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from encompass.pipeline.acknowledge import excuse_from
from encompass.settings import load_settings
from encompass.store.database import Role
from encompass.watchdog import keys
from encompass.watchdog.alarm import raise_once
from encompass.watchdog.check import Finding, Kind, WatchTimes, findings
from encompass.watchdog.command import NOBODY, ONLY_THESE
from encompass.watchdog.heartbeat import Heartbeat, hash_of, heartbeat_file, write_heartbeat
from encompass.watchdog.phone_list import (
    CannotOpenList,
    Contact,
    Person,
    Waiting,
    list_file,
    open_list,
    seal_list,
)
from encompass.wiring import Clock, Encompass
from sandbox.mail import Mailbox
from tests.cluster import FORCE, Cluster
from tests.night.conftest import ROOT
from tests.pipeline.test_ladder import with_ladder
from tests.pipeline.told import Told

ALSO_AT = (
    "UPDATE encompass.notification AS n SET recipient_id = r.recipient_id, urn = r.urn FROM encompass.recipient AS r "
    "WHERE r.urn = :urn AND n.notification_id = :id"
)
LONDON = ZoneInfo("Europe/London")
MORNING = datetime(2026, 3, 17, 7, 5, tzinfo=LONDON)
TIMES = WatchTimes(time(6, 30), time(7), time(18), timedelta(minutes=30))
CONTACTS = (
    Contact(
        "Crumplewick School",
        100000,
        "020 7946 0000",
        (Waiting(2, (Person("dsl", "Lead of Crumplewick", None),)),),
    ),
)
SECRET = base64.b64encode(b"a secret of the webhook").decode()


def altered(sealed: bytes) -> bytes:
    """One bit of the last byte turned: a letter put there would be the one that stands there in one of 256."""
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.make_keys(tmp_path / "keys")
    return tmp_path / "watch"


def beat(folder: Path, **changes: object) -> None:
    sealed = seal_list(CONTACTS, "fellgate", keys.sealing_key(folder.parent / "keys" / keys.SEALING))
    written = MORNING - timedelta(minutes=5)
    whole = Heartbeat(
        "fellgate", MORNING.date(), written, written, waiting=0, unacknowledged=2, alarms=0, counts={"awaiting": 2},
        phone_list=hash_of(sealed),
    )  # fmt: skip
    signing = keys.signing_key(folder.parent / "keys" / keys.SIGNING)
    write_heartbeat(folder, replace(whole, **changes), sealed, signing)


def found(folder: Path, now: datetime = MORNING) -> list[str]:
    key = keys.verifying_key(folder.parent / "keys" / keys.VERIFYING)
    return [f.kind.value for f in findings(folder, "fellgate", key, TIMES, now)]


def test_a_sign_of_life_in_time_is_no_alarm(folder: Path) -> None:
    beat(folder)
    assert found(folder) == []
    assert {f.stat().st_mode & 0o777 for f in folder.iterdir()} == {0o600}


def test_silence(folder: Path) -> None:
    assert found(folder, MORNING.replace(hour=6, minute=29)) == []
    assert found(folder, MORNING.replace(hour=6, minute=30)) == ["heartbeat_missing"]
    beat(folder, night=MORNING.date() - timedelta(days=1))
    assert found(folder) == ["heartbeat_missing"]
    assert found(folder, MORNING.replace(hour=18)) == []


def test_an_old_sign_of_life_and_schools_not_told_by_seven(folder: Path) -> None:
    beat(folder, written_at=MORNING - timedelta(minutes=31))
    assert found(folder) == ["heartbeat_stale"]
    beat(folder, waiting=1)
    assert found(folder, MORNING.replace(hour=6, minute=59)) == []
    assert found(folder) == ["schools_not_told"]


@pytest.mark.parametrize("part", ["body", "signature", "list", "no list", "not json"])
def test_what_was_changed_is_not_believed(folder: Path, part: str) -> None:
    beat(folder)
    file, sealed = heartbeat_file(folder, "fellgate"), list_file(folder, "fellgate")
    table = json.loads(file.read_text("utf-8"))
    if part == "body":
        table["body"]["waiting"] = 1
    if part == "signature":
        table["signature"] = base64.b64encode(bytes(64)).decode()
    file.write_text("{" if part == "not json" else json.dumps(table), "utf-8")
    if part == "list":
        sealed.write_bytes(altered(sealed.read_bytes()))
    if part == "no list":
        sealed.unlink()
    assert found(folder) == ["heartbeat_tampered"]


def test_another_forces_heartbeat_is_not_this_ones(folder: Path) -> None:
    beat(folder, force_id="riverbend")
    heartbeat_file(folder, "riverbend").rename(heartbeat_file(folder, "fellgate"))
    assert found(folder) == ["heartbeat_tampered"]


def test_the_list_opens_with_its_own_key_only(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "keys"
    sealed = seal_list(CONTACTS, "fellgate", keys.sealing_key(own / keys.SEALING))
    assert b"Crumplewick" not in sealed
    assert open_list(sealed, "fellgate", keys.opening_key(own / keys.OPENING, None)) == CONTACTS
    keys.make_keys(tmp_path / "others", b"a passphrase")
    other = keys.opening_key(tmp_path / "others" / keys.OPENING, b"a passphrase")
    for changed, force, key in (
        (sealed, "fellgate", other),
        (sealed, "riverbend", keys.opening_key(own / keys.OPENING, None)),
        (altered(sealed), "fellgate", keys.opening_key(own / keys.OPENING, None)),
        (b"", "fellgate", other),
    ):
        with pytest.raises(CannotOpenList):
            open_list(changed, force, key)
    for passphrase in (None, b"another"):
        with pytest.raises(keys.NoWatchdogKey):
            keys.opening_key(tmp_path / "others" / keys.OPENING, passphrase)


def test_each_finding_goes_out_once_a_day_by_each_channel_and_again_where_it_failed(folder: Path) -> None:
    sent: list[str] = []
    is_down = True

    def mail(finding: Finding, now: datetime) -> None:
        sent.append(f"mail {finding.kind.value}")

    def hook(finding: Finding, now: datetime) -> None:
        from encompass.watchdog.alarm import NotSent

        if is_down:
            raise NotSent("webhook")
        sent.append(f"hook {finding.kind.value}")

    missing = [Finding("fellgate", Kind.MISSING)]
    channels = {"e-mail": mail, "webhook": hook}
    assert raise_once(folder, missing, channels, MORNING) == ["webhook"]
    is_down = False
    assert raise_once(folder, missing, channels, MORNING + timedelta(minutes=1)) == []
    assert raise_once(folder, missing, channels, MORNING + timedelta(minutes=2)) == []
    assert sent == ["mail heartbeat_missing", "hook heartbeat_missing"]
    raise_once(folder, missing, channels, MORNING + timedelta(days=1))
    assert sent[2:] == ["mail heartbeat_missing", "hook heartbeat_missing"]


@dataclass
class Hooks:
    """A webhook's receiver and what it was sent."""

    url: str
    received: list[tuple[dict[str, str], bytes]]


@pytest.fixture
def hooks() -> Generator[Hooks]:
    received: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Hooks(f"http://127.0.0.1:{server.server_port}/", received)
    server.shutdown()
    thread.join()
    server.server_close()


def watchdog(var: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The watchdog in a process of its own, with no way to a database."""
    sandbox = var / "sandbox" / "encompass.toml"
    environment = {
        **os.environ,
        "ENCOMPASS_VAR": str(var),
        "ENCOMPASS_CONFIG": os.pathsep.join(
            str(f) for f in (ROOT / "config" / "encompass.toml", sandbox, config)
        ),
    }
    command = [sys.executable, "-W", "ignore", "-m", "encompass.watchdog", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_from_the_night_to_the_alarm_and_the_list_with_the_database_gone(
    played: Encompass, cluster: Cluster, hooks: Hooks, tmp_path: Path
) -> None:
    folder, mail = tmp_path / "watch", load_settings().mail
    config = tmp_path / "watchdog.toml"
    config.write_text(
        f'[watchdog]\nfolder = "{folder}"\nrecipients = ["duty@partnership.example"]\n'
        f'webhook_url = "{hooks.url}"\nwebhook_secret = "whsec_{SECRET}"\n'  # pragma: allowlist secret
        f'[watchdog.mail]\nhost = "{mail.host}"\nport = {mail.port}\nusername = "{mail.username}"\n'
        f'password = "{mail.password.get_secret_value()}"\nsender = "{mail.sender}"\nca_file = "{mail.ca_file}"\n',
        "utf-8",
    )
    settings = played.settings.model_copy(
        update={"watchdog": played.settings.watchdog.model_copy(update={"folder": folder})}
    )
    night = replace(played, settings=settings, clock=Clock(cluster.at(time(6, 55))))
    listed = {
        force: night.give_sign_of_life(night.open_run(force, cluster.world.night, cluster.at(time(6, 55))))
        for force in settings.forces
    }
    with played.database.engine(Role.OWNER).begin() as connection:
        (known,) = connection.execute(text("SELECT count(DISTINCT urn) FROM encompass.key_adult")).one()
    assert sum(listed.values()) == known > 5
    cluster.drop(played.database.name)  # from here on there is no database

    seven, nine = f"{cluster.world.night}T07:00", f"{cluster.world.night}T09:00"
    fine = watchdog(cluster.var, config, "check", "--now", seven)
    assert (fine.returncode, fine.stdout) == (0, ""), fine.stderr
    before = len(Mailbox(cluster.var))
    for _ in range(2):
        late = watchdog(cluster.var, config, "check", "--now", nine)
        assert (late.returncode, "heartbeat_stale" in late.stdout) == (3, True), late.stderr
    assert len(Mailbox(cluster.var)) == before + len(settings.forces)
    told = [m for m in Mailbox(cluster.var).messages() if m["To"] == "duty@partnership.example"]
    assert {m["Subject"] for m in told} == {f"ALARM Encompass {f}: heartbeat_stale" for f in settings.forces}
    assert len(hooks.received) == len(settings.forces)
    headers, body = hooks.received[0]
    assert json.loads(body)["type"] == "heartbeat_stale"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(b"a secret of the webhook", signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"

    key = settings.watchdog.keys_in(cluster.var) / keys.OPENING
    printed = watchdog(cluster.var, config, "phone-list", "--key", str(key))
    assert printed.returncode == 0, printed.stderr
    told = {u for e in cluster.world.expected() if not e["held"] for u in e["urns"]}
    leads = [p for p in cluster.world.people if p.urn in told]
    assert all(p.full_name in printed.stdout and p.phone in printed.stdout for p in leads)
    assert printed.stdout.count("NOT ACKNOWLEDGED") == len(told)
    assert "WARNING" not in printed.stderr
    children = {c["surname"] for r in cluster.world.records for c in r["children"]}
    assert not any(name in printed.stdout for name in children)
    wrong = watchdog(cluster.var, config, "phone-list", "--key", str(key.with_name(keys.SEALING)))
    assert wrong.returncode == 4
    sealed = list_file(folder, FORCE)
    assert not any(p.full_name.encode() in sealed.read_bytes() for p in leads)
    sealed.write_bytes(altered(sealed.read_bytes()))
    assert watchdog(cluster.var, config, "phone-list", "--key", str(key)).returncode == 1


def test_nobody_stands_on_the_list_with_a_message_that_is_kept_from_him_or_her(
    played: Encompass, cluster: Cluster, tmp_path: Path
) -> None:
    """A lead stands back from one message of two; both of another school from its only one."""
    folder, told = tmp_path / "watch", Told(played, cluster)
    school, free = played.database.engine(Role.SCHOOL), cluster.at(time(7, 51))
    first, second, third, *_ = told.rows(
        "SELECT notification_id, urn FROM encompass.notification WHERE status = 'released' ORDER BY urn"
    )
    with played.database.engine(Role.OWNER).begin() as connection:
        connection.execute(text(ALSO_AT), {"urn": first.urn, "id": second.notification_id})
        connection.execute(text("UPDATE encompass.school SET telephone = '020 7946 0101'"))
    for (notification_id, urn), role in ((first, "dsl"), (third, "dsl"), (third, "deputy")):
        excuse_from(school, told.viewer(urn, role), notification_id, free)
    (la_code,) = told.rows("SELECT la_code FROM encompass.school WHERE urn = :urn", urn=third.urn)[0]
    watch = played.settings.watchdog.model_copy(update={"folder": folder})
    on_call = with_ladder(played, escalate_to=("head", "la"), la_telephones={la_code: "020 7946 0999"})
    night = replace(on_call, settings=on_call.settings.model_copy(update={"watchdog": watch}))
    night.give_sign_of_life(cluster.run(night, time(7, 55)))

    key = played.settings.watchdog.keys_in(cluster.var) / keys.OPENING
    arguments = ("--key", str(key), "--folder", str(folder), "--force", FORCE)
    config = tmp_path / "watchdog.toml"
    config.touch()
    printed = watchdog(cluster.var, config, "phone-list", *arguments)
    assert printed.returncode == 0, printed.stderr
    people = {(p.urn, p.role): p for p in cluster.world.people}

    def line(urn: int, role: str) -> str:
        return f"    {role:<8} {people[urn, role].full_name}  {people[urn, role].phone}"

    assert part(printed.stdout, first.urn) == [
        "  1 NOT ACKNOWLEDGED", line(first.urn, "dsl"), line(first.urn, "deputy"),
        "  1 NOT ACKNOWLEDGED", f"  {ONLY_THESE}", line(first.urn, "deputy"),
    ]  # fmt: skip
    assert part(printed.stdout, third.urn) == [
        "  1 NOT ACKNOWLEDGED", f"  {NOBODY}", "    head     the head teacher  020 7946 0101",
        "    la       the local authority's duty officer for education safeguarding  020 7946 0999",
    ]  # fmt: skip
    assert people[third.urn, "dsl"].full_name not in printed.stdout


def part(printed: str, urn: int) -> list[str]:
    """What the list says of a school, below its name and number."""
    lines = printed.splitlines()
    begins = next(n for n, said in enumerate(lines) if f"({urn})" in said) + 1
    return list(takewhile(lambda said: said.startswith("  "), lines[begins:]))


def test_it_loads_no_database_and_no_airflow() -> None:
    script = (
        "import sys, encompass.watchdog.command\n"
        "loaded = {m.split('.')[0] for m in sys.modules} | set(sys.modules)\n"
        "print(sorted(loaded & {'sqlalchemy', 'psycopg', 'airflow', 'flask', 'encompass.store', 'encompass.wiring'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
