"""Gantt charts as SVG text: a row a vehicle, bars told apart by colour and by their height, hours along the foot."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geodata.messages import Lang, label
from scenarios.outputs.studies_charts import ShownChart
from scenarios.outputs.svg import label as text
from scenarios.outputs.svg import num, rect, svg, text_width
from scenarios.outputs.terms import capital
from scenarios.studies.study import GanttBar, StudyGantt

_WIDTH, _ROW, _TOP, _FOOT, _RIGHT = 760.0, 17.0, 30.0, 26.0, 12.0
_GRID, _MUTED = "#dfe4e8", "#5c6872"
_SMALL = 11.0
_MOST_LEFT = 170.0
#: Bar → colour and height; what is not listed is drawn like a stop.
_LOOKS = {
    "gantt_loading": ("#3B2A6B", 11.0),
    "gantt_driving": ("#9DB7C9", 4.0),
    "gantt_stop": ("#0072B2", 11.0),
    "gantt_rest": ("#C98A00", 8.0),
}
_HOUR = 60.0
_MOST_TICKS = 12


def gantt_charts(gantts: Sequence[StudyGantt], lang: Lang) -> list[ShownChart]:
    """Return the charts that have bars."""
    return [_chart(gantt, lang) for gantt in gantts if any(row.bars for row in gantt.rows)]


def _chart(gantt: StudyGantt, lang: Lang) -> ShownChart:
    bars = [bar for row in gantt.rows for bar in row.bars]
    low = math.floor(min(bar.start_min for bar in bars) / _HOUR)
    high = max(math.ceil(max(bar.end_min for bar in bars) / _HOUR), low + 1)
    left = min(_MOST_LEFT, max(text_width(row.name, _SMALL) for row in gantt.rows) + 10)
    per_min = (_WIDTH - left - _RIGHT) / (high - low) / _HOUR
    foot = _TOP + _ROW * len(gantt.rows)
    parts = _hours(low, high, left, per_min * _HOUR, foot)
    for i, row in enumerate(gantt.rows):
        middle = _TOP + _ROW * (i + 0.5)
        parts.append(text(left - 6, middle + 4, row.name, size=_SMALL, anchor="end"))
        parts += [_bar(bar, left + (bar.start_min - low * _HOUR) * per_min, middle, per_min) for bar in row.bars]
    parts += _legend(dict.fromkeys(bar.key for bar in bars), left, lang)
    heading = capital(label(gantt.key, lang))
    return ShownChart(heading, svg(_WIDTH, foot + _FOOT, parts, heading))


def _bar(bar: GanttBar, x: float, middle: float, per_min: float) -> str:
    colour, height = _LOOKS.get(bar.key, _LOOKS["gantt_stop"])
    width = max(0.6, (bar.end_min - bar.start_min) * per_min)
    return rect(x, middle - height / 2, width, height, colour)


def _hours(low: int, high: int, left: float, per_hour: float, foot: float) -> list[str]:
    step = max(1, math.ceil((high - low) / _MOST_TICKS))
    parts = []
    for hour in range(low, high + 1, step):
        x = left + (hour - low) * per_hour
        look = f'stroke="{_GRID}" stroke-width="1"'
        parts.append(f'<line x1="{num(x)}" y1="{num(_TOP)}" x2="{num(x)}" y2="{num(foot)}" {look}/>')
        parts.append(text(x, foot + 15, f"{hour:02d}:00", size=_SMALL, anchor="middle", colour=_MUTED))
    return parts


def _legend(keys: Sequence[str] | dict[str, None], left: float, lang: Lang) -> list[str]:
    parts, x = [], left
    for key in keys:
        colour, height = _LOOKS.get(key, _LOOKS["gantt_stop"])
        words = label(key, lang)
        parts.append(rect(x, 12 - height / 2, 16, height, colour))
        parts.append(text(x + 21, 16, words, size=_SMALL))
        x += 34 + text_width(words, _SMALL)
    return parts
