"""The organisations of DfE Sign-in's fictional users, and the role API beside it, signed as the real one wants it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from sandbox.state import folder, read_json, write_private
from sandbox.world import NAMESPACE, Person

AUDIENCE = "signin.education.gov.uk"


@dataclass(frozen=True)
class Organisation:
    """An organisation that a user belongs to; without `role` the user may not use the service there."""

    id: str
    name: str
    urn: str | None
    role: str | None = "encompass-key-adult"

    def claim(self) -> dict[str, object]:
        """As the token names it."""
        category = (
            {"id": "001", "name": "Establishment"} if self.urn else {"id": "002", "name": "Local Authority"}
        )
        return {"id": self.id, "name": self.name, "category": category, "urn": self.urn, "ukprn": None}


def school(urn: int, role: str | None = "encompass-key-adult") -> Organisation:
    """A school, as an organisation."""
    return Organisation(str(uuid.uuid5(NAMESPACE, f"organisation {urn}")), f"School {urn}", str(urn), role)


def authority(code: str) -> Organisation:
    """A local authority, as an organisation."""
    return Organisation(str(uuid.uuid5(NAMESPACE, f"authority {code}")), f"Authority {code}", None)


def organisations_of(var: Path, person: Person) -> tuple[Organisation, ...]:
    """A user's organisations: the own school, unless others were set."""
    others = read_json(_file(var)).get(person.username)
    return (school(person.urn),) if others is None else tuple(Organisation(**o) for o in others)


def set_organisations(var: Path, username: str, organisations: Iterable[Organisation]) -> None:
    """Let a user belong to these organisations from now on."""
    write_private(
        _file(var), json.dumps({**read_json(_file(var)), username: [asdict(o) for o in organisations]})
    )


def reset_organisations(var: Path) -> None:
    """Everybody is of the own school again."""
    _file(var).unlink(missing_ok=True)


def role_api(var: Path, client_id: str, secret: str, people: Iterable[Person]) -> Blueprint:
    """What DfE Sign-in's public API says of a user at an organisation; 404 where there is no access."""
    blueprint, by_subject = Blueprint("role_api", __name__), {p.subject: p for p in people}

    @blueprint.get("/api/services/<service>/organisations/<organisation>/users/<user>")
    def access(service: str, organisation: str, user: str) -> ResponseReturnValue:
        if not _is_signed(client_id, secret):
            return jsonify(success=False), 403
        person = by_subject.get(user)
        known = organisations_of(var, person) if person and service == client_id else ()
        found = next((o for o in known if o.id == organisation), None)
        if found is None or found.role is None:
            abort(404)
        role = {"id": "1", "name": found.role, "code": found.role, "numericId": "1", "status": {"id": 1}}
        return jsonify(
            userId=user.upper(),
            serviceId=service,
            organisationId=organisation.upper(),
            roles=[role],
            identifiers=[],
        )

    return blueprint


def _is_signed(client_id: str, secret: str) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        return False
    is_of_client = claims.get("iss") == client_id and claims.get("aud") == AUDIENCE
    return scheme.lower() == "bearer" and is_of_client and claims.get("exp", 0) > time.time()


def _file(var: Path) -> Path:
    return folder(var) / "organisations.json"
