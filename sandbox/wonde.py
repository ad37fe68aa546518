"""Wonde's API as the schools that come through it would be served: pages, a token, and a limit on how fast."""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.world import World

MOST_A_SECOND = 20


def wonde(world: World, token: str) -> Flask:
    """The API's application. Nobody's record changed since anything, and nobody was deleted."""
    app = Flask("sandbox.wonde")
    asked: list[float] = []

    @app.before_request
    def guard() -> Response | None:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not secrets.compare_digest(presented, token):
            abort(401)
        now = time.monotonic()
        asked[:] = [at for at in asked if now - at < 1]
        if len(asked) >= MOST_A_SECOND:
            return Response(status=429, headers={"Retry-After": "1"})
        asked.append(now)
        return None

    @app.get("/v1.0/schools/<school_id>/students")
    def students(school_id: str) -> ResponseReturnValue:
        try:
            found = [] if "updated_after" in request.args else world.wonde_students(school_id)
        except KeyError:
            abort(404)
        return _page(found)

    @app.get("/v1.0/schools/<school_id>/deletions")
    def deletions(school_id: str) -> ResponseReturnValue:
        return _page([])

    return app


def _page(found: list[dict[str, Any]]) -> ResponseReturnValue:
    size, page = int(request.args.get("per_page", "50")), int(request.args.get("page", "1"))
    more = page * size < len(found)
    query = {**request.args.to_dict(), "page": str(page + 1)}
    following = f"{request.base_url}?{'&'.join(f'{k}={v}' for k, v in query.items())}"
    pagination = {"next": following if more else None, "previous": None, "more": more, "per_page": size}
    return jsonify(data=found[(page - 1) * size : page * size], meta={"pagination": pagination})
