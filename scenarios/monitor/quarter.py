"""Quarters of a year, written ``2026Q1``."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

_FORM = re.compile(r"^(20\d\d)\s*(?:年\s*)?(?:Q|第)?\s*([1-4])\s*(?:季度?)?$", re.IGNORECASE)
_MONTHS, _QUARTERS = 3, 4


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter; they sort by time."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    def later(self, quarters: int) -> Quarter:
        """Return the quarter that many later."""
        index = self.year * _QUARTERS + self.number - 1 + quarters
        return Quarter(index // _QUARTERS, index % _QUARTERS + 1)

    def has_ended(self, day: dt.date) -> bool:
        """Tell whether the quarter is over on a day."""
        return Quarter(day.year, (day.month - 1) // _MONTHS + 1) > self


def parse_quarter(words: str) -> Quarter | None:
    """Read ``2026Q1``, ``2026年第1季度`` or ``2026年1季度``; None if it is no quarter."""
    match = _FORM.match(unicodedata.normalize("NFKC", words).strip())
    return Quarter(int(match.group(1)), int(match.group(2))) if match else None
