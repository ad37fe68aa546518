"""The compliance report of a night: page, CSV and JSON."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from encompass.domain.access import NotFound
from encompass.domain.compliance import ComplianceReport
from encompass.domain.report_export import report_csv, report_json
from encompass.web import wording
from encompass.web.access_rules import for_leaders, staff_viewer
from encompass.web.catalogue import gettext
from encompass.web.parts import encompass_of

blueprint = Blueprint("leaders", __name__)


@blueprint.get("/report")
@for_leaders
def newest() -> ResponseReturnValue:
    """The newest night's report."""
    return (
        _page(encompass_of().read_report(staff_viewer(), None))
        if encompass_of().nights(staff_viewer())
        else _none()
    )


@blueprint.get("/report/<night>")
@for_leaders
def of_night(night: str) -> ResponseReturnValue:
    """One night's report."""
    return _page(_report(night))


@blueprint.get("/report/<night>.csv")
@for_leaders
def as_csv(night: str) -> ResponseReturnValue:
    """One night's report as CSV."""
    return _file(report_csv(_report(night)), "text/csv", f"compliance-{night}.csv")


@blueprint.get("/report/<night>.json")
@for_leaders
def as_json(night: str) -> ResponseReturnValue:
    """One night's report as JSON."""
    return _file(report_json(_report(night)), "application/json", f"compliance-{night}.json")


def _report(night: str) -> ComplianceReport:
    try:
        wanted = date.fromisoformat(night)
    except ValueError:
        raise NotFound from None
    return encompass_of().read_report(staff_viewer(), wanted)


def _page(report: ComplianceReport) -> ResponseReturnValue:
    account = report.account
    return render_template(
        "report.html",
        report=report,
        account=account,
        schools=sorted(report.schools, key=lambda s: (-s.missed, -s.late, s.school_name)),
        nights=encompass_of().nights(staff_viewer()),
        duty_rows=[(wording.BUCKET[bucket], n) for bucket, n in account.duties.buckets.items()],
        waiting_rows=[(wording.WAITING_WITH[who], n) for who, n in report.waiting_with.items()],
        exceptions=[(e, wording.EXCEPTION[e.reason]) for e in report.exceptions],
        involvement_rows=[
            (gettext("Named"), account.involvements.total),
            (gettext("In scope"), account.involvements.in_scope),
            *((wording.BEYOND_SCOPE[reason], n) for reason, n in account.involvements.beyond_scope.items()),
            *((wording.EXCLUSION[reason], n) for reason, n in account.involvements.excluded.items()),
        ],
        manifest_rows=[
            (gettext("Announced"), account.manifest.announced),
            (gettext("Accepted"), account.manifest.accepted),
            (gettext("Duplicate"), account.manifest.duplicate),
            (gettext("In quarantine"), account.manifest.quarantined),
            (gettext("Refused"), account.manifest.refused),
        ],
    )


def _none() -> ResponseReturnValue:
    return render_template("no_report.html")


def _file(text: str, mimetype: str, name: str) -> Response:
    answer = Response(text, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
