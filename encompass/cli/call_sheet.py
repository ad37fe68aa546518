"""The call sheet as text and as a page to print: whom to call, what to say, room for the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from encompass.domain.notification import Called
from encompass.domain.run import LONDON
from encompass.pipeline.make_calls import SheetCall

ASK_FOR: Final = {
    Called.KEY_ADULT: "the designated safeguarding lead, or a deputy",
    Called.HEAD: "the head teacher",
    Called.CHAIR: "the chair of governors",
    Called.LA: "the duty officer for education safeguarding",
}
SCRIPT: Final = (
    "I am calling from the safeguarding partnership about Operation Encompass. May I have your name and role?",
    "A message about a pupil at the school has been waiting in Encompass since this morning.",
    "Please sign in, read it and acknowledge it now. I can wait.",
    "If you cannot sign in: I can tell you, as a Key Adult, what it says once I have called you back on the"
    " school's own number.",
    "Never: leave the child's name on a machine or with anybody but a Key Adult.",
)
OUTCOMES: Final = (
    "acknowledged by (reference) ______   told, not on the register (role) ______   no answer __   left message __   "
    "call back at ____"
)
STYLE: Final = (
    "body{font:11pt sans-serif;margin:2em}section{border-top:2px solid #000;page-break-inside:avoid;"
    "padding:.6em 0}h2{font-size:13pt;margin:.2em 0}code{font-size:9pt}.number{font-size:16pt;font-weight:bold}"
)


def sheet_text(calls: Sequence[SheetCall]) -> str:
    """The sheet as plain text."""
    lines = ["CALL SHEET", "", *(f"  {number}. {say}" for number, say in enumerate(SCRIPT, start=1))]
    for number, call in enumerate(calls, start=1):
        lines += ["", f"{number}. {call.recipient}", *(f"   {line}" for line in _lines(call))]
        lines.append(f"   {OUTCOMES}")
    return "\n".join(lines) + "\n"


def sheet_html(calls: Sequence[SheetCall]) -> str:
    """The sheet as one page of HTML, ready to print."""
    said = "".join(f"<li>{escape(say)}</li>" for say in SCRIPT)
    sections = "".join(
        f"<section><h2>{number}. {escape(call.recipient)}</h2>"
        + "".join(f"<p>{escape(line)}</p>" for line in _lines(call))
        + f"<p>{escape(OUTCOMES)}</p></section>"
        for number, call in enumerate(calls, start=1)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Call sheet</title>'
        f"<style>{STYLE}</style></head><body><h1>Call sheet</h1><ol>{said}</ol>{sections}</body></html>\n"
    )


def _lines(call: SheetCall) -> Iterator[str]:
    number = call.number or "no number is known: find it, and have the register mended"
    yield f"Telephone {number}, before {call.before.astimezone(LONDON):%H:%M on %A %d %B}"
    yield f"Ask for {ASK_FOR[call.called]}" + (f" (URN {call.urn})" if call.urn else "")
    yield f"Notifications waiting: {len(call.notification_ids)}"
    if call.is_in_doubt:
        yield "IN DOUBT: police corrected the record. Do not telephone before it is settled: encompass exceptions"
    if call.is_of_recall:
        yield "RECALLED: told here by mistake. Ask that nothing read be used or passed on, and that copies be destroyed"
    if call.is_in_conflict:
        yield "SOMEBODY THERE MUST NOT LEARN OF IT: know to whom you speak before you say what it is about"
    for adult in call.not_to:
        yield f"NOT to {adult.full_name}, reference {adult.key_adult_ref}"
    for adult in call.key_adults:
        own = f", {adult.phone}" if adult.phone else ""
        yield f"{adult.role.value}: {adult.full_name}{own}, reference {adult.key_adult_ref}"
    for child in call.children:
        yield f"About {child}"
    done = "told --spoke-to ROLE" if call.is_of_recall else "acknowledged --spoke-to REFERENCE"
    for notification_id in call.notification_ids:
        yield f"encompass calls done {notification_id} --outcome {done} --by WHO"
