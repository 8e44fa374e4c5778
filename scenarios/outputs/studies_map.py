"""The places of the studies: one map layer a study, a look for every mark, tooltips with the facts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from geodata.messages import Lang
from scenarios.content import RunContent
from scenarios.outputs import geometry
from scenarios.outputs.map_layers import COLOURS, MapLayer, MarkClass
from scenarios.outputs.studies_lines import study_line_layer
from scenarios.outputs.studies_words import fact_text, fact_title, mark_term, study_title
from scenarios.outputs.terms import capital, say, sentence
from scenarios.studies.study import Study, StudyPlace

#: Colours of the years of a roll-out, dark to light to warm; the last is for all later years.
_YEARS = ("#08306b", "#2171b5", "#4eb3d3", "#7bbf6a", "#e6a817", "#d94801")
#: Marks from bottom to top: what matters most lies on top.
MARKS = (
    "lines_none",
    "lines_one",
    "lines_few",
    "lines_many",
    "by_mail",
    "by_own",
    "by_joint",
    "by_post",
    "by_shop",
    "by_bus",
    "candidate",
    "served",
    "closed",
    "kept",
    *(f"year_{number}" for number in range(len(_YEARS), 0, -1)),
    "chosen",
    "charger",
    "locker",
    "unserved",
)
_WHITE = "#ffffff"
LOOKS: dict[str, dict[str, Any]] = {
    "candidate": {"shape": "circle", "size": 3.4, "fill": _WHITE, "stroke": COLOURS["closed"], "weight": 1.2},
    "served": {"shape": "circle", "size": 4.0, "fill": COLOURS["served"], "stroke": _WHITE, "weight": 0.8},
    "closed": {
        "shape": "square",
        "size": 6.0,
        "fill": _WHITE,
        "stroke": COLOURS["closed"],
        "weight": 1.8,
        "is_struck": True,
    },
    "kept": {"shape": "square", "size": 6.5, "fill": COLOURS["kept"], "stroke": _WHITE, "weight": 1.2},
    "chosen": {"shape": "diamond", "size": 8.0, "fill": COLOURS["new"], "stroke": _WHITE, "weight": 1.2},
    "charger": {"shape": "bolt", "size": 10.0, "fill": "#C98A00", "stroke": _WHITE, "weight": 1.0},
    "locker": {"shape": "cells", "size": 7.5, "fill": "#7B3F98", "stroke": _WHITE, "weight": 1.2},
    **{
        f"year_{number}": {
            "shape": "diamond",
            "size": round(9.1 - 0.35 * number, 2),
            "fill": fill,
            "stroke": _WHITE,
            "weight": 1.2,
        }
        for number, fill in enumerate(_YEARS, start=1)
    },
    "unserved": {"shape": "cross", "size": 5.5, "fill": "", "stroke": COLOURS["unserved"], "weight": 2.6},
    "by_own": {"shape": "square", "size": 4.6, "fill": COLOURS["kept"], "stroke": _WHITE, "weight": 1.0},
    "by_joint": {"shape": "circle", "size": 5.0, "fill": COLOURS["served"], "stroke": _WHITE, "weight": 1.0},
    "by_post": {"shape": "diamond", "size": 6.4, "fill": COLOURS["new"], "stroke": _WHITE, "weight": 1.0},
    "by_bus": {"shape": "bolt", "size": 8.5, "fill": COLOURS["bus"], "stroke": _WHITE, "weight": 1.0},
    "by_shop": {"shape": "cells", "size": 5.6, "fill": "#7B3F98", "stroke": _WHITE, "weight": 1.0},
    "by_mail": {"shape": "circle", "size": 3.2, "fill": _WHITE, "stroke": COLOURS["new"], "weight": 1.4},
    "lines_none": {"shape": "circle", "size": 3.7, "fill": _WHITE, "stroke": COLOURS["closed"], "weight": 1.4},
    "lines_one": {"shape": "circle", "size": 4.3, "fill": "#CDBDE6", "stroke": _WHITE, "weight": 0.8},
    "lines_few": {"shape": "circle", "size": 4.8, "fill": COLOURS["tier2"], "stroke": _WHITE, "weight": 0.8},
    "lines_many": {"shape": "circle", "size": 5.6, "fill": COLOURS["tier1"], "stroke": _WHITE, "weight": 0.8},
}


def has_place(place: StudyPlace) -> bool:
    """Tell whether a place can be drawn."""
    return math.isfinite(place.lon) and math.isfinite(place.lat)


def study_layers(content: RunContent) -> list[MapLayer]:
    """Return a layer a study that has places, over that of its lines, the first study on top; those without are left out."""
    layers: list[MapLayer | None] = []
    for i, study in enumerate(content.studies, start=1):
        layers += [study_layer(study, i, content.lang), *view_layers(study, i, content.lang)]
        layers.append(study_line_layer(study, i, content.lang))
    return [layer for layer in reversed(layers) if layer is not None]


def study_layer(study: Study, number: int, lang: Lang) -> MapLayer | None:
    """Return the layer of a study, `number` counted from 1; None where nothing can be drawn."""
    label = say("map_study", lang, {"number": number, "title": study_title(study, lang)})
    return _layer(study, study.places, (f"study_{number}", label), lang)


def view_layers(study: Study, number: int, lang: Lang) -> list[MapLayer]:
    """Return the layers of a study's further maps, `number` counted from 1; those where nothing can be drawn are left out."""
    figures = {"number": number, "title": study_title(study, lang)}
    found = [
        _layer(study, view.places, (f"study_{number}_{view.key}", say(f"map_view_{view.key}", lang, figures)), lang)
        for view in study.views
    ]
    return [layer for layer in found if layer is not None]


def _layer(study: Study, shown: Sequence[StudyPlace], named: tuple[str, str], lang: Lang) -> MapLayer | None:
    """Return the layer of some places of a study, named by id and words; None where nothing can be drawn."""
    places = sorted((p for p in shown if has_place(p)), key=lambda p: MARKS.index(p.mark))
    if not places:
        return None
    marks = list(dict.fromkeys(place.mark for place in places))
    classes = tuple(
        MarkClass(capital(mark_term(mark, lang)), sum(p.mark == mark for p in places), LOOKS[mark]) for mark in marks
    )
    return MapLayer(
        layer_id=named[0],
        group="studies",
        kind="marks",
        label=named[1],
        count=len(places),
        style=LOOKS[marks[-1]],
        data={
            "lat": [round(float(p.lat), geometry.DIGITS) for p in places],
            "lon": [round(float(p.lon), geometry.DIGITS) for p in places],
            "look": [marks.index(p.mark) for p in places],
        },
        names=[place.name or place.place_id for place in places],
        tips=_tips(study, places, lang),
        is_shown=False,
        classes=classes,
    )


def _tips(study: Study, places: Sequence[StudyPlace], lang: Lang) -> list[tuple[str, list[str]]]:
    """Return what the place is, its facts, and why it is not served; empty where a place has nothing to say."""
    rows = [(say("study_mark", lang), [capital(mark_term(place.mark, lang)) for place in places])]
    keys = dict.fromkeys(key for place in places for key in place.facts)
    rows += [
        (fact_title(key, lang), [fact_text(key, p.facts[key], lang) if key in p.facts else "" for p in places])
        for key in keys
    ]
    if study.reasons:
        reasons = {demand: sentence(message, lang) for demand, message in study.reasons.items()}
        rows.append((say("report_study_reason", lang), [reasons.get(place.place_id, "") for place in places]))
    return [row for row in rows if any(row[1])]


def unplaced_notes(content: RunContent) -> list[str]:
    """Say which studies have places that cannot be drawn."""
    counts = {i: sum(not has_place(p) for p in study.places) for i, study in enumerate(content.studies, start=1)}
    return [
        say("note_study_unplaced", content.lang, {"number": i, "count": count}) for i, count in counts.items() if count
    ]
