"""When the DAGs run: what schools answer and change is taken up within a quarter of an hour, in the evening too."""

from __future__ import annotations

import ast
from datetime import datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

from croniter import croniter

ROOT = Path(__file__).parents[2]
DAY = datetime(2026, 3, 17)


def runs_of(dag: str) -> list[datetime]:
    """Every instant of a day at which the DAG's timetable sets it off."""
    tree = ast.parse((ROOT / "dags" / f"{dag}.py").read_text("utf-8"))
    crons = [
        argument.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "MultipleCronTriggerTimetable"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]
    return [
        DAY + timedelta(minutes=minute)
        for minute in range(24 * 60)
        if any(croniter.match(cron, DAY + timedelta(minutes=minute)) for cron in crons)
    ]


def test_from_the_feed_check_to_ten_in_the_evening_a_quarter_of_an_hour_at_most() -> None:
    runs = runs_of("reconcile_acknowledgements")
    assert (runs[0].time(), runs[-1].time()) == (time(5, 30), time(22, 0))
    assert max(b - a for a, b in pairwise(runs)) == timedelta(minutes=15)


def test_by_day_five_minutes_at_most() -> None:
    runs = [run for run in runs_of("reconcile_acknowledgements") if run.hour < 18]
    assert max(b - a for a, b in pairwise(runs)) == timedelta(minutes=5)
