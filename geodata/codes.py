"""Official codes as text: county 6, township 9, village 12 digits; repair of what spreadsheets do to them."""

from __future__ import annotations

import re
import unicodedata

COUNTY_DIGITS, TOWNSHIP_DIGITS, VILLAGE_DIGITS = 6, 9, 12
_FLOAT_TAIL = re.compile(r"^(\d+)\.0+$")
_SCIENTIFIC = re.compile(r"^\d+(\.\d+)?[eE]\+?\d+$")


def county_of(code: str) -> str:
    """Return the county code a township or village code starts with."""
    return code[:COUNTY_DIGITS]


def township_of(code: str) -> str:
    """Return the township code a village code starts with."""
    return code[:TOWNSHIP_DIGITS]


def clean_identifier(cell: object) -> str:
    """Return an id or code as text: a number cell ``12.0`` becomes ``12``, full-width digits and spaces are repaired.

    Text keeps its letters and case; only surrounding space, a leading apostrophe and ``.0`` after digits are removed.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, (int, float)):
        return "" if cell != cell else f"{cell:.0f}" if float(cell).is_integer() else repr(cell)  # noqa: PLR0124 (NaN)
    text = unicodedata.normalize("NFKC", str(cell)).strip().lstrip("'").strip()
    match = _FLOAT_TAIL.match(text)
    return match.group(1) if match else text


def clean_code(cell: object, digits: int | None) -> tuple[str, str]:
    """Return ``(code, problem)``; `problem` is a message key, empty when the code is usable.

    The national 12-digit form of a county or township code (``431226101000``) is cut to `digits`.
    """
    code = re.sub(r"\s", "", clean_identifier(cell))
    if not code:
        return "", ""
    if _SCIENTIFIC.match(code):
        return "", "code_lost_digits"
    if digits is not None and len(code) == VILLAGE_DIGITS > digits and code[digits:] == "0" * (VILLAGE_DIGITS - digits):
        code = code[:digits]
    if not code.isascii() or not code.isdigit() or (digits is not None and len(code) != digits):
        return "", "bad_code"
    return code, ""
