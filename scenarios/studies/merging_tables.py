"""Tables, map lines and chart of a merger: stations, hosts and guests, shares of rent and keeper, service by function, who is worse off."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from planner.cooperation.merge_build import MergeCase
from planner.cooperation.merge_functions import operator_of, word_of
from planner.cooperation.merge_shares import Move, merge_blocks, nearest, services_of, shares_of
from planner.cooperation.stations_merge import MergeEffect, MergePlan
from planner.problems.cooperation import Bools, Floats
from scenarios.studies.study import Cell, StudyChart, StudyColumn, StudyLine, StudyTable, waterfall_series


def function_label(label: str) -> str:
    """Return a function as the outputs read it: glossary key and, after a colon, the operator."""
    operator = operator_of(label)
    return f"function_{word_of(label)}" + (f":{operator}" if operator else "")


def functions_told(case: MergeCase, row: Bools) -> str:
    """Return the functions of a station as a list of labels."""
    return ", ".join(function_label(label) for label, on in zip(case.problem.function_ids, row, strict=True) if on)


def station_table(case: MergeCase, plan: MergePlan) -> StudyTable:
    """Return every station before and after, with the floor and keeper's time its functions take."""
    columns = (
        StudyColumn("station_id"),
        StudyColumn("name"),
        StudyColumn("township_code"),
        StudyColumn("decision", "label"),
        StudyColumn("functions_today"),
        StudyColumn("functions_after"),
        StudyColumn("area_m2", "number"),
        StudyColumn("used_floor_m2", "number"),
        StudyColumn("shelf_there_m2", "number"),
        StudyColumn("used_shelf_m2", "number"),
        StudyColumn("keeper_there_h", "number"),
        StudyColumn("used_keeper_h", "number"),
        StudyColumn("open_day_h", "number"),
        StudyColumn("rent_cny_per_day", "cny"),
        StudyColumn("keeper_cny_per_day", "cny"),
    )
    problem = case.problem
    floor, shelf, keeper = ((plan.hosts * room.need).sum(axis=1) for room in problem.rooms)
    rows: list[tuple[Cell, ...]] = []
    for j, (_, row) in enumerate(case.stations.iterrows()):
        rows.append(
            (
                str(row["station_id"]),
                str(row["name"]),
                str(row["township_code"]),
                "decision_kept" if plan.stays[j] else "decision_closed",
                functions_told(case, problem.has_today[j]),
                functions_told(case, plan.hosts[j]),
                float(row["area_m2"]),
                float(floor[j]),
                _known(row["shelf_m2"]),
                float(shelf[j]),
                float(row["keeper_h"]),
                float(keeper[j]),
                _known(row["open_h"]),
                float(row["rent"]),
                float(row["keeper"]),
            )
        )
    return StudyTable("table_study_merged", columns, tuple(rows))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def hosting_table(case: MergeCase, moves: Sequence[Move]) -> StudyTable:
    """Return who hosts whom: every function that leaves a station, and where its customers find it now."""
    columns = (
        StudyColumn("function_told"),
        StudyColumn("leaves_station"),
        StudyColumn("leaves_name"),
        StudyColumn("host_station"),
        StudyColumn("host_name"),
        StudyColumn("customers_weight", "number"),
        StudyColumn("before_m", "number"),
        StudyColumn("after_m", "number"),
    )
    ids, names = case.problem.station_ids, case.stations["name"].astype(str).tolist()
    rows: list[tuple[Cell, ...]] = []
    for move in moves:
        host = (ids[move.host], names[move.host]) if move.host >= 0 else ("", "")
        at = function_label(case.problem.function_ids[move.function]), ids[move.station], names[move.station]
        rows.append((*at, *host, move.weight, _known(move.before_m), _known(move.after_m)))
    return StudyTable("table_study_hosting", columns, tuple(rows))


def share_table(case: MergeCase, plan: MergePlan) -> StudyTable:
    """Return what each function pays for rent and keeper where several share a station."""
    columns = (
        StudyColumn("station_id"),
        StudyColumn("name"),
        StudyColumn("function_told"),
        StudyColumn("floor_share", "share"),
        StudyColumn("time_share", "share"),
        StudyColumn("rent_cny_per_day", "cny"),
        StudyColumn("keeper_cny_per_day", "cny"),
        StudyColumn("hosting_cny_per_day", "cny"),
        StudyColumn("pays_cny_per_day", "cny"),
    )
    names = case.stations["name"].astype(str).tolist()
    rows = tuple(
        (
            case.problem.station_ids[share.station],
            names[share.station],
            function_label(case.problem.function_ids[share.function]),
            share.floor_share,
            share.time_share,
            share.rent_cny,
            share.keeper_cny,
            share.hosting_cny,
            share.cny_per_day,
        )
        for share in shares_of(case, plan)
    )
    return StudyTable("table_study_merge_shares", columns, rows)


def service_table(case: MergeCase, plan: MergePlan) -> StudyTable:
    """Return every function with what it needs, its stations, and how its customers are served today and after."""
    columns = (
        StudyColumn("function_told"),
        StudyColumn("need_floor_m2", "number"),
        StudyColumn("need_shelf_m2", "number"),
        StudyColumn("need_keeper_h", "number"),
        StudyColumn("need_open_h", "number"),
        StudyColumn("stations_today", "count"),
        StudyColumn("stations_after", "count"),
        StudyColumn("near_before_share", "share"),
        StudyColumn("near_after_share", "share"),
        StudyColumn("before_m", "number"),
        StudyColumn("after_m", "number"),
    )
    rows: list[tuple[Cell, ...]] = []
    for service in services_of(case.problem, plan):
        need = case.needs[service.function]
        rows.append(
            (
                function_label(case.problem.function_ids[service.function]),
                need.floor_m2,
                need.shelf_m2,
                need.keeper_h,
                need.open_h,
                service.stations_before,
                service.stations_after,
                service.near_before,
                service.near_after,
                _known(service.mean_before_m),
                _known(service.mean_after_m),
            )
        )
    return StudyTable("table_study_merge_functions", columns, tuple(rows))


def open_hours(case: MergeCase, plan: MergePlan) -> tuple[Floats, Floats]:
    """Return the opening hours a day of every customer group's nearest station, today and after; NaN where not known."""
    hours = np.append(case.stations["open_h"].to_numpy(dtype=float), np.nan)
    there = (case.problem.has_today, plan.hosts & plan.stays[:, None])
    before, after = (hours[nearest(case.problem, found)[0]] for found in there)
    return before, after


def worse_table(case: MergeCase, plan: MergePlan, effect: MergeEffect) -> StudyTable:
    """Return who has to go farther, the longest detour first; an unknown way after means none is near."""
    columns = (
        StudyColumn("village_code"),
        StudyColumn("name"),
        StudyColumn("function_told"),
        StudyColumn("customers_weight", "number"),
        StudyColumn("before_m", "number"),
        StudyColumn("after_m", "number"),
        StudyColumn("longer_m", "number"),
        StudyColumn("open_before_h", "number"),
        StudyColumn("open_after_h", "number"),
    )
    longer, (before_h, after_h) = effect.longer_m, open_hours(case, plan)
    order = np.lexsort((case.customers["village_code"].to_numpy(dtype=str), -longer))
    rows: list[tuple[Cell, ...]] = []
    for i in order[longer[order] > 0.0]:
        row = case.customers.iloc[int(i)]
        told = str(row["village_code"]), str(row["name"]), function_label(str(row["function"])), float(row["weight"])
        ways = float(effect.before_m[i]), _known(effect.after_m[i]), _known(longer[i])
        rows.append((*told, *ways, _known(before_h[i]), _known(after_h[i])))
    return StudyTable("table_study_worse_off", columns, tuple(rows))


def blocks(case: MergeCase, plan: MergePlan) -> tuple[StudyTable, StudyChart]:
    """Return the way from today's cost to the plan's in blocks that sum exactly to the difference."""
    columns = (
        StudyColumn("block", "label"),
        StudyColumn("change_cny_per_day", "cny"),
        StudyColumn("total_cny_per_day", "cny"),
    )
    found = merge_blocks(case, plan)
    totals = list(accumulate(found.values()))
    rows = tuple((f"block_{key}", change, total) for (key, change), total in zip(found.items(), totals, strict=True))
    named = [*((f"block_{key}", total) for key, total in zip(found, totals, strict=True)), ("block_plan", totals[-1])]
    chart = StudyChart("chart_saving_steps", "waterfall", "block", "total_cny_per_day", waterfall_series(named))
    return StudyTable("table_study_merge_blocks", columns, rows), chart


def move_lines(case: MergeCase, moves: Sequence[Move]) -> tuple[StudyLine, ...]:
    """Return a line from every station that loses functions to each host that takes them, with the functions as facts."""
    grouped: dict[tuple[int, int], list[Move]] = {}
    for move in moves:
        if move.host >= 0:
            grouped.setdefault((move.station, move.host), []).append(move)
    at = case.stations[["lon", "lat"]].to_numpy(dtype=float)
    names = case.stations["name"].astype(str).tolist()
    lines = []
    for (start, host), group in sorted(grouped.items()):
        labels = [function_label(case.problem.function_ids[move.function]) for move in group]
        facts: dict[str, Cell] = {
            "functions_moved": ", ".join(dict.fromkeys(labels)),
            "customers_weight": sum(move.weight for move in group),
        }
        ends = tuple((float(lon), float(lat)) for lon, lat in (at[start], at[host]))
        lines.append(StudyLine(f"{names[start]} → {names[host]}", ends, 1, facts))
    return tuple(lines)
