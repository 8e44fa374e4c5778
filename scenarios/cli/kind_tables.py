"""Tables of the kinds of study and their options, for the command and the reference page."""

from __future__ import annotations

from typing import Any

from geodata.messages import Lang, text
from scenarios.key_ranges import SEED_MAX
from scenarios.plan_json import plain, term
from scenarios.spec import NONE_WORD, KeySpec
from scenarios.studies.registry import study_kinds
from scenarios.studies.settings import COMMON, key_spec
from scenarios.studies.study import StudyKind, StudyOption

#: Units by the last word of a key's name.
UNITS = {"km": "km", "min": "min", "s": "s", "cny": "CNY", "share": "0–1", "week": "a week", "factor": "ratio"}


def allowed(spec: KeySpec) -> str:
    """Return what may stand in a key, in words."""
    kinds = {
        "number": "number",
        "whole": "whole number",
        "switch": "true or false",
        "names": "list of names",
        "numbers": "list of numbers",
    }
    words = " or ".join(f"`{choice}`" for choice in spec.choices) or kinds.get(spec.kind, "text")
    if spec.high is not None:
        words += f" {spec.low or 0:g}–{spec.high:g}" if spec.high < SEED_MAX else f" from {spec.low:g}"
    elif spec.above is not None:
        words += f" above {spec.above:g}"
    elif spec.low is not None:
        words += f" from {spec.low:g}"
    return f"{words}, or `{NONE_WORD}`" if spec.is_optional else words


def unit(spec: KeySpec) -> str:
    """Return the unit that the key's last word names."""
    return UNITS.get(spec.key.rpartition("_")[2], "") if spec.kind in ("number", "whole") else ""


def kind_tables(lang: Lang) -> str:
    """Return every kind of study with its question and a table of its options; the common options come first."""
    parts = [f"### {text('study_common_heading', lang)}", _table(COMMON, lang)]
    for kind in study_kinds().values():
        title = term(f"study_{kind.kind}", lang, kind.kind)
        parts += [f"### `{kind.kind}`: {title}", text(kind.meaning_key, lang), _table(kind.options, lang)]
    return "\n\n".join(parts)


def _table(options: tuple[StudyOption, ...], lang: Lang) -> str:
    columns = text("study_option_columns", lang)
    lines = [columns, "|---|---|---|---|"]
    for option in sorted(options, key=lambda o: o.key):
        spec = key_spec("NAME", option)
        lines.append(f"| `{option.key}` | {allowed(spec)} | {_default(option)} | {text(option.meaning_key, lang)} |")
    return "\n".join(lines)


def _default(option: StudyOption) -> str:
    if option.default is None:
        return f"`{NONE_WORD}`"
    if option.kind in ("names", "numbers"):
        return f"`{plain(option.default)}`"
    return f"`{str(option.default).lower() if option.kind == 'switch' else option.default}`"


def kind_values(lang: Lang) -> dict[str, Any]:
    """Return the kinds as plain data."""
    return {kind.kind: _value(kind, lang) for kind in study_kinds().values()}


def _value(kind: StudyKind, lang: Lang) -> dict[str, Any]:
    options = {
        option.key: {
            "kind": option.kind,
            "default": plain(option.default),
            "choices": list(option.choices),
            "meaning": text(option.meaning_key, lang),
        }
        for option in (*kind.options, *COMMON)
    }
    title = term(f"study_{kind.kind}", lang, kind.kind)
    return {"title": title, "meaning": text(kind.meaning_key, lang), "options": options}
