"""Days as people write them."""

from __future__ import annotations

import re
from datetime import date


def day_of(text: str) -> date | None:
    """The day that ISO text or UK day/month/year text names; None where it names no day that there is."""
    for written in (text, "-".join(reversed(re.split(r"[/.\-]", text)))):
        try:
            return date.fromisoformat(written.strip())
        except ValueError:
            continue
    return None
