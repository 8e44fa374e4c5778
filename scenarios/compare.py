"""Runs side by side: every KPI with its difference to the first run, and the settings that changed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from geodata.errors import InputError
from geodata.messages import Lang, Message, text
from scenarios.comparison.runs import (
    check_count,
    data_warnings,
    finished_manifest,
    read_settings,
    refuse_other_county,
    unique_labels,
)
from scenarios.plan_json import plain, read_plan, term

#: Settings that differ between any two scenarios and say nothing.
_TITLES = ("name", "title_en", "title_zh")


@dataclass(frozen=True, slots=True)
class KpiDifference:
    """One KPI row over all runs.

    Attributes
    ----------
    kpi_id, part, unit
        Which figure.
    values
        Value in each run; None where it is not defined or absent.
    differences
        Value minus the first run's, for the second run on; None where either is None.
    list_ids
        Denominator list of each run: figures over different lists are not the same figure.
    """

    kpi_id: str
    part: str
    unit: str
    values: tuple[float | None, ...]
    differences: tuple[float | None, ...]
    list_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """One setting that is not the same in all runs; None where a run lacks it."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs compared.

    Attributes
    ----------
    runs
        Short names, unique.
    kpis
        Every KPI row, in the first run's order.
    settings
        Changed settings, in the first run's order.
    warnings
        What makes the figures hard to compare.
    """

    runs: tuple[str, ...]
    kpis: tuple[KpiDifference, ...]
    settings: tuple[SettingDifference, ...]
    warnings: tuple[Message, ...]


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Compare the KPIs and settings of two to four finished runs; the first is the base.

    Raises
    ------
    UsageError
        If fewer than two are given, or more than four.
    InputError
        If one is no run folder or not finished, or the runs are of different counties.
    """
    check_count(folders)
    plans = [read_plan(folder) for folder in folders]
    try:
        refuse_other_county(plans)
        runs = unique_labels(plans)
        kpis = _kpis(plans)
        warnings = data_warnings(plans)
    except (KeyError, TypeError) as error:
        raise InputError(Message("compare_unknown_plan", {"folders": ", ".join(map(str, folders))})) from error
    for folder in folders:
        finished_manifest(folder)
    return Comparison(runs, kpis, _settings([read_settings(folder) for folder in folders]), warnings)


def _kpis(plans: Sequence[Mapping[str, Any]]) -> tuple[KpiDifference, ...]:
    tables = [{(row["kpi_id"], row["part"]): row for row in plan["kpis"]} for plan in plans]
    keys = dict.fromkeys(key for table in tables for key in table)
    return tuple(_difference(key, [table.get(key) for table in tables]) for key in keys)


def _difference(key: tuple[str, str], rows: Sequence[Mapping[str, Any] | None]) -> KpiDifference:
    values = tuple(None if row is None else row["value"] for row in rows)
    base = values[0]
    differences = tuple(None if base is None or value is None else plain(float(value - base)) for value in values[1:])
    unit = next(str(row["unit"]) for row in rows if row is not None)
    return KpiDifference(*key, unit, values, differences, tuple("" if row is None else row["list_id"] for row in rows))


def _settings(resolved: Sequence[Mapping[str, Any]]) -> tuple[SettingDifference, ...]:
    keys = dict.fromkeys(key for settings in resolved for key in settings if key not in _TITLES)
    rows = (SettingDifference(key, tuple(settings.get(key) for settings in resolved)) for key in keys)
    return tuple(row for row in rows if any(value != row.values[0] for value in row.values))


def comparison_rows(comparison: Comparison, lang: Lang) -> list[list[str]]:
    """Return the comparison as a table with its heading: KPI rows, then one row a changed setting."""
    base, *others = comparison.runs
    heading = ["kind", "id", "part", "name", "unit", base]
    for other in others:
        heading += [other, text("compare_difference", lang, {"run": other, "base": base})]
    rows = [heading]
    for kpi in comparison.kpis:
        names = [term(f"kpi_{kpi.kpi_id}", lang, kpi.kpi_id), term(f"kpi_part_{kpi.part}", lang, kpi.part)]
        row = ["kpi", kpi.kpi_id, kpi.part, " · ".join(names), kpi.unit, _cell(kpi.values[0])]
        for value, difference in zip(kpi.values[1:], kpi.differences, strict=True):
            row += [_cell(value), _cell(difference)]
        rows.append(row)
    for setting in comparison.settings:
        row = ["setting", setting.key, "", "", "", _cell(setting.values[0])]
        for value in setting.values[1:]:
            row += [_cell(value), ""]
        rows.append(row)
    return rows


def write_comparison(comparison: Comparison, lang: Lang, path: Path) -> None:
    """Write the comparison as CSV (utf-8 with byte-order mark, for Excel)."""
    stream = StringIO()
    csv.writer(stream, lineterminator="\n").writerows(comparison_rows(comparison, lang))
    path.write_bytes(stream.getvalue().encode("utf-8-sig"))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.9g}" if isinstance(value, float) else str(value)
