"""What the DAGs share: assets, deadlines, and the night and instant that a run is for.

A replay names its night and instant in the run's conf; each DAG hands them on with its asset, so that the
DAGs that follow play the same night. Without a replay both come from the run's own time in London.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

from airflow.sdk import Asset, get_current_context, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from encompass import wiring
from encompass.domain.run import LONDON

ROLLS: Final = Asset("encompass-rolls")
NOTIFICATIONS: Final = Asset("encompass-notifications")
ACCOUNT: Final = Asset("encompass-account")

DAG_SETTINGS: Final[Mapping[str, Any]] = {
    "catchup": False,
    "max_active_runs": 1,
    "tags": ["encompass"],
    "default_args": {
        "owner": "encompass",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=3),
        "execution_timeout": timedelta(minutes=15),
        "show_return_value_in_logs": False,
    },
}


def deadline(dag_id: str) -> DeadlineAlert:
    """The alert of a run that has not ended in time; how long it has is in the settings."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=wiring.deadline(dag_id),
        callback=SyncCallback("dags.timetable.deadline_missed"),
        name=dag_id,
    )


def deadline_missed(context: Mapping[str, Any]) -> None:
    """Raise the alarm `deadline_missed` for the night of the run that is late, for every force."""
    dag_run = context["dag_run"]
    run_after = datetime.fromisoformat(dag_run["run_after"].replace("Z", "+00:00"))
    asked = _replay_of(dag_run["conf"]) or _own_time(run_after)
    for force_id in wiring.force_ids():
        wiring.raise_alarm(force_id, asked["night"], "deadline_missed", dag_run["dag_id"])


def night_and_instant() -> tuple[str, str]:
    """The night (ISO date) and the business instant (ISO with offset) that the current run is for."""
    context = cast(dict[str, Any], get_current_context())
    asked = replay(context) or _own_time(context["dag_run"].run_after)
    return asked["night"], asked["as_of"]


@task
def force_ids() -> list[str]:
    return wiring.force_ids()


@task
def open_run(force_id: str) -> str:
    return wiring.open_run(force_id, *night_and_instant())


def replay(context: Mapping[str, Any]) -> dict[str, str] | None:
    """The night and instant that the current run replays, by its conf or by the asset that set it off."""
    own = _replay_of(context["dag_run"].conf)
    if own:
        return own
    for events in context["triggering_asset_events"].values():
        for event in reversed(events):
            handed_on = _replay_of(event.extra)
            if handed_on:
                return handed_on
    return None


def hand_on(asset: Asset) -> None:
    """Tell the DAGs that follow which night is replayed."""
    context = cast(dict[str, Any], get_current_context())
    context["outlet_events"][asset].extra = replay(context) or {}


def _replay_of(conf: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not conf or "night" not in conf:
        return None
    return {"night": str(conf["night"]), "as_of": str(conf["as_of"])}


def _own_time(run_after: datetime) -> dict[str, str]:
    local = run_after.astimezone(LONDON)
    return {"night": local.date().isoformat(), "as_of": local.isoformat()}
