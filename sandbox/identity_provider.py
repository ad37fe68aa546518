"""A real OpenID Connect provider with two issuers, for schools and for staff: code flow, PKCE S256, nonce."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, abort, jsonify, redirect, render_template_string, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.state import folder, write_private
from sandbox.world import Person, StaffPerson

CODE_SECONDS = 60
TOKEN_SECONDS = 300
LOGIN_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Fictional sign-in</title>
<style>body{font:1.1rem/1.5 sans-serif;max-width:30rem;margin:2rem auto;padding:0 1rem}
label{display:block;margin-top:1rem}input{font:inherit;width:100%;padding:.4rem;box-sizing:border-box}
button{font:inherit;margin-top:1.5rem;padding:.5rem 1.5rem}</style></head><body><main>
<h1>Fictional sign-in ({{ tenant }})</h1>{% if wrong %}<p role="alert">Wrong name or password.</p>{% endif %}
<form method="post"><input type="hidden" name="ticket" value="{{ ticket }}">
<label for="u">User name</label><input id="u" name="username" autocomplete="username" required>
<label for="p">Password</label><input id="p" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button></form></main></body></html>"""


@dataclass(frozen=True)
class Client:
    """Encompass, as one of the issuers knows it."""

    tenant: str
    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(frozen=True)
class _Asked:
    client: Client
    state: str
    nonce: str
    challenge: str
    expires: float


@dataclass(frozen=True)
class _Granted:
    asked: _Asked
    person: Person | StaffPerson
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


def identity_provider(
    var: Path, base_url: str, clients: dict[str, Client], people: dict[str, dict[str, Person | StaffPerson]]
) -> Flask:
    """The provider's application: `clients` and `people` by tenant, people by user name."""
    app, desk, key = Flask("sandbox.identity_provider"), _Desk(), _signing_key(var)

    @app.get("/<tenant>/.well-known/openid-configuration")
    def discovery(tenant: str) -> ResponseReturnValue:
        issuer = f"{base_url}/{_client(clients, tenant).tenant}"
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

    @app.get("/<tenant>/jwks")
    def jwks(tenant: str) -> ResponseReturnValue:
        _client(clients, tenant)
        return jsonify(keys=[key.as_dict(private=False)])

    @app.get("/<tenant>/authorize")
    def ask(tenant: str) -> ResponseReturnValue:
        client, query = _client(clients, tenant), request.args
        known = (
            query.get("client_id") == client.client_id and query.get("redirect_uri") == client.redirect_uri
        )
        fits = query.get("response_type") == "code" and query.get("code_challenge_method") == "S256"
        wanted = [query.get(name, "") for name in ("state", "nonce", "code_challenge")]
        if not (known and fits and all(wanted) and "openid" in query.get("scope", "").split()):
            abort(400)
        asked = _Asked(client, *wanted, time.monotonic() + 600)
        return _page(tenant, desk.ticket(asked), wrong=False)

    @app.post("/<tenant>/authorize")
    def log_in(tenant: str) -> ResponseReturnValue:
        asked = desk.asked(request.form.get("ticket", ""))
        if asked is None or asked.client is not _client(clients, tenant):
            abort(400)
        person = people[tenant].get(request.form.get("username", ""))
        if person is None or not secrets.compare_digest(person.password, request.form.get("password", "")):
            return _page(tenant, desk.ticket(asked), wrong=True), 401
        code = desk.code(_Granted(asked, person, time.monotonic() + CODE_SECONDS))
        return redirect(f"{asked.client.redirect_uri}?{urlencode({'code': code, 'state': asked.state})}", 303)

    _token_route(app, desk, key, base_url, clients)
    return app


def _token_route(app: Flask, desk: _Desk, key: ECKey, base_url: str, clients: dict[str, Client]) -> None:
    @app.post("/<tenant>/token")
    def token(tenant: str) -> ResponseReturnValue:
        client, who = _client(clients, tenant), request.authorization
        secret = who.password if who and who.username == client.client_id else None
        if not secret or not secrets.compare_digest(secret, client.client_secret):
            return jsonify(error="invalid_client"), 401
        granted = desk.granted(request.form.get("code", ""))
        if granted is None or not _fits(granted, client):
            return jsonify(error="invalid_grant"), 400
        id_token = _id_token(f"{base_url}/{tenant}", granted, key)
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
        claims |= {"roles": list(person.roles), "force": person.force}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


def _client(clients: dict[str, Client], tenant: str) -> Client:
    return clients[tenant] if tenant in clients else abort(404)


def _page(tenant: str, ticket: str, *, wrong: bool) -> str:
    return render_template_string(LOGIN_PAGE, tenant=tenant, ticket=ticket, wrong=wrong)


def _signing_key(var: Path) -> ECKey:
    file = folder(var) / "identity_key.json"
    if not file.exists():
        fresh = ECKey.generate_key("P-256", parameters={"alg": "ES256", "use": "sig"}, auto_kid=True)
        write_private(file, json.dumps(fresh.as_dict(private=True)))
    return ECKey.import_key(json.loads(file.read_text("utf-8")))
