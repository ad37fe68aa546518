"""A comparison in words, for the person who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from encompass.domain.placement import Candidate, FieldEvidence, ReviewReason, Veto

REASONS: Final[Mapping[ReviewReason | Veto, str]] = {
    ReviewReason.SCORE: "too little agrees to be sure",
    ReviewReason.MARGIN: "another pupil fits nearly as well",
    ReviewReason.LARGE_BLOCK: "too many pupils share these details to look at each",
    ReviewReason.GUEST: "the pupil is a guest at a school",
    ReviewReason.NO_CURRENT_ENROLMENT: "the pupil is on no roll on the day of the incident",
    ReviewReason.ROLLS_CONFLICT: "two schools have the pupil as theirs alone",
    ReviewReason.STALE_ROLL: "the roll is too old to rely on",
    ReviewReason.CLAIMED_TWICE: "two children of the incident were matched to this pupil",
    ReviewReason.NO_KEY_ADULT: "the school has no Key Adult to tell",
    ReviewReason.CORRECTED: "police corrected the record after it was decided",
    ReviewReason.SCHOOL_CLOSED: "the school has closed and no open school is known to go on for it",
    ReviewReason.SCHOOL_SPLIT: "the school has closed and several schools go on for it",
    ReviewReason.SUCCESSOR_UNCONFIRMED: "the school has closed; whom to tell at the one after it is not checked yet",
    ReviewReason.NOT_OUR_PUPIL: "a school says that the child is not its pupil",
    ReviewReason.RECALLED: "the wrong school was told",
    ReviewReason.DISPUTED: "the school sent this pupil back before, or was told in error",
    ReviewReason.NO_LONGER_NAMED: "police corrected the record, and it names the child no longer",
    ReviewReason.EIGHTEEN: "eighteen on the day of the incident, and still at school: the duty ends at eighteen",
    ReviewReason.UNDER_RECEPTION: "under reception age: outside the statutory duty, a person chooses the way",
    ReviewReason.OUTSIDE_ENGLAND_AND_WALES: "lives or goes to school outside England and Wales, where the duty ends",
    Veto.FORENAME: "the forename differs: it may be a sibling or a twin who is on no roll",
    Veto.BIRTH_DATE: "the birth date is another",
    Veto.SEX: "the sex differs, and so does the forename",
    Veto.TWIN: "another pupil of the household was born that day and has a like forename",
    Veto.COUSIN: "another pupil of the household and about the age has a forename nearer to the child's",
    Veto.NAMESAKE: "another pupil has the same name and birth date",
    Veto.TWO_DOUBTS: "two things are in doubt, and the home does not settle them",
    Veto.COMMON_FIRST_NAME: "only a first name that brothers share agrees",
    Veto.UPN: "the UPN is that of another child",
    Veto.RECORDS_DIFFER: "the rolls have two different children as this pupil",
}
FIELDS: Final = {
    "forename": "forename",
    "surname": "surname",
    "born": "birth date",
    "sex": "sex",
    "place": "home",
    "school": "school named",
    "upn": "UPN",
}
DIFFERENCES: Final = {
    ("forename", "known"): "a known spelling",
    ("forename", "sound"): "sounds the same",
    ("forename", "slip"): "a slip of the pen",
    ("forename", "middle"): "agrees with a middle name only",
    ("forename", "initial"): "an initial only",
    ("forename", "rival"): "another name, spelt alike",
    ("surname", "barrel"): "one part of a double name agrees",
    ("surname", "former"): "the pupil's former surname",
    ("surname", "known"): "a known spelling",
    ("surname", "sound"): "sounds the same",
    ("surname", "slip"): "a slip of the pen",
    ("surname", "rival"): "another name, spelt alike",
    ("born", "exchanged"): "day and month exchanged",
    ("born", "day"): "the day differs",
    ("born", "month"): "the month differs",
    ("born", "year"): "the year differs by a digit",
    ("born", "year_of_1_january"): "1 January: only the year agrees",
    ("place", "postcode"): "the postcode agrees, the house does not",
    ("place", "near"): "a near postcode",
    ("place", "house_but_postcode"): "house and street agree, the postcode does not quite",
}
NOTES: Final = {
    "exchanged": "forename and surname exchanged",
    "further_differ": "the names after the first differ",
}
AGREE: Final = frozenset({"same", "house", "same_1_january"})


def in_words(candidate: Candidate, values: Mapping[str, tuple[str, str]]) -> str:
    """What agrees and what does not: "same surname and birth date; forename differs: A / B, a known spelling".

    `values` are the child's and the pupil's own of a field, shown beside a difference where they are given.
    """
    same = [FIELDS[f.field] for f in candidate.fields if f.field in FIELDS and f.level in AGREE]
    different = [
        _difference(f, values) for f in candidate.fields if f.field in FIELDS and f.level not in AGREE
    ]
    notes = [NOTES[f.level] for f in candidate.fields if f.field == "names"]
    agreeing = [f"same {_listed(same)}"] if same else []
    return "; ".join([*agreeing, *different, *notes]) or "nothing that is known agrees or differs"


def _difference(evidence: FieldEvidence, values: Mapping[str, tuple[str, str]]) -> str:
    shown = " / ".join(values[evidence.field]) if evidence.field in values else ""
    how = DIFFERENCES.get((evidence.field, evidence.level), "")
    told = ", ".join(part for part in (shown, how) if part)
    return f"{FIELDS[evidence.field]} differs: {told}" if told else f"{FIELDS[evidence.field]} differs"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
