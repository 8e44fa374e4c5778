"""From a batch's results and a ranking file to the order of the counties and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from geodata.errors import InputError, UsageError
from geodata.messages import Message
from planner.ranking.order import (
    Flip,
    RankProbabilities,
    dominates,
    flips_by_weight,
    rank_probabilities,
    ranks,
    topsis,
    unit_range,
)
from planner.ranking.portfolio import Portfolio, queue_counties
from planner.ranking.weights import Floats, ahp_weights, entropy_weights
from scenarios.batch.query import read_table
from scenarios.pilot.spec import RankFile, Source


@dataclass(frozen=True, slots=True, eq=False)
class PilotRanking:
    """The answer.

    Attributes
    ----------
    counties
        Ranked counties, in the order of the batch.
    names
        Their names in the data.
    values
        ``(counties, indicators)`` under the base scenario.
    weights, consistency_ratio
        Weights used; of AHP also how consistent the comparisons are.
    scores, rank
        TOPSIS closeness and place.
    dominated_by
        County → counties that are at least as good in everything.
    probabilities
        Places under uncertain inputs and weights.
    cases
        Scenarios that took part in the draws; the base first.
    flips_by_scenario
        Scenario → county that is first there, where it is another one.
    flips_by_weight
        Nearest weights that put another county first.
    excluded
        County → why it is not ranked.
    portfolio
        Queue over years, or None.
    """

    file: RankFile
    counties: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    weights: Floats
    consistency_ratio: float | None
    scores: Floats
    rank: tuple[int, ...]
    dominated_by: Mapping[str, tuple[str, ...]]
    probabilities: RankProbabilities
    cases: tuple[str, ...]
    flips_by_scenario: Mapping[str, str]
    flips_by_weight: tuple[Flip, ...]
    excluded: Mapping[str, Message]
    portfolio: Portfolio | None


def rank_counties(folder: Path, file: RankFile, base: Path) -> PilotRanking:
    """Rank the counties of a batch.

    Parameters
    ----------
    folder
        Batch folder.
    file
        Ranking file.
    base
        Folder its tables are relative to.

    Raises
    ------
    InputError
        If the folder or a table cannot be used, or fewer than two counties are left.
    UsageError
        If an indicator, scenario or county is unknown.
    """
    tables = _Tables(folder, base)
    runs = tables.runs
    counties = tuple(dict.fromkeys(runs["county"]))
    _check_names(file, tables, counties)
    frame = tables.frame(file, file.scenario, counties)
    excluded = _excluded(file, tables, frame)
    left = [name for name in counties if name not in excluded]
    if len(left) < 2:  # noqa: PLR2004
        raise InputError(
            Message("rank_too_few", {"count": len(left), "reasons": "; ".join(m.text("zh") for m in excluded.values())})
        )
    values = frame.loc[left].to_numpy(dtype=float)
    up = np.array([i.better == "more" for i in file.indicators.values()])
    weights, ratio = _weights(file, values, up)
    scores = topsis(values, weights, up)
    cases, names = [values], [file.scenario]
    for scenario in file.uncertain:
        other = tables.frame(file, scenario, left).to_numpy(dtype=float)
        if np.isfinite(other).all():
            cases.append(other)
            names.append(scenario)
    better = dominates(values, up)
    by_county = runs[runs["scenario"] == file.scenario].set_index("county")
    return PilotRanking(
        file=file,
        counties=tuple(left),
        names=tuple(str(by_county.loc[name, "county_name"]) for name in left),
        values=values,
        weights=weights,
        consistency_ratio=ratio,
        scores=scores,
        rank=tuple(int(r) for r in ranks(scores)),
        dominated_by={
            left[b]: tuple(left[a] for a in np.flatnonzero(better[:, b]))
            for b in range(len(left))
            if better[:, b].any()
        },
        probabilities=rank_probabilities(
            cases, weights, up, draws=file.draws, concentration=file.concentration, seed=file.seed
        ),
        cases=tuple(names),
        flips_by_scenario=_scenario_flips(names, cases, weights, up, left),
        flips_by_weight=flips_by_weight(values, weights, up),
        excluded=excluded,
        portfolio=_queue(file, tables, left, scores),
    )


class _Tables:
    """The tables of a batch and of the ranking file."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.runs, self.kpis = read_table(folder, "runs"), read_table(folder, "kpis")
        self._base = base
        self._files: dict[str, pd.DataFrame] = {}

    def file(self, name: str) -> pd.DataFrame:
        """Return a CSV file beside the ranking file, by county."""
        if name not in self._files:
            path = self._base / name
            try:
                frame = pd.read_csv(path, encoding="utf-8-sig", dtype={"county": str})
            except (OSError, ValueError) as error:
                raise InputError(Message("run_file_unreadable", {"file": str(path), "reason": str(error)})) from error
            if "county" not in frame.columns or frame["county"].duplicated().any():
                raise InputError(Message("rank_table_counties", {"file": name}))
            self._files[name] = frame.set_index("county")
        return self._files[name]

    def column(self, source: Source, scenario: str) -> pd.Series:
        """Return one figure a county; NaN where there is none.

        Raises
        ------
        UsageError
            If the figure does not exist anywhere.
        """
        if source.table:
            frame = self.file(source.table)
            if source.column not in frame.columns:
                raise UsageError(
                    Message("rank_no_column", {"column": source.column, "known": ", ".join(map(str, frame.columns))})
                )
            return pd.to_numeric(frame[source.column], errors="coerce")
        if source.column:
            numeric = self.runs.select_dtypes("number")
            if source.column not in numeric.columns:
                raise UsageError(
                    Message("rank_no_column", {"column": source.column, "known": ", ".join(numeric.columns)})
                )
            rows = self.runs[self.runs["scenario"] == scenario].set_index("county")
            return rows[source.column].astype("Float64").astype(float)
        rows = self.kpis[(self.kpis["kpi_id"] == source.kpi) & (self.kpis["part"].fillna("") == source.part)]
        if rows.empty:
            known = self.kpis[["kpi_id", "part"]].drop_duplicates().astype(str).agg(" ".join, axis=1)
            figures = {"kpi": f"{source.kpi} {source.part}".strip(), "known": ", ".join(known)}
            raise UsageError(Message("rank_no_kpi", figures))
        return (
            rows[rows["scenario"] == scenario]
            .drop_duplicates("county")
            .set_index("county")["value"]
            .astype("Float64")
            .astype(float)
        )

    def frame(self, file: RankFile, scenario: str, counties: tuple[str, ...] | list[str]) -> pd.DataFrame:
        """Return all indicators of the counties under a scenario."""
        columns = {
            name: self.column(indicator, scenario).reindex(list(counties))
            for name, indicator in file.indicators.items()
        }
        return pd.DataFrame(columns, index=list(counties), dtype=float)


def _check_names(file: RankFile, tables: _Tables, counties: tuple[str, ...]) -> None:
    known = set(tables.runs["scenario"])
    for scenario in (file.scenario, *file.uncertain):
        if scenario not in known:
            raise UsageError(Message("rank_unknown_scenario", {"name": scenario, "known": ", ".join(sorted(known))}))
    named = [] if file.queue is None else [name for c, earlier in file.queue.before.items() for name in (c, *earlier)]
    for name in named:
        if name not in counties:
            raise UsageError(Message("rank_unknown_county", {"name": name, "known": ", ".join(counties)}))


def _excluded(file: RankFile, tables: _Tables, frame: pd.DataFrame) -> dict[str, Message]:
    """Return why counties are not ranked: no plan, a gate, a missing figure."""
    runs = tables.runs[tables.runs["scenario"] == file.scenario].set_index("county")
    reasons: dict[str, Message] = {}
    for county in frame.index:
        if county not in runs.index or runs.loc[county, "status"] != "ok":
            why = (
                ""
                if county not in runs.index or pd.isna(runs.loc[county, "reason_zh"])
                else str(runs.loc[county, "reason_zh"])
            )
            reasons[county] = Message("rank_no_plan", {"county": county, "reason": why})
    for name, gate in file.gates.items():
        column = tables.column(gate, file.scenario).reindex(frame.index)
        for county, value in column.items():
            limit = gate.most if gate.most is not None else gate.least
            passes = pd.notna(value) and (value <= limit if gate.most is not None else value >= limit)
            if not passes:
                figures = {
                    "county": county,
                    "gate": name,
                    "value": "—" if pd.isna(value) else f"{value:g}",
                    "limit": f"{limit:g}",
                }
                reasons.setdefault(str(county), Message("rank_gate", figures))
    for county in frame.index[frame.isna().any(axis=1)]:
        missing = ", ".join(frame.columns[frame.loc[county].isna()])
        reasons.setdefault(str(county), Message("rank_missing", {"county": county, "indicators": missing}))
    return reasons


def _weights(file: RankFile, values: Floats, up: np.ndarray) -> tuple[Floats, float | None]:
    names = list(file.indicators)
    if file.weights == "equal":
        return np.full(len(names), 1.0 / len(names)), None
    if file.weights == "entropy":
        return entropy_weights(unit_range(values, up)), None
    if file.weights == "user":
        given = np.array([i.weight for i in file.indicators.values()])
        return given / given.sum(), None
    matrix = np.ones((len(names), len(names)))
    for a, row in file.ahp.items():
        for b, times in row.items():
            matrix[names.index(a), names.index(b)], matrix[names.index(b), names.index(a)] = times, 1.0 / times
    found = ahp_weights(matrix)
    if not found.is_consistent:
        raise UsageError(Message("rank_inconsistent", {"ratio": f"{found.consistency_ratio:.2f}"}))
    return found.weights, found.consistency_ratio


def _scenario_flips(
    names: list[str], cases: list[Floats], weights: Floats, up: np.ndarray, counties: list[str]
) -> dict[str, str]:
    first = [counties[int(np.argmin(ranks(topsis(case, weights, up))))] for case in cases]
    return {name: county for name, county in zip(names[1:], first[1:], strict=True) if county != first[0]}


def _queue(file: RankFile, tables: _Tables, counties: list[str], scores: Floats) -> Portfolio | None:
    if file.queue is None:
        return None
    cost = (
        tables.column(Source(column=file.queue.cost), file.scenario).reindex(counties).fillna(0.0).to_numpy(dtype=float)
    )
    budgets = file.queue.budget_cny or [float("inf")] * len(file.queue.years)
    place = {name: i for i, name in enumerate(counties)}
    before = {
        place[c]: tuple(place[e] for e in earlier if e in place)
        for c, earlier in file.queue.before.items()
        if c in place
    }
    return queue_counties(scores, cost, budgets, per_year=file.queue.per_year, before=before)
