"""Draw up and keep each force's compliance report of the night, whenever the account is new."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportArgumentType=false
# (Airflow's decorators turn values into XCom references, which their types do not say.)

from airflow.sdk import dag, task

from dags.timetable import ACCOUNT, DAG_SETTINGS, deadline, force_ids, open_run
from encompass import wiring


@task
def report(night_run: str) -> int:
    return wiring.report_compliance(night_run)


@dag(
    schedule=[ACCOUNT],
    deadline=deadline("report_compliance"),
    doc_md=__doc__,
    **DAG_SETTINGS,
)
def report_compliance() -> None:
    report.expand(night_run=open_run.expand(force_id=force_ids()))


report_compliance()
