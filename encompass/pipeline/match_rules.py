"""What a force's children are matched by: a version of the parameters, and the force's own stricter limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from encompass.domain.child import UnderReception
from encompass.matching.parameters import Parameters, WrongParameters, read_parameters
from encompass.settings import ROOT, MatchingSettings, SettingsError

FOLDER: Final = ROOT / "config" / "matching"


@dataclass(frozen=True)
class MatchRules:
    """What a match is decided by: the model's parameters, after how long a roll is stale, and who is too young."""

    parameters: Parameters = field(repr=False)
    stale_after: timedelta
    under_reception: UnderReception = UnderReception.EXCLUDE


def match_rules(wanted: MatchingSettings) -> MatchRules:
    """The rules of a force. Raises SettingsError, also where a limit of its own is laxer than the version's."""
    try:
        parameters = read_parameters(FOLDER / f"{wanted.parameters}.toml")
    except WrongParameters as wrong:
        raise SettingsError(f"matching: {wrong}") from None
    limits = wanted.model_dump(exclude={"parameters", "roll_stale_days"})
    stricter = {name: value for name, value in limits.items() if value is not None}
    for name, value in stricter.items():
        shipped = getattr(parameters.limits, name)
        if value > shipped if name == "review" else value < shipped:
            raise SettingsError(
                f"matching.{name}: {value} is laxer than the {shipped} of {parameters.version}"
            )
    limited = parameters.limits.model_copy(update=stricter)
    return MatchRules(replace(parameters, limits=limited), timedelta(days=wanted.roll_stale_days))
