"""Take each step of the ladder that is due, account for every child, and seal the audit chain, force by force.

Set off when schools have been told, and in London every five minutes from 05:30 to 18:00 and every quarter of an hour
until 22:00: what schools answer and change in the evening is taken up the same evening. What a step of the ladder
queues is sent at once, and a step that fails keeps no other from being taken. An account that does not balance is an
alarm of its night. Gives the watchdog its sign of life.
Ends by renewing the asset `encompass-account`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportArgumentType=false
# (Airflow's decorators turn values into XCom references, which their types do not say.)

from airflow.sdk import AssetOrTimeSchedule, MultipleCronTriggerTimetable, chain, dag, task, task_group

from dags.timetable import ACCOUNT, DAG_SETTINGS, NOTIFICATIONS, deadline, force_ids, hand_on, open_run
from encompass import wiring


@task
def chase(night_run: str) -> int:
    return wiring.chase_acknowledgements(night_run)


@task(trigger_rule="all_done")
def send_again(night_run: str) -> int:
    return wiring.send_notifications(night_run)


@task(trigger_rule="all_done")
def reconcile(night_run: str) -> int:
    return wiring.reconcile_acknowledgements(night_run)


@task(trigger_rule="all_done")
def sign_of_life(night_run: str) -> int:
    return wiring.give_sign_of_life(night_run)


@task
def seal_audit() -> int:
    return wiring.seal_audit()


@task_group
def account(force_id: str) -> None:
    night_run = open_run(force_id)
    steps = [chase(night_run), send_again(night_run), reconcile(night_run), sign_of_life(night_run)]
    chain(*steps)
    chain(steps, seal_audit())


@task(outlets=[ACCOUNT])
def accounted() -> None:
    hand_on(ACCOUNT)


@dag(
    schedule=AssetOrTimeSchedule(
        assets=[NOTIFICATIONS],
        timetable=MultipleCronTriggerTimetable(
            "30-55/5 5 * * *", "*/5 6-17 * * *", "*/15 18-21 * * *", "0 22 * * *", timezone="Europe/London"
        ),
    ),
    deadline=deadline("reconcile_acknowledgements"),
    doc_md=__doc__,
    **DAG_SETTINGS,
)
def reconcile_acknowledgements() -> None:
    chain(account.expand(force_id=force_ids()), accounted())


reconcile_acknowledgements()
