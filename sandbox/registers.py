"""The partnership's registers over HTTP: GIAS, rolls, calendars, Key Adults."""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Flask, Response, abort, request

from sandbox.world import World


def registers(world: World, token: str) -> Flask:
    """The registers' application: a file at each path."""
    app = Flask("sandbox.registers")

    @app.get("/<path:path>")
    def file(path: str) -> Response:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not secrets.compare_digest(presented, token):
            abort(401)
        raw = _raw(world, path)
        if raw is None:
            abort(404)
        answer = Response(raw, content_type="application/octet-stream")
        answer.headers["X-Content-SHA256"] = hashlib.sha256(raw).hexdigest()
        return answer

    return app


def _raw(world: World, path: str) -> bytes | None:
    fixed = {
        "gias/edubasealldata.csv": world.gias_csv,
        "gias/links_edubasealldata.csv": world.links_csv,
        "key-adults.csv": world.key_adults_csv,
        "school-days.csv": world.school_days_csv,
    }
    if path in fixed:
        return fixed[path]()
    if found := re.fullmatch(r"rolls/(\w+)/pupils\.csv", path):
        return world.pupils_csv(found[1]) if found[1] in world.la_codes else None
    if found := re.fullmatch(r"rolls/schools/(\d+)\.xml", path):
        return world.roll_xml(int(found[1]))
    found = re.fullmatch(r"calendars/(\d+)\.ics", path)
    return world.calendar_ics(int(found[1])) if found else None
