"""Names as they are compared: without case, diacritics, apostrophes, hyphens and spaces."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNDECOMPOSED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ŋ": "n", "ħ": "h"}
)


def normalise_name(name: str) -> str:
    """The letters and digits of a name, casefolded, without diacritics; may be empty."""
    decomposed = unicodedata.normalize("NFKD", name).casefold().translate(_UNDECOMPOSED)
    return "".join(c for c in unicodedata.normalize("NFKD", decomposed) if c.isalnum())
