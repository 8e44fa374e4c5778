"""The monitoring report as files: a page that opens offline, a workbook, and the figures as JSON."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from geodata.errors import Problem
from geodata.messages import Lang, label, text
from scenarios.monitor.indicators import DEFINITION_VERSION
from scenarios.monitor.report import MonitorReport, Section, sections
from scenarios.outputs.offline import asset, font_stack
from scenarios.outputs.sheet_parts import Formats, text_width, write_head, write_lines
from scenarios.outputs.studies_words import NUMERIC_KINDS, cell_text, column_heading, is_figure, unit_of
from scenarios.outputs.terms import capital, sentence
from scenarios.plan_json import plain
from scenarios.rundir import write_json, write_text
from scenarios.studies.study import StudyTable

PAGE, BOOK, DATA = "monitor.html", "monitor.xlsx", "monitor.json"
_ENVIRONMENT = Environment(
    loader=PackageLoader("scenarios.outputs"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_CREATED = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - a fixed stamp: the same figures are the same file
_MAX_NAME, _MAX_WIDTH = 31, 60
_FORMATS = {"count": "#,##0", "share": "0.0%", "km": "#,##0.00", "cny": "#,##0.##"}


def write_monitor(report: MonitorReport, folder: Path, lang: Lang) -> None:
    """Write page, workbook and data into a folder that exists."""
    write_text(folder / PAGE, monitor_page(report, lang))
    _write_book(report, folder / BOOK, lang)
    write_json(folder / DATA, monitor_document(report))


def monitor_page(report: MonitorReport, lang: Lang) -> str:
    """Return the report as one HTML page that loads nothing from anywhere."""
    shown = [_shown(section, lang) for section in sections(report)]
    values = {
        "lang": "zh-CN" if lang == "zh" else "en",
        "policy": _POLICY,
        "style": Markup(asset("report.css").replace("__FONTS__", font_stack(lang))),  # noqa: S704  our own file
        "title": _title(report, lang),
        "subtitle": _subtitle(report, lang),
        "invented": text("monitor_invented", lang) if report.run.is_invented else "",
        "sections": shown,
        "warnings_title": capital(label("monitor_warnings", lang)),
        "warnings": [_warning(problem, lang) for problem in report.returns.warnings],
    }
    return _ENVIRONMENT.get_template("monitor.html.j2").render(values)


def _title(report: MonitorReport, lang: Lang) -> str:
    figures = {"county": report.run.county_name, "quarter": str(report.returns.quarter)}
    return text("monitor_title", lang, figures)


def _subtitle(report: MonitorReport, lang: Lang) -> str:
    run = report.run
    figures = {"run": f"{run.run_name}-{run.run_hash}", "list": run.list_id, "version": DEFINITION_VERSION}
    return text("monitor_subtitle", lang, figures)


def _warning(problem: Problem, lang: Lang) -> str:
    return f"{problem.where(lang)}{'：' if lang == 'zh' else ': '}{problem.text(lang)}"


def _shown(section: Section, lang: Lang) -> dict[str, Any]:
    return {
        "title": capital(label(section.key, lang)),
        "sentences": [sentence(message, lang) for message in section.sentences],
        "tables": [_table(table, lang) for table in section.tables],
    }


def _table(table: StudyTable, lang: Lang) -> dict[str, Any]:
    return {
        "title": capital(label(table.key, lang)),
        "headers": [column_heading(column, lang) for column in table.columns],
        "classes": ["num" if column.kind in NUMERIC_KINDS else "" for column in table.columns],
        "rows": [[cell_text(v, c, lang) for v, c in zip(row, table.columns, strict=True)] for row in table.rows],
    }


def _write_book(report: MonitorReport, path: Path, lang: Lang) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED, "title": "xiangyou"})
        formats = Formats(book)
        first = book.add_worksheet(_sheet_name(capital(label("monitor_answer", lang))))
        first.set_column(0, 2, 40)
        first.write_string(0, 0, _title(report, lang), formats.title)
        lines = [_subtitle(report, lang)]
        lines += [text("monitor_invented", lang)] if report.run.is_invented else []
        row = write_lines(first, 1, lines, formats) + 1
        parts = sections(report)
        for section in parts:
            first.write_string(row, 0, capital(label(section.key, lang)), formats.strong)
            row = write_lines(first, row + 1, [sentence(m, lang) for m in section.sentences], formats) + 1
        warnings = [_warning(problem, lang) for problem in report.returns.warnings]
        if warnings:
            first.write_string(row, 0, capital(label("monitor_warnings", lang)), formats.strong)
            write_lines(first, row + 1, warnings, formats)
        for section in parts:
            for table in section.tables:
                _write_sheet(book, formats, table, lang)


def _sheet_name(title: str) -> str:
    return title[:_MAX_NAME]


def _write_sheet(book: xlsxwriter.Workbook, formats: Formats, table: StudyTable, lang: Lang) -> None:
    sheet = book.add_worksheet(_sheet_name(capital(label(table.key, lang))))
    write_head(sheet, [column_heading(column, lang) for column in table.columns], len(table.rows), formats)
    for i, column in enumerate(table.columns):
        width = text_width(column_heading(column, lang)) // 2
        pattern = _FORMATS.get(unit_of(column.key, column.kind), _FORMATS.get(column.kind, "General"))
        for j, row in enumerate(table.rows, start=1):
            value, words = row[i], cell_text(row[i], column, lang)
            width = max(width, text_width(words))
            if is_figure(value) and column.kind in NUMERIC_KINDS:
                sheet.write_number(j, i, float(value), formats.number(pattern))
            else:
                sheet.write_string(j, i, words, formats.wrapped if text_width(words) > _MAX_WIDTH else formats.text)
        sheet.set_column(i, i, min(max(width + 2, 12), _MAX_WIDTH))


def monitor_document(report: MonitorReport) -> dict[str, Any]:
    """Return the figures as plain data: keys, no sentence of any language."""
    found, index = report.savings, report.index
    document = {
        "schema_version": 1,
        "run": {"name": report.run.run_name, "hash": report.run.run_hash},
        "county": report.run.county_code,
        "quarter": str(report.returns.quarter),
        "definition_version": DEFINITION_VERSION,
        "indicators": [
            {
                "indicator": one.definition.key,
                "kpi_id": one.definition.kpi_id,
                "value": one.value,
                "numerator": one.numerator,
                "denominator": one.denominator,
                "list_id": one.list_id,
                "unanswered": one.unanswered,
                "sources": dict(one.sources),
                "target": one.target,
                "gap": one.gap,
            }
            for one in report.indicators
        ],
        "index": {
            "value": index.value,
            "missing": index.missing,
            "data_hash": index.data_hash,
            "scores": [{"indicator": s.key, "weight": s.weight, "score": s.score} for s in index.scores],
        },
        "gates": [
            {"gate": g.key, "state": g.state, "count": g.count, "rate": g.rate, "limit": g.limit} for g in index.gates
        ],
        "projects": [
            {"project_id": p.project_id, "planned": str(p.planned), "state": p.state, "quarters_late": p.quarters_late}
            for p in report.projects
        ],
        "savings": {
            "saving_cny_per_parcel": found.saving_cny_per_parcel,
            "low": found.low,
            "high": found.high,
            "changed": found.changed,
            "comparison": found.comparison,
            "left_out": found.left_out,
        },
        "sample": {
            "seed": report.options.seed,
            "sites": [{"level": s.level, "facility_id": s.site.facility_id} for s in report.sample],
        },
    }
    checked: dict[str, Any] = plain(document)
    return checked
