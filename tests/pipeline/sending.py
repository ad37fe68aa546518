"""A prepared small night whose nudges leave by the GOV.UK Notify stand-in, sent with short waits."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from werkzeug.serving import make_server

from encompass.domain.nudge import Channel, SendingRules
from encompass.domain.run import Run
from encompass.gateways.notify import NotifyAddress, NotifyGateway
from encompass.gateways.nudge import Provider
from encompass.gateways.pace import Pace
from encompass.pipeline.record_receipts import record_receipts
from encompass.pipeline.send_notifications import send_notifications
from encompass.store.database import Role
from encompass.wiring import Encompass
from sandbox.notify import TEMPLATES, NotifyStandIn, notify
from tests.cluster import Cluster

KEY = f"encompass-{uuid.UUID(int=1)}-{uuid.UUID(int=2)}"
LINK = "https://pages.example/"
MS = timedelta(milliseconds=1)
QUICK = SendingRules(
    workers=4,
    first_wait=20 * MS,
    longest_wait=100 * MS,
    rests_for=400 * MS,
    asks_after=50 * MS,
    waits_for=300 * MS,
)


@contextmanager
def listening(service: NotifyStandIn) -> Generator[str]:
    """The stand-in's base URL, served while inside."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, notify(service), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def provider(url: str, per_minute: int = 60_000) -> Mapping[Channel, Provider]:
    """Both channels by the stand-in at this address."""
    templates = {c: {lang: TEMPLATES[c.value, lang] for lang in ("en", "cy")} for c in Channel}
    address = NotifyAddress(url, KEY, templates, 1)
    one = Provider("notify", is_asked=True, connect=lambda: NotifyGateway(address), pace=Pace(per_minute))
    return {Channel.EMAIL: one, Channel.SMS: one}


@dataclass
class Post:
    """One installation with queued nudges and the provider that they leave by."""

    encompass: Encompass
    run: Run
    service: NotifyStandIn
    url: str
    providers: Mapping[Channel, Provider]
    rules: SendingRules = QUICK

    def send(self, rules: SendingRules | None = None) -> int:
        """One pass of the outbox."""
        engine = self.encompass.database.engine(Role.PIPELINE)
        return send_notifications(
            engine, self.encompass.ring, self.providers, rules or self.rules, LINK, self.run
        )

    def join(self) -> int:
        """Join the receipts."""
        return record_receipts(self.encompass.database.engine(Role.PIPELINE), self.providers, self.run)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Rows, as the owner."""
        with self.encompass.database.engine(Role.OWNER).begin() as connection:
            found = connection.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    def statuses(self) -> dict[str, int]:
        """How many nudges are in each status."""
        rows = self.sql("SELECT status, count(*) AS n FROM encompass.nudge GROUP BY status")
        return {r.status: r.n for r in rows}

    def references(self) -> list[str]:
        """The nudges that the stand-in took, one for each time."""
        return sorted(str(m.reference) for m in self.service.messages)

    def nudges(self) -> list[str]:
        """Every nudge."""
        return sorted(str(r.nudge_id) for r in self.sql("SELECT nudge_id FROM encompass.nudge"))


def prepare(cluster: Cluster) -> str:
    """The database of a small night whose schools are to be told, and nothing has left."""
    name = cluster.copy(cluster.rolled())
    with cluster.on(name) as encompass:
        run = cluster.run(encompass)
        for step in (
            encompass.receive_incidents,
            encompass.match_children,
            encompass.prepare_notifications,
        ):
            step(run)
    return name


@contextmanager
def post_of(cluster: Cluster, prepared: str) -> Generator[Post]:
    """A copy of the prepared night, and a stand-in of its own."""
    service = NotifyStandIn(KEY, per_minute=60_000)
    with listening(service) as url, cluster.opened(prepared) as encompass:
        yield Post(encompass, cluster.run(encompass), service, url, provider(url))
