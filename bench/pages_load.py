"""Pages under load: fifty schools sign in at once, then messages are read and acknowledged at a steady rate.

`python -m bench.pages_load --rate 100 --seconds 60` is the full size. Requests are due at fixed instants whatever the
answers take, and each is measured from the instant it was due, so that a server that falls behind cannot hide it.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from urllib.parse import urlencode, urlsplit

import click
import requests
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.people import NOTIFICATION, sign_in
from sandbox.told_night import told_night
from sandbox.world import Person, build_world, named_night

SLOWEST_S = 0.3
"""What 99 of 100 requests may take at most."""
CONNECTIONS = 50
BARE_SECONDS = 15
#: How often each is asked for: mostly looked at, one in ten acknowledged.
MIX = (("inbox", 40), ("cover", 20), ("content", 30), ("acknowledge", 10))
TOKEN = re.compile(r'/acknowledge".*?name="csrf_token" value="([^"]+)"', re.DOTALL)


@dataclass(frozen=True)
class Ask:
    """One request: its kind, when it is due in seconds from the start, and what is sent."""

    kind: str
    due: float
    path: str
    cookie: str
    body: str | None = None


@dataclass
class Taken:
    """What a load took: seconds from due to the last byte by kind, and what went wrong by what it was."""

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    errors: Counter[str] = field(default_factory=Counter[str])

    def all(self) -> list[float]:
        """Every request's seconds, smallest first."""
        return sorted(s for kind in self.seconds.values() for s in kind)


@dataclass(frozen=True)
class School:
    """A Key Adult who has signed in: the cookies, the messages, and the forms' token of each."""

    cookie: str
    tokens: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """One measurement of a served night."""

    schools: int
    signing_in: list[float]
    load: Taken
    bare: Taken
    acknowledged: int
    audited: int
    asked_to: int
    rate: float

    @property
    def ratio(self) -> float:
        """99 of 100 requests against 99 of 100 of the bare page."""
        return share(self.load.all(), 0.99) / share(self.bare.all(), 0.99)


def measure(rate: float, seconds: float, schools: int) -> Measured:
    """Tell an ordinary night, serve its pages, and load them.

    Args:
        rate: requests a second.
        seconds: how long.
        schools: how many schools sign in, all at once.
    """
    with told_night(build_world(*named_night("ordinary"))) as night:
        people = [night.lead_of(urn) for urn in night.told()[:schools]]
        with ThreadPoolExecutor(len(people)) as pool:
            signed = list(pool.map(lambda p: _signed_in(night.web, p, night.codes[p.key_adult_ref]), people))
        before = _acknowledged(night.encompass)
        asks = _asks([school for school, _ in signed], rate, seconds)
        load = run_load(night.web, asks)
        bare = [Ask("bare", i / rate, "/health", "") for i in range(int(rate * BARE_SECONDS))]
        unloaded = run_load(night.web, bare)
        after = _acknowledged(night.encompass)
    return Measured(
        schools=len(people),
        signing_in=sorted(took for _, took in signed),
        load=load,
        bare=unloaded,
        acknowledged=after[0] - before[0],
        audited=after[1] - before[1],
        asked_to=len({a.path for a in asks if a.kind == "acknowledge"}),
        rate=rate,
    )


def _signed_in(web: str, person: Person, code: str) -> tuple[School, float]:
    """A real sign-in: the provider, the one-time code, the second factor; and each message opened once."""
    started = time.monotonic()
    session, inbox = sign_in(web, "school", person.username, person.password, code)
    took = time.monotonic() - started
    tokens: dict[str, str] = {}
    for path in dict.fromkeys(NOTIFICATION.findall(inbox)):
        page = session.get(f"{web}{path}/content", timeout=30)
        found = TOKEN.search(page.text)
        if page.status_code == requests.codes.ok and found:
            tokens[path] = found.group(1)
    cookie = "; ".join(f"{c.name}={c.value}" for c in session.cookies)
    session.close()
    return School(cookie, tokens), took


def _asks(schools: Sequence[School], rate: float, seconds: float) -> list[Ask]:
    chance, kinds = random.Random(1), [k for k, n in MIX for _ in range(n)]
    able = [s for s in schools if s.tokens]
    asks: list[Ask] = []
    for number in range(int(rate * seconds)):
        school, kind = able[number % len(able)], chance.choice(kinds)
        path = chance.choice(sorted(school.tokens))
        where = {"inbox": "/inbox", "cover": path, "content": f"{path}/content"}.get(
            kind, f"{path}/acknowledge"
        )
        body = urlencode({"csrf_token": school.tokens[path]}) if kind == "acknowledge" else None
        asks.append(Ask(kind, number / rate, where, school.cookie, body))
    return asks


def run_load(web: str, asks: Sequence[Ask]) -> Taken:
    """Send each request when it is due, on connections that stay open, and take the time of each."""
    queue: SimpleQueue[Ask] = SimpleQueue()
    for ask in asks:
        queue.put(ask)
    taken, lock, start = Taken(), threading.Lock(), time.monotonic() + 0.5
    threads = [
        threading.Thread(target=_sender, args=(web, queue, start, taken, lock)) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def _sender(web: str, queue: SimpleQueue[Ask], start: float, taken: Taken, lock: threading.Lock) -> None:
    address = urlsplit(web).netloc
    connection = HTTPConnection(address, timeout=30)
    with suppress(Empty):
        while True:
            ask = queue.get_nowait()
            time.sleep(max(0.0, start + ask.due - time.monotonic()))
            fault = _send(connection, ask)
            took = time.monotonic() - start - ask.due
            with lock:
                taken.seconds.setdefault(ask.kind, []).append(took)
                if fault:
                    taken.errors[fault] += 1


def _send(connection: HTTPConnection, ask: Ask) -> str | None:
    """What was wrong with the answer."""
    headers = {"Cookie": ask.cookie, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST" if ask.body else "GET", ask.path, ask.body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException) as error:
        connection.close()
        return f"{ask.kind}: {type(error).__name__}"
    expected = 303 if ask.body else 200
    return None if answer.status == expected else f"{ask.kind}: {answer.status}"


def _acknowledged(encompass: Encompass) -> tuple[int, int]:
    """How many messages are acknowledged, and how many times the audit says so."""
    with encompass.database.engine(Role.OWNER).begin() as connection:
        counts: Callable[[str], int] = lambda query: connection.execute(text(query)).scalar_one()  # noqa: E731
        return (
            counts("SELECT count(*) FROM encompass.acknowledgement"),
            counts("SELECT count(*) FROM encompass.audit_event WHERE action = 'notification_acknowledged'"),
        )


def share(ordered: Sequence[float], part: float) -> float:
    """The seconds within which this part of the requests was answered."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def print_load(measured: Measured) -> bool:
    """The measurement as a table; whether it is as good as it must be."""
    table = Table(
        "request",
        "times",
        "median ms",
        "99 of 100 ms",
        "slowest ms",
        title=f"Pages at {measured.rate:.0f} a second",
    )
    kinds = {
        f"signing in, {measured.schools} at once": measured.signing_in,
        **{k: sorted(v) for k, v in sorted(measured.load.seconds.items())},
        "all of the load": measured.load.all(),
        "the same server's bare page": measured.bare.all(),
    }
    for name, ordered in kinds.items():
        figures = (statistics.median(ordered), share(ordered, 0.99), ordered[-1])
        table.add_row(name, f"{len(ordered):,}", *(f"{s * 1000:.0f}" for s in figures))
    Console(file=sys.stdout, width=120).print(table)
    errors = measured.load.errors + measured.bare.errors
    click.echo(
        f"99 of 100 took {measured.ratio:.1f} times what the bare page did; errors: {dict(errors) or 'none'}; "
        f"messages to acknowledge {measured.asked_to}, acknowledged {measured.acknowledged}, audited {measured.audited}"
    )
    faults = [
        f"99 of 100 took more than {SLOWEST_S * 1000:.0f} ms"
        * (share(measured.load.all(), 0.99) > SLOWEST_S),
        "there were errors" * bool(errors),
        "an acknowledgement has no audit event, or too many"
        * (not measured.acknowledged == measured.audited == measured.asked_to),
    ]
    for fault in filter(None, faults):
        click.echo(fault, err=True)
    return not any(faults)


@click.command()
@click.option("--rate", default=100.0, show_default=True, help="Requests a second.")
@click.option("--seconds", default=60.0, show_default=True, help="How long.")
@click.option("--schools", default=50, show_default=True, help="Schools that sign in at once.")
def main(rate: float, seconds: float, schools: int) -> None:
    """Load the school's pages and print what the requests took; exit code 1 when they took too long."""
    click.echo(f"{os.cpu_count()} cores", err=True)
    sys.exit(not print_load(measure(rate, seconds, schools)))


if __name__ == "__main__":
    main()
