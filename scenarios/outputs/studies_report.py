"""The studies as the report prints them: answer, how sure, figures, charts, tables, places, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scenarios.content import RunContent
from scenarios.outputs.gantt import gantt_charts
from scenarios.outputs.overview import class_legend, study_map
from scenarios.outputs.report_tables import MAX_ROWS, PrintedTable, fold_note
from scenarios.outputs.studies_charts import ShownChart, study_charts
from scenarios.outputs.studies_lines import study_line_layer
from scenarios.outputs.studies_map import study_layer, view_layers
from scenarios.outputs.studies_sheets import SheetNames, reason_rows, sheet_names, with_township_names
from scenarios.outputs.studies_words import (
    NUMERIC_KINDS,
    answers,
    cell_text,
    column_heading,
    fact_text,
    fact_title,
    proof_line,
    status_sentence,
    status_word,
    study_title,
    table_title,
)
from scenarios.outputs.terms import say, sentence
from scenarios.studies.study import Study, StudyTable


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with its heading."""

    heading: str
    table: PrintedTable


@dataclass(frozen=True, slots=True)
class ShownStudy:
    """A study as the report prints it; empty parts are left out by the template."""

    number: int
    title: str
    answers: list[str]
    sure: str
    status: str
    proof: str
    figures: list[tuple[str, str]]
    charts: list[ShownChart]
    tables: list[ShownTable]
    reasons: PrintedTable | None
    map: Markup | None
    legend: list[tuple[Markup, str, int]]
    views: list[tuple[str, Markup, list[tuple[Markup, str, int]]]]
    assumptions: list[str]


def shown_studies(content: RunContent, bounds: Sequence[Sequence[float]]) -> list[ShownStudy]:
    """Return the studies of a run in their order.

    Parameters
    ----------
    content
        The run.
    bounds
        ``[[south, west], [north, east]]`` of the report's map, which the small maps share.
    """
    names = sheet_names(content)
    return [_shown(study, i, content, bounds, names) for i, study in enumerate(content.studies, start=1)]


def _shown(
    study: Study, number: int, content: RunContent, bounds: Sequence[Sequence[float]], names: SheetNames
) -> ShownStudy:
    lang = content.lang
    title = study_title(study, lang)
    layer, lines = study_layer(study, number, lang), study_line_layer(study, number, lang)
    views = view_layers(study, number, lang)
    return ShownStudy(
        number=number,
        title=title,
        answers=answers(study, lang),
        sure=status_word(study, lang),
        status=status_sentence(study, lang),
        proof=proof_line(study, lang),
        figures=[(fact_title(key, lang), fact_text(key, value, lang)) for key, value in study.figures.items()],
        charts=[*study_charts(study.charts, lang), *gantt_charts(study.gantts, lang)],
        tables=[_table(table, (number, i), content, names) for i, table in enumerate(study.tables, start=1)],
        reasons=_reasons(study, number, content, names),
        map=None if layer is None else study_map(layer, bounds, say("report_study_map", lang, {"title": title}), lines),
        legend=[] if layer is None else class_legend(layer),
        views=[(view.label, study_map(view, bounds, view.label), class_legend(view)) for view in views],
        assumptions=[sentence(message, lang) for message in study.assumptions],
    )


def _table(table: StudyTable, where: tuple[int, int], content: RunContent, names: SheetNames) -> ShownTable:
    lang = content.lang
    table = with_township_names(table, content)
    rows = [
        [cell_text(value, column, lang) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    classes = tuple("num" if column.kind in NUMERIC_KINDS else "" for column in table.columns)
    headers = tuple(column_heading(column, lang) for column in table.columns)
    printed = _printed((headers, classes), rows, f"study-{where[0]}-{where[1]}", names[where], content)
    return ShownTable(table_title(table.key, lang), printed)


def _reasons(study: Study, number: int, content: RunContent, names: SheetNames) -> PrintedTable | None:
    if (number, -1) not in names:
        return None
    rows = [list(row) for row in reason_rows(study, content)]
    headers = tuple(say(f"report_study_{key}", content.lang) for key in ("demand", "demand_name", "reason"))
    return _printed((headers, ("id", "", "")), rows, f"study-{number}-reasons", names[number, -1], content)


def _printed(
    head: tuple[tuple[str, ...], tuple[str, ...]], rows: list[list[str]], name: str, sheet: str, content: RunContent
) -> PrintedTable:
    lang = content.lang
    left_out = ""
    if len(rows) > MAX_ROWS:
        left_out = say("report_left_out", lang, {"shown": MAX_ROWS, "total": len(rows)})
    shown = rows[:MAX_ROWS]
    return PrintedTable(head[0], head[1], shown, left_out, name, fold_note(len(shown), sheet, lang))
