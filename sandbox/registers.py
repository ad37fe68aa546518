"""The partnership's registers over HTTP: GIAS, rolls, Key Adults, closed days."""

from __future__ import annotations

import hashlib
import secrets

from flask import Flask, Response, abort, request

from sandbox.world import World


def registers(world: World, token: str) -> Flask:
    """The registers' application."""
    app = Flask("sandbox.registers")

    @app.before_request
    def guard() -> None:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not secrets.compare_digest(presented, token):
            abort(401)

    @app.get("/gias/edubasealldata.csv")
    def gias() -> Response:
        return _file(world.gias_csv(), "windows-1252")

    @app.get("/rolls/<la_code>/pupils.csv")
    def roll(la_code: str) -> Response:
        if la_code not in world.la_codes:
            abort(404)
        return _file(world.pupils_csv(la_code))

    @app.get("/key-adults.csv")
    def key_adults() -> Response:
        return _file(world.key_adults_csv())

    @app.get("/school-days.csv")
    def school_days() -> Response:
        return _file(world.school_days_csv())

    return app


def _file(raw: bytes, charset: str = "utf-8") -> Response:
    answer = Response(raw, content_type=f"text/csv; charset={charset}")
    answer.headers["X-Content-SHA256"] = hashlib.sha256(raw).hexdigest()
    return answer
