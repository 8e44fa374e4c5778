"""The map as one small SVG for the printed report: the same layers, colours and counts as the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from scenarios.outputs.map_layers import GROUPS, MapLayer
from scenarios.outputs.svg import label, num, svg, text_width

_WIDTH, _MAX_HEIGHT, _MARGIN = 760.0, 620.0, 10.0
#: Vertices closer than this many pixels to the last one are left out.
_TOLERANCE = 0.8
_LABEL_SIZE = 11.0
#: Elements of the overview that the maps of the studies show again.
_BASE_ID, _NAMES_ID = "map-background", "map-names"
_BOLT = ((0.25, -1.0), (-0.7, 0.15), (-0.1, 0.15), (-0.25, 1.0), (0.7, -0.2), (0.1, -0.2))

Pixel = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """Degrees to pixels: a plane map true at its middle."""

    west: float
    north: float
    x_scale: float
    y_scale: float
    height: float

    def pixel(self, lat: float, lon: float) -> Pixel:
        """Return the place in pixels."""
        return _MARGIN + (lon - self.west) * self.x_scale, _MARGIN + (self.north - lat) * self.y_scale


def fit(bounds: Sequence[Sequence[float]]) -> Frame:
    """Return the frame that fits ``[[south, west], [north, east]]`` into the picture."""
    (south, west), (north, east) = bounds
    shrink = math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * shrink, 1e-6), max(north - south, 1e-6)
    scale = min((_WIDTH - 2 * _MARGIN) / wide, (_MAX_HEIGHT - 2 * _MARGIN) / tall)
    offset = ((_WIDTH - 2 * _MARGIN) / scale - wide) / 2 / shrink
    return Frame(west - offset, north, scale * shrink, scale, tall * scale + 2 * _MARGIN)


def _path(frame: Frame, rows: Sequence[Sequence[float]], *, is_closed: bool = False) -> str:
    points: list[Pixel] = []
    for i, (lat, lon) in enumerate(rows):
        x, y = frame.pixel(lat, lon)
        is_last = i == len(rows) - 1
        if not points or is_last or math.hypot(x - points[-1][0], y - points[-1][1]) >= _TOLERANCE:
            points.append((x, y))
    return "M" + "L".join(f"{num(x)} {num(y)}" for x, y in points) + ("Z" if is_closed else "")


def _stroke(colour: str, weight: float, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{escape(dash)}"' if dash else ""
    return f'stroke="{colour}" stroke-width="{num(weight)}" stroke-linejoin="round"{dashes}'


def _area(frame: Frame, layer: MapLayer) -> list[str]:
    style = layer.style
    outline = "".join(
        _path(frame, ring, is_closed=True) for feature in layer.data["rings"] for part in feature for ring in part
    )
    fill = (
        f'fill="{style["fill"]}" fill-opacity="{style["opacity"]}" fill-rule="evenodd"'
        if style["fill"]
        else 'fill="none"'
    )
    return [f'<path d="{outline}" {fill} {_stroke(style["stroke"], style["weight"], style.get("dash", ""))}/>']


def _lines(frame: Frame, layer: MapLayer) -> list[str]:
    style = layer.style
    out = []
    for i, feature in enumerate(layer.data["paths"]):
        lines = feature if layer.group == "base" else feature[:1]
        colour = style["strokes"][i] if "strokes" in style else style["stroke"]
        weight = style["weights"][i] if "weights" in style else style["weight"]
        d = "".join(_path(frame, line) for line in lines)
        out.append(f'<path d="{d}" fill="none" {_stroke(colour, weight * 0.75, style.get("dash", ""))}/>')
    return out


def _outline(shape: str, size: float) -> list[Pixel]:
    """Return the corners of a mark around (0, 0)."""
    if shape == "star":
        radii = [size if i % 2 == 0 else size * 0.45 for i in range(10)]
        return [
            (r * math.cos(math.pi * (i / 5 - 0.5)), r * math.sin(math.pi * (i / 5 - 0.5))) for i, r in enumerate(radii)
        ]
    if shape == "house":
        s = size
        return [(-s, -s * 0.1), (0, -s), (s, -s * 0.1), (s * 0.8, s * 0.85), (-s * 0.8, s * 0.85)]
    if shape == "diamond":
        return [(0, -size), (size, 0), (0, size), (-size, 0)]
    if shape == "bolt":
        return [(x * size, y * size) for x, y in _BOLT]
    h = size * 0.88
    return [(-h, -h), (h, -h), (h, h), (-h, h)]


def mark(x: float, y: float, style: dict[str, Any], scale: float = 1.0) -> str:
    """Return the path data of one mark."""
    size = style["size"] * scale
    if style["shape"] == "circle":
        r, way = num(size), num(2 * size)
        return f"M{num(x - size)} {num(y)}a{r} {r} 0 1 0 {way} 0a{r} {r} 0 1 0 -{way} 0"
    if style["shape"] == "cross":
        a, b, c, d = num(x - size), num(x + size), num(y - size), num(y + size)
        return f"M{a} {c}L{b} {d}M{b} {c}L{a} {d}"
    corners = "L".join(f"{num(x + dx)} {num(y + dy)}" for dx, dy in _outline(style["shape"], size))
    if style["shape"] == "cells":
        half, way = size * 0.88, num(size * 1.76)
        return f"M{corners}ZM{num(x)} {num(y - half)}v{way}M{num(x - half)} {num(y)}h{way}"
    struck = f"M{num(x - size)} {num(y + size)}L{num(x + size)} {num(y - size)}" if style.get("is_struck") else ""
    return f"M{corners}Z{struck}"


def _mark_path(d: str, style: dict[str, Any]) -> str:
    fill = style["fill"] or "none"
    return f'<path d="{d}" fill="{fill}" {_stroke(style["stroke"], style["weight"] * 0.8)}/>'


def _marks(frame: Frame, layer: MapLayer, scale: float) -> list[str]:
    """Return one path a look, the looks from bottom to top."""
    styles = [one.style for one in layer.classes] or [layer.style]
    drawn: list[list[str]] = [[] for _ in styles]
    count = len(layer.data["lat"])
    zeros = [0] * count
    dxs, dys, looks = (layer.data.get(name, zeros) for name in ("dx", "dy", "look"))
    for lat, lon, dx, dy, look in zip(layer.data["lat"], layer.data["lon"], dxs, dys, looks, strict=True):
        x, y = frame.pixel(lat, lon)
        drawn[look].append(mark(x + dx * scale, y + dy * scale, styles[look], scale))
    return [_mark_path("".join(paths), style) for paths, style in zip(drawn, styles, strict=True)]


def _labels(frame: Frame, labels: dict[str, list[Any]]) -> list[str]:
    """Return names of centres and townships, none over another."""
    taken: list[tuple[float, float, float, float]] = []
    out = []
    for text, lat, lon, rank in zip(labels["text"], labels["lat"], labels["lon"], labels["rank"], strict=True):
        if rank > 1:
            continue
        x, y = frame.pixel(lat, lon)
        half, y = text_width(text, _LABEL_SIZE) / 2, y + 17.0
        box = (x - half, y - _LABEL_SIZE, x + half, y + 3)
        if any(box[0] < o[2] and box[2] > o[0] and box[1] < o[3] and box[3] > o[1] for o in taken):
            continue
        taken.append(box)
        halo = label(x, y, text, size=_LABEL_SIZE, anchor="middle").replace("<text ", '<text class="halo" ', 1)
        out.append(halo)
    return out


def _scale_bar(frame: Frame) -> list[str]:
    pixels_per_km = frame.y_scale / 111.195
    km = max((k for k in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if k * pixels_per_km <= _WIDTH / 5), default=0.5)
    x, y = _MARGIN, frame.height + 14
    d = f"M{num(x)} {num(y - 5)}v5h{num(km * pixels_per_km)}v-5"
    bar = f'<path d="{d}" fill="none" {_stroke("#1f2a33", 1.3)}/>'
    return [bar, label(x + km * pixels_per_km + 7, y, f"{km:g} km", size=11)]


def overview(
    layers: Sequence[MapLayer], labels: dict[str, list[Any]], bounds: Sequence[Sequence[float]], title: str
) -> Markup:
    """Return the map of the layers that are shown when the map opens."""
    frame = fit(bounds)
    count = sum(layer.count for layer in layers if layer.kind == "marks")
    scale = 0.8 if count <= 400 else 0.6 if count <= 1500 else 0.35  # noqa: PLR2004
    shown = [layer for layer in layers if layer.is_shown]
    base = [part for layer in shown if layer.group == "base" for part in _drawn(frame, layer, scale)]
    names = _labels(frame, labels)
    parts = [f'<g id="{_BASE_ID}">', *base, "</g>"]
    parts += [part for layer in shown if layer.group != "base" for part in _drawn(frame, layer, scale)]
    parts += [f'<g id="{_NAMES_ID}">', *names, "</g>", *_scale_bar(frame)]
    return svg(_WIDTH, frame.height + 22, parts, title)


def _drawn(frame: Frame, layer: MapLayer, scale: float) -> list[str]:
    if layer.kind == "area":
        return _area(frame, layer)
    return _lines(frame, layer) if layer.kind == "lines" else _marks(frame, layer, scale)


def study_map(layer: MapLayer, bounds: Sequence[Sequence[float]], title: str, lines: MapLayer | None = None) -> Markup:
    """Return a map of one study on the background and names of the report's overview, which must stand before it."""
    frame = fit(bounds)
    scale = 1.0 if layer.count <= 400 else 0.75 if layer.count <= 1500 else 0.5  # noqa: PLR2004
    drawn = [] if lines is None else _lines(frame, lines)
    parts = [f'<use href="#{_BASE_ID}"/>', *drawn, *_marks(frame, layer, scale), f'<use href="#{_NAMES_ID}"/>']
    return svg(_WIDTH, frame.height + 22, [*parts, *_scale_bar(frame)], title)


def legend(layers: Sequence[MapLayer]) -> list[tuple[Markup, str, int]]:
    """Return (symbol, label, count) of the shown layers, group by group, topmost first."""
    rows = []
    shown = [layer for layer in reversed(layers) if layer.is_shown]
    for layer in sorted(shown, key=lambda layer: GROUPS.index(layer.group)):
        style = layer.style
        if layer.kind == "marks":
            part = _legend_mark(style)
        elif layer.kind == "lines":
            part = f'<path d="M2 9H26" {_stroke(style["stroke"], style["weight"], style.get("dash", ""))}/>'
        else:
            fill = (
                f'fill="{style["fill"]}" fill-opacity="{min(1.0, style["opacity"] * 2)}"'
                if style["fill"]
                else 'fill="none"'
            )
            outline = _stroke(style["stroke"], style["weight"], style.get("dash", ""))
            part = f'<rect x="3" y="3" width="22" height="12" {fill} {outline}/>'
        rows.append((_symbol(part), layer.label, layer.count))
    return rows


def class_legend(layer: MapLayer) -> list[tuple[Markup, str, int]]:
    """Return (symbol, label, count) of the kinds of marks in a layer, topmost first."""
    return [(_symbol(_legend_mark(one.style)), one.label, one.count) for one in reversed(layer.classes)]


def _legend_mark(style: dict[str, Any]) -> str:
    return _mark_path(mark(14, 9, style, min(1.0, 8.0 / style["size"])), style)


def _symbol(part: str) -> Markup:
    return Markup(f'<svg viewBox="0 0 28 18" width="28" height="18" aria-hidden="true">{part}</svg>')  # noqa: S704
