"""What a force's profile says of telling: the allowed fields, the advice, the refuges, and untrained Key Adults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from encompass.domain.cover import CoverRule
from encompass.domain.key_adults import LapsedTraining
from encompass.domain.telling import Advice, Helpline, Profile
from encompass.settings import ForceSettings


@dataclass(frozen=True)
class TellingRules:
    """What a school is told and by whose leave: the force's profile, as the steps use it.

    `deputies_later`: the lead alone at first, and the deputies by a step of the ladder.
    """

    profile: Profile
    refuges: tuple[str, ...] = field(repr=False)
    lapsed_training: LapsedTraining
    cover: CoverRule
    deputies_later: bool


def telling_rules(force: ForceSettings) -> TellingRules:
    """The rules that a force's file says."""
    settings = force.profile
    a = settings.advice
    helpline = Helpline(a.helpline.name, a.helpline.number, a.helpline.hours) if a.helpline else None
    advice = Advice(a.to_do, a.warning, a.on_paper, helpline)
    at_office = replace(advice, to_do=a.to_do_at_office)
    headings = {str(name): heading for name, heading in settings.headings.items()}
    profile = Profile(frozenset(settings.fields), headings, advice, at_office)
    lapsed, later = LapsedTraining(settings.lapsed_training), force.ladder.deputy_at is not None
    return TellingRules(profile, settings.refuges, lapsed, CoverRule(settings.cover), later)
