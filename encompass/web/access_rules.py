"""Deny by default: every view says who may use it, and one without a rule is refused."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Final, TypeVar, cast

from flask import Flask, abort, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge, SecurityError, TooManyRequests

from encompass.domain.access import (
    AskedTooOften,
    Audience,
    AwaitingSecondFactor,
    KeyAdultViewer,
    StaffViewer,
    Viewer,
    may_read_notifications,
    may_read_report,
)
from encompass.web.parts import encompass_of, session_token

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
RULE: Final = "access_rule"
LARGEST_PUSH: Final = 8 << 20
COME_BACK_S: Final = 30
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ELSEWHERE: Final = frozenset({"same-site", "cross-site"})
"""From whose pages a browser says that a form was sent, where they are not ours."""
UNCOUNTED: Final = frozenset({"static", "sign_in.health"})
"""Open to all, and asks the database for nothing."""


class Rule(StrEnum):
    """Who may use a view."""

    OPEN = "open"
    SECOND_FACTOR = "second_factor"
    SCHOOL = "school"
    LEADERS = "leaders"
    PROVIDER = "provider"
    SIGNED_PUSH = "signed_push"


def open_to_all(view: View) -> View:
    """Anyone, signed in or not: holds no data."""
    setattr(view, RULE, Rule.OPEN)
    return view


def for_second_factor(view: View) -> View:
    """People of schools and offices who have signed in, and whose second factor is still to come."""
    setattr(view, RULE, Rule.SECOND_FACTOR)
    return view


def for_school(view: View) -> View:
    """Key Adults of a school or office."""
    setattr(view, RULE, Rule.SCHOOL)
    return view


def for_leaders(view: View) -> View:
    """Leaders of a force."""
    setattr(view, RULE, Rule.LEADERS)
    return view


def for_provider(view: View) -> View:
    """The provider of the nudges of the force that the address names, by its token."""
    setattr(view, RULE, Rule.PROVIDER)
    return view


def for_signed_push(view: View) -> View:
    """The systems of the force that the address names, by a signature over every message."""
    setattr(view, RULE, Rule.SIGNED_PUSH)
    return view


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """The rule of a route."""
    if endpoint == "static":
        return Rule.OPEN
    return cast(Rule | None, getattr(app.view_functions[endpoint], RULE, None))


def guard(app: Flask) -> None:
    """Refuse every request that its view's rule does not allow. Unknown and forbidden look alike."""

    @app.before_request
    def _() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        g.viewer = None
        if isinstance(request.routing_exception, SecurityError):
            return (
                "This address is not one of ours.\n",
                HTTPStatus.BAD_REQUEST,
                {"Content-Type": "text/plain"},
            )
        if request.method not in READING and request.headers.get("Sec-Fetch-Site") in ELSEWHERE:
            abort(403)
        rule = rule_of(app, request.endpoint) if request.endpoint else None
        if rule is None:
            abort(404)
        if rule is Rule.OPEN:
            return None if request.endpoint in UNCOUNTED else _count_address()
        if rule is Rule.PROVIDER:
            return None if _is_provider() else abort(404)
        if rule is Rule.SIGNED_PUSH:
            return _unsigned()
        return _of_session(rule)


def _of_session(rule: Rule) -> ResponseReturnValue | None:
    """The refusal for whoever has no session that the rule allows; None lets in."""
    g.viewer = viewer = viewer_of_session()
    if viewer is None:
        _count_address()
        if session_token():
            return redirect(url_for("sign_in.start_page", ended=1))
        of_schools = url_for("sign_in.begin", audience=Audience.SCHOOL.value)
        return redirect(url_for("sign_in.which_force") if rule is Rule.LEADERS else of_schools)
    if isinstance(viewer, AwaitingSecondFactor):
        return None if rule is Rule.SECOND_FACTOR else redirect(url_for("second_factor.ask"))
    if rule is Rule.SECOND_FACTOR:
        return redirect(url_for("sign_in.start_page"))
    allowed = may_read_notifications(viewer) if rule is Rule.SCHOOL else may_read_report(viewer)
    return None if allowed else abort(404)


def viewer_of_session() -> Viewer | AwaitingSecondFactor | None:
    """Whose session the browser has, if it has one. Raises TooManyRequests."""
    token = session_token()
    found = encompass_of().viewer(token) if token else None
    if isinstance(found, AskedTooOften):
        raise TooManyRequests(retry_after=COME_BACK_S)
    return found


def _count_address() -> None:
    """Count a request without a session. Raises TooManyRequests."""
    if not encompass_of().address_may_ask(request.remote_addr or ""):
        raise TooManyRequests(retry_after=COME_BACK_S)


def awaiting_second_factor() -> AwaitingSecondFactor:
    """The person whose second factor is still to come, whom the rule let in."""
    return cast(AwaitingSecondFactor, g.viewer)


def key_adult_viewer() -> KeyAdultViewer:
    """The Key Adult whom the rule let in."""
    return cast(KeyAdultViewer, g.viewer)


def staff_viewer() -> StaffViewer:
    """The leader whom the rule let in."""
    return cast(StaffViewer, g.viewer)


def _is_provider() -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    force_id = str((request.view_args or {}).get("force_id"))
    return scheme == "Bearer" and encompass_of().is_provider(force_id, token)


def _unsigned() -> ResponseReturnValue | None:
    """The refusal of a push that is too large, or that the force did not sign just now; None for a good one.

    A force that pushes nothing is answered like a wrong signature, so that nobody learns which force does.
    """
    request.max_content_length = LARGEST_PUSH
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        return jsonify(code="too_large"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    force_id = str((request.view_args or {}).get("force_id"))
    if encompass_of().push_is_signed(force_id, dict(request.headers), body):
        return None
    return jsonify(code="not_verified"), HTTPStatus.UNAUTHORIZED
