"""Days as people write them."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=1 << 15)
def day_of(text: str) -> date | None:
    """The day that ISO text or UK day/month/year text names; None where it names no day that there is."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return date.fromisoformat("-".join(reversed(re.split(r"[/.\-]", text.strip()))))
    except ValueError:
        return None
