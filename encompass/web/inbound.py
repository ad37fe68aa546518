"""The door for police records that a force pushes to us: signed, whole or refused whole, answered in codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from encompass.domain.push import PushOutcome
from encompass.web.access_rules import for_signed_push
from encompass.web.parts import encompass_of

blueprint = Blueprint("inbound", __name__, url_prefix="/inbound")
STATUS: Final = {
    PushOutcome.TAKEN: HTTPStatus.OK,
    PushOutcome.ALREADY_TAKEN: HTTPStatus.OK,
    PushOutcome.NOT_AS_ANNOUNCED: HTTPStatus.UNPROCESSABLE_ENTITY,
    PushOutcome.MESSAGE_ID_REUSED: HTTPStatus.CONFLICT,
    PushOutcome.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
    PushOutcome.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
}
COME_BACK: Final = {"Retry-After": "60"}
LATER: Final = frozenset({PushOutcome.TOO_MANY, PushOutcome.NOT_READY})


@blueprint.post("/police/<force_id>/incidents")
@for_signed_push
def incidents(force_id: str) -> ResponseReturnValue:
    """A page of incidents with its manifest. The rule has let only what the force signed come here."""
    taken = encompass_of().take_push(force_id, request.headers["webhook-id"], request.get_data())
    answer = {"code": taken.outcome.value, "records": taken.records, "reason": taken.reason}
    headers = COME_BACK if taken.outcome in LATER else {}
    return (
        jsonify({name: value for name, value in answer.items() if value is not None}),
        STATUS[taken.outcome],
        headers,
    )
