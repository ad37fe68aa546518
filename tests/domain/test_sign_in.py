"""Of which force a member of staff is: the one that the provider's token names, and nobody's where it names none."""

from __future__ import annotations

import pytest

from encompass.domain.sign_in import Claims, OfForce, force_of

FORCES = {
    "riverbend": OfForce("force", "riverbend"),
    "fellgate": OfForce("roles", "fellgate-staff"),
    "hollowmoor": OfForce("tid", "3f0c"),
}


@pytest.mark.parametrize(
    ("said", "force"),
    [
        ({"force": ("riverbend",)}, "riverbend"),
        ({"roles": ("leader", "fellgate-staff")}, "fellgate"),
        ({"tid": ("3f0c",)}, "hollowmoor"),
        ({"tid": ("other",)}, None),
        ({"force": ("fellgate",)}, None),
        ({}, None),
        ({"force": ("riverbend",), "tid": ("3f0c",)}, None),
    ],
)
def test_the_token_names_one_force_or_nobody_signs_in(
    said: dict[str, tuple[str, ...]], force: str | None
) -> None:
    assert force_of(Claims("issuer", "subject", ("leader",), said), FORCES) == force
