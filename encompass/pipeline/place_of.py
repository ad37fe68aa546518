"""Where DfE Sign-in says that somebody is, and whether he or she may use the service there."""

from __future__ import annotations

from encompass.domain.sign_in import ANYWHERE, Claims, Place, PlaceKind, SignInRefused
from encompass.gateways.dfe_roles import RoleApi


def place_of(claims: Claims, api: RoleApi | None, roles: frozenset[str]) -> Place | SignInRefused:
    """The place that the token's organisation is, for whoever has one of the roles there. Raises Unavailable.

    Without a role API the provider says nothing of places. An organisation with a URN is that one school; one without
    is no school. Being there opens nothing: the Key Adult register must hold the person too.
    """
    if api is None:
        return ANYWHERE
    organisation = claims.organisation
    if organisation is None:
        return SignInRefused("no_organisation")
    held = api.roles_of(organisation.organisation_id, claims.subject)
    if held is None or not held & roles:
        return SignInRefused("no_access")
    if organisation.urn is None:
        return Place(PlaceKind.OFFICE)
    return Place(PlaceKind.SCHOOL, organisation.urn)
