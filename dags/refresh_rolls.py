"""Take the school register, the rolls, the Key Adults and the closed days of every force, at 05:00 in London.

A register that cannot be taken keeps its last generation and raises an alarm; it never holds the night up.
Ends by renewing the asset `encompass-rolls`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportArgumentType=false
# (Airflow's decorators turn values into XCom references, which their types do not say.)

from airflow.sdk import CronTriggerTimetable, chain, dag, task

from dags.timetable import DAG_SETTINGS, ROLLS, deadline, force_ids, hand_on, open_run
from encompass import wiring


@task
def refresh_registers(night_run: str) -> int:
    return wiring.refresh_rolls(night_run)


@task(outlets=[ROLLS])
def rolls_refreshed() -> None:
    hand_on(ROLLS)


@dag(
    schedule=CronTriggerTimetable("0 5 * * *", timezone="Europe/London"),
    deadline=deadline("refresh_rolls"),
    doc_md=__doc__,
    **DAG_SETTINGS,
)
def refresh_rolls() -> None:
    runs = open_run.expand(force_id=force_ids())
    chain(refresh_registers.expand(night_run=runs), rolls_refreshed())


refresh_rolls()
