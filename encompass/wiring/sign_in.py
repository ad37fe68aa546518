"""What sign-in asks for: who comes back from an identity provider, and whose session it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from encompass.domain.access import AskedTooOften, Audience, AwaitingSecondFactor, Viewer
from encompass.domain.second_factor import CodeRefused, Enrolment, SteppedUp
from encompass.domain.sign_in import (
    Choice,
    Claims,
    Door,
    NeedsBinding,
    NeedsChoice,
    OfForce,
    Place,
    SignedIn,
    SignInRefused,
    SignInStart,
    SignInUnavailable,
    force_of,
)
from encompass.gateways.dfe_roles import RoleApi, RoleApiAddress
from encompass.gateways.failures import Refused, Unavailable
from encompass.gateways.identity import ORGANISATION, IdentityAddress, IdentityProvider
from encompass.pipeline import second_factor
from encompass.pipeline import sign_in as signing_in
from encompass.pipeline.pace_pages import address_may_ask, forget_askers
from encompass.pipeline.place_of import place_of
from encompass.settings import IdentitySettings, StaffIdentitySettings
from encompass.store.database import Role
from encompass.wiring.installation import Installation

SCHOOLS = Door(Audience.SCHOOL)


class SignInCalls(Installation):
    """What sign-in asks for."""

    @cached_property
    def _providers(self) -> Mapping[Door, IdentityProvider]:
        school = self._address(SCHOOLS, self.settings.identity.school)
        if self.settings.identity.school.role_api is not None:
            school = replace(school, scope=f"{school.scope} {ORGANISATION}")
        staff = {
            door: replace(self._address(door, named), tenant=str(named.tenant))
            for door, named in self._staff_settings.items()
        }
        return {door: IdentityProvider(address) for door, address in {SCHOOLS: school, **staff}.items()}

    @property
    def _staff_settings(self) -> Mapping[Door, StaffIdentitySettings]:
        """The provider of several forces' staff, if there is one, and those of forces that have their own."""
        shared, forces = self.settings.identity.staff, self.settings.forces.items()
        own = {Door(Audience.STAFF, f): s.staff.identity for f, s in forces if s.staff.identity is not None}
        return own if shared is None else {Door(Audience.STAFF): shared, **own}

    def _address(self, door: Door, provider: IdentitySettings) -> IdentityAddress:
        return IdentityAddress(
            issuer=provider.issuer,
            client_id=provider.client_id,
            client_secret=provider.client_secret.get_secret_value(),
            redirect_uri=f"{self.settings.web.base_url}{door.path}/callback",
        )

    @cached_property
    def _role_api(self) -> RoleApi | None:
        school = self.settings.identity.school
        if school.role_api is None:
            return None
        api = school.role_api
        secret = api.secret.get_secret_value()
        return RoleApi(RoleApiAddress(api.url, api.service_id, school.client_id, secret))

    @property
    def _session_rules(self) -> signing_in.SessionRules:
        web = self.settings.web
        return signing_in.SessionRules(
            timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours), web.requests_per_minute
        )

    def staff_doors(self) -> Mapping[Door, str]:
        """Where staff may sign in, each with the names of the forces whose it is."""
        forces = self.settings.forces
        sharing = ", ".join(sorted(s.name for s in forces.values() if s.staff.identity is None))
        return {d: forces[d.force_id].name if d.force_id else sharing for d in self._staff_settings}

    def begin_sign_in(self, door: Door) -> SignInStart:
        """Where to send the browser, and what to remember until it comes back. Raises SignInUnavailable."""
        forget_askers(self.database.engine(Role.SIGN_IN))
        try:
            return self._providers[door].begin()
        except (Unavailable, Refused) as why:
            raise SignInUnavailable(str(why)) from None

    def complete_school(
        self, start: SignInStart, code: str, state: str
    ) -> SignedIn | NeedsChoice | NeedsBinding | SignInRefused:
        """Turn the schools' provider's answer into a session. Raises SignInUnavailable."""
        at = self._vouched_at(start, code, state)
        if isinstance(at, SignInRefused):
            return at
        engine, now = self.database.engine(Role.SIGN_IN), self.clock.now()
        return signing_in.sign_in_school(engine, self._session_rules, *at, now)

    def complete_for_code(self, start: SignInStart, code: str, state: str) -> NeedsBinding | SignInRefused:
        """Let whoever the provider vouches for try a one-time code, bound already or not. Raises SignInUnavailable."""
        at = self._vouched_at(start, code, state)
        if isinstance(at, SignInRefused):
            return at
        return signing_in.begin_binding(self.database.engine(Role.SIGN_IN), *at)

    def complete_staff(
        self, door: Door, start: SignInStart, code: str, state: str
    ) -> SignedIn | SignInRefused:
        """Turn a staff provider's answer into a session. Raises SignInUnavailable."""
        claims = self._vouched(door, start, code, state)
        if isinstance(claims, SignInRefused):
            return claims
        force_id = door.force_id or force_of(claims, self._forces_by_claim)
        if force_id is None:
            return SignInRefused("no_force")
        engine, now = self.database.engine(Role.SIGN_IN), self.clock.now()
        return signing_in.sign_in_staff(engine, self._session_rules, force_id, claims, now)

    @property
    def _forces_by_claim(self) -> Mapping[str, OfForce]:
        """The forces that share a provider: one with its own is never named by another's token."""
        return {
            force_id: OfForce(force.staff.claim, force.staff.value or force_id)
            for force_id, force in self.settings.forces.items()
            if force.staff.identity is None
        }

    def _vouched_at(self, start: SignInStart, code: str, state: str) -> tuple[Claims, Place] | SignInRefused:
        """Who it is and where, as the schools' provider says."""
        claims = self._vouched(SCHOOLS, start, code, state)
        if isinstance(claims, SignInRefused):
            return claims
        api = self.settings.identity.school.role_api
        try:
            place = place_of(claims, self._role_api, frozenset(api.roles if api else ()))
        except (Unavailable, Refused) as why:
            raise SignInUnavailable(str(why)) from None
        return place if isinstance(place, SignInRefused) else (claims, place)

    def _vouched(self, door: Door, start: SignInStart, code: str, state: str) -> Claims | SignInRefused:
        try:
            return self._providers[door].complete(start, code, state)
        except Refused as why:
            return SignInRefused(str(why))
        except Unavailable as why:
            raise SignInUnavailable(str(why)) from None

    def bind_key_adult(self, binding_ticket: str, code: str) -> SignedIn | SignInRefused:
        """Bind an identity to the Key Adult register by a one-time code, and sign in."""
        return signing_in.bind_key_adult(
            self.database.engine(Role.SIGN_IN),
            self.ring,
            self._session_rules,
            self.settings.forces,
            binding_ticket,
            code,
            self.clock.now(),
        )

    def read_choices(self, ticket: str) -> tuple[Choice, ...]:
        """The schools and offices that the ticket's person may sign in for; none when the ticket is too old."""
        return signing_in.read_choices(self.database.engine(Role.SIGN_IN), ticket, self.clock.now())

    def choose(self, ticket: str, key_adult_id: UUID) -> SignedIn | SignInRefused:
        """Sign in for one of several schools or offices."""
        engine, now = self.database.engine(Role.SIGN_IN), self.clock.now()
        return signing_in.choose(engine, self._session_rules, ticket, key_adult_id, now)

    def read_enrolment(self, waiting: AwaitingSecondFactor) -> Enrolment | None:
        """What goes into an authenticator, as long as no code has confirmed it."""
        engine = self.database.engine(Role.SIGN_IN)
        return second_factor.read_enrolment(engine, self.ring, waiting.session_token, waiting.name)

    def try_second_factor(self, waiting: AwaitingSecondFactor, code: str) -> SteppedUp | CodeRefused:
        """Step the session up by a code of the second factor."""
        engine = self.database.engine(Role.SIGN_IN)
        return second_factor.try_code(engine, self.ring, waiting.session_token, code, self.clock.now())

    def sign_out(self, session_token: str) -> None:
        """End the session at once."""
        signing_in.sign_out(self.database.engine(Role.SIGN_IN), session_token)

    def address_may_ask(self, address: str) -> bool:
        """Count a request from an address without a session; False where it has asked too often."""
        web, engine = self.settings.web, self.database.engine(Role.SIGN_IN)
        key = web.secret_key.get_secret_value().encode()
        return address_may_ask(engine, web.address_requests_per_minute, key, address)

    def viewer(self, session_token: str) -> Viewer | AwaitingSecondFactor | AskedTooOften | None:
        """Whose session this is, its request counted; None when unknown, expired or revoked."""
        return signing_in.read_viewer(self.database.engine(Role.SIGN_IN), self._session_rules, session_token)
