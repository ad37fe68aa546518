"""The web application: its blueprints, its headers, its error pages."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_compress import Compress
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix

from encompass import log
from encompass.domain.access import NotFound
from encompass.domain.sign_in import SignInUnavailable
from encompass.web import (
    inbound,
    language,
    leaders,
    parts,
    receipts,
    school,
    school_contacts,
    school_cover,
    school_days,
    school_papers,
    school_support,
    second_factor,
    sign_in,
)
from encompass.web.access_rules import guard
from encompass.web.catalogue import gettext
from encompass.web.templating import furnish_templates
from encompass.wiring import Encompass

SIGN_IN_LASTS: Final = timedelta(minutes=15)
LOOPBACK: Final = ("127.0.0.1", "localhost")


def create_app(encompass: Encompass) -> Flask:
    """The web application of one installation."""
    app = Flask("encompass.web")
    web = encompass.settings.web
    https = web.base_url.startswith("https://")
    app.config.from_mapping(
        SECRET_KEY=web.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME="__Host-sign-in" if https else "sign-in",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SIGN_IN_LASTS,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # no page of ours sends a referrer; the guard goes by Sec-Fetch-Site
        # The stylesheet alone: a page holds a child's data beside its token, and what is compressed tells its length.
        COMPRESS_MIMETYPES=["text/css"],
        BABEL_DEFAULT_LOCALE="en",
        BABEL_TRANSLATION_DIRECTORIES="locale",
        ENVIRONMENT=encompass.settings.environment,
        MAX_CONTENT_LENGTH=64 * 1024,
        TRUSTED_HOSTS=[urlsplit(web.base_url).hostname, *LOOPBACK],
    )
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=web.proxies, x_proto=0)
    app.extensions[parts.EXTENSION] = encompass
    Babel(app, locale_selector=language.language)
    furnish_templates(app)
    Compress(app)
    csrf = CSRFProtect(app)
    # No browser's session is in play: the provider's token, or the force's signature, is in each request.
    for door in (receipts.blueprint, inbound.blueprint):
        csrf.exempt(door)  # pyright: ignore[reportUnknownMemberType]
    guard(app)
    answers = (school.blueprint, school_support.blueprint, school_papers.blueprint)
    schools = (*answers, school_days.blueprint, school_cover.blueprint, school_contacts.blueprint)
    pages = (sign_in.blueprint, second_factor.blueprint, *schools, leaders.blueprint)
    for blueprint in (*pages, language.blueprint, receipts.blueprint, inbound.blueprint):
        app.register_blueprint(blueprint)
    _headers(app, encompass, https=https)
    _error_pages(app)
    return app


def _headers(app: Flask, encompass: Encompass, *, https: bool) -> None:
    known = (urlsplit(provider.issuer) for provider in encompass.settings.identity_providers)
    issuers = {f"{u.scheme}://{u.netloc}" for u in known}
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'none'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {' '.join(sorted(issuers))}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def _(answer: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        answer.headers.update(headers)
        return answer


def _error_pages(app: Flask) -> None:
    @app.errorhandler(NotFound)
    def _missing(_: NotFound) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return _error_page(HTTPStatus.NOT_FOUND)

    @app.errorhandler(CSRFError)
    def _stale(_: CSRFError) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return _error_page(HTTPStatus.FORBIDDEN)

    @app.errorhandler(SignInUnavailable)
    def _away(why: SignInUnavailable) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        log.get_logger().error("identity_provider_unavailable", reason=str(why))
        return _error_page(HTTPStatus.SERVICE_UNAVAILABLE)

    @app.errorhandler(TooManyRequests)
    def _too_often(error: TooManyRequests) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        log.get_logger().warning("requests_refused")
        page = make_response(_error_page(HTTPStatus.TOO_MANY_REQUESTS))
        page.headers["Retry-After"] = str(error.retry_after)
        return page

    @app.errorhandler(HTTPException)
    def _other(error: HTTPException) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return _error_page(HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR))


def _error_page(status: HTTPStatus) -> ResponseReturnValue:
    pages = {
        HTTPStatus.NOT_FOUND: (
            gettext("Page not found"),
            gettext(
                "There is nothing here for you. If you followed a link from an e-mail, go to your inbox."
            ),
        ),
        HTTPStatus.FORBIDDEN: (
            gettext("Please try again"),
            gettext("This page had been open for too long. Go back, reload it and try again."),
        ),
        HTTPStatus.TOO_MANY_REQUESTS: (
            gettext("Too many requests"),
            gettext("Wait half a minute, then try again. If it is urgent, telephone the MASH."),
        ),
        HTTPStatus.SERVICE_UNAVAILABLE: (
            gettext("Sign-in is not available just now"),
            gettext("Please try again in a few minutes. If it is urgent, telephone the MASH."),
        ),
    }
    title, text = pages.get(
        status,
        (
            gettext("Something went wrong"),
            gettext("Please try again in a few minutes. If it is urgent, telephone the MASH."),
        ),
    )
    # An answer that named the address asked for would tell the forbidden from the unknown.
    return render_template("error.html", title=title, text=text, back_to="/"), status
