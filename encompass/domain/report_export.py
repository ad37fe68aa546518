"""The compliance report and the account as CSV and JSON, the same bytes for the same facts."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from encompass.domain.arrival import FeedArrival
from encompass.domain.compliance import Account, ComplianceReport, StandingException
from encompass.domain.disclosure import SharedCount, SharedReport, Shown, hides


def account_table(account: Account) -> dict[str, Any]:
    """The account as plain values, in a fixed order."""
    manifest, involvements, duties = account.manifest, account.involvements, account.duties
    return {
        "force": account.force_id,
        "night": account.night.isoformat(),
        "as_of": account.as_of.isoformat(),
        "feed": [_arrival(a) for a in account.arrivals],
        "gaps": [gap.value for gap in account.gaps],
        "manifest": {
            "announced": manifest.announced,
            "accepted": manifest.accepted,
            "duplicate": manifest.duplicate,
            "quarantined": manifest.quarantined,
            "refused": manifest.refused,
        },
        "involvements": {
            "total": involvements.total,
            "in_scope": involvements.in_scope,
            "beyond_scope": dict(involvements.beyond_scope),
            "excluded": dict(involvements.excluded),
        },
        "duties": {"total": duties.total, **{b.value: n for b, n in duties.buckets.items()}},
        "alarms": list(account.alarms),
        "balanced": account.balanced,
        "all_well": account.all_well,
    }


def _arrival(arrival: FeedArrival) -> dict[str, Any]:
    records = arrival.records
    return {
        "way": arrival.way,
        "at": arrival.at.isoformat(),
        "newest": arrival.newest_at.isoformat() if arrival.newest_at else None,
        "announced": records.announced,
        "accepted": records.accepted,
        "duplicate": records.duplicate,
        "quarantined": records.quarantined,
        "refused": records.refused,
        "gap": arrival.gap.value if arrival.gap else None,
        "made_good_later": arrival.made_good,
    }


def account_json(account: Account) -> str:
    """The account as JSON text ending in a newline."""
    return json.dumps(account_table(account), indent=2) + "\n"


def report_json(report: ComplianceReport) -> str:
    """The report as JSON text ending in a newline."""
    table = {
        "force_name": report.force_name,
        "account": account_table(report.account),
        "duties": report.duties,
        "on_time": report.on_time,
        "late": report.late,
        "missed": report.missed,
        "not_yet_due": report.not_yet_due,
        "on_time_percent": report.on_time_percent,
        "waiting_with": dict(report.waiting_with),
        "schools": [
            {
                "urn": s.urn,
                "school_name": s.school_name,
                "duties": s.duties,
                "on_time": s.on_time,
                "late": s.late,
                "missed": s.missed,
                "not_yet_due": s.not_yet_due,
            }
            for s in report.schools
        ],
        "exceptions": [exception_row(e) for e in report.exceptions],
    }
    return json.dumps(table, indent=2, ensure_ascii=False) + "\n"


def shared_json(report: SharedReport) -> str:
    """The report as it may leave the partnership, as JSON text ending in a newline; a hidden count is null."""
    table = {
        "force_name": report.force_name,
        "night": report.night.isoformat(),
        "as_of": report.as_of.isoformat(),
        "gaps": [gap.value for gap in report.gaps],
        "suppressed_below": report.threshold,
        "duties": {name: _shared(count, report) for name, count in report.duties.items()},
        "children": {name: _shared(count, report) for name, count in report.children.items()},
        "on_time_percent": report.on_time_percent,
    }
    return json.dumps(table, indent=2, ensure_ascii=False) + "\n"


def _shared(count: SharedCount, report: SharedReport) -> dict[str, Any]:
    if count.shown is Shown.WHOLE:
        return {"count": count.count, "suppressed": False}
    return {"count": None, "suppressed": True, "shown": _in_words(count, report)}


def _in_words(count: SharedCount, report: SharedReport) -> str:
    match count.shown:
        case Shown.WHOLE:
            return str(count.count)
        case Shown.FEWER:
            return f"fewer than {report.threshold}"
        case Shown.SUPPRESSED:
            return "suppressed"


def shared_csv(report: SharedReport) -> str:
    """The same, one row a count."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["force_name", "night", "as_of", "of", "count", "shown"])
    begins = [defused(report.force_name), report.night.isoformat(), report.as_of.isoformat()]
    for of, table in (("duties", report.duties), ("children", report.children)):
        for name, count in table.items():
            writer.writerow([*begins, of, name, _in_words(count, report)])
    percent = report.on_time_percent
    shown = "suppressed" if hides(report.duties) else "none due" if percent is None else percent
    writer.writerow([*begins, "duties", "on_time_percent", shown])
    writer.writerows([*begins, "feed", "gap", gap.value] for gap in report.gaps)
    return out.getvalue()


def exception_row(exception: StandingException) -> dict[str, Any]:
    """A standing exception as plain values, in a fixed order."""
    answered = exception.acknowledged_at
    return {
        "id": str(exception.exception_id),
        "night": exception.night.isoformat(),
        "duty_by": exception.duty_by.isoformat(),
        "reason": exception.reason,
        "urn": exception.urn,
        "school_name": exception.school_name,
        "state": exception.state,
        "acknowledged_at": answered.isoformat() if answered else None,
    }


def report_csv(report: ComplianceReport) -> str:
    """One row a school, then the total; a formula in a spreadsheet's eyes is defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["urn", "school_name", "duties", "on_time", "late", "missed", "not_yet_due"])
    for s in report.schools:
        writer.writerow([s.urn, defused(s.school_name), s.duties, s.on_time, s.late, s.missed, s.not_yet_due])
    unplaced = report.duties - sum(s.duties for s in report.schools)
    missed = report.missed - sum(s.missed for s in report.schools)
    waiting = report.not_yet_due - sum(s.not_yet_due for s in report.schools)
    writer.writerow(["", "(no school yet)", unplaced, 0, 0, missed, waiting])
    totals = [report.duties, report.on_time, report.late, report.missed, report.not_yet_due]
    writer.writerow(["", "(all)", *totals])
    if report.exceptions:
        writer.writerow([])
        writer.writerow(["urn", "school_name", "exception_of_night", "duty_by", "reason", "state"])
    for e in report.exceptions:
        school = e.school_name or "(no school yet)"
        row = [e.urn, defused(school), e.night.isoformat(), e.duty_by.isoformat(), e.reason, e.state]
        writer.writerow(row)
    return out.getvalue()


def defused(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
