"""What stands before a message, and what a Key Adult may answer besides acknowledging it."""

from __future__ import annotations

import re

import requests
from sqlalchemy import text

from encompass.store.database import Role
from tests.site import Site
from tests.web.test_school_pages import NOTIFICATION, child_of


def token_of(page: str, action: str) -> str:
    """The form's own token, so that a post is what a browser would send."""
    form = page[page.index(f'action="{action}"') :]
    found = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert found
    return found.group(1)


def first(site: Site, inbox: str) -> str:
    found = NOTIFICATION.search(inbox)
    assert found
    return f"/notifications/{found.group(1)}"


def answer(site: Site, session: requests.Session, path: str, said: str, on: str) -> requests.Response:
    page = session.get(site.web + on).text
    return session.post(f"{site.web}{path}/{said}", {"csrf_token": token_of(page, f"{path}/{said}")})


def viewed(site: Site) -> int:
    with site.encompass.database.engine(Role.OWNER).begin() as connection:
        return connection.execute(
            text("SELECT count(*) FROM encompass.audit_event WHERE action = 'notification_viewed'")
        ).scalar_one()


def test_before_the_content_stand_initials_and_two_ways_on(site: Site) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path, child = first(site, inbox), child_of(site, urn)
    cover = session.get(site.web + path).text
    assert f"{child['forename'][0]}{child['surname'][0]}" in cover
    for secret in (child["forename"], child["surname"], child["voice"], child["circumstances"]):
        assert not secret or secret not in cover
    assert "I should not see this" in cover
    assert f'href="{path}/content"' in cover
    assert viewed(site) == 0
    assert child["surname"] in session.get(f"{site.web}{path}/content").text
    assert viewed(site) == 1


def test_i_should_not_see_this_closes_it_for_one_person_only(site: Site) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path = first(site, inbox)
    done = answer(site, session, path, "not-for-me", path)
    assert done.status_code == 200
    assert "You cannot open that message any more" in done.text
    assert path not in done.text
    for page in (path, f"{path}/content"):
        assert session.get(site.web + page).status_code == 404
    deputy, inbox = site.signed_in(urn, "deputy")
    assert path in inbox
    assert deputy.get(f"{site.web}{path}/content").status_code == 200


def test_not_our_pupil_closes_it_for_the_whole_school(site: Site) -> None:
    urn = site.told()[0]
    session, inbox = site.signed_in(urn)
    path = first(site, inbox)
    done = answer(site, session, path, "not-ours", f"{path}/content")
    assert "a person finds the right school" in done.text
    deputy, inbox = site.signed_in(urn, "deputy")
    assert path not in inbox
    for who in (session, deputy):
        assert who.get(f"{site.web}{path}/content").status_code == 404
    assert answer_status(site, session, path) == 404


def answer_status(site: Site, session: requests.Session, path: str) -> int:
    page = session.get(f"{site.web}/inbox").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return session.post(f"{site.web}{path}/not-ours", {"csrf_token": token.group(1)}).status_code


def test_no_get_answers_and_no_post_without_its_token(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    path = first(site, inbox)
    for said in ("not-ours", "not-for-me"):
        assert session.get(f"{site.web}{path}/{said}").status_code == 404
        assert session.post(f"{site.web}{path}/{said}", {"csrf_token": "forged"}).status_code == 403
    assert session.get(f"{site.web}{path}/content").status_code == 200


def test_the_page_says_what_the_profile_allows_and_whom_to_ask(site: Site) -> None:
    session, inbox = site.signed_in(site.told()[0])
    page = session.get(f"{site.web}{first(site, inbox)}/content").text
    assert "0300 000 0000" in page
    assert "Monday to Friday, 8am to 1pm" in page
    assert "separate safeguarding file" in page
    assert "Officers did not record" in page or "Yes." in page
    for outside in ("What happened", "Where it happened", "What kind of incident"):
        assert outside not in page
