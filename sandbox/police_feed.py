"""Riverbend's incident feed over HTTP: its manifest, and pages of records in its own shape."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from datetime import datetime
from typing import Any

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.world import World
from sandbox.world.police_exports import riverbend_record

TOKEN_SECONDS = 3600
CLIENT_ID = "encompass"


def police_feed(world: World, client_secret: str) -> Flask:
    """The feed's application."""
    app = Flask("sandbox.police_feed")
    tokens: dict[str, float] = {}

    @app.post("/oauth2/token")
    def token() -> ResponseReturnValue:
        who = request.authorization
        if (
            who is None
            or who.username != CLIENT_ID
            or not secrets.compare_digest(who.password or "", client_secret)
        ):
            return jsonify(error="invalid_client"), 401
        if request.form.get("grant_type") != "client_credentials":
            return jsonify(error="unsupported_grant_type"), 400
        issued = secrets.token_urlsafe(32)
        tokens[issued] = time.monotonic() + TOKEN_SECONDS
        return jsonify(access_token=issued, token_type="Bearer", expires_in=TOKEN_SECONDS)

    @app.before_request
    def guard() -> None:
        if not request.path.startswith("/v1/"):
            return
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or tokens.get(presented, 0) < time.monotonic():
            abort(401)
        if world.is_absent:
            abort(503)

    @app.get("/v1/manifest")
    def manifest() -> ResponseReturnValue:
        served = _served(world, _instant("updated_from"), _instant("updated_to"))
        digests = sorted(hashlib.sha256(_canonical(riverbend_record(r))).hexdigest() for r in served)
        return jsonify(
            contract_version="1.0",
            force="riverbend",
            updated_from=request.args["updated_from"],
            updated_to=request.args["updated_to"],
            count=len(served) + (world.withheld if served else 0),
            sha256=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        )

    @app.get("/v1/incidents")
    def incidents() -> ResponseReturnValue:
        served = _served(world, _instant("updated_from"), _instant("updated_to"))
        size, start = int(request.args.get("page_size", "50")), int(request.args.get("cursor", "0"))
        following = start + size
        page = {
            "records": [riverbend_record(r) for r in served[start:following]],
            "next": str(following) if following < len(served) else None,
        }
        return app.response_class(json.dumps(page), mimetype="application/json")

    return app


def _served(world: World, updated_from: datetime, updated_to: datetime) -> list[dict[str, Any]]:
    """The window's records in update order, then those served twice."""
    return [
        r
        for r in (*world.records, *world.duplicates)
        if updated_from <= datetime.fromisoformat(r["updated_at"]) < updated_to
    ]


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _instant(name: str) -> datetime:
    try:
        return datetime.fromisoformat(request.args[name])
    except (KeyError, ValueError):
        abort(400)
