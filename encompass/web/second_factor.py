"""The second factor: set up once with an authenticator, then a code at every sign-in."""

from __future__ import annotations

import segno
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from encompass.domain.second_factor import CodeFault, CodeRefused, SteppedUp
from encompass.web.access_rules import awaiting_second_factor, for_second_factor
from encompass.web.catalogue import gettext
from encompass.web.parts import encompass_of, set_session

blueprint = Blueprint("second_factor", __name__)


@blueprint.get("/second-factor")
@for_second_factor
def ask() -> ResponseReturnValue:
    """The key for an authenticator the first time, then a code of it."""
    return _page(None)


@blueprint.post("/second-factor")
@for_second_factor
def answer() -> ResponseReturnValue:
    """Try a code: the session goes on under a new token."""
    outcome = encompass_of().try_second_factor(awaiting_second_factor(), request.form.get("code", ""))
    match outcome:
        case SteppedUp(token):
            gone_on = make_response(redirect(url_for("school.inbox")))
            set_session(gone_on, token)
            return gone_on
        case CodeRefused(CodeFault.ENDED):
            return redirect(url_for("sign_in.start_page", ended=1))
        case CodeRefused():
            return _page(_fault(outcome)), 422


def _page(fault: str | None) -> str:
    """The page to set up an authenticator, or the one that asks for a code."""
    waiting = awaiting_second_factor()
    enrolment = encompass_of().read_enrolment(waiting)
    if enrolment is None:
        return render_template("second_factor.html", waiting=waiting, fault=fault)
    groups = [enrolment.key[at : at + 4] for at in range(0, len(enrolment.key), 4)]
    return render_template(
        "enrol.html", waiting=waiting, fault=fault, groups=groups, picture=_picture(enrolment.address)
    )


def _picture(address: str) -> Markup:
    """A QR code as SVG without a style or a script, as the content security policy wants it."""
    drawn = segno.make(address, micro=False, error="m")
    return Markup(  # noqa: S704 - the library's own drawing; the address is only dots in it
        drawn.svg_inline(
            border=4, dark="#0b0c0c", light="#ffffff", svgclass="app-qr", lineclass=None, omitsize=True
        )
    )


def _fault(refused: CodeRefused) -> str:
    match refused.fault:
        case CodeFault.LOCKED:
            return gettext(
                "Too many wrong codes. Wait %(minutes)s minutes, then try again.", minutes=refused.minutes
            )
        case CodeFault.USED:
            return gettext("That code has been used. Wait for the next one, then enter it.")
        case _:
            return gettext("That code is not right. Enter the code that your authenticator app shows now.")
