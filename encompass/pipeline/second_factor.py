"""The second factor of people of schools and offices: set up once, then a code of it steps a session up."""

from __future__ import annotations

import hmac
import math
import secrets
from datetime import datetime
from typing import Final

from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import Connection, Engine

from encompass.domain.second_factor import (
    CodeFault,
    CodeRefused,
    Enrolment,
    SteppedUp,
    judge,
)
from encompass.store import second_factor, session
from encompass.store.sealed import KeyRing
from encompass.store.second_factor import Factor, Person

TOKEN_BYTES: Final = 32
ISSUER: Final = "Encompass"


def new_secret() -> str:
    """160 random bits as base32."""
    return random_base32()


def read_enrolment(engine: Engine, ring: KeyRing, token: str, account: str) -> Enrolment | None:
    """What the session's person puts into an authenticator; None once that has been confirmed by a code."""
    with engine.begin() as connection:
        person = second_factor.of_session(connection, token)
        key = second_factor.to_enrol(connection, ring, person.factor_id) if person else None
    if key is None:
        return None
    return Enrolment(key, TOTP(key).provisioning_uri(name=account, issuer_name=ISSUER))


def try_code(engine: Engine, ring: KeyRing, token: str, code: str, now: datetime) -> SteppedUp | CodeRefused:
    """Step the session up by a code, under a new token; a wrong code counts against the person and is audited.

    Codes go by the database's clock, as an authenticator goes by that of the world; `now` dates the audit.
    """
    with engine.begin() as connection:
        person = second_factor.of_session(connection, token)
        factor = second_factor.locked(connection, ring, person) if person else None
        if person is None or factor is None:
            return CodeRefused(CodeFault.ENDED)
        judged = _judged(factor, code)
        if isinstance(judged, CodeFault):
            return _refused(connection, token, factor, judged, now)
        new_token = secrets.token_urlsafe(TOKEN_BYTES)
        return _stepped_up(connection, token, new_token, person, judged, factor, now)


def _judged(factor: Factor, code: str) -> int | CodeFault:
    if factor.wrong.is_locked(factor.at):
        return CodeFault.LOCKED
    totp, typed = TOTP(factor.secret), "".join(c for c in code if not c.isspace())

    def fits(step: int) -> bool:
        return hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode())

    return judge(fits, factor.last_step, factor.at)


def _refused(
    connection: Connection, token: str, factor: Factor, fault: CodeFault, now: datetime
) -> CodeRefused:
    wrong = factor.wrong if fault is CodeFault.LOCKED else factor.wrong.again(factor.at)
    second_factor.count_wrong(connection, factor.factor_id, wrong)
    session.record_step(connection, token, "second_factor_refused", now, {"reason": fault.value})
    if wrong.locked_until is not None and wrong.is_locked(factor.at):
        left = (wrong.locked_until - factor.at).total_seconds()
        return CodeRefused(CodeFault.LOCKED, math.ceil(left / 60))
    return CodeRefused(fault)


def _stepped_up(
    connection: Connection,
    token: str,
    new_token: str,
    person: Person,
    step: int,
    factor: Factor,
    now: datetime,
) -> SteppedUp | CodeRefused:
    if not second_factor.use_step(connection, person, step):
        return CodeRefused(CodeFault.USED)
    if not session.step_up(connection, token, new_token):
        connection.rollback()
        return CodeRefused(CodeFault.ENDED)
    action = "second_factor_used" if factor.is_confirmed else "second_factor_enrolled"
    session.record_step(connection, new_token, action, now, {})
    return SteppedUp(new_token)
