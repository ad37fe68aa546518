"""Where a provider of nudges says what became of each. A receipt acknowledges nothing: only a signed-in adult does."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from encompass.web.access_rules import for_provider
from encompass.web.parts import encompass_of

blueprint = Blueprint("receipts", __name__)


@blueprint.post("/receipts/<force_id>")
@for_provider
def receipt(force_id: str) -> ResponseReturnValue:
    """One receipt, of a nudge that we know or do not know yet: both are answered alike, so that it is not repeated."""
    fields = request.get_json(silent=True)
    if not isinstance(fields, dict):
        return "", HTTPStatus.BAD_REQUEST
    encompass_of().take_receipt(force_id, cast(dict[str, object], fields))
    return "", HTTPStatus.NO_CONTENT
