"""When a school is asked for its word that its Key Adults are right, and when that is overdue."""

from __future__ import annotations

from datetime import date

import pytest

from encompass.domain.attestation import Attestation, AttestationRule, attestation_of, term_began

NEVER, TERM = AttestationRule.NEVER, AttestationRule.TERM


@pytest.mark.parametrize(
    ("day", "began"),
    [
        (date(2026, 1, 1), date(2026, 1, 1)),
        (date(2026, 4, 14), date(2026, 1, 1)),
        (date(2026, 4, 15), date(2026, 4, 15)),
        (date(2026, 8, 31), date(2026, 4, 15)),
        (date(2026, 12, 31), date(2026, 9, 1)),
    ],
)
def test_three_terms_a_year(day: date, began: date) -> None:
    assert term_began(day) == began


@pytest.mark.parametrize(
    ("attested", "day", "rule", "standing"),
    [
        (date(2025, 9, 1), date(2025, 12, 31), TERM, Attestation.GIVEN),
        (date(2025, 12, 31), date(2026, 1, 1), TERM, Attestation.DUE),
        (date(2025, 12, 31), date(2026, 1, 29), TERM, Attestation.DUE),
        (date(2025, 12, 31), date(2026, 1, 30), TERM, Attestation.OVERDUE),
        (date(2026, 1, 1), date(2026, 4, 14), TERM, Attestation.GIVEN),
        (date(2020, 1, 1), date(2026, 1, 30), NEVER, Attestation.NOT_ASKED),
    ],
)
def test_asked_from_the_first_day_of_a_term_and_overdue_after_four_weeks(
    attested: date, day: date, rule: AttestationRule, standing: Attestation
) -> None:
    assert attestation_of(attested, day, rule) is standing
