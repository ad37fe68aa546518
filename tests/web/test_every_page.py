"""Headers, errors and refusals that every page shares."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests

from encompass.web.app import create_app
from tests.site import Site

PATHS = ("/", "/inbox", "/report", "/nowhere", "/sign-in/nobody", "/static/encompass.css", "/health")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(site: Site, path: str) -> None:
    answer = requests.get(site.web + path, allow_redirects=False)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"


def raw(site: Site, path: str, host: str) -> str:
    """What the server sends for an address as it stands, which a library would have tidied."""
    headers = {"Host": host, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    with socket.create_connection(("127.0.0.1", urlsplit(site.web).port)) as connection:
        sent = "".join(f"{n}: {v}\r\n" for n, v in headers.items())
        connection.sendall(f"GET {path} HTTP/1.0\r\n{sent}\r\n".encode())
        return connection.makefile("rb").read().decode()


def test_a_host_that_is_not_ours_is_refused_and_stands_in_no_answer(site: Site) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::1"):
        for path in ("/", "/inbox", "/nowhere", "/sign-in/school", "//evil.example/inbox"):
            answer = raw(site, path, host)
            assert " 400 " in answer.splitlines()[0], (host, path)
            assert "Cache-Control: no-store" in answer
            assert "evil" not in answer


def test_nothing_that_an_address_says_leads_elsewhere(site: Site) -> None:
    for path in (
        "//evil.example/inbox",
        "/%2f%2fevil.example",
        "/\\evil.example",
        "/inbox?next=//evil.example",
        "/?ended=https://evil.example",
        "/sign-in/school?redirect_uri=https://evil.example/",
        "/sign-in/school/callback?code=c&state=https://evil.example/",
        "/language/cy?to=https://evil.example/",
        "/language/cy?to=//evil.example/",
        "/language/cy?to=/%5cevil.example/",
        "/language/cy?to=/%09/evil.example/",
        "/language/cy?to=javascript:evil()",
    ):
        answer = raw(site, path, urlsplit(site.web).netloc)
        assert not re.search(r'(?:href|src|action)="(?!/[^/\\])[^"]*evil', answer), path
        to = re.search(r"^Location: (.*)\r$", answer, re.MULTILINE)
        provider = site.encompass.settings.identity.school.issuer
        assert to is None or re.match(rf"/(?![/\\\\\s])|{re.escape(provider)}/", to.group(1)), path


def test_without_a_session_a_page_leads_to_sign_in(site: Site) -> None:
    for path, to in (("/inbox", "/sign-in/school"), ("/report", "/sign-in/force")):
        answer = requests.get(site.web + path, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, to)


def test_an_unknown_page_is_a_page_too(site: Site) -> None:
    answer = requests.get(f"{site.web}/nowhere")
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_cookies_cannot_be_read_by_scripts_or_sent_from_elsewhere(site: Site) -> None:
    session, _ = site.signed_in(site.told()[0])
    cookies = {c.name: c for c in session.cookies}
    assert set(cookies) == {"encompass", "sign-in"}
    for cookie in cookies.values():
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_no_page_needs_a_script(site: Site) -> None:
    _, inbox = site.signed_in(site.told()[0])
    for page in (inbox, requests.get(f"{site.web}/").text):
        assert "<script" not in page
        assert " onclick" not in page


def test_the_report_says_the_same_as_page_csv_and_json(site: Site) -> None:
    session, page = site.as_staff("leader")
    night = site.cluster.world.night
    report = session.get(f"{site.web}/report/{night}.json").json()
    assert report["account"]["balanced"] is True
    assert report["duties"] == sum(report[k] for k in ("on_time", "late", "missed", "not_yet_due"))
    assert f"<dd>{report['duties']}</dd>" in page
    csv = session.get(f"{site.web}/report/{night}.csv")
    assert csv.headers["Content-Type"].startswith("text/csv")
    assert csv.headers["Content-Disposition"] == f'attachment; filename="compliance-{night}.csv"'
    assert session.get(f"{site.web}/report/2020-01-01").status_code == 404
    assert session.get(f"{site.web}/report/yesterday").status_code == 404


def test_over_https_cookies_are_bound_to_the_host_and_posts_work(site: Site) -> None:
    """As behind a proxy that terminates TLS; the browser says whether a form was sent from a page of ours."""
    web = site.encompass.settings.web.model_copy(update={"base_url": "https://encompass.example"})
    app = create_app(
        replace(site.encompass, settings=site.encompass.settings.model_copy(update={"web": web}))
    )
    client = app.test_client()
    begun = client.get("/sign-in/school", base_url="https://encompass.example")
    cookie = begun.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sign-in=")
    assert "Secure" in cookie
    assert "max-age=31536000" in begun.headers["Strict-Transport-Security"]
    with client.session_transaction(base_url="https://encompass.example") as session:
        session["ticket"] = "no-such-ticket"
    page = client.get("/sign-in/bind", base_url="https://encompass.example").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    with client.session_transaction(base_url="https://encompass.example") as session:
        kept = session["csrf_token"]
    fields = {"csrf_token": token, "code": "AAAA-AAAA-AAAA-AAAA"}
    for sent_from, is_taken in (
        ("same-origin", True),
        ("none", True),
        (None, True),  # a browser too old to say so: the token and the cookie's SameSite decide
        ("same-site", False),
        ("cross-site", False),
    ):
        headers = {"Sec-Fetch-Site": sent_from} if sent_from else {}
        answer = client.post(
            "/sign-in/bind", data=fields, headers=headers, base_url="https://encompass.example"
        )
        assert answer.status_code == 403
        assert ("You are not signed in" in answer.text) is is_taken
        with client.session_transaction(base_url="https://encompass.example") as session:
            session["ticket"] = "no-such-ticket"
            session["csrf_token"] = kept
