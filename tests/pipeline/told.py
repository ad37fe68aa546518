"""The small night told to schools, with its records corrected meanwhile and its schools reading."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from encompass.domain.access import KeyAdultViewer
from encompass.domain.recipient import AtSchool
from encompass.domain.run import Run
from encompass.pipeline import registers
from encompass.pipeline.acknowledge import acknowledge
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import Register
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster
from tests.sessions import key_adult_token

HOUR = timedelta(hours=1)


@dataclass
class Told:
    """An installation on the small night: what its schools were told, and what became of it."""

    encompass: Encompass
    cluster: Cluster

    def expected(self, kind: str, number: int = 0) -> dict[str, Any]:
        """One child of this kind, and what must become of him or her."""
        return [e for e in self.cluster.world.expected() if e["kind"] == kind][number]

    def rows(self, query: str, **values: object) -> list[Any]:
        with self.encompass.database.engine(Role.OWNER).begin() as connection:
            return list(connection.execute(text(query), values).all())

    def statuses(self, urn: int) -> list[str]:
        """The statuses of a school's notifications, the first prepared first."""
        query = "SELECT status FROM encompass.notification WHERE urn = :urn ORDER BY prepared_at, status"
        return [status for (status,) in self.rows(query, urn=urn)]

    def only(self, urn: int, status: str) -> UUID:
        """A school's only notification of this status."""
        query = "SELECT notification_id FROM encompass.notification WHERE urn = :urn AND status = :status"
        ((notification_id,),) = self.rows(query, urn=urn, status=status)
        return notification_id

    def nudged(self, notification_id: UUID) -> int:
        """How many Key Adults have a nudge about a notification."""
        query = "SELECT count(DISTINCT key_adult_id) FROM encompass.nudge_notification WHERE notification_id = :id"
        return self.rows(query, id=notification_id)[0][0]

    def bucket(self, run: Run) -> dict[str, int]:
        """The account's duties by bucket; it must balance."""
        account = self.encompass.account(run)
        assert account.balanced
        return {bucket.value: n for bucket, n in account.duties.buckets.items() if n}

    def viewer(self, urn: int, role: str = "dsl") -> KeyAdultViewer:
        """The school's lead or deputy, signed in."""
        return self._viewer(urn, "urn = :of AND role = :role", of=urn, role=role)

    def viewer_known_as(self, urn: int, reference: str) -> KeyAdultViewer:
        """The school's Key Adult whom the register knows by this reference, signed in."""
        known_as = self.encompass.ring.keyed_hash(FORCE, "key adult", reference)
        return self._viewer(urn, "reference_hash = :known_as", known_as=known_as)

    def _viewer(self, urn: int, where: str, **values: object) -> KeyAdultViewer:
        query = f"SELECT key_adult_id, recipient_id, person_hash FROM encompass.key_adult WHERE {where}"
        ((adult, recipient_id, person),) = self.rows(query, **values)
        token = key_adult_token(self.encompass, FORCE, adult, recipient_id, person)
        return KeyAdultViewer(token, FORCE, AtSchool(urn), "A school", adult)

    def acknowledge(self, urn: int, notification_id: UUID, at: time = time(5, 50)) -> None:
        """The school's lead acknowledges at a time of the morning."""
        acknowledge(
            self.encompass.database.engine(Role.SCHOOL),
            self.viewer(urn),
            notification_id,
            self.cluster.at(at),
        )

    def run(self, at: time, *steps: str) -> Run:
        """The night's run at a time of its morning, with these steps taken."""
        run = self.cluster.run(self.encompass, at)
        for step in steps or ("receive_incidents", "match_children", "prepare_notifications"):
            getattr(self.encompass, step)(run)
        return run

    @contextmanager
    def recorded(self, e: Mapping[str, Any], at: time, **changes: Any) -> Generator[None]:
        """Police's record of this child otherwise from a time on: `child` for the child, the rest for the record."""
        records = self.cluster.world.incidents.records
        number = next(n for n, r in enumerate(records) if r["incident_reference"] == e["incident_reference"])
        before = records[number]
        of_child = changes.pop("child", {})
        children = [c | of_child if c["person_id"] == e["person_id"] else c for c in before["children"]]
        records[number] = (
            before | changes | {"children": children, "updated_at": self.cluster.at(at).isoformat()}
        )
        try:
            yield
        finally:
            records[number] = before

    @contextmanager
    def left_out(self, e: Mapping[str, Any], at: time) -> Generator[None]:
        """Police's record from a time on no longer names this child."""
        records = self.cluster.world.incidents.records
        number = next(n for n, r in enumerate(records) if r["incident_reference"] == e["incident_reference"])
        before = records[number]
        children = [c for c in before["children"] if c["person_id"] != e["person_id"]]
        records[number] = before | {"children": children, "updated_at": self.cluster.at(at).isoformat()}
        try:
            yield
        finally:
            records[number] = before

    @contextmanager
    def second(
        self, e: Mapping[str, Any], at: time, reference: str = "RVB/26/999999", **of_child: Any
    ) -> Generator[None]:
        """A second record of the night that names the same child."""
        records = self.cluster.world.incidents.records
        first = next(r for r in records if r["incident_reference"] == e["incident_reference"])
        child = next(c for c in first["children"] if c["person_id"] == e["person_id"])
        later = first | {
            "incident_reference": reference,
            "updated_at": self.cluster.at(at).isoformat(),
            "children": [child | of_child],
        }
        records.append(later)
        try:
            yield
        finally:
            records.remove(later)

    def registered(self, run: Run, **changes: Any) -> None:
        """The Key Adult register with columns added or changed: each a function of the row."""
        header, *lines = (
            line.split(",") for line in self.cluster.world.key_adults_csv().decode().splitlines()
        )
        names = [*header, *(c for c in changes if c not in header)]
        out = [",".join(names)]
        for line in lines:
            row = dict(zip(header, line, strict=True))
            out.append(",".join((row | {c: f(row) for c, f in changes.items()})[c] for c in names))
        raw = "\r\n".join(out).encode()
        register = Register("key_adults", registers.NATIONAL, lambda _: raw, registers.store_key_adults)
        engine = self.encompass.database.engine(Role.PIPELINE)
        assert refresh_rolls(engine, self.encompass.ring, [register], run) == 0

    def with_profile(self, **changes: Any) -> Told:
        """The same installation, its force's profile otherwise."""
        force = self.encompass.settings.forces[FORCE]
        profile = force.profile.model_copy(update=changes)
        forces = {FORCE: force.model_copy(update={"profile": profile})}
        settings = self.encompass.settings.model_copy(update={"forces": forces})
        return Told(replace(self.encompass, settings=settings), self.cluster)
