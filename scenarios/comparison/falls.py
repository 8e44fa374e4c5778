"""Waterfalls in words and as charts."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from geodata.messages import Lang, text
from scenarios.comparison.tables import part_name
from scenarios.comparison.waterfall import DENOMINATOR, NUMERATOR, PARCELS, REST, Waterfall
from scenarios.outputs.svg import label, num, rect, svg, wrap
from scenarios.outputs.terms import capital, term

_WIDTH, _LEFT, _RIGHT, _SIZE = 640.0, 210.0, 92.0, 12.5
_END, _UP, _DOWN, _GOOD_UP = "#4A5560", "#B34700", "#00724F", ("served",)
_LINE = 15.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: its words, its amount as printed, and where it runs from and to."""

    label: str
    text: str
    start: int
    end: int
    is_total: bool = False


def part_words(fall: Waterfall, part: str, lang: Lang) -> str:
    """Return what a part of a waterfall is called."""
    head, _, tail = part.partition(".")
    if part in (NUMERATOR, DENOMINATOR, PARCELS, REST):
        return text(f"compare_part_{part}", lang)
    if fall.figure == "cost":
        return _cost_words(head, tail, lang)
    if fall.figure == "parcel_cost":
        return capital(term(f"kpi_part_{part}", lang))
    if fall.figure == "investment":
        return text(f"compare_part_invest_{tail}", lang, {"kind": term(f"kind_{head}", lang)})
    return text(f"compare_part_{head}", lang, {"township": tail})


def _cost_words(kind: str, item: str, lang: Lang) -> str:
    if item == "transport":
        return text("compare_part_transport", lang, {"tier": term(f"tier_{kind}", lang)})
    return text(f"compare_part_{item}", lang, {"kind": capital(term(f"kind_{kind}", lang))})


def amount(fall: Waterfall, count: int, *, is_change: bool = False) -> str:
    """Return a count of steps as an amount, to the last digit; a change with its sign."""
    digits = fall.digits
    whole, part = divmod(abs(count), fall.step.denominator)
    words = f"{whole:,}" + (f".{part:0{digits}d}" if digits else "")
    sign = "−" if count < 0 else "+" if is_change and count > 0 else ""
    return f"{sign}{words}"


def steps(fall: Waterfall, names: tuple[str, str], lang: Lang) -> list[Step]:
    """Return the first run's figure, every part, and the other run's figure."""
    found = [Step(names[0], amount(fall, fall.start), 0, fall.start, is_total=True)]
    at = fall.start
    for part, change in fall.parts.items():
        found.append(Step(part_words(fall, part, lang), amount(fall, change, is_change=True), at, at + change))
        at += change
    found.append(Step(names[1], amount(fall, fall.end), 0, fall.end, is_total=True))
    return found


def fall_title(fall: Waterfall, names: tuple[str, str], lang: Lang) -> str:
    """Return the heading of a waterfall."""
    figures = {"figure": figure_words(fall, lang), "first": names[0], "other": names[1]}
    return text("compare_fall_to", lang, figures)


def figure_words(fall: Waterfall, lang: Lang) -> str:
    """Return the figure's name and unit."""
    kpi, _, part = fall.figure.partition(" ")
    known = f"{kpi} {term(f'kpi_{kpi}', lang)} · {part_name(part, lang)}" if part else ""
    return f"{known or text(f'compare_fall_{fall.figure}', lang)} ({term(f'unit_{fall.unit}', lang)})"


def fall_chart(fall: Waterfall, names: tuple[str, str], lang: Lang) -> Markup:
    """Return the waterfall as a chart; the scale begins near the least figure where the changes would vanish otherwise."""
    rows = steps(fall, names, lang)
    low, high = _scale(rows)
    span = _WIDTH - _LEFT - _RIGHT

    def at(value: float) -> float:
        return _LEFT + span * (value - low) / (high - low)

    parts: list[str] = []
    y = 2.0
    for row in rows:
        lines = wrap(row.label, _LEFT - 14, _SIZE)
        height = max(24.0, _LINE * len(lines) + 6)
        parts += [label(_LEFT - 10, y + 15 + _LINE * i, line, anchor="end", size=_SIZE) for i, line in enumerate(lines)]
        start = low if row.is_total else row.start
        left, right = sorted((at(max(start, low)), at(row.end)))
        parts.append(rect(left, y + 4, max(right - left, 1.0), 15, _colour(fall, row)))
        parts.append(label(right + 6, y + 16, row.text, size=_SIZE))
        if row is not rows[-1]:
            x = num(at(row.end))
            parts.append(
                f'<line x1="{x}" y1="{num(y + 19)}" x2="{x}" y2="{num(y + height + 4)}" stroke="#9aa4ab" stroke-width="1"/>'
            )
        y += height
    if low > 0:
        words = text("compare_fall_scale", lang, {"low": amount(fall, low)})
        parts.append(label(_LEFT, y + 14, words, size=11, colour="#66727c"))
        y += 18
    return svg(_WIDTH, y + 4, parts, fall_title(fall, names, lang))


def _colour(fall: Waterfall, row: Step) -> str:
    if row.is_total:
        return _END
    is_good = (row.end > row.start) == (fall.figure in _GOOD_UP)
    return _DOWN if is_good else _UP


def _scale(rows: list[Step]) -> tuple[int, int]:
    """Return the ends of the scale: from 0, or from half below the least figure where all changes are small."""
    places = [value for row in rows for value in (row.end, *(() if row.is_total else (row.start,)))]
    low, high = min(places), max(places)
    room = max((high - low) // 2, 1)
    start = 0 if low <= 0 or high - low > high / 3 else max(0, low - room)
    return min(start, low), max(high, start + 1)
