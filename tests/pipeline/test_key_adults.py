"""Key Adults who are away or untrained: others are told, and where nobody is left somebody telephones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from encompass.domain.key_adults import LapsedTraining, told_of
from encompass.domain.school import KeyAdultEntry, KeyAdultRole
from encompass.pipeline import registers
from encompass.pipeline.refresh_rolls import refresh_rolls
from encompass.pipeline.registers import Register
from encompass.store.database import Role
from encompass.wiring import Encompass
from tests.cluster import FORCE, Cluster

DAY = date(2026, 3, 17)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)


def adult(**changes: Any) -> KeyAdultEntry:
    whole = KeyAdultEntry(
        "K", 100000, KeyAdultRole.DSL, "Designated Lead", "lead@school.example", None, "en", DAY, None
    )
    return replace(whole, **changes)


AWAY, BACK = {"away_from": YESTERDAY, "away_to": DAY}, {"away_from": YESTERDAY, "away_to": YESTERDAY}
LAPSED, VALID = {"training_expires": YESTERDAY}, {"training_expires": DAY}


@pytest.mark.parametrize(
    ("adults", "warned", "blocked"),
    [
        ([{}, {}], "01", "01"),
        ([AWAY, {}], "1", "1"),
        ([BACK, VALID], "01", "01"),
        ([AWAY, AWAY], "01", "01"),  # told all the same, and somebody telephones
        ([LAPSED, {}], "01", "1"),
        ([LAPSED, LAPSED], "01", ""),
        ([LAPSED, AWAY], "0", "1"),  # the one who is left is away: told all the same
        ([], "", ""),
    ],
)
def test_who_of_a_schools_adults_is_told(adults: list[dict[str, Any]], warned: str, blocked: str) -> None:
    known = [(str(n), adult(**changes)) for n, changes in enumerate(adults)]
    assert "".join(told_of(known, DAY, LapsedTraining.WARN).adults) == warned
    assert "".join(told_of(known, DAY, LapsedTraining.BLOCK).adults) == blocked


def rows(encompass: Encompass, query: str) -> list[Any]:
    with encompass.database.engine(Role.OWNER).begin() as connection:
        return list(connection.execute(text(query)).all())


@pytest.mark.parametrize(
    ("lead", "deputy", "lapsed", "nudged", "phoned", "alarm"),
    [
        (AWAY, {}, "warn", 1, None, None),
        (AWAY, AWAY, "warn", 2, "key_adults_away", "key_adults_away"),
        (LAPSED, {}, "warn", 2, None, "training_lapsed"),
        (LAPSED, {}, "block", 1, None, "training_lapsed"),
        (LAPSED, LAPSED, "block", 0, "no_key_adult", "no_key_adult"),
    ],
)
def test_who_is_away_or_untrained_is_not_told_and_nobody_is_dropped(
    rolled: Encompass, cluster: Cluster, lead: dict, deputy: dict, lapsed: str, nudged: int, phoned: str | None, alarm: str | None
) -> None:  # fmt: skip
    columns = ("away_from", "away_to", "training_expires")
    header, *lines = cluster.world.key_adults_csv().decode().splitlines()
    said = {"dsl": lead, "deputy": deputy}
    out = [",".join([header, *columns])]
    for line in lines:
        changes = said[line.split(",")[2]]
        out.append(",".join([line, *(str(changes.get(c, "")) for c in columns)]))
    raw = "\r\n".join(out).encode()
    run = cluster.run(rolled)
    engine = rolled.database.engine(Role.PIPELINE)
    register = Register("key_adults", registers.NATIONAL, lambda _: raw, registers.store_key_adults)
    assert refresh_rolls(engine, rolled.ring, [register], run) == 0
    force = rolled.settings.forces[FORCE]
    force = force.model_copy(update={"profile": force.profile.model_copy(update={"lapsed_training": lapsed})})
    own = replace(rolled, settings=rolled.settings.model_copy(update={"forces": {FORCE: force}}))
    for step in (own.receive_incidents, own.match_children, own.prepare_notifications):
        assert step(run) > 0
    schools = rows(
        rolled, "SELECT DISTINCT recipient_id FROM encompass.notification WHERE status = 'released'"
    )
    assert schools
    told = rows(rolled, "SELECT recipient_id, count(DISTINCT key_adult_id) FROM encompass.nudge GROUP BY 1")
    assert [count for _, count in told] == ([nudged] * len(schools) if nudged else [])
    tasks = {reason for (reason,) in rows(rolled, "SELECT DISTINCT reason FROM encompass.phone_task")}
    assert tasks == ({phoned} if phoned else set())
    raised = {a.split(":")[0] for a in own.account(run).alarms}
    assert raised >= ({alarm} if alarm else set())
    assert own.account(run).balanced is True
