"""QGIS styles for the GeoPackage: the colours and shapes of the map, headings in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

GeometryKind = Literal["Point", "Line", "Polygon"]

_SYMBOL_TYPES = {"Point": "marker", "Line": "line", "Polygon": "fill"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol; empty colours are not drawn.

    Attributes
    ----------
    fill, stroke
        Colours as ``#rrggbb``.
    size
        Size of a mark, or width of a line, in mm.
    shape
        QGIS marker name.
    width
        Outline width in mm.
    dash
        ``solid`` or ``dash``.
    """

    fill: str = ""
    stroke: str = ""
    size: float = 2.0
    shape: str = "circle"
    width: float = 0.2
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Category:
    """One class of a layer: value of the class column, legend text, symbol."""

    value: str
    label: str
    symbol: Symbol


def colour(code: str, alpha: int = 255) -> str:
    """Return ``#rrggbb`` as QGIS writes it: ``r,g,b,alpha``; transparent for an empty code."""
    if not code:
        return "255,255,255,0"
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},{alpha}"


def _options(values: Mapping[str, str]) -> str:
    rows = "".join(
        f'<Option type="QString" name="{escape(name)}" value="{escape(value)}"/>' for name, value in values.items()
    )
    return f'<Option type="Map">{rows}</Option>'


def _layer(kind: GeometryKind, symbol: Symbol) -> str:
    if kind == "Point":
        name = "SimpleMarker"
        values = {
            "name": symbol.shape,
            "color": colour(symbol.fill),
            "outline_color": colour(symbol.stroke),
            "outline_width": f"{symbol.width:g}",
            "outline_width_unit": "MM",
            "size": f"{symbol.size:g}",
            "size_unit": "MM",
        }
    elif kind == "Line":
        name = "SimpleLine"
        values = {
            "line_color": colour(symbol.stroke),
            "line_width": f"{symbol.size:g}",
            "line_width_unit": "MM",
            "line_style": symbol.dash,
            "capstyle": "round",
            "joinstyle": "round",
        }
    else:
        name = "SimpleFill"
        values = {
            "color": colour(symbol.fill),
            "style": "solid" if symbol.fill else "no",
            "outline_color": colour(symbol.stroke),
            "outline_width": f"{symbol.width:g}",
            "outline_width_unit": "MM",
            "outline_style": symbol.dash,
        }
    return f'<layer class="{name}" enabled="1" locked="0" pass="0">{_options(values)}</layer>'


def style_qml(
    kind: GeometryKind, column: str, categories: Sequence[Category], aliases: Mapping[str, str], label_column: str = ""
) -> str:
    """Return a QGIS style.

    Parameters
    ----------
    kind
        Geometry of the layer.
    column
        Column whose value chooses the symbol.
    categories
        Classes with their symbols.
    aliases
        Column → heading in the reader's language.
    label_column
        Column printed beside each thing; empty: none.
    """
    symbols = "".join(
        f'<symbol type="{_SYMBOL_TYPES[kind]}" name="{i}" alpha="1" clip_to_extent="1" force_rhr="0">'
        f"{_layer(kind, category.symbol)}</symbol>"
        for i, category in enumerate(categories)
    )
    classes = "".join(
        f'<category render="true" symbol="{i}" type="string" '
        f'value="{escape(category.value)}" label="{escape(category.label)}"/>'
        for i, category in enumerate(categories)
    )
    names = "".join(
        f'<alias index="{i}" field="{escape(field)}" name="{escape(heading)}"/>'
        for i, (field, heading) in enumerate(aliases.items())
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.28.0" styleCategories="Symbology|Labeling|Fields" labelsEnabled="{int(bool(label_column))}">'
        f'<renderer-v2 type="categorizedSymbol" attr="{escape(column)}" symbollevels="0" enableorderby="0">'
        f"<categories>{classes}</categories><symbols>{symbols}</symbols></renderer-v2>"
        f"{_labeling(label_column) if label_column else ''}<aliases>{names}</aliases></qgis>"
    )


def _labeling(column: str) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName="{escape(column)}" isExpression="0" fontFamily="Microsoft YaHei" fontSize="8" '
        'fontSizeUnit="Point" textColor="31,42,51,255">'
        '<text-buffer bufferDraw="1" bufferSize="0.7" bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>'
        '<placement placement="6" dist="1" distUnits="MM"/><rendering scaleVisibility="0"/></settings></labeling>'
    )
