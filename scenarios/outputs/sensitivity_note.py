"""Which assumptions move the answer most: the sentence and the rows the report prints."""

from __future__ import annotations

from dataclasses import dataclass

from planner.sensitivity import Swing, cost_swings
from scenarios.content import RunContent
from scenarios.outputs.terms import figure, number, say, term

#: Assumptions listed beside the first.
MAX_SWINGS = 5


@dataclass(frozen=True, slots=True)
class SensitivityNote:
    """The sentence on the widest swing, and the widest swings as printed rows (figure, range, cost at either end)."""

    sentence: str
    headers: tuple[str, ...]
    rows: list[tuple[str, ...]]


def sensitivity_note(content: RunContent) -> SensitivityNote | None:
    """Return which assumptions move the daily cost most; None if none does."""
    swings = cost_swings(content.problem, content.verified.plan)
    if not swings:
        return None
    lang = content.lang
    headers = tuple(say(f"report_swing_{name}", lang) for name in ("figure", "range", "low", "high", "swing"))
    rows = [_row(swing, content) for swing in swings[:MAX_SWINGS]]
    return SensitivityNote(say("report_sensitivity", lang, _figures(swings[0], content)), headers, rows)


def _figures(swing: Swing, content: RunContent) -> dict[str, object]:
    entry = content.problem.county.parameters.entry(swing.parameter_id)
    return {
        "label": entry.label(content.lang),
        "low": figure(swing.low, entry.unit),
        "high": figure(swing.high, entry.unit),
        "unit": "" if entry.unit == "share" else f" {term(f'unit_{entry.unit}', content.lang)}",
        "tag": swing.tag,
        "low_cost": number(swing.low_cny_per_day),
        "high_cost": number(swing.high_cny_per_day),
        "swing": number(swing.swing_cny_per_day),
    }


def _row(swing: Swing, content: RunContent) -> tuple[str, ...]:
    f = {key: str(value) for key, value in _figures(swing, content).items()}
    return (
        f"{f['label']} [{f['tag']}]",
        f"{f['low']}–{f['high']}{f['unit']}",
        f["low_cost"],
        f["high_cost"],
        f["swing"],
    )
