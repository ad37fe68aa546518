"""Who is told at a school: still the right people, or changed by two."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from encompass.domain.access import NotFound
from encompass.domain.key_adults import OwnContact
from encompass.domain.own_contact import ContactFault
from encompass.web.access_rules import for_school, key_adult_viewer
from encompass.web.parts import contact_asked, encompass_of

blueprint = Blueprint("school_contacts", __name__, url_prefix="/key-adults")
SAID: Final = frozenset({"attested", "asked", "confirmed", "withdrawn"})


@blueprint.get("")
@for_school
def contacts() -> ResponseReturnValue:
    """The Key Adults, and what waits for a second person."""
    said = request.args.get("said")
    return _page(None, said if said in SAID else None)


@blueprint.post("/attest")
@for_school
def attest() -> ResponseReturnValue:
    """They are still the right people."""
    encompass_of().attest(key_adult_viewer())
    return _done("attested")


@blueprint.get("/new")
@for_school
def new() -> ResponseReturnValue:
    """A form for another Key Adult."""
    return _form(None, None)


@blueprint.post("/new")
@for_school
def add() -> ResponseReturnValue:
    """Ask for another Key Adult."""
    fault = encompass_of().add_contact(key_adult_viewer(), request.form.get("role", ""), contact_asked())
    return (_form(None, fault), 422) if fault else _done("asked")


@blueprint.get("/<uuid:key_adult_id>/details")
@for_school
def details(key_adult_id: UUID) -> ResponseReturnValue:
    """A form for a Key Adult's details."""
    return _form(_contact(key_adult_id), None)


@blueprint.post("/<uuid:key_adult_id>/details")
@for_school
def change(key_adult_id: UUID) -> ResponseReturnValue:
    """Ask for other details."""
    fault = encompass_of().change_contact(key_adult_viewer(), key_adult_id, contact_asked())
    return (_form(_contact(key_adult_id), fault), 422) if fault else _done("asked")


@blueprint.post("/<uuid:key_adult_id>/end")
@for_school
def end(key_adult_id: UUID) -> ResponseReturnValue:
    """Ask that somebody is a Key Adult no longer."""
    fault = encompass_of().end_contact(key_adult_viewer(), key_adult_id)
    return (_page(fault, None), 422) if fault else _done("asked")


@blueprint.post("/changes/<uuid:change_id>/confirm")
@for_school
def confirm(change_id: UUID) -> ResponseReturnValue:
    """Confirm what another of the school asked for."""
    encompass_of().confirm_own_change(key_adult_viewer(), change_id)
    return _done("confirmed")


@blueprint.post("/changes/<uuid:change_id>/withdraw")
@for_school
def withdraw(change_id: UUID) -> ResponseReturnValue:
    """Take back what one asked for."""
    encompass_of().withdraw_own_change(key_adult_viewer(), change_id)
    return _done("withdrawn")


def _contact(key_adult_id: UUID) -> OwnContact:
    for contact in encompass_of().read_contacts(key_adult_viewer()).adults:
        if contact.key_adult_id == key_adult_id:
            return contact
    raise NotFound


def _done(said: str) -> ResponseReturnValue:
    return redirect(url_for("school_contacts.contacts", said=said), 303)


def _page(fault: ContactFault | None, said: str | None) -> str:
    viewer = key_adult_viewer()
    page = encompass_of().read_contacts(viewer)
    return render_template("school_contacts.html", viewer=viewer, page=page, fault=fault, said=said)


def _form(contact: OwnContact | None, fault: ContactFault | None) -> str:
    """The details as they were filled in; before that, as they are."""
    shown: dict[str, str] = dict(request.form)
    if not shown and contact is not None:
        entry = contact.entry
        shown = {"full_name": entry.full_name, "email": entry.email, "phone": entry.phone or ""}
    return render_template(
        "school_contact_form.html", viewer=key_adult_viewer(), contact=contact, fault=fault, shown=shown
    )
