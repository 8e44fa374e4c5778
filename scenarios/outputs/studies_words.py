"""How the figures of a study are printed: terms from the glossary only, units from the names of the figures.

A key without a term is a mistake in the program and raises; nothing a planner reads may be a code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from geodata.messages import Lang, Message, label
from scenarios.outputs.terms import MISSING, capital, figure, gap_of, is_missing, number, say, sentence, share, term
from scenarios.studies.registry import study_kinds
from scenarios.studies.study import Cell, Study, StudyColumn

#: Ends of figure names → unit; the first that fits counts.
_ENDINGS = (
    ("cny_per_day", "cny_per_day"),
    ("cny_per_year", "cny_per_year"),
    ("cny_per_parcel", "cny_per_parcel"),
    ("cny_per_km", "cny_per_km"),
    ("parcels_per_day", "parcels_per_day"),
    ("parcels", "parcels"),
    ("cny", "cny"),
    ("share", "share"),
    ("km", "km"),
    ("min", "min"),
    ("h", "h"),
    ("kg", "kg"),
    ("m2", "m2"),
    ("m3", "m3"),
    *((key, "share") for key in ("k12_locker", "k12_point", "k12_other", "k22_utilisation", "k22_overflow_p95")),
    ("population", "people"),
    ("persons", "people"),
)
_KIND_UNITS: Mapping[str, str] = {"share": "share", "km": "km", "cny": "cny"}
_MONEY = ("cny", "cny_per_day", "cny_per_year", "cny_per_parcel", "cny_per_km")
_WHOLE_FROM = 1000.0
_PROOF_SENTENCES = "study_status_"
#: Figures that are lists of glossary keys, each with a detail after a colon: ``function_courier:zto, function_shop``.
LISTS = frozenset({"functions_today", "functions_after", "functions_moved", "function_told", "modes_told"})
NUMERIC_KINDS = frozenset({"count", "number", "share", "km", "cny"})


def unit_of(key: str, kind: str = "") -> str:
    """Return the unit of a figure: by the end of its name (``share``: anywhere in it), else by its kind, else none."""
    for ending, unit in _ENDINGS:
        if key == ending or key.endswith(f"_{ending}"):
            return unit
    return "share" if "share" in key.split("_") else _KIND_UNITS.get(kind, "")


def heading(key: str, lang: Lang, kind: str = "") -> str:
    """Return the term of `key` with its unit, unless the term says it already. KeyError if there is no term."""
    words = capital(label(key, lang))
    unit = unit_of(key, kind)
    if not unit or unit == "share":
        return words
    return with_unit(words, term(f"unit_{unit}", lang), lang)


def with_unit(words: str, unit: str, lang: Lang) -> str:
    """Return words with a unit in brackets, unless they say it already."""
    if unit.lower() in words.lower():
        return words
    return f"{words}（{unit}）" if lang == "zh" else f"{words} ({unit})"


def column_heading(column: StudyColumn, lang: Lang) -> str:
    """Return the heading of a table column."""
    if column.kind in NUMERIC_KINDS:
        return heading(column.key, lang, column.kind)
    return capital(term(column.key, lang) if column.key == "township" else label(column.key, lang))


def amount(value: float, unit: str) -> str:
    """Return a figure without its unit, with the digits that suit it."""
    if unit == "share":
        return share(value)
    if unit in _MONEY and math.isfinite(value):
        is_whole = abs(value) >= _WHOLE_FROM or float(value).is_integer()
        return number(value, 0 if is_whole else 2)
    if unit == "km":
        return number(value, 2)
    return number(value) if not math.isfinite(value) else figure(value, unit)


def cell_text(value: Cell, column: StudyColumn, lang: Lang) -> str:
    """Return a table cell as it is printed; the unit stands in the heading."""
    if column.kind == "label" and isinstance(value, str) and value:
        return label(value, lang)
    if column.key in LISTS and isinstance(value, str):
        return list_text(value, lang)
    if not is_figure(value):
        return _words(value, lang, MISSING if column.kind in NUMERIC_KINDS else "")
    return number(value) if column.kind == "count" else amount(float(value), unit_of(column.key, column.kind))


def fact_text(key: str, value: Cell, lang: Lang) -> str:
    """Return a single figure with its unit, as tooltips and key figures print it."""
    if key in LISTS and isinstance(value, str):
        return list_text(value, lang)
    if not is_figure(value):
        return _words(value, lang, MISSING)
    unit = unit_of(key)
    text = amount(float(value), unit)
    if text == MISSING or unit in ("", "share"):
        return text
    if unit in ("cny", "cny_per_day"):
        return say(unit, lang, {"value": text})
    return f"{text}{'' if lang == 'zh' else ' '}{term(f'unit_{unit}', lang)}"


def list_text(value: str, lang: Lang) -> str:
    """Return a list of glossary keys in words, details in brackets."""
    found = []
    for item in filter(None, value.split(", ")):
        key, _, detail = item.partition(":")
        words = label(key, lang)
        found.append(words if not detail else f"{words}（{detail}）" if lang == "zh" else f"{words} ({detail})")
    return ("、" if lang == "zh" else ", ").join(found)


def is_figure(value: Cell) -> TypeGuard[float | int]:
    """Tell whether a cell is a figure: not text, not yes or no, not missing."""
    return isinstance(value, float | int) and not isinstance(value, bool) and not is_missing(value)


def _words(value: Cell, lang: Lang, missing: str) -> str:
    if isinstance(value, Message):
        return sentence(value, lang)
    if isinstance(value, bool):
        return term("yes" if value else "no", lang)
    return missing if is_missing(value) else str(value)


def study_title(study: Study, lang: Lang) -> str:
    """Return the question of a study, with the name the scenario gives it."""
    kind = capital(label(f"study_{study.kind}", lang))
    if study.name == study.kind:
        return kind
    return f"{kind}（{study.name}）" if lang == "zh" else f"{kind} ({study.name})"


def mark_term(mark: str, lang: Lang) -> str:
    """Return the legend text of a mark."""
    return say(f"study_mark_{mark}", lang)


def answers(study: Study, lang: Lang) -> list[str]:
    """Return the answer sentences, without those on proof where `status_sentence` says it from the report."""
    is_said = study.report is not None
    return [sentence(m, lang) for m in study.answer if not (is_said and m.key.startswith(_PROOF_SENTENCES))]


def status_sentence(study: Study, lang: Lang) -> str:
    """Say what is proved about the answer."""
    report = study.report
    if report is None:
        return say("study_status_none", lang)
    status: str = report.status
    if status == "feasible":
        status = "unproved" if report.gap is None else "bounded"
    return say(f"study_status_{status}", lang, {"gap": gap_of(report)})


def status_word(study: Study, lang: Lang) -> str:
    """Return the status in a few words, for tables."""
    report = study.report
    if report is None:
        return say("study_counted", lang)
    words = term(f"solve_status_{report.status}", lang) if report.status != "optimal" else say("study_proved", lang)
    if report.status != "feasible":
        return words
    extra = say("study_no_gap" if report.gap is None else "study_gap", lang, {"gap": gap_of(report)})
    return f"{words}{'，' if lang == 'zh' else ', '}{extra}"


def proof_line(study: Study, lang: Lang) -> str:
    """Return objective, bound, engine, seed and limits in one line; empty where nothing was optimised."""
    report = study.report
    if report is None:
        return ""
    limits = ", ".join(f"{key} {figure(report.limits[key], '')}" for key in sorted(report.limits))
    kind = study_kinds().get(study.kind)
    is_maximising = kind is not None and kind.is_maximising
    sign = -1.0 if is_maximising else 1.0
    values = {
        "objective": MISSING if report.objective is None else amount(sign * report.objective, ""),
        "bound": MISSING if report.bound is None else amount(sign * report.bound, ""),
        "engine": report.engine,
        "seed": report.seed,
        "limits": limits or MISSING,
    }
    return say("study_proof_most" if is_maximising else "study_proof", lang, values)


def fact_title(key: str, lang: Lang) -> str:
    """Return the term of a figure that is printed with its unit; a unit in the term itself is left out."""
    words, unit = capital(label(key, lang)), unit_of(key)
    for ending in (f" ({term(f'unit_{unit}', lang)})", f"（{term(f'unit_{unit}', lang)}）"):
        words = words.removesuffix(ending)
    return words


def table_title(key: str, lang: Lang) -> str:
    """Return the heading of a table or chart."""
    return capital(label(key, lang))
