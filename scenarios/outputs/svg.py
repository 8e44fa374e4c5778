"""Small SVG charts as text: bars against a target, a stacked bar, a histogram. No script, no library, prints well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

_INK, _MUTED, _GRID, _BAR = "#1f2a33", "#66727c", "#d9dfe3", "#0072B2"
_WIDTH = 760.0
_LABEL_WIDTH = 270.0
_CJK = "\u2e80"


def text_width(text: str, size: float) -> float:
    """Return about how wide `text` prints at `size`: a Chinese character is square, a Latin one about half."""
    return sum(size if char >= _CJK else size * 0.56 for char in text)


def wrap(text: str, width: float, size: float) -> list[str]:
    """Return `text` in lines that print no wider than `width`, broken at spaces; in Chinese anywhere."""
    lines = [""]
    pieces = re.findall(r"[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*|\s+", text)
    for piece in pieces:
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), size) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def svg(width: float, height: float, parts: Sequence[str], title: str) -> Markup:
    """Wrap drawing parts as an SVG element with a title for screen readers; the parts are trusted."""
    head = (
        f'<svg viewBox="0 0 {num(width)} {num(height)}" role="img" aria-label="{escape(title)}" class="chart">'
        f"<title>{escape(title)}</title>"
    )
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  every text in it is escaped


def num(value: float) -> str:
    """Return a coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")


def label(x: float, y: float, text: str, *, size: float = 13, anchor: str = "start", colour: str = _INK) -> str:
    """Return a text element; the text is escaped."""
    return (
        f'<text x="{num(x)}" y="{num(y)}" font-size="{num(size)}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Return a filled rectangle."""
    return f'<rect x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    return f'<line x1="{num(x1)}" y1="{num(y1)}" x2="{num(x2)}" y2="{num(y2)}" {look}/>'


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: label, value on a scale of 0 to 1, printed figure, the target it should reach (or None).

    Bars of one `group` stand together under its name.
    """

    label: str
    value: float
    text: str
    target: float | None = None
    group: str = ""


def share_bars(bars: Sequence[Bar], title: str) -> Markup:
    """Return horizontal bars from 0 to 100 %, each with its figure and a tick at its target."""
    y, group = 4.0, ""
    left = min(max((text_width(bar.label, 13) for bar in bars), default=0.0) + 22.0, _LABEL_WIDTH)
    right = _WIDTH - 205.0
    parts = []
    for bar in bars:
        if bar.group and bar.group != group:
            parts.append(label(0, y + 17, bar.group, colour=_MUTED))
            y += 25.0
        group = bar.group
        lines = wrap(bar.label, left - 16, 13)
        parts += [label(left - 12, y + 15 + 16 * i, line, anchor="end") for i, line in enumerate(lines)]
        parts += [
            rect(left, y + 3, right - left, 16, "#edf0f2"),
            rect(left, y + 3, (right - left) * min(max(bar.value, 0.0), 1.0), 16, _BAR),
            label(right + 10, y + 15, bar.text),
        ]
        if bar.target is not None:
            x = left + (right - left) * bar.target
            parts.append(_line(x, y, x, y + 22, f'stroke="{_INK}" stroke-width="2"'))
        y += 28.0 + 16.0 * (len(lines) - 1)
    return svg(_WIDTH, y + 4, parts, title)


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a stacked bar."""

    label: str
    value: float
    text: str
    colour: str


def stacked_bar(segments: Sequence[Segment], title: str) -> Markup:
    """Return one bar made of segments, with a legend of their figures below it."""
    total = sum(s.value for s in segments) or 1.0
    parts, x = [], 0.0
    for segment in segments:
        width = _WIDTH * segment.value / total
        parts.append(rect(x, 0, width, 34, segment.colour))
        percent = f"{segment.value / total:.0%}"
        if width > text_width(percent, 13) + 8:
            parts.append(label(x + width / 2, 22, percent, anchor="middle", colour="#ffffff"))
        x += width
    columns, row_height = 2, 22.0
    for i, segment in enumerate(segments):
        left, y = (i % columns) * _WIDTH / columns, 54 + (i // columns) * row_height
        parts += [
            rect(left, y - 11, 12, 12, segment.colour),
            label(left + 20, y, segment.label),
            label(left + _WIDTH / columns - 24, y, segment.text, anchor="end", colour=_MUTED),
        ]
    rows = -(-len(segments) // columns)
    return svg(_WIDTH, 48 + rows * row_height, parts, title)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a histogram: label below, height, figure above."""

    label: str
    value: float
    text: str
    colour: str = _BAR


def histogram(columns: Sequence[Column], title: str, axis: str) -> Markup:
    """Return upright columns with their figures above and labels below; `axis` names the horizontal axis."""
    height, top, bottom = 210.0, 24.0, 46.0
    greatest = max((c.value for c in columns), default=0.0) or 1.0
    slot = _WIDTH / max(len(columns), 1)
    floor = height - bottom
    parts = [_line(0, floor, _WIDTH, floor, f'stroke="{_GRID}" stroke-width="1"')]
    for i, column in enumerate(columns):
        tall = (floor - top) * column.value / greatest
        x, middle = i * slot, (i + 0.5) * slot
        parts += [
            rect(x + slot * 0.12, floor - tall, slot * 0.76, tall, column.colour),
            label(middle, floor - tall - 6, column.text, anchor="middle", size=12),
            label(middle, floor + 17, column.label, anchor="middle", size=12, colour=_MUTED),
        ]
    parts.append(label(_WIDTH / 2, height - 6, axis, anchor="middle", size=12, colour=_MUTED))
    return svg(_WIDTH, height, parts, title)
