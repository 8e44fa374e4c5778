"""Every key of a scenario in words: meaning, unit, default and what may stand there, in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from geodata.messages import Lang, has_label, label, printed, text
from geodata.parameters import default_parameters
from scenarios.key_ranges import SEED_MAX
from scenarios.language.cells import encode, shown
from scenarios.spec import NONE_WORD, STUDIES, KeySpec, key_specs
from scenarios.studies.registry import study_kinds
from scenarios.studies.settings import COMMON, KIND, key_spec, options_of
from scenarios.studies.study import StudyOption

PARAMETERS = "parameters"
#: Units by the last word of a key's name: glossary key of the unit.
_UNITS = {"km": "km", "min": "min", "cny": "cny", "share": "share", "week": "visit_per_week", "factor": "ratio"}
#: Keys that follow the scenario's own seed.
_SEEDS = ("siting.seed", "routing.seed")
_BIG = 1e6


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """What a planner reads beside a key: meaning, unit, default and what may stand there."""

    meaning: str
    unit: str
    default: str
    allowed: str


def parameter_spec(parameter_id: str) -> KeySpec | None:
    """Return a figure of the parameter table as a key of a scenario; None if there is none of that id."""
    known = default_parameters()
    if parameter_id not in known:
        return None
    entry = known.entry(parameter_id)
    low, high = (v if math.isfinite(v) else None for v in (entry.minimum, entry.maximum))
    return KeySpec(f"{PARAMETERS}.{parameter_id}", "number", entry.value, low, high)


def spec_of(key: str, kinds: Mapping[str, str]) -> KeySpec | None:
    """Return what may stand in any key; None where it is not known.

    Parameters
    ----------
    key
        Dotted key, as in an override: ``standard.access_km``, ``parameters.diesel_cny_per_l``, ``studies.s.radius``.
    kinds
        Kind of each study, by the study's name.
    """
    head, _, rest = key.partition(".")
    if head == PARAMETERS:
        return parameter_spec(rest)
    if head != STUDIES:
        return key_specs().get(key)
    name, _, leaf = rest.rpartition(".")
    if leaf == KIND:
        return KeySpec(key, "choice", None, choices=tuple(study_kinds()))
    option = _option(kinds.get(name, ""), leaf)
    return None if option is None else key_spec(name, option)


def _option(kind: str, key: str) -> StudyOption | None:
    known = options_of(study_kinds()[kind]) if kind in study_kinds() else COMMON
    return next((option for option in known if option.key == key), None)


def help_of(key: str, lang: Lang, kinds: Mapping[str, str]) -> KeyHelp:
    """Return what a planner reads beside a key; empty words where the key is not known."""
    spec = spec_of(key, kinds)
    if spec is None:
        return KeyHelp("", "", "", "")
    return KeyHelp(meaning(key, lang, kinds), unit(spec, lang), default(spec, lang), allowed(spec, lang))


def meaning(key: str, lang: Lang, kinds: Mapping[str, str]) -> str:
    """Return what a known key means."""
    head, _, rest = key.partition(".")
    if head == PARAMETERS:
        return default_parameters().entry(rest).label(lang)
    if head != STUDIES:
        return _key_meaning(key, lang)
    name, _, leaf = rest.rpartition(".")
    option = _option(kinds.get(name, ""), leaf)
    return text("key_study_kind" if option is None else option.meaning_key, lang)


def _key_meaning(key: str, lang: Lang) -> str:
    """Return what a key means; where no message says it, as the settings' own docstring does."""
    try:
        return text(f"key_{key.replace('.', '_')}", lang)
    except KeyError:
        return key_specs()[key].meaning


def unit(spec: KeySpec, lang: Lang) -> str:
    """Return the unit of a key, or an empty text."""
    head, _, rest = spec.key.partition(".")
    if head == PARAMETERS:
        return printed(default_parameters().entry(rest).unit, lang)
    if spec.kind not in ("number", "whole", "numbers"):
        return ""
    word = rest.rpartition("_")[2]
    if word == "s":
        return printed("s", lang)
    key = f"unit_{_UNITS.get(word, '')}"
    return label(key, lang) if has_label(key) else ""


def default(spec: KeySpec, lang: Lang) -> str:
    """Return what holds where nothing stands, as it would be written."""
    if spec.key in _SEEDS:
        return text("key_default_seed", lang)
    if spec.default is None:
        return NONE_WORD if spec.is_optional else "—"
    if isinstance(spec.default, list | tuple):
        return shown(encode(list(spec.default), spec))
    return _figure(spec.default)


def _figure(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) >= _BIG else f"{value:.10g}"
    return str(value)


def allowed(spec: KeySpec, lang: Lang) -> str:
    """Return what may stand in a key, in words."""
    low, high, above = spec.low, spec.high, spec.above
    if high is not None and high >= SEED_MAX:
        high = None
    ending = "" if low is None and above is None else "_from"
    if high is not None:
        ending = "_between"
    elif above is not None:
        ending = "_above"
    figures = {"low": _figure(low or 0), "high": _figure(high or 0), "above": _figure(above or 0)}
    words = text(f"key_allowed_{spec.kind}", lang, {"choices": ", ".join(spec.choices)})
    if spec.kind in ("number", "whole", "numbers") and ending:
        words = text(f"key_range{ending}", lang, {"words": words, **figures})
    words += _plausible(spec.key, lang)
    return text("key_allowed_or_none", lang, {"words": words}) if spec.is_optional else words


def _plausible(key: str, lang: Lang) -> str:
    """Return the range a figure's source gives; beyond it a figure is used, with a warning."""
    head, _, rest = key.partition(".")
    entry = default_parameters().entry(rest) if head == PARAMETERS else None
    if entry is None or entry.low is None or entry.high is None:
        return ""
    return text("key_plausible", lang, {"low": _figure(entry.low), "high": _figure(entry.high)})
