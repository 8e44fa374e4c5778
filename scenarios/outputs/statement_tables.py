"""The run's tables behind the plan: costs, KPIs, proof, figures in force, assumptions, sources, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from geodata.messages import label, printed
from geodata.parameters import Parameter
from planner.reports import SolveReport
from scenarios.content import RunContent
from scenarios.outputs.columns import with_numbers
from scenarios.outputs.decided_by import decided_by_tables
from scenarios.outputs.terms import note, plain, say, term

#: Stands for a gap of 0 that is not proved optimal.
_TINY_GAP = 1e-9


def table_frame(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    """Return rows as a table with these columns; figures are floats."""
    return with_numbers(pd.DataFrame(list(rows), columns=list(columns)))


def names_by_id(frame: pd.DataFrame, key: str) -> dict[str, str]:
    """Return id → name of a table."""
    return dict(zip(frame[key].astype(str), frame["name"].astype(str), strict=True))


def costs_frame(content: RunContent) -> pd.DataFrame:
    """Return one row a block of the daily cost, with its share."""
    total = content.verified.cost_cny_per_day
    return table_frame(
        (
            {
                "cost_tier": line.tier,
                "item": line.item,
                "cny_per_day": line.cny_per_day,
                "cost_share": line.cny_per_day / total if total else None,
            }
            for line in content.verified.costs
        ),
        ("cost_tier", "item", "cny_per_day", "cost_share"),
    )


def kpis_frame(content: RunContent) -> pd.DataFrame:
    """Return one row a part of a KPI, with numerator, denominator and list."""
    columns = ("kpi_id", "kpi", "part", "value", "unit", "numerator", "denominator", "list_id", "note", "part_id")
    lang = content.lang
    return table_frame(
        (
            {
                "kpi_id": row.kpi_id,
                "kpi": term(f"kpi_{row.kpi_id}", lang),
                "part": term(f"kpi_part_{row.part}", lang),
                "value": row.value,
                "unit": row.unit,
                "numerator": row.numerator,
                "denominator": row.denominator,
                "list_id": row.list_id,
                "note": note(row.note_key, lang),
                "part_id": row.part,
            }
            for row in content.verified.kpis.rows
        ),
        columns,
    )


def _gap(report: SolveReport) -> float | None:
    """Return the gap as the sheet prints it: 0 only where it is proved optimal."""
    if report.status == "optimal" or report.gap is None:
        return 0.0 if report.status == "optimal" else None
    return max(report.gap, _TINY_GAP)


def _report_row(stage: str, depot: str, report: SolveReport, content: RunContent) -> dict[str, Any]:
    limits = "; ".join(f"{key} {plain(report.limits[key])}" for key in sorted(report.limits))
    return {
        "stage": stage,
        "depot": depot,
        "solve_status": report.status,
        "objective": report.objective,
        "bound": report.bound,
        "gap": _gap(report),
        "engine": report.engine,
        "seed": report.seed,
        "limits": limits,
        "note": note(report.note_key, content.lang),
    }


def _depot_names(content: RunContent) -> dict[str, str]:
    """Return facility id → name with tier and id: a centre and a station of one place often share their name."""
    facilities, lang = content.problem.county.facilities, content.lang
    pattern = "{}（{}，{}）" if lang == "zh" else "{} ({}, {})"
    columns = (facilities["facility_id"], facilities["name"], facilities["kind"])
    return {
        str(site): pattern.format(name, term(f"kind_{kind}", lang), site)
        for site, name, kind in zip(*columns, strict=True)
    }


def reports_frame(content: RunContent) -> pd.DataFrame:
    """Return one row a solve: sites, all rounds, then the rounds of each depot."""
    plan = content.verified.plan
    names = _depot_names(content)
    rows = [_report_row("siting", "", plan.siting.report, content)]
    rows.append(_report_row("routing", "", plan.routing.report, content))
    rows += [
        _report_row("routing", names.get(depot, depot), plan.routing.reports[depot], content)
        for depot in sorted(plan.routing.reports)
    ]
    columns = ("stage", "depot", "solve_status", "objective", "bound", "gap", "engine", "seed", "limits", "note")
    return table_frame(rows, columns)


def parameters_frame(content: RunContent) -> pd.DataFrame:
    """Return every figure of the county, with range, grade and source; where a table decides instead, which one."""
    parameters, lang = content.problem.county.parameters, content.lang
    tables = decided_by_tables(content.problem.county)

    def source(entry: Parameter) -> str:
        said = printed(entry.source, lang)
        if (table := tables.get(entry.parameter_id)) is None:
            return said
        return say("figure_from_table", lang, {"table": label(f"table_{table}", lang), "source": said})

    columns = ("parameter_id", "meaning", "value", "low", "high", "unit", "tag", "source", "group")
    return table_frame(
        (
            {
                "parameter_id": entry.parameter_id,
                "meaning": entry.label(content.lang),
                "value": entry.value,
                "low": entry.low,
                "high": entry.high,
                "unit": entry.unit,
                "tag": entry.tag,
                "source": source(entry),
                "group": entry.group,
            }
            for entry in parameters.entries.values()
        ),
        columns,
    )


def assumptions_frame(content: RunContent) -> pd.DataFrame:
    """Return what was assumed and what is to be checked."""
    groups = (("assumption", content.problem.county.assumptions), ("warning", content.verified.plan.warnings))
    return table_frame(
        (
            {"statement_kind": kind, "text": note(message.key, content.lang, message.params)}
            for kind, messages in groups
            for message in messages
        ),
        ("statement_kind", "text"),
    )


def sources_frame(content: RunContent) -> pd.DataFrame:
    """Return source and licence of each input table."""
    columns = ("table", "source", "licence", "attribution", "as_of", "datum", "data_kind")
    provenance = content.problem.county.provenance
    return table_frame(
        (
            {
                "table": term(f"table_{name}", content.lang),
                "source": provenance[name].source,
                "licence": provenance[name].licence,
                "attribution": provenance[name].attribution,
                "as_of": provenance[name].as_of,
                "datum": provenance[name].datum,
                "data_kind": provenance[name].kind,
            }
            for name in sorted(provenance)
        ),
        columns,
    )


def settings_frame(content: RunContent) -> pd.DataFrame:
    """Return the settings in force and where each comes from."""
    return table_frame(
        (
            {"setting": key, "setting_value": plain(value), "origin": origin}
            for key, (value, origin) in content.resolved.items()
        ),
        ("setting", "setting_value", "origin"),
    )
