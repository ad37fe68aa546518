"""Bank holidays by division, from the copy that the govuk-bank-holidays package carries."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, cast

from govuk_bank_holidays.bank_holidays import BankHolidays


@cache
def bank_holidays(division: str) -> frozenset[date]:
    """The division's bank holidays (england-and-wales, scotland or northern-ireland). Never goes online."""
    holidays = cast(Any, BankHolidays(use_cached_holidays=True)).get_holidays(division=division)
    return frozenset(cast(date, holiday["date"]) for holiday in holidays)
