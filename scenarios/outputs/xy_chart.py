"""Charts with two axes as SVG text: lines, steps, bars; series differ in dash, mark and hatching, not only in colour.

Values are printed beside as many points as fit, so that a black-and-white print can be read without the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from scenarios.outputs.svg import label, num, svg, text_width

ChartKind = Literal["line", "step", "bar", "waterfall"]
Point = tuple[float, float]
_Box = tuple[float, float, float, float]

_WIDTH, _HEIGHT = 760.0, 330.0
_TOP, _RIGHT, _BOTTOM = 42.0, 24.0, 54.0
#: Height of a row of series names.
_ROW = 18.0
_INK, _MUTED, _GRID = "#1f2a33", "#5c6872", "#dfe4e8"
_SMALL = 11.5
#: Most lines of a name below a bar.
_LINES = 3
#: Most tick texts on an axis.
_TICKS = 6
#: More points than this are drawn without a mark on each.
_MAX_MARKS = 60
#: An axis starts at zero unless all values lie within this part of the greatest.
_NARROW = 0.25


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: words with unit, how a value on it is printed, and whether values are whole."""

    words: str
    text: Callable[[float], str]
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A named line or set of bars."""

    words: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How a series is told apart: colour, dashes, shape of its marks, hatching of its bars."""

    colour: str
    dash: str
    mark: str
    hatch: str


LOOKS = (
    Look("#0072B2", "", "circle", ""),
    Look("#D55E00", "7 4", "square", "M0 8L8 0"),
    Look("#009E73", "2 3", "triangle", "M4 0V8"),
    Look("#3B2A6B", "9 3 2 3", "diamond", "M0 4H8"),
    Look("#8A6D00", "12 4", "ring", "M0 0L8 8M0 8L8 0"),
    Look("#56707F", "4 2 1 2", "cross", "M0 0L8 8"),
)


def nice_ticks(low: float, high: float, most: int = _TICKS, *, is_whole: bool = False) -> list[float]:
    """Return round values that enclose [low, high]: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= raw * (1 - 1e-9))
    if is_whole:
        step = max(1.0, math.ceil(step - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.start)


class _Labels:
    """Texts that do not lie over one another."""

    def __init__(self, left: float) -> None:
        self._left = left
        self._taken: list[_Box] = []
        self.parts: list[str] = []

    def put(self, x: float, y: float, text: str, colour: str) -> bool:
        """Write a text centred on x with its foot at y, if the place is free."""
        half = text_width(text, _SMALL) / 2 + 2
        x = min(max(x, self._left + half), _WIDTH - half)
        box = (x - half, y - _SMALL, x + half, y + 2)
        if any(box[0] < o[2] and box[2] > o[0] and box[1] < o[3] and box[3] > o[1] for o in self._taken):
            return False
        self._taken.append(box)
        written = label(x, y, text, size=_SMALL, anchor="middle", colour=colour)
        self.parts.append(written.replace("<text ", '<text class="halo" ', 1))
        return True

    def block(self, x: float, y: float, reach: float = 3.0) -> None:
        """Keep texts off a point."""
        self._taken.append((x - reach, y - reach, x + reach, y + reach))


def finite(series: Sequence[Series]) -> list[Series]:
    """Return the series without points that are not finite, and without empty series."""
    kept = [Series(s.words, tuple(p for p in s.points if all(map(math.isfinite, p)))) for s in series]
    return [s for s in kept if s.points]


def xy_chart(kind: ChartKind, series: Sequence[Series], x: Axis, y: Axis, title: str) -> Markup | None:
    """Return a chart, or None where there is no point to draw.

    Parameters
    ----------
    kind
        ``line`` joins the points, ``step`` keeps a value until the next, ``bar`` draws upright bars side by side,
        ``waterfall`` one bar a series from the total before to the total after, its first and last from zero.
    series
        What is drawn.
    x, y
        Axes.
    title
        Name for screen readers.
    """
    shown = finite(series)
    if not shown:
        return None
    y_ticks = _y_ticks(shown, y, starts_at_zero=kind in ("bar", "waterfall"))
    names, rows = ([], 0) if kind == "waterfall" else _legend(kind, shown, text_width(y.words, 12.5) + 26)
    height = _HEIGHT + rows * _ROW
    left = max(text_width(y.text(t), _SMALL) for t in y_ticks) + 14.0
    y_scale = _Scale(y_ticks[0], y_ticks[-1], height - _BOTTOM, _TOP + rows * _ROW)
    parts = [_hatches(len(shown))] if kind in ("bar", "waterfall") else []
    parts += [label(0, 14, y.words, size=12.5, colour=_MUTED), *names]
    for tick in y_ticks:
        parts += [
            _line(left, y_scale(tick), _WIDTH - _RIGHT, y_scale(tick), _GRID if tick else "#9aa5ad"),
            label(left - 7, y_scale(tick) + 4, y.text(tick), size=_SMALL, anchor="end", colour=_MUTED),
        ]
    if kind == "waterfall":
        return svg(_WIDTH, height, [*parts, *waterfall_bars(shown, y.text, left, y_scale)], title)
    draw = _bars if kind == "bar" else _lines
    parts += draw(shown, x, y, (left, y_scale, kind))
    parts.append(label((left + _WIDTH - _RIGHT) / 2, height - 8, x.words, size=12.5, anchor="middle", colour=_MUTED))
    return svg(_WIDTH, height, parts, title)


def _y_ticks(series: Sequence[Series], axis: Axis, *, starts_at_zero: bool) -> list[float]:
    values = [v for s in series for _, v in s.points]
    low, high = min(values), max(values)
    if starts_at_zero or low < 0 or high - low >= _NARROW * high:
        low, high = min(low, 0.0), max(high, 0.0)
    return nice_ticks(low, high, is_whole=axis.is_whole)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<path d="M{num(x1)} {num(y1)}L{num(x2)} {num(y2)}" stroke="{colour}" stroke-width="1" fill="none"/>'


def shape(mark: str, x: float, y: float, size: float = 3.8) -> str:
    """Return the path data of a mark."""
    if mark in ("circle", "ring"):
        r, way = num(size), num(2 * size)
        return f"M{num(x - size)} {num(y)}a{r} {r} 0 1 0 {way} 0a{r} {r} 0 1 0 -{way} 0"
    if mark == "cross":
        a, b, c, d = num(x - size), num(x + size), num(y - size), num(y + size)
        return f"M{a} {c}L{b} {d}M{b} {c}L{a} {d}"
    outlines: dict[str, list[tuple[float, float]]] = {
        "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        "triangle": [(0, -1.2), (1.1, 0.9), (-1.1, 0.9)],
        "diamond": [(0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)],
    }
    return "M" + "L".join(f"{num(x + dx * size)} {num(y + dy * size)}" for dx, dy in outlines[mark]) + "Z"


def _mark(look: Look, x: float, y: float) -> str:
    is_open = look.mark in ("ring", "cross")
    fill = "#ffffff" if look.mark == "ring" else "none" if is_open else look.colour
    stroke = look.colour if is_open else "#ffffff"
    return (
        f'<path d="{shape(look.mark, x, y)}" fill="{fill}" stroke="{stroke}" stroke-width="{1.8 if is_open else 0.8}"/>'
    )


def _legend(kind: ChartKind, series: Sequence[Series], start: float) -> tuple[list[str], int]:
    """Return the names of the series, beside the words of the upright axis or in rows below them, and the rows."""
    if len(series) == 1:
        return [], 0
    widths = [text_width(s.words, 12.5) + 54 for s in series]
    x, rows = (start, 0) if start + sum(widths) <= _WIDTH else (0.0, 1)
    parts: list[str] = []
    for i, one in enumerate(series):
        look = LOOKS[i % len(LOOKS)]
        if rows and x > 0.0 and x + widths[i] > _WIDTH:
            x, rows = 0.0, rows + 1
        y = 14.0 + rows * _ROW
        if kind == "bar":
            parts.append(_bar(look, (x + 6, y - 11, 22, 12)))
        else:
            parts += [_stroke(f"M{num(x)} {num(y - 4)}h34", look), _mark(look, x + 17, y - 4)]
        parts.append(label(x + 40, y, one.words, size=12.5))
        x += widths[i]
    return parts, rows


def _stroke(d: str, look: Look) -> str:
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    return f'<path d="{d}" fill="none" stroke="{look.colour}" stroke-width="2.2" stroke-linejoin="round"{dash}/>'


def _lines(series: Sequence[Series], x: Axis, y: Axis, frame: tuple[float, _Scale, ChartKind]) -> list[str]:
    left, y_scale, kind = frame
    xs = [p[0] for s in series for p in s.points]
    ticks = nice_ticks(min(xs), max(xs), 8, is_whole=x.is_whole)
    is_single = min(xs) == max(xs)
    low, high = (ticks[0], ticks[-1]) if not is_single else (min(xs) - 1.0, max(xs) + 1.0)
    x_scale = _Scale(low, high, left + 6, _WIDTH - _RIGHT - 10)
    floor, parts = y_scale.start, []
    last = -math.inf
    for tick in [min(xs)] if is_single else ticks:
        half = text_width(x.text(tick), _SMALL) / 2
        parts.append(_line(x_scale(tick), floor, x_scale(tick), floor + 5, "#9aa5ad"))
        if x_scale(tick) - half > last + 6:
            parts.append(label(x_scale(tick), floor + 19, x.text(tick), size=_SMALL, anchor="middle", colour=_MUTED))
            last = x_scale(tick) + half
    texts = _Labels(left)
    for i, one in enumerate(series):
        look = LOOKS[i % len(LOOKS)]
        pixels = [(x_scale(px), y_scale(py)) for px, py in sorted(one.points)]
        parts.append(_stroke(_path(pixels, is_step=kind == "step"), look))
        every = max(1, math.ceil(len(pixels) / _MAX_MARKS))
        parts += [_mark(look, *p) for k, p in enumerate(pixels) if k % every == 0 or k == len(pixels) - 1]
        for p in pixels[::every]:
            texts.block(*p)
    for i, one in enumerate(series):
        _values(one, LOOKS[i % len(LOOKS)], (x_scale, y_scale, y), texts)
    return parts + texts.parts


def _path(pixels: Sequence[Point], *, is_step: bool) -> str:
    d = f"M{num(pixels[0][0])} {num(pixels[0][1])}"
    for px, py in pixels[1:]:
        d += f"H{num(px)}V{num(py)}" if is_step else f"L{num(px)} {num(py)}"
    return d


def _values(one: Series, look: Look, frame: tuple[_Scale, _Scale, Axis], texts: _Labels) -> None:
    """Print values: last, first and greatest first, then as many of the others as fit."""
    x_scale, y_scale, y = frame
    points = sorted(one.points)
    greatest = max(range(len(points)), key=lambda i: points[i][1])
    order = list(dict.fromkeys([len(points) - 1, 0, greatest, *range(0, len(points), 1 + len(points) // 12)]))
    for i in order:
        px, py = x_scale(points[i][0]), y_scale(points[i][1])
        text = y.text(points[i][1])
        if not texts.put(px, py - 8, text, look.colour):
            texts.put(px, py + 18, text, look.colour)


def _bar(look: Look, box: tuple[float, float, float, float]) -> str:
    x, y, width, height = box
    place = f'x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(max(height, 0.0))}"'
    solid = f'<rect {place} fill="{look.colour}" stroke="{look.colour}" stroke-width="1.2"/>'
    return f'{solid}<rect {place} fill="url(#hatch-{look.mark})"/>' if look.hatch else solid


def _hatches(count: int) -> str:
    """Return the hatchings of the first series, to be named by their bars."""
    patterns = [
        f'<pattern id="hatch-{look.mark}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path d="{look.hatch}" stroke="#ffffff" stroke-width="1.8" fill="none"/></pattern>'
        for look in LOOKS[:count]
        if look.hatch
    ]
    return f"<defs>{''.join(patterns)}</defs>" if patterns else ""


def _bars(series: Sequence[Series], x: Axis, y: Axis, frame: tuple[float, _Scale, ChartKind]) -> list[str]:
    left, y_scale, _ = frame
    places = sorted({px for s in series for px, _ in s.points})
    slot = (_WIDTH - _RIGHT - left) / len(places)
    beside = 1 if len(places) == sum(len(s.points) for s in series) else len(series)
    group = min(slot * 0.78, 84.0 * beside)
    width = group / beside
    named = {s.points[0][0]: s.words for s in series} if beside == 1 < len(series) == len(places) else {}
    parts: list[str] = []
    texts = _Labels(left)
    last = -math.inf
    for k, place in enumerate(places):
        middle, text = left + (k + 0.5) * slot, named.get(place, x.text(place))
        half = text_width(text, _SMALL) / 2
        if middle - half > last + 4:
            parts.append(label(middle, y_scale.start + 18, text, size=_SMALL, anchor="middle", colour=_MUTED))
            last = middle + half
    for i, one in enumerate(series):
        look = LOOKS[i % len(LOOKS)]
        for px, value in sorted(one.points):
            start = left + (places.index(px) + 0.5) * slot - group / 2 + i % beside * width
            top, foot = sorted((y_scale(value), y_scale(0.0)))
            parts.append(_bar(look, (start + width * 0.06, top, width * 0.88, foot - top)))
            texts.put(start + width / 2, top - 5 if value >= 0 else foot + 14, y.text(value), _INK)
    return parts + texts.parts


def waterfall_bars(series: Sequence[Series], text: Callable[[float], str], left: float, y_scale: _Scale) -> list[str]:
    """Return one bar a series from the total before it to its own, first and last from zero, with the names below in lines."""
    slot = (_WIDTH - _RIGHT - left) / len(series)
    width = min(slot * 0.72, 84.0)
    parts: list[str] = []
    before = 0.0
    for k, one in enumerate(series):
        total = one.points[0][1]
        is_whole = k in (0, len(series) - 1)
        start = 0.0 if is_whole else before
        look = LOOKS[0] if is_whole else LOOKS[1 if total > start else 2]
        middle = left + (k + 0.5) * slot
        top, foot = sorted((y_scale(total), y_scale(start)))
        parts.append(_bar(look, (middle - width / 2, top, width, max(foot - top, 1.0))))
        if k:
            parts.append(
                _line(middle - slot + width / 2, y_scale(before), middle - width / 2, y_scale(before), "#9aa5ad")
            )
        change = total if is_whole else total - start
        sign = "+" if change > 0 and not is_whole else ""
        parts.append(label(middle, top - 5, f"{sign}{text(change)}", size=_SMALL, anchor="middle", colour=_INK))
        for row, words in enumerate(wrapped(one.words, slot - 6)):
            parts.append(
                label(middle, y_scale.start + 16 + 13 * row, words, size=_SMALL, anchor="middle", colour=_MUTED)
            )
        before = total
    return parts


def wrapped(words: str, width: float) -> list[str]:
    """Return a name in at most three lines: between words, or between characters where there are no blanks."""
    pieces = words.split(" ") if " " in words else list(words)
    glue = " " if " " in words else ""
    lines = [""]
    for piece in pieces:
        longer = f"{lines[-1]}{glue}{piece}" if lines[-1] else piece
        if text_width(longer, _SMALL) <= width or not lines[-1] or len(lines) == _LINES:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines
