"""Words and figures as the planner reads them: field terms, sentences and numbers in one language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from geodata.messages import Lang, Message, has_label, label, text
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from scenarios.rounding import up

#: What stands where there is no figure.
MISSING = "—"
#: Figures from here on are printed without digits after the point.
_WHOLE_FROM = 1000.0
_PERCENT = 100.0
#: Smaller gaps are printed as smaller than this.
_LEAST_GAP = 1e-4

#: Parts of names of values that are no amounts.
_KEEPS_DIGITS = frozenset({"year", "date", "seed", "code", "id", "row", "line", "epsg"})

_EMPTY: Mapping[str, object] = {}


def term(key: str, lang: Lang) -> str:
    """Return the field's term for `key`: from the outputs' own terms, else from the glossary, else the key itself.

    Falling back to the key keeps a finished plan readable when a new KPI part or column has no term yet.
    """
    try:
        return text(f"out_term_{key}", lang)
    except KeyError:
        return label(key, lang) if has_label(key) else key


def capital(words: str) -> str:
    """Return words with a capital first letter, for headings."""
    return words[:1].upper() + words[1:]


def say(key: str, lang: Lang, params: Mapping[str, object] = _EMPTY) -> str:
    """Return the sentence ``out_<key>`` of the outputs' message table with its figures filled in."""
    return text(f"out_{key}", lang, params)


def note(key: str, lang: Lang, params: Mapping[str, object] = _EMPTY) -> str:
    """Return the sentence `key` of any message table; the key itself where it is not known or a figure is missing."""
    if not key:
        return ""
    try:
        return text(key, lang, readable(params))
    except KeyError:
        return key


class _Printed(float):
    """A figure that prints itself with thousands separators where the sentence gives no format of its own."""

    def __format__(self, spec: str) -> str:
        if spec:
            return super().__format__(spec)
        return f"{self:,.0f}" if self.is_integer() else f"{float(self):,.10g}"


def readable(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return the values of a sentence with large figures in groups of thousands; names, codes and years stay."""
    return {
        key: _Printed(value) if _is_large(value) and not _KEEPS_DIGITS & set(key.split("_")) else value
        for key, value in params.items()
    }


def _is_large(value: object) -> TypeGuard[float | int]:
    if isinstance(value, bool) or not isinstance(value, float | int):
        return False
    return math.isfinite(value) and abs(value) >= _WHOLE_FROM


def sentence(message: Message, lang: Lang) -> str:
    """Return a message with its figures as the outputs print them."""
    return message.text(lang) if not message.params else text(message.key, lang, readable(message.params))


def is_missing(value: object) -> bool:
    """Tell whether `value` is None, NaN or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number(value: object, digits: int = 0) -> str:
    """Return a figure with thousands separators, or a dash where there is none."""
    if is_missing(value):
        return MISSING
    figure = float(value)  # type: ignore[arg-type]
    if math.isinf(figure):
        return MISSING
    rounded = f"{figure:,.{digits}f}"
    return rounded.replace("-", "", 1) if float(rounded.replace(",", "")) == 0.0 else rounded


def share(value: object, digits: int = 1) -> str:
    """Return a share as a percentage, or a dash where there is none; 100 % only when it is whole."""
    if is_missing(value):
        return MISSING
    figure = float(value)  # type: ignore[arg-type]
    step = 10.0**-digits
    percent = round(figure * _PERCENT, digits)
    if figure < 1.0 and percent >= _PERCENT:
        percent = _PERCENT - step
    if figure > 0.0 and percent <= 0.0:
        percent = step
    return f"{percent:.{digits}f}%"


def gap_text(gap: object, status: str) -> str:
    """Return the gap of a solve, rounded up: 0 only where it is proved optimal, a dash where no bound is known."""
    if is_missing(gap):
        return MISSING
    size = float(gap)  # type: ignore[arg-type]
    if status == "optimal" and size <= OPTIMALITY_TOLERANCE:
        return "0%"
    return f"< {_LEAST_GAP:.2%}" if size < _LEAST_GAP else f"{up(_PERCENT * size, 2):.2f}%"


def gap_of(report: SolveReport) -> str:
    """Return the printed gap of a report; every output prints it by this."""
    return gap_text(report.gap, report.status)


def figure(value: object, unit: str) -> str:
    """Return a figure with the digits that suit its size; shares as percentages."""
    if unit == "share":
        return share(value)
    if is_missing(value):
        return MISSING
    size = float(value)  # type: ignore[arg-type]
    if abs(size) >= _WHOLE_FROM or size.is_integer():
        return number(size)
    return f"{size:.4g}" if abs(size) >= 1.0 else f"{size:.3g}"


def plain(value: object) -> str:
    """Return any value as text; a dash where there is none."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:,.10g}"
    return str(value)
