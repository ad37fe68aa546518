"""Chase who has not acknowledged, account for every child, and seal the audit chain, force by force.

Set off when schools have been told, and every fifteen minutes from 06:00 to 18:00 in London. An account that
does not balance is an alarm of its night. Ends by renewing the asset `encompass-account`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportArgumentType=false
# (Airflow's decorators turn values into XCom references, which their types do not say.)

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, chain, dag, task, task_group

from dags.timetable import ACCOUNT, DAG_SETTINGS, NOTIFICATIONS, deadline, force_ids, hand_on, open_run
from encompass import wiring


@task
def chase(night_run: str) -> int:
    return wiring.chase_acknowledgements(night_run)


@task
def send_again(night_run: str) -> int:
    return wiring.send_notifications(night_run)


@task
def reconcile(night_run: str) -> int:
    return wiring.reconcile_acknowledgements(night_run)


@task_group
def account(force_id: str) -> None:
    night_run = open_run(force_id)
    chain(send_again(night_run), chase(night_run), reconcile(night_run))


@task
def seal_audit() -> int:
    return wiring.seal_audit()


@task(outlets=[ACCOUNT])
def accounted() -> None:
    hand_on(ACCOUNT)


@dag(
    schedule=AssetOrTimeSchedule(
        assets=[NOTIFICATIONS], timetable=CronTriggerTimetable("*/15 6-17 * * *", timezone="Europe/London")
    ),
    deadline=deadline("reconcile_acknowledgements"),
    doc_md=__doc__,
    **DAG_SETTINGS,
)
def reconcile_acknowledgements() -> None:
    chain(account.expand(force_id=force_ids()), seal_audit(), accounted())


reconcile_acknowledgements()
