"""A real OpenID Connect provider with two issuers, code flow, PKCE S256, nonce: as DfE Sign-in and as Entra ID.

The schools' one asks which organisation it is, where a person has several, and has the role API beside it; the staff's
one names a tenant, an object id and whether somebody is a guest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, abort, jsonify, redirect, render_template_string, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.organisations import Organisation, organisations_of, role_api
from sandbox.state import folder, write_private
from sandbox.world import Person, StaffPerson

SERVICE = "encompass-school"
ROLE = "encompass-key-adult"
CODE_SECONDS = 60
TOKEN_SECONDS = 300
LOGIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Fictional sign-in</title>
<style>body{font:1.1rem/1.5 sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin-top:1rem}input:not([type=radio]){font:inherit;width:100%;padding:.4rem;box-sizing:border-box}
button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem}</style></head><body><main>
<h1>Fictional sign-in ({{ path }})</h1>{% if wrong %}<p role="alert">Wrong name or password.</p>{% endif %}
<form method="post"><input type="hidden" name="ticket" value="{{ ticket }}">
{% for o in organisations %}
<label><input type="radio" name="organisation" value="{{ o.id }}" required> {{ o.name }}</label>
{% else %}
<label for="u">User name</label>
<input id="u" name="username" autocomplete="username" required>
<label for="p">Password</label>
<input id="p" name="password" type="password" autocomplete="current-password" required>
{% endfor %}
<button>Sign in</button></form></main></body></html>"""


@dataclass(frozen=True)
class Client:
    """Encompass, as one of the issuers knows it, and who can sign in there, by user name.

    `tenant` is Entra's, of an issuer of staff; the issuer's path is then as Entra's is.
    """

    path: str
    client_id: str
    client_secret: str
    redirect_uri: str
    people: dict[str, Person | StaffPerson]
    tenant: str | None = None


def client_of_tenant(
    tenant: str, client_id: str, secret: str, redirect_uri: str, people: Iterable[StaffPerson]
) -> Client:
    """Encompass as an Entra tenant knows it."""
    return Client(f"{tenant}/v2.0", client_id, secret, redirect_uri, {p.username: p for p in people}, tenant)


@dataclass(frozen=True)
class _Asked:
    client: Client
    state: str
    nonce: str
    challenge: str
    expires: float
    person: Person | None = None
    organisations: tuple[Organisation, ...] = ()


@dataclass(frozen=True)
class _Granted:
    asked: _Asked
    person: Person | StaffPerson
    organisation: Organisation | None
    expires: float


class _Desk:
    """What the provider remembers between the steps of a sign-in; each thing is used once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: dict[str, _Asked] = {}
        self._codes: dict[str, _Granted] = {}

    def ticket(self, asked: _Asked) -> str:
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._tickets[ticket] = asked
        return ticket

    def asked(self, ticket: str) -> _Asked | None:
        with self._lock:
            found = self._tickets.pop(ticket, None)
        return found if found and found.expires > time.monotonic() else None

    def code(self, granted: _Granted) -> str:
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = granted
        return code

    def granted(self, code: str) -> _Granted | None:
        with self._lock:
            found = self._codes.pop(code, None)
        return found if found and found.expires > time.monotonic() else None


def identity_provider(var: Path, base_url: str, known: Iterable[Client], role_api_secret: str) -> Flask:
    """The provider's application: one issuer for each client."""
    app, desk, key = Flask("sandbox.identity_provider"), _Desk(), _signing_key(var)
    clients = {c.path: c for c in known}
    _discovery_routes(app, key, base_url, clients)
    _sign_in_routes(app, var, desk, clients)
    _token_route(app, desk, key, base_url, clients)
    school = clients["school"]
    everybody = [p for p in school.people.values() if isinstance(p, Person)]
    app.register_blueprint(role_api(var, school.client_id, role_api_secret, everybody))
    return app


def _discovery_routes(app: Flask, key: ECKey, base_url: str, clients: dict[str, Client]) -> None:
    @app.get("/<path:path>/.well-known/openid-configuration")
    def discovery(path: str) -> ResponseReturnValue:
        issuer = f"{base_url}/{_client(clients, path).path}"
        return jsonify(
            issuer=issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/jwks",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["ES256"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
            code_challenge_methods_supported=["S256"],
        )

    @app.get("/<path:path>/jwks")
    def jwks(path: str) -> ResponseReturnValue:
        _client(clients, path)
        return jsonify(keys=[key.as_dict(private=False)])


def _sign_in_routes(app: Flask, var: Path, desk: _Desk, clients: dict[str, Client]) -> None:
    @app.get("/<path:path>/authorize")
    def ask(path: str) -> ResponseReturnValue:
        client, query = _client(clients, path), request.args
        known = (
            query.get("client_id") == client.client_id and query.get("redirect_uri") == client.redirect_uri
        )
        fits = query.get("response_type") == "code" and query.get("code_challenge_method") == "S256"
        wanted = [query.get(name, "") for name in ("state", "nonce", "code_challenge")]
        if not (known and fits and all(wanted) and "openid" in query.get("scope", "").split()):
            abort(400)
        asked = _Asked(client, *wanted, time.monotonic() + 600)
        return _page(path, desk.ticket(asked), wrong=False)

    @app.post("/<path:path>/authorize")
    def log_in(path: str) -> ResponseReturnValue:
        asked, client = desk.asked(request.form.get("ticket", "")), _client(clients, path)
        if asked is None or asked.client is not client:
            abort(400)
        if asked.person is not None:
            return _chosen(desk, asked, asked.person)
        person = client.people.get(request.form.get("username", ""))
        if person is None or not secrets.compare_digest(person.password, request.form.get("password", "")):
            return _page(path, desk.ticket(asked), wrong=True), 401
        if isinstance(person, StaffPerson):
            return _sent_back(desk, asked, person, None)
        organisations = organisations_of(var, person)
        if len(organisations) > 1:
            known = replace(asked, person=person, organisations=organisations)
            return _page(path, desk.ticket(known), wrong=False, organisations=organisations)
        return _sent_back(desk, asked, person, organisations[0] if organisations else None)


def _chosen(desk: _Desk, asked: _Asked, person: Person) -> ResponseReturnValue:
    """Back with the organisation that the person chose."""
    wanted = request.form.get("organisation")
    found = next((o for o in asked.organisations if o.id == wanted), None)
    return _sent_back(desk, asked, person, found) if found else abort(400)


def _sent_back(
    desk: _Desk, asked: _Asked, person: Person | StaffPerson, organisation: Organisation | None
) -> ResponseReturnValue:
    code = desk.code(_Granted(asked, person, organisation, time.monotonic() + CODE_SECONDS))
    return redirect(f"{asked.client.redirect_uri}?{urlencode({'code': code, 'state': asked.state})}", 303)


def _token_route(app: Flask, desk: _Desk, key: ECKey, base_url: str, clients: dict[str, Client]) -> None:
    @app.post("/<path:path>/token")
    def token(path: str) -> ResponseReturnValue:
        client, who = _client(clients, path), request.authorization
        secret = who.password if who and who.username == client.client_id else None
        if not secret or not secrets.compare_digest(secret, client.client_secret):
            return jsonify(error="invalid_client"), 401
        granted = desk.granted(request.form.get("code", ""))
        if granted is None or not _fits(granted, client):
            return jsonify(error="invalid_grant"), 400
        id_token = _id_token(f"{base_url}/{path}", granted, key)
        return jsonify(
            access_token=secrets.token_urlsafe(24),
            token_type="Bearer",
            expires_in=TOKEN_SECONDS,
            id_token=id_token,
        )


def _fits(granted: _Granted, client: Client) -> bool:
    hashed = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    return (
        granted.asked.client is client
        and request.form.get("grant_type") == "authorization_code"
        and request.form.get("redirect_uri") == client.redirect_uri
        and secrets.compare_digest(challenge, granted.asked.challenge)
    )


def _id_token(issuer: str, granted: _Granted, key: ECKey) -> str:
    now, person = int(time.time()), granted.person
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": granted.asked.client.client_id,
        "sub": person.subject,
        "iat": now,
        "auth_time": now,
        "exp": now + TOKEN_SECONDS,
        "nonce": granted.asked.nonce,
        "email": person.email,
    }
    if isinstance(person, StaffPerson):
        client = granted.asked.client
        claims |= {"tid": client.tenant, "oid": person.subject, "acct": int(person.is_guest)}
        claims |= {"sub": _pairwise(client.client_id, person.subject)}
        claims |= {"roles": list(person.roles), "force": person.force}
    elif granted.organisation is not None:
        claims["organisation"] = granted.organisation.claim()
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


def _pairwise(client_id: str, subject: str) -> str:
    """Entra's `sub` is another for every application."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{client_id}|{subject}".encode()).digest()).decode()


def _client(clients: dict[str, Client], path: str) -> Client:
    return clients[path] if path in clients else abort(404)


def _page(path: str, ticket: str, *, wrong: bool, organisations: tuple[Organisation, ...] = ()) -> str:
    return render_template_string(
        LOGIN_PAGE, path=path, ticket=ticket, wrong=wrong, organisations=organisations
    )


def _signing_key(var: Path) -> ECKey:
    file = folder(var) / "identity_key.json"
    if not file.exists():
        fresh = ECKey.generate_key("P-256", parameters={"alg": "ES256", "use": "sig"}, auto_kid=True)
        write_private(file, json.dumps(fresh.as_dict(private=True)))
    return ECKey.import_key(json.loads(file.read_text("utf-8")))
