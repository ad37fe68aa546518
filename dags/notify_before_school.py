"""Receive the night's incidents, match each child, and tell every school, force by force.

Set off by new rolls, at 05:30 in London whether they came or not, and every fifteen minutes from then until 18:00 for
what comes later: such a run costs little when there is nothing new. Each force's night is a group of its own: one that
is slow or fails holds up no other. A step that fails does not keep the next from telling those who can be told, but its
group does not end well. Gives the watchdog its sign of life. Ends by renewing the asset `encompass-notifications`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportArgumentType=false
# (Airflow's decorators turn values into XCom references, which their types do not say.)

from airflow.sdk import AssetOrTimeSchedule, MultipleCronTriggerTimetable, chain, dag, task, task_group

from dags.timetable import DAG_SETTINGS, NOTIFICATIONS, ROLLS, deadline, force_ids, hand_on, open_run
from encompass import wiring


@task
def receive(night_run: str) -> int:
    return wiring.receive_incidents(night_run)


@task(trigger_rule="all_done")
def match(night_run: str) -> int:
    return wiring.match_children(night_run)


@task(trigger_rule="all_done")
def prepare(night_run: str) -> int:
    return wiring.prepare_notifications(night_run)


@task(trigger_rule="all_done")
def send(night_run: str) -> int:
    return wiring.send_notifications(night_run)


@task(trigger_rule="all_done")
def sign_of_life(night_run: str) -> int:
    return wiring.give_sign_of_life(night_run)


@task
def seal_audit() -> int:
    return wiring.seal_audit()


@task_group
def night(force_id: str) -> None:
    night_run = open_run(force_id)
    steps = [receive(night_run), match(night_run), prepare(night_run), send(night_run)]
    chain(*steps, sign_of_life(night_run))
    chain(steps, seal_audit())


@task(outlets=[NOTIFICATIONS])
def schools_told() -> None:
    hand_on(NOTIFICATIONS)


@dag(
    schedule=AssetOrTimeSchedule(
        assets=[ROLLS],
        timetable=MultipleCronTriggerTimetable("30,45 5 * * *", "*/15 6-17 * * *", timezone="Europe/London"),
    ),
    deadline=deadline("notify_before_school"),
    doc_md=__doc__,
    **DAG_SETTINGS,
)
def notify_before_school() -> None:
    chain(night.expand(force_id=force_ids()), schools_told())


notify_before_school()
