"""The bench of sending still runs, and sends each nudge once."""

from __future__ import annotations

from bench.sending import measure


def test_a_few_duties_are_sent_once_each() -> None:
    sent = measure(20, 8)
    assert (sent.duties, sent.messages, sent.doubled) == (20, 16, 0)
