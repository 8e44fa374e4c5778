"""The ranking as one offline page, one workbook and one JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlsxwriter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from geodata.messages import Lang, text
from scenarios.outputs.offline import asset, font_stack
from scenarios.outputs.svg import Bar, label, num, rect, share_bars, svg
from scenarios.outputs.terms import number, share
from scenarios.pilot.answer import PilotRanking
from scenarios.plan_json import plain
from scenarios.rundir import write_json

_ENVIRONMENT = Environment(
    loader=PackageLoader("scenarios.outputs"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
#: Colours of the map from the first place to the last.
_RAMP = ("#00441b", "#1b7837", "#5aae61", "#a6dba0", "#d9f0d3")
_WIDTH = 760.0
#: Room for names beside the outlines of the map.
_EDGE = 40.0
#: Figures of the largest number of a column.
_FIGURES = 4

_NONE: Mapping[str, object] = {}

Table = tuple[str, tuple[str, ...], list[tuple[Any, ...]]]


def write_ranking(ranking: PilotRanking, folder: Path, lang: Lang, shapes: Mapping[str, Any] | None = None) -> None:
    """Write ``ranking.html``, ``ranking.xlsx`` and ``ranking.json``.

    Parameters
    ----------
    ranking
        The answer.
    folder
        Folder to write to; it exists.
    lang
        Language of page and workbook.
    shapes
        County → outlines (rings of lon, lat), for the map.
    """
    tables = _tables(ranking, lang)
    write_json(folder / "ranking.json", _document(ranking))
    _workbook(tables, folder / "ranking.xlsx", lang)
    page = _ENVIRONMENT.get_template("ranking.html.j2").render(
        lang="zh-CN" if lang == "zh" else "en",
        policy=_POLICY,
        style=Markup(asset("report.css").replace("__FONTS__", font_stack(lang))),  # noqa: S704  our own file
        title=_say("rank_title", lang),
        lead=_lead(ranking, lang),
        notes=_notes(ranking, lang),
        chart=_chances(ranking, lang),
        map=_map(ranking, shapes or {}, lang),
        tables=[{"title": title, "headers": heads, "rows": _shown(rows)} for title, heads, rows in tables],
    )
    (folder / "ranking.html").write_text(page, encoding="utf-8", newline="\n")


def _say(key: str, lang: Lang, params: Mapping[str, object] = _NONE) -> str:
    return text(key, lang, params)


def _name(ranking: PilotRanking, county: int) -> str:
    own, key = ranking.names[county], ranking.counties[county]
    return own if own == key else f"{own} ({key})"


def _indicator(ranking: PilotRanking, name: str, lang: Lang) -> str:
    indicator = ranking.file.indicators[name]
    return (indicator.name_zh if lang == "zh" else indicator.name_en) or name


def _order(ranking: PilotRanking) -> list[int]:
    return sorted(range(len(ranking.counties)), key=lambda c: ranking.rank[c])


def _lead(ranking: PilotRanking, lang: Lang) -> list[str]:
    first, second = _order(ranking)[:2]
    sure = ranking.probabilities.share[first, 0]
    return [
        _say(
            "rank_lead", lang, {"county": _name(ranking, first), "share": share(sure), "second": _name(ranking, second)}
        ),
        _say("rank_lead_draws", lang, {"draws": number(ranking.probabilities.draws), "cases": len(ranking.cases)}),
    ]


def _notes(ranking: PilotRanking, lang: Lang) -> list[str]:
    names = list(ranking.file.indicators)
    lines = [_say(f"rank_weights_{ranking.file.weights}", lang)]
    if ranking.consistency_ratio is not None:
        lines.append(_say("rank_consistency", lang, {"ratio": f"{ranking.consistency_ratio:.3f}"}))
    for scenario, county in ranking.flips_by_scenario.items():
        lines.append(_say("rank_flip_scenario", lang, {"scenario": scenario, "county": county}))
    for flip in ranking.flips_by_weight:
        figures = {
            "indicator": _indicator(ranking, names[flip.indicator], lang),
            "weight": share(flip.weight),
            "now": share(float(ranking.weights[flip.indicator])),
            "county": _name(ranking, flip.first),
        }
        lines.append(_say("rank_flip_weight", lang, figures))
    if not ranking.flips_by_scenario and not ranking.flips_by_weight:
        lines.append(_say("rank_no_flip", lang))
    for county, better in ranking.dominated_by.items():
        lines.append(_say("rank_dominated", lang, {"county": county, "better": ", ".join(better)}))
    lines += [message.text(lang) for message in ranking.excluded.values()]
    missing = [name for name in ranking.file.uncertain if name not in ranking.cases]
    if missing:
        lines.append(_say("rank_cases_missing", lang, {"scenarios": ", ".join(missing)}))
    return lines


def _tables(ranking: PilotRanking, lang: Lang) -> list[Table]:
    names = list(ranking.file.indicators)
    heads = tuple(_indicator(ranking, name, lang) for name in names)
    place, county, score = (_say(f"rank_head_{key}", lang) for key in ("place", "county", "score"))
    order = _order(ranking)
    chances = ranking.probabilities
    result: list[Table] = [
        (
            _say("rank_table_order", lang),
            (place, county, score, _say("rank_head_first", lang), _say("rank_head_mean", lang), *heads),
            [
                (
                    ranking.rank[c], _name(ranking, c), round(float(ranking.scores[c]), 4), float(chances.share[c, 0]),
                    round(float(chances.mean_rank[c]), 2), *(float(v) for v in ranking.values[c]),
                )
                for c in order
            ],
        ),
        (
            _say("rank_table_weights", lang),
            (_say("rank_head_indicator", lang), _say("rank_head_weight", lang)),
            [(head, float(weight)) for head, weight in zip(heads, ranking.weights, strict=True)],
        ),
        (
            _say("rank_table_chances", lang),
            (county, *(str(n + 1) for n in range(len(order)))),
            [(_name(ranking, c), *(float(v) for v in chances.share[c])) for c in order],
        ),
    ]  # fmt: skip
    if ranking.portfolio is not None and ranking.file.queue is not None:
        years = ranking.file.queue.years
        placed = sorted(ranking.portfolio.places, key=lambda p: (p.year is None, p.year or 0, ranking.rank[p.county]))
        rows = [
            (
                "—" if p.year is None else years[p.year - 1],
                _name(ranking, p.county),
                _say(f"rank_reason_{p.reason}", lang),
            )
            for p in placed
        ]
        head = (_say("rank_head_year", lang), county, _say("rank_head_reason", lang))
        result.append((_say("rank_table_queue", lang), head, rows))
    return result


def _shown(rows: list[tuple[Any, ...]]) -> list[list[str]]:
    """Return the rows as text, the figures of a column with the same decimals."""
    digits = [_digits([v for v in column if isinstance(v, float)]) for column in zip(*rows, strict=True)]
    return [
        [number(v, d) if isinstance(v, float) else str(v) for v, d in zip(row, digits, strict=True)] for row in rows
    ]


def _digits(values: list[float]) -> int:
    """Return the decimals of a column: none for counts, else about four figures of the largest."""
    known = [abs(v) for v in values if math.isfinite(v)]
    if all(v == round(v) for v in known):
        return 0
    return max(0, _FIGURES - 1 - math.floor(math.log10(max(1.0, *known))))


def _chances(ranking: PilotRanking, lang: Lang) -> Markup:
    bars = [
        Bar(
            _name(ranking, c), float(ranking.probabilities.share[c, 0]), share(float(ranking.probabilities.share[c, 0]))
        )
        for c in _order(ranking)
    ]
    return share_bars(bars, _say("rank_chart", lang))


def _map(ranking: PilotRanking, shapes: Mapping[str, Any], lang: Lang) -> Markup:
    """Return the counties in the colour of their place; empty without outlines."""
    known = [name for name in ranking.counties if shapes.get(name)]
    points = [point for name in known for ring in shapes[name] for point in ring]
    if not points:
        return Markup("")
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    squeeze = 0.88
    scale = min((_WIDTH - 2 * _EDGE) / max((east - west) * squeeze, 1e-9), 520.0 / max(north - south, 1e-9))
    left = (_WIDTH - (east - west) * squeeze * scale) / 2.0

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (x - west) * squeeze * scale, _EDGE / 4.0 + (north - y) * scale

    parts, marks = [rect(0, 0, _WIDTH, (north - south) * scale + 20, "#f3f5f7")], []
    for name in known:
        c = ranking.counties.index(name)
        step = (ranking.rank[c] - 1) * len(_RAMP) // len(ranking.counties)
        for ring in shapes[name]:
            path = " ".join(f"{num(px)},{num(py)}" for px, py in (at(x, y) for x, y in ring))
            parts.append(f'<polygon points="{path}" fill="{_RAMP[step]}" stroke="#ffffff" stroke-width="1"/>')
        ring = max(shapes[name], key=len)
        x, y = at(sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring))
        mark = label(x, y, f"{ranking.rank[c]} {ranking.names[c]}", anchor="middle", size=12)
        marks.append(mark.replace("<text ", '<text class="halo" '))
    return svg(_WIDTH, (north - south) * scale + 20, [*parts, *marks], _say("rank_map", lang))


def _workbook(tables: list[Table], path: Path, lang: Lang) -> None:
    with xlsxwriter.Workbook(path, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        for title, heads, rows in tables:
            sheet = book.add_worksheet(title[:31])
            sheet.write_row(0, 0, heads, head)
            for number_, row in enumerate(rows, start=1):
                sheet.write_row(number_, 0, row)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(heads) - 1, 18)
        book.set_properties({"title": _say("rank_title", lang), "author": "xiangyou"})


def _document(ranking: PilotRanking) -> dict[str, Any]:
    names = list(ranking.file.indicators)
    document: dict[str, Any] = plain(
        {
            "schema_version": 1,
            "settings": json.loads(ranking.file.model_dump_json()),
            "counties": [
                {
                    "county": ranking.counties[c],
                    "name": ranking.names[c],
                    "rank": ranking.rank[c],
                    "score": float(ranking.scores[c]),
                    "values": dict(zip(names, ranking.values[c], strict=True)),
                    "rank_shares": ranking.probabilities.share[c],
                    "mean_rank": float(ranking.probabilities.mean_rank[c]),
                    "dominated_by": ranking.dominated_by.get(ranking.counties[c], ()),
                }
                for c in range(len(ranking.counties))
            ],
            "weights": dict(zip(names, ranking.weights, strict=True)),
            "consistency_ratio": ranking.consistency_ratio,
            "cases": ranking.cases,
            "draws": ranking.probabilities.draws,
            "flips_by_scenario": ranking.flips_by_scenario,
            "flips_by_weight": [
                {"indicator": names[f.indicator], "weight": f.weight, "first": ranking.counties[f.first]}
                for f in ranking.flips_by_weight
            ],
            "excluded": ranking.excluded,
            "queue": None
            if ranking.portfolio is None or ranking.file.queue is None
            else [
                {
                    "county": ranking.counties[p.county],
                    "year": None if p.year is None else ranking.file.queue.years[p.year - 1],
                    "reason": p.reason,
                }
                for p in ranking.portfolio.places
            ],
        }
    )
    return document
