"""Values of a scenario as cells of a sheet and back, without loss.

A cell holds what a planner would type: a figure, a text, ``true`` or 是, ``none`` or 无, a list as ``a; b``. What such a
cell cannot hold exactly (a text with spaces at its ends, a name with a semicolon, a text that reads like a figure where
the key's kind is not known) is written as JSON, which begins with ``"`` or ``[``. `encode` takes the plain form only
where `decode` gives back the very same value.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any

from scenarios.language.layout import NOTE
from scenarios.spec import NONE_WORD, KeySpec

Cell = str | float | bool
_SWITCHES = {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}
_NONES = (NONE_WORD, "无")
_SEPARATOR = re.compile(r"\s*[;；\n]\s*")
#: Whole figures from here on are not all exact in a cell.
_EXACT = 2**53
#: Characters a sheet cannot hold, or that Excel writes in its own way.
_AWKWARD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_x", re.IGNORECASE)


class CellError(ValueError):
    """A cell does not hold what stands for a value."""


def is_empty(cell: object) -> bool:
    """Tell whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: object) -> str:
    """Return a cell as a message shows it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    return str(cell)


def encode(value: object, spec: KeySpec | None) -> Cell:
    """Return the cell that stands for a value of a key; `spec` is None where the key's kind is not known."""
    plain = _plain(value, spec)
    if plain is not None and _is_same(plain, value, spec):
        return plain
    return _escaped(json.dumps(value, ensure_ascii=False))


def _is_same(cell: Cell, value: object, spec: KeySpec | None) -> bool:
    try:
        back = decode(cell, spec)
    except CellError:
        return False
    is_switch = isinstance(back, bool) == isinstance(value, bool)
    is_text = isinstance(back, str) == isinstance(value, str)
    return is_switch and is_text and back == value


def _plain(value: object, spec: KeySpec | None) -> Cell | None:
    """Return the cell a planner would type, or None where there is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number_cell(value)
    if isinstance(value, str):
        is_note = value.lstrip().startswith(NOTE)  # a row whose first cell begins so is skipped
        return None if is_empty(value) or is_note or _AWKWARD.search(value) else value
    if isinstance(value, list) and value and all(isinstance(v, str | float | int) for v in value):
        parts = [v if isinstance(v, str) else repr(v) for v in value]
        return None if _AWKWARD.search("".join(parts)) or spec is None else "; ".join(parts)
    return None


def _number_cell(value: float) -> Cell:
    """Return a figure as a number where the sheet keeps every digit of it, else as text."""
    if not math.isfinite(value):
        return repr(value)
    is_kept = abs(value) < _EXACT and float(f"{value:.16G}") == value
    return float(value) if is_kept else repr(value)


def _escaped(json_text: str) -> str:
    return _AWKWARD.sub(lambda m: "".join(f"\\u{ord(c):04x}" for c in m.group()), json_text)


def decode(cell: object, spec: KeySpec | None) -> Any:
    """Return the value a cell stands for; what does not fit the key is left for the scenario's own check.

    Raises
    ------
    CellError
        If the cell holds a date, or JSON that cannot be read.
    """
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        raise CellError(str(cell))
    if isinstance(cell, str):
        stripped = cell.strip()
        if stripped[:1] in ('"', "["):
            try:
                return json.loads(stripped)
            except json.JSONDecodeError as error:
                raise CellError(stripped) from error
        return _from_text(stripped, spec)
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, int | float):
        return _from_number(cell, spec)
    raise CellError(str(cell))


def _from_number(number: float, spec: KeySpec | None) -> Any:
    kind = "" if spec is None else spec.kind
    is_whole = float(number).is_integer()
    if kind in ("text", "name", "choice"):
        return str(int(number)) if is_whole else repr(number)
    if kind == "names":
        return [str(int(number)) if is_whole else repr(number)]
    if kind == "numbers":
        return [float(number)]
    if kind == "switch" and number in (0, 1):
        return bool(number)
    return int(number) if is_whole and kind != "number" else number


def _from_text(word: str, spec: KeySpec | None) -> Any:
    if spec is None:
        return _guessed(word)
    if spec.is_optional and word.casefold() in _NONES:
        return NONE_WORD
    if spec.kind in ("names", "numbers"):
        parts = [part for part in _SEPARATOR.split(word) if part]
        return parts if spec.kind == "names" else [_figure(part) for part in parts]
    if spec.kind in ("number", "whole"):
        return _figure(word)
    return _SWITCHES.get(word.casefold(), word) if spec.kind == "switch" else word


def _guessed(word: str) -> Any:
    """Return the value of a text whose key is not known: a figure, a switch, else the text."""
    return _SWITCHES.get(word.casefold(), _figure(word))


def _figure(word: str) -> float | int | str:
    """Return the figure a text stands for, or the text."""
    for kind in (int, float):
        try:
            figure = kind(word)
        except ValueError:
            continue
        return figure if math.isfinite(figure) and "_" not in word else word
    return word
