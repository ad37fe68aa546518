"""Signing in with an identity provider, binding by a one-time code, signing out."""

from __future__ import annotations

from dataclasses import asdict
from typing import NoReturn, cast
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from encompass import log
from encompass.domain.access import Audience, AwaitingSecondFactor, KeyAdultViewer, NotFound, StaffViewer
from encompass.domain.sign_in import Door, NeedsBinding, NeedsChoice, SignedIn, SignInRefused, SignInStart
from encompass.web.access_rules import for_school, key_adult_viewer, open_to_all, viewer_of_session
from encompass.web.catalogue import gettext
from encompass.web.parts import cookie_name, encompass_of, session_token, set_session

blueprint = Blueprint("sign_in", __name__)
HOME = {Audience.SCHOOL: "second_factor.ask", Audience.STAFF: "leaders.newest"}


@blueprint.get("/")
@open_to_all
def start_page() -> ResponseReturnValue:
    """Where a person begins; one already signed in goes on."""
    match viewer_of_session():
        case AwaitingSecondFactor():
            return redirect(url_for("second_factor.ask"))
        case KeyAdultViewer():
            return redirect(url_for("school.inbox"))
        case StaffViewer():
            return redirect(url_for("leaders.newest"))
        case None:
            return render_template("start.html", ended=bool(request.args.get("ended")))


@blueprint.get("/sign-in/<audience>")
@open_to_all
def begin(audience: str) -> ResponseReturnValue:
    """Send the browser to the identity provider of schools, or of several forces' staff."""
    return _begun(_door(audience))


@blueprint.get("/sign-in/school/code")
@open_to_all
def begin_with_code() -> ResponseReturnValue:
    """The same, for somebody who has been given a one-time code for another school."""
    answer = _begun(Door(Audience.SCHOOL))
    session["with_code"] = True
    return answer


@blueprint.get("/sign-in/change")
@for_school
def change() -> ResponseReturnValue:
    """How to go on for another school or office: by a new sign-in."""
    return render_template("change.html", viewer=key_adult_viewer())


@blueprint.get("/sign-in/force")
@open_to_all
def which_force() -> ResponseReturnValue:
    """Ask staff of which force they are, where that decides by which provider they sign in."""
    doors = encompass_of().staff_doors()
    if len(doors) == 1:
        return redirect(next(iter(doors)).path)
    return render_template(
        "which_force.html", doors=sorted((name, door.path) for door, name in doors.items())
    )


@blueprint.get("/sign-in/force/<force_id>")
@open_to_all
def begin_at_force(force_id: str) -> ResponseReturnValue:
    """Send the browser to a force's own identity provider."""
    return _begun(_door_of_force(force_id))


@blueprint.get("/sign-in/<audience>/callback")
@open_to_all
def callback(audience: str) -> ResponseReturnValue:
    """The browser is back from the identity provider of schools, or of several forces' staff."""
    return _back_at(_door(audience))


@blueprint.get("/sign-in/force/<force_id>/callback")
@open_to_all
def callback_of_force(force_id: str) -> ResponseReturnValue:
    """The browser is back from a force's own identity provider."""
    return _back_at(_door_of_force(force_id))


def _back_at(door: Door) -> ResponseReturnValue:
    """What came of a sign-in that began at this door, in this browser, and has not come back yet."""
    begun, with_code = (
        cast(dict[str, str] | None, session.pop("start", None)),
        session.pop("with_code", False),
    )
    if begun is None or begun.pop("door", None) != door.path:
        return _refused("no_sign_in_begun")
    answer = SignInStart(**begun), request.args.get("code", ""), request.args.get("state", "")
    if door.audience is Audience.STAFF:
        outcome = encompass_of().complete_staff(door, *answer)
    elif with_code:
        outcome = encompass_of().complete_for_code(*answer)
    else:
        outcome = encompass_of().complete_school(*answer)
    match outcome:
        case SignedIn():
            return _signed_in(outcome)
        case NeedsBinding(ticket):
            session["ticket"] = ticket
            return redirect(url_for("sign_in.bind"))
        case NeedsChoice(ticket):
            session["ticket"] = ticket
            return redirect(url_for("sign_in.choose"))
        case SignInRefused(reason):
            return _refused(reason)


@blueprint.get("/sign-in/bind")
@open_to_all
def bind() -> ResponseReturnValue:
    """Ask for the one-time code."""
    if "ticket" not in session:
        return redirect(url_for("sign_in.start_page"))
    return render_template("bind.html", fault=None)


@blueprint.post("/sign-in/bind")
@open_to_all
def bind_with_code() -> ResponseReturnValue:
    """Try the one-time code."""
    if "ticket" not in session:
        return redirect(url_for("sign_in.start_page"))
    outcome = encompass_of().bind_key_adult(session["ticket"], request.form.get("code", ""))
    if isinstance(outcome, SignedIn):
        return _signed_in(outcome)
    if outcome.reason == "ticket_spent":
        session.clear()
        return _refused(outcome.reason)
    return render_template("bind.html", fault=_fault(outcome.reason)), 422


@blueprint.get("/sign-in/choose")
@open_to_all
def choose() -> ResponseReturnValue:
    """Ask which school or office it is today."""
    choices = encompass_of().read_choices(session.get("ticket", ""))
    if not choices:
        return redirect(url_for("sign_in.start_page"))
    return render_template("choose.html", choices=choices, fault=None)


@blueprint.post("/sign-in/choose")
@open_to_all
def choose_one() -> ResponseReturnValue:
    """Go on for the one chosen."""
    ticket = session.get("ticket", "")
    try:
        outcome = encompass_of().choose(ticket, UUID(request.form.get("of", "")))
    except ValueError:
        fault = gettext("Select the school or office that you are signing in for")
        choices = encompass_of().read_choices(ticket)
        return render_template("choose.html", choices=choices, fault=fault), 422
    return _signed_in(outcome) if isinstance(outcome, SignedIn) else _refused(outcome.reason)


@blueprint.post("/sign-out")
@open_to_all
def sign_out() -> ResponseReturnValue:
    """End the session, and have the browser forget all it kept."""
    token = session_token()
    if token:
        encompass_of().sign_out(token)
    session.clear()
    answer = make_response(redirect(url_for("sign_in.start_page")))
    answer.delete_cookie(cookie_name(), path="/")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@blueprint.get("/health")
@open_to_all
def health() -> ResponseReturnValue:
    """For a load balancer; holds nothing."""
    return Response("ok\n", mimetype="text/plain")


def _begun(door: Door) -> ResponseReturnValue:
    """The way to the identity provider, and in the browser's cookie what must come back from there."""
    start = encompass_of().begin_sign_in(door)
    session.clear()
    session.permanent = True
    session["start"] = {"door": door.path, **asdict(start)}
    return redirect(start.url)


def _fault(reason: str) -> str:
    if reason == "code_of_another_place":
        return gettext("That code is for another school than the one that you chose when you signed in.")
    return gettext("That code is not right, has been used or is too old. Check it and try again.")


def _signed_in(outcome: SignedIn) -> ResponseReturnValue:
    """A new session under a new token; one that the browser had before ends."""
    before = session_token()
    if before:
        encompass_of().sign_out(before)
    session.clear()
    answer = make_response(redirect(url_for(HOME[outcome.audience])))
    set_session(answer, outcome.session_token)
    return answer


def _refused(reason: str) -> ResponseReturnValue:
    log.get_logger().warning("sign_in_refused", reason=reason)
    return render_template("refused.html", reason=reason), 403


def _door(audience: str) -> Door:
    if audience == Audience.SCHOOL.value:
        return Door(Audience.SCHOOL)
    return _staff_door(Door(Audience.STAFF)) if audience == Audience.STAFF.value else _nowhere()


def _door_of_force(force_id: str) -> Door:
    return _staff_door(Door(Audience.STAFF, force_id))


def _staff_door(door: Door) -> Door:
    return door if door in encompass_of().staff_doors() else _nowhere()


def _nowhere() -> NoReturn:
    raise NotFound
