"""The report of a run: one printable HTML file that answers first and then shows everything behind the answer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scenarios.content import RunContent
from scenarios.outputs.answer import answer_sentences, targets
from scenarios.outputs.facts import headline_facts, map_notes, provider_note, source_lines
from scenarios.outputs.map import map_payload
from scenarios.outputs.map_layers import map_layers
from scenarios.outputs.offline import asset, font_stack
from scenarios.outputs.overview import legend, overview
from scenarios.outputs.report_charts import access_chart, cost_chart, kpi_chart
from scenarios.outputs.report_tables import fold_at, fold_note, report_tables
from scenarios.outputs.sensitivity_note import sensitivity_note
from scenarios.outputs.studies_map import unplaced_notes
from scenarios.outputs.studies_report import shown_studies
from scenarios.outputs.tables import RunTables, run_tables
from scenarios.outputs.terms import number, say, share, term

_ENVIRONMENT = Environment(
    loader=PackageLoader("scenarios.outputs"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(share=share, number=number)
#: No script, no request: the report is paper that opens in a browser.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_TAGS = "ABCKXU"


def write_report(content: RunContent, path: Path, tables: RunTables | None = None) -> None:
    """Write the report of a run as one HTML file that loads nothing from anywhere.

    Parameters
    ----------
    content
        The run.
    path
        File to write.
    tables
        Tables of the run, if they are made already.
    """
    tables = tables or run_tables(content)
    page = _ENVIRONMENT.get_template("report.html.j2").render(report_values(content, tables))
    path.write_text(page, encoding="utf-8", newline="\n")


def report_values(content: RunContent, tables: RunTables) -> dict[str, Any]:
    """Return everything the template prints; texts are escaped by the template, pictures are made by us."""
    lang, county = content.lang, content.problem.county
    layers = map_layers(content, tables)
    frame = map_payload(content, tables, [])
    title = content.title or county.name

    def words(key: str, **params: object) -> str:
        return say(f"report_{key}", lang, params)

    return {
        "lang": "zh-CN" if lang == "zh" else "en",
        "policy": _POLICY,
        "style": Markup(asset("report.css").replace("__FONTS__", font_stack(content.lang))),  # noqa: S704  our own file
        "title": title,
        "subtitle": frame["subtitle"],
        "invented": frame["invented"],
        "words": words,
        "answer": answer_sentences(content, tables),
        "facts": headline_facts(content, tables),
        "map": overview(layers, frame["labels"], frame["bounds"], title),
        "legend": legend(layers),
        "map_notes": [*map_notes(content, tables), *unplaced_notes(content)],
        "targets": targets(content),
        "kpi_chart": kpi_chart(content),
        "cost_chart": cost_chart(content),
        "access": access_chart(content, tables),
        "tables": report_tables(content, tables),
        "sensitivity": sensitivity_note(content),
        "provider": provider_note(content),
        "assumptions": _statements(tables, "assumption"),
        "warnings": _statements(tables, "warning"),
        "tags": [(tag, term(f"tag_{tag}", lang)) for tag in _TAGS],
        "sources": source_lines(content),
        "reproduce": _reproduce(content),
        "studies": shown_studies(content, frame["bounds"]),
        "fold_at": fold_at,
        "fold_note": partial(fold_note, sheet="", lang=lang),
    }


def _statements(tables: RunTables, kind: str) -> list[str]:
    rows = tables.assumptions
    return [str(text) for text in rows.loc[rows["statement_kind"] == kind, "text"]]


def _reproduce(content: RunContent) -> list[tuple[str, str]]:
    county, problem = content.problem.county, content.problem
    values = {
        "run_name": content.run_name,
        "run_hash": content.run_hash,
        "version": content.version,
        "county": f"{county.name} {county.county_code}",
        "village_list": f"{county.village_list_id} ({county.village_list_date})",
        "siting_seed": str(problem.siting.seed),
        "routing_seed": str(problem.routing.seed),
    }
    return [(say(f"report_{key}", content.lang), value) for key, value in values.items()]
