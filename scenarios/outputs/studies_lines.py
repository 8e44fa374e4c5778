"""Lines of the studies (routes of a day): a map layer beneath the study's places, and a GIS layer with the facts as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geodata.messages import Lang
from scenarios.content import RunContent
from scenarios.outputs import geometry
from scenarios.outputs.map_layers import COLOURS, MapLayer
from scenarios.outputs.qgis import Category, Symbol, style_qml
from scenarios.outputs.studies_words import fact_text, fact_title, heading, is_figure, study_title
from scenarios.outputs.terms import say, term
from scenarios.studies.study import Cell, Study, StudyLine

CRS = "EPSG:4326"
#: Colours lines may ask for, with their widths.
LINE_LOOKS = ((COLOURS["tier1"], 3.0), (COLOURS["tier2"], 1.8), (COLOURS["bus"], 2.2))
#: Kinds of study whose lines are no routes.
_LABELS = {"merge_stations": "map_study_moves"}
_LEAST = 2


def drawable(study: Study) -> list[StudyLine]:
    """Return the lines with at least two places that have a position."""
    return [line for line in study.lines if len(_path(line)) >= _LEAST]


def _path(line: StudyLine) -> list[tuple[float, float]]:
    return [(lon, lat) for lon, lat in line.path if math.isfinite(lon) and math.isfinite(lat)]


def _look(line: StudyLine) -> tuple[str, float]:
    return LINE_LOOKS[line.colour % len(LINE_LOOKS)]


def study_line_layer(study: Study, number: int, lang: Lang) -> MapLayer | None:
    """Return the layer of a study's lines, `number` counted from 1; None where there are none."""
    lines = drawable(study)
    if not lines:
        return None
    keys = dict.fromkeys(key for line in lines for key in line.facts)
    tips = [
        (fact_title(key, lang), [fact_text(key, line.facts[key], lang) if key in line.facts else "" for line in lines])
        for key in keys
    ]
    looks = [_look(line) for line in lines]
    return MapLayer(
        layer_id=f"study_{number}_lines",
        group="studies",
        kind="lines",
        label=say(
            _LABELS.get(study.kind, "map_study_lines"), lang, {"number": number, "title": study_title(study, lang)}
        ),
        count=len(lines),
        style={
            "stroke": looks[-1][0],
            "weight": looks[-1][1],
            "opacity": 1.0,
            "strokes": [colour for colour, _ in looks],
            "weights": [weight for _, weight in looks],
        },
        data={"paths": [[geometry.flat_path(_path(line))] for line in lines]},
        names=[line.name for line in lines],
        tips=tips,
        is_shown=False,
    )


def line_frames(content: RunContent) -> list[tuple[Study, int, gpd.GeoDataFrame]]:
    """Return (study, number, layer) of every study with lines."""
    numbered = enumerate(content.studies, start=1)
    return [(study, number, _frame(drawable(study), content.lang)) for number, study in numbered if drawable(study)]


def _frame(lines: Sequence[StudyLine], lang: Lang) -> gpd.GeoDataFrame:
    columns: dict[str, Sequence[object]] = {"name": [line.name for line in lines]}
    columns["line_look"] = [str(line.colour % len(LINE_LOOKS)) for line in lines]
    for key in dict.fromkeys(key for line in lines for key in line.facts):
        columns[f"fact_{key}"] = _values([line.facts.get(key) for line in lines], key, lang)
    shapes = [shapely.LineString(_path(line)) for line in lines]
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=shapes, crs=CRS)


def _values(values: Sequence[Cell], key: str, lang: Lang) -> Sequence[object]:
    """Return one column of one type: figures, else text."""
    given = [value for value in values if value is not None]
    if given and all(is_figure(value) for value in given):
        return [math.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
    return ["" if value is None else fact_text(key, value, lang) for value in values]


def line_style(study: Study, lang: Lang) -> str:
    """Return the QGIS style of a study's lines."""
    used = sorted({line.colour % len(LINE_LOOKS) for line in drawable(study)})
    words = study_title(study, lang)
    categories = [
        Category(str(i), words, Symbol(stroke=LINE_LOOKS[i][0], size=round(LINE_LOOKS[i][1] * 0.3, 2))) for i in used
    ]
    keys = dict.fromkeys(key for line in study.lines for key in line.facts)
    aliases = {"name": term("name", lang)} | {f"fact_{key}": heading(key, lang) for key in keys}
    return style_qml("Line", "line_look", categories, aliases)
