"""The places of the studies as GIS layers: a point layer each, facts as columns, the marks of the map as its style."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geodata.messages import Lang
from scenarios.content import RunContent
from scenarios.outputs.qgis import Category, Symbol, style_qml
from scenarios.outputs.studies_map import LOOKS, MARKS, has_place
from scenarios.outputs.studies_words import fact_text, heading, is_figure, mark_term, study_title
from scenarios.outputs.terms import capital, say, sentence, term
from scenarios.studies.study import Cell, Study, StudyPlace

CRS = "EPSG:4326"
_OWN = ("place_id", "name", "mark", "reason")
_TAKEN = (*_OWN, "fid", "geom", "geometry")
_SHAPES = {"cross": "cross2", "cells": "square", "bolt": "triangle"}
#: Millimetres a mark's half-size in pixels is drawn at.
_MM = 0.4
#: Names are printed beside the marks of layers with no more places.
_MAX_LABELS = 150


def layer_name(study: Study, number: int) -> str:
    """Return the ASCII name of a study's layer."""
    return f"study_{number}_{re.sub(r'[^a-z0-9_]', '_', study.kind.lower())}"


def study_frames(content: RunContent) -> list[tuple[Study, int, gpd.GeoDataFrame]]:
    """Return (study, number, layer) of every study with places; places without a position are kept without geometry."""
    numbered = enumerate(content.studies, start=1)
    return [
        (study, number, _frame(study, content.lang)) for number, study in numbered if any(map(has_place, study.places))
    ]


def _frame(study: Study, lang: Lang) -> gpd.GeoDataFrame:
    places = study.places
    reasons = {demand: sentence(message, lang) for demand, message in study.reasons.items()}
    columns: dict[str, Sequence[object]] = {
        "place_id": [place.place_id for place in places],
        "name": [place.name for place in places],
        "mark": [place.mark for place in places],
    }
    if reasons:
        columns["reason"] = [reasons.get(place.place_id, "") for place in places]
    for key in fact_keys(places):
        columns[fact_column(key)] = _fact_values([place.facts.get(key) for place in places], key, lang)
    points = [shapely.Point(place.lon, place.lat) if has_place(place) else None for place in places]
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=points, crs=CRS)


def fact_keys(places: Sequence[StudyPlace]) -> list[str]:
    """Return the facts the places have, in the order they come."""
    return list(dict.fromkeys(key for place in places for key in place.facts))


def fact_column(key: str) -> str:
    """Return the column of a fact; facts named like one of the layer's own columns get a prefix."""
    return f"fact_{key}" if key.lower() in _TAKEN else key


def _fact_values(values: Sequence[Cell], key: str, lang: Lang) -> Sequence[object]:
    """Return one column of one type: figures, yes or no, else text."""
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, bool) for value in given) and len(given) == len(values):
        return [bool(value) for value in values]
    if given and all(is_figure(value) or isinstance(value, float) for value in given):
        return [float(value) if is_figure(value) else math.nan for value in values]
    return ["" if value is None else fact_text(key, value, lang) for value in values]


def study_aliases(study: Study, lang: Lang) -> dict[str, str]:
    """Return column → heading in the reader's language."""
    own = {"place_id": term("place_id", lang), "mark": term("mark", lang)}
    if study.reasons:
        own["reason"] = say("report_study_reason", lang)
    return own | {fact_column(key): heading(key, lang) for key in fact_keys(study.places)}


def study_style(study: Study, lang: Lang) -> str:
    """Return the QGIS style of a study's layer."""
    used = {place.mark for place in study.places}
    categories = []
    for mark in reversed([mark for mark in MARKS if mark in used]):
        look = LOOKS[mark]
        shape = _SHAPES.get(look["shape"], look["shape"])
        symbol = Symbol(
            look["fill"], look["stroke"], round(look["size"] * _MM, 1), shape, round(look["weight"] * 0.2, 2)
        )
        categories.append(Category(mark, capital(mark_term(mark, lang)), symbol))
    label_column = "name" if len(study.places) <= _MAX_LABELS else ""
    return style_qml("Point", "mark", categories, study_aliases(study, lang), label_column)


def study_description(study: Study, number: int, lang: Lang) -> str:
    """Return the words a GIS shows for a study's layer."""
    return say("gpkg_layer_study", lang, {"number": number, "title": study_title(study, lang)})
