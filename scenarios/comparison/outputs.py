"""The comparison as one offline page and one workbook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from geodata.messages import Lang, text
from scenarios.comparison.falls import amount, fall_chart, fall_title, figure_words, part_words
from scenarios.comparison.map_data import TOLD, map_data, told
from scenarios.comparison.runs import FinishedRun, data_warnings
from scenarios.comparison.tables import Table, comparison_tables
from scenarios.comparison.villages import ACCESS_STEP_KM, VERDICTS, VillageChange, village_changes
from scenarios.comparison.waterfall import Waterfall, kpi_falls, waterfalls
from scenarios.outputs.offline import CONTENT_POLICY, asset, font_stack, json_block, leaflet_assets
from scenarios.outputs.sheet_parts import Formats, write_head
from scenarios.outputs.terms import gap_text, number, say, term

HTML, WORKBOOK = "compare.html", "compare.xlsx"
_ENVIRONMENT = Environment(
    loader=PackageLoader("scenarios.outputs"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
#: No clock: the same runs give the same workbook.
_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001  Excel knows no time zones
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_ORDER = {"loses": 0, "mixed": 1, "wins": 2, "same": 3}


@dataclass(frozen=True, slots=True, eq=False)
class RunComparison:
    """Runs side by side.

    Attributes
    ----------
    runs
        The runs, the first is the base.
    tables
        Inputs, settings, decisions, KPIs, log.
    falls, changes
        Waterfalls, and what changes for the villages: one entry for every run but the first.
    """

    runs: tuple[FinishedRun, ...]
    tables: tuple[Table, ...]
    falls: tuple[tuple[Waterfall, ...], ...]
    changes: tuple[tuple[VillageChange, ...], ...]


def compare(runs: Sequence[FinishedRun], lang: Lang) -> RunComparison:
    """Compare runs that were read by `scenarios.comparison.runs.read_runs`."""
    first, *others = runs
    return RunComparison(
        tuple(runs),
        comparison_tables(runs, lang),
        tuple(waterfalls(first, other) for other in others),
        tuple(village_changes(first, other) for other in others),
    )


def write_comparison_page(comparison: RunComparison, path: Path, lang: Lang) -> None:
    """Write the comparison as one HTML file that loads nothing from anywhere."""
    page = _ENVIRONMENT.get_template("compare.html.j2").render(_page(comparison, lang))
    path.write_text(page, encoding="utf-8", newline="\n")


def _page(comparison: RunComparison, lang: Lang) -> dict[str, Any]:
    runs = comparison.runs
    fonts = font_stack(lang)
    style, script = leaflet_assets()
    county = runs[0].plan["county"]

    def words(key: str) -> str:
        return text(f"compare_{key}", lang)

    payload = map_data(runs, comparison.changes, lang)
    sheets = "".join(asset(name).replace("__FONTS__", fonts) for name in ("report.css", "compare.css"))
    return {
        "lang": "zh-CN" if lang == "zh" else "en",
        "policy": CONTENT_POLICY,
        "leaflet_style": Markup(style),  # noqa: S704  the installed package's own file
        "leaflet_script": Markup(script),  # noqa: S704
        "style": Markup(sheets),  # noqa: S704  our own files
        "script": Markup(asset("marks.js") + asset("compare.js")),  # noqa: S704
        "data": Markup(json_block("xiangyou-compare", payload)),  # noqa: S704  escaped by `json_block`
        "title": text("compare_title", lang, {"county": county["name"]}),
        "invented": say("invented", lang) if county["is_invented"] else "",
        "words": words,
        "cards": [{"title": run.title, "label": run.label, "folder": str(run.folder)} for run in runs],
        "lead": lead(comparison, lang),
        "notes": [
            *(warning.text(lang) for warning in data_warnings([run.plan for run in runs])),
            *not_proved(runs, lang),
        ],
        "falls": [[_fall(fall, _names(runs, i), lang) for fall in falls] for i, falls in enumerate(comparison.falls)],
        "villages_note": text("compare_villages_note", lang, {"step": f"{ACCESS_STEP_KM:g}"}),
        "villages": [_villages(comparison, i, lang) for i in range(len(comparison.changes))],
        "tables": [_table(table, runs, lang) for table in comparison.tables],
    }


def _names(runs: Sequence[FinishedRun], other: int) -> tuple[str, str]:
    """Return the names of the base and of the other run of a pair."""
    return runs[0].label, runs[other + 1].label


def lead(comparison: RunComparison, lang: Lang) -> list[list[str]]:
    """Return what a reader wants first: cost, villages served, who wins and who loses, run by run."""
    first, *others = comparison.runs
    groups = [[text("compare_lead_first", lang, _head(first))]]
    for run, falls, changes in zip(others, comparison.falls, comparison.changes, strict=True):
        cost = falls[0]
        key = "equal" if cost.end == cost.start else "more" if cost.end > cost.start else "less"
        change = text(f"compare_lead_{key}", lang, {"amount": amount(cost, abs(cost.end - cost.start))})
        counts = Counter(one.verdict for one in changes)
        figures: dict[str, object] = {verdict: counts[verdict] for verdict in VERDICTS}
        sentence = text("compare_lead_cost", lang, {**_head(run), "change": change, "base": first.label})
        groups.append([sentence, text("compare_lead_villages", lang, figures)])
    return groups


def _head(run: FinishedRun) -> dict[str, object]:
    served = sum(village.is_served for village in run.villages.values())
    cost = number(run.plan["cost_cny_per_day"], 2)
    return {"run": run.label, "cost": cost, "served": served, "villages": len(run.villages)}


def not_proved(runs: Sequence[FinishedRun], lang: Lang) -> list[str]:
    """Return a note for every run with a step whose answer is not proved best."""
    notes = []
    for run in runs:
        open_stages = [s for s in ("siting", "routing") if run.plan[s]["report"]["status"] != "optimal"]
        if open_stages:
            reports = [run.plan[stage]["report"] for stage in open_stages]
            figures = {
                "stages": f"{run.label}: " + ", ".join(term(f"stage_{stage}", lang) for stage in open_stages),
                "gap": ", ".join(gap_text(report["gap"], report["status"]) for report in reports),
            }
            notes.append(text("compare_not_proved", lang, figures))
    return notes


def _fall(fall: Waterfall, names: tuple[str, str], lang: Lang) -> dict[str, Any]:
    if not fall.parts:
        figures = {"figure": figure_words(fall, lang), "amount": amount(fall, fall.start)}
        return {"title": text("compare_fall_same", lang, figures), "chart": ""}
    return {"title": fall_title(fall, names, lang), "chart": fall_chart(fall, names, lang)}


def _village_heads(lang: Lang) -> tuple[str, ...]:
    keys = ("village", "township", "population", "verdict", *TOLD)
    return tuple(text(f"compare_{key}", lang) for key in keys)


def sorted_changes(changes: Sequence[VillageChange]) -> list[VillageChange]:
    """Return the villages for which something changes: those that lose first, then by residents."""
    chosen = [change for change in changes if any(change.better.values())]
    return sorted(chosen, key=lambda c: (_ORDER[c.verdict], -(c.village.population or 0.0), c.village.village_code))


def _villages(comparison: RunComparison, other: int, lang: Lang) -> dict[str, Any]:
    changes = comparison.changes[other]
    counts = Counter(change.verdict for change in changes)
    first, second = _names(comparison.runs, other)
    rows = []
    for change in sorted_changes(changes):
        village = change.village
        cells = [
            village.name,
            village.township,
            number(village.population),
            text(f"compare_verdict_{change.verdict}", lang),
        ]
        for key in TOLD:
            before = told(change.before, change.cost_before, key, lang)
            after = told(change.after, change.cost_after, key, lang)
            cells.append(after if before == after else f"{before} → {after}")
        rows.append({"cells": cells, "verdict": change.verdict, "verdict_at": 3})
    figures: dict[str, object] = {verdict: counts[verdict] for verdict in VERDICTS}
    sentence = text("compare_lead_villages", lang, figures)
    return {
        "title": f"{first} → {second}",
        "lead": f"{sentence} {text('compare_worse_first', lang)}" if rows else sentence,
        "heads": _village_heads(lang),
        "rows": rows,
    }


def table_heads(table: Table, runs: Sequence[FinishedRun], lang: Lang) -> list[str]:
    """Return the headings of a table: its own, every run, and the change of every run but the first."""
    heads = [*table.heads, *(run.label for run in runs)]
    if table.has_changes:
        base = runs[0].label
        heads += [f"{run.label} {text('compare_head_change', lang, {'base': base})}" for run in runs[1:]]
    return heads


def _table(table: Table, runs: Sequence[FinishedRun], lang: Lang) -> dict[str, Any]:
    rows = [
        {"heads": row.heads, "cells": (*row.values, *row.changes), "is_different": row.is_different}
        for row in table.rows
    ]
    count = text("compare_counts", lang, {"different": table.different, "rows": len(table.rows)})
    return {"key": table.key, "count": count, "heads": table_heads(table, runs, lang), "rows": rows}


def write_comparison_workbook(comparison: RunComparison, path: Path, lang: Lang) -> None:
    """Write the comparison as a workbook: one sheet a table, with a column that says where the runs differ."""
    with xlsxwriter.Workbook(str(path), {**_OPTIONS, "in_memory": True}) as book:
        book.set_properties({"title": "xiangyou", "created": _CREATED})
        formats = Formats(book)
        _runs_sheet(book, comparison, formats, lang)
        _falls_sheet(book, comparison, formats, lang)
        _villages_sheet(book, comparison, formats, lang)
        for table in comparison.tables:
            _table_sheet(book, table, comparison.runs, formats, lang)


def _sheet(book: Any, title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], formats: Formats) -> None:
    """Add a sheet of texts and numbers."""
    sheet = book.add_worksheet(title[:31])
    write_head(sheet, heads, len(rows), formats)
    for position, head in enumerate(heads):
        texts = [str(row[position]) for row in rows[:200] if position < len(row)]
        sheet.set_column(position, position, min(60, max(12, len(head), *(len(t) + 2 for t in texts), 12)))
    for number_, row in enumerate(rows, start=1):
        for position, value in enumerate(row):
            if isinstance(value, int | float) and not isinstance(value, bool):
                sheet.write_number(number_, position, value, formats.number("#,##0.###"))
            else:
                sheet.write_string(number_, position, "" if value is None else str(value), formats.wrapped)


def _runs_sheet(book: Any, comparison: RunComparison, formats: Formats, lang: Lang) -> None:
    heads = [text(f"compare_{key}", lang) for key in ("run", "scenario", "folder")]
    rows: list[list[Any]] = [[run.label, run.title, str(run.folder)] for run in comparison.runs]
    rows += [[sentence] for group in lead(comparison, lang) for sentence in group]
    rows += [[warning.text(lang)] for warning in data_warnings([run.plan for run in comparison.runs])]
    rows += [[sentence] for sentence in not_proved(comparison.runs, lang)]
    _sheet(book, text("compare_sheet_runs", lang), heads, rows, formats)


def _falls_sheet(book: Any, comparison: RunComparison, formats: Formats, lang: Lang) -> None:
    heads = [text(f"compare_{key}", lang) for key in ("run", "figure", "step", "amount")]
    rows: list[list[Any]] = []
    for i, falls in enumerate(comparison.falls):
        first, other = _names(comparison.runs, i)
        plans = (comparison.runs[0].plan, comparison.runs[i + 1].plan)
        for fall in (*falls, *kpi_falls(*plans)):
            name = figure_words(fall, lang)
            rows.append([f"{first} → {other}", name, first, fall.amount(fall.start)])
            rows += [
                [f"{first} → {other}", name, part_words(fall, part, lang), fall.amount(change)]
                for part, change in fall.parts.items()
            ]
            rows.append([f"{first} → {other}", name, other, fall.amount(fall.end)])
    _sheet(book, text("compare_sheet_falls", lang), heads, rows, formats)


def _villages_sheet(book: Any, comparison: RunComparison, formats: Formats, lang: Lang) -> None:
    heads = [text("compare_run", lang), *_village_heads(lang)]
    split = len(heads) - len(TOLD)
    first = comparison.runs[0].label
    told_heads = heads[split:]
    rows: list[list[Any]] = []
    for i, changes in enumerate(comparison.changes):
        for change in sorted_changes(changes):
            village = change.village
            row: list[Any] = [comparison.runs[i + 1].label, village.name, village.township, village.population]
            row.append(text(f"compare_verdict_{change.verdict}", lang))
            for key in TOLD:
                row += [_cell(change, key, lang, is_after=False), _cell(change, key, lang, is_after=True)]
            rows.append(row)
    later = text("compare_run", lang)
    pairs = [f"{head} · {name}" for head in told_heads for name in (first, later)]
    _sheet(book, text("compare_table_villages", lang), [*heads[:split], *pairs], rows, formats)


def _cell(change: VillageChange, key: str, lang: Lang, *, is_after: bool) -> Any:
    """Return a village's figure for the workbook: numbers as numbers."""
    village = change.after if is_after else change.before
    numbers: Mapping[str, float | None] = (
        {}
        if village is None
        else {
            "access_km": village.access_km,
            "per_week": village.services_per_week,
            "cost_parcel": change.cost_after if is_after else change.cost_before,
        }
    )
    return numbers[key] if key in numbers else told(village, None, key, lang)


def _table_sheet(book: Any, table: Table, runs: Sequence[FinishedRun], formats: Formats, lang: Lang) -> None:
    heads = [*table_heads(table, runs, lang), text("compare_differs", lang)]
    rows = [
        [
            *row.heads,
            *(row.figures or row.values),
            *row.changes,
            text("compare_yes" if row.is_different else "compare_no", lang),
        ]
        for row in table.rows
    ]
    _sheet(book, text(f"compare_table_{table.key}", lang), heads, rows, formats)
