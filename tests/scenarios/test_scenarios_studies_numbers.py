"""The main figure of further kinds of study, worked out once more by enumeration from the travel matrix alone."""

import itertools
from typing import Any

import numpy as np
import pytest

from loading import load

COUNTY = load("scenarios/studies_county.py")
P = 4


def facilities(kind: str) -> Any:
    frame = COUNTY.small().problem.county.facilities
    return frame[frame["kind"] == kind].sort_values("facility_id")


def hamlets() -> tuple[np.ndarray, np.ndarray]:
    """Return kilometres from every hamlet to every point, and its persons scaled to its village."""
    problem = COUNTY.small().problem
    county = problem.county
    frame = county.hamlets.sort_values("hamlet_id")
    people = county.villages.set_index("village_code")["population"].astype(float)
    sums = frame.groupby("village_code")["population"].transform("sum").astype(float)
    persons = (frame["population"].astype(float) / sums * frame["village_code"].map(people)).to_numpy(dtype=float)
    points = list(facilities("village_point")["facility_id"])
    return problem.travel["access"].sub(list(frame["hamlet_id"]), points)[1] / 1000.0, persons


def parcels() -> tuple[list[str], np.ndarray]:
    """Return the villages, and their parcels a day in and out."""
    demand = COUNTY.small().problem.county.demand
    sums = demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum().sum(axis=1)
    return [str(code) for code in sums.index], sums.to_numpy(dtype=float)


def worst_tenth(km: np.ndarray, persons: np.ndarray) -> float:
    """Return the mean distance of the tenth of the people who live farthest."""
    order = np.argsort(-km)
    share = persons[order] / persons.sum()
    taken = np.minimum(share, np.maximum(0.0, 0.1 - (np.cumsum(share) - share)))
    return float((taken * km[order]).sum() / 0.1)


def test_p_median_is_the_least_sum_of_all_choices() -> None:
    km, persons = hamlets()
    best = min(
        float((persons * km[:, list(choice)].min(axis=1)).sum())
        for choice in itertools.combinations(range(km.shape[1]), P)
    )
    report = COUNTY.small().ask("p_median", p=P).report
    assert report is not None
    assert report.objective == pytest.approx(best, rel=1e-6)


def test_p_center_is_the_least_farthest_way() -> None:
    km, persons = hamlets()
    km = km[persons > 0.0]
    best = min(float(km[:, list(choice)].min(axis=1).max()) for choice in itertools.combinations(range(km.shape[1]), P))
    report = COUNTY.small().ask("p_center", p=P).report
    assert report is not None
    assert report.objective == pytest.approx(best, rel=1e-9)


def test_backup_coverage_counts_half_a_person_for_each_of_two_points_in_reach() -> None:
    km, persons = hamlets()
    best = max(
        float((0.5 * persons * np.minimum((km[:, list(choice)] <= 3.0).sum(axis=1), 2)).sum())
        for choice in itertools.combinations(range(km.shape[1]), 3)
    )
    report = COUNTY.small().ask("backup_coverage", p=3).report
    assert report is not None
    assert report.status == "optimal"
    assert -float(report.objective or 0.0) == pytest.approx(best, rel=1e-9)


def test_equity_is_the_least_worst_tenth() -> None:
    km, persons = hamlets()
    best = min(
        worst_tenth(km[:, list(choice)].min(axis=1), persons)
        for choice in itertools.combinations(range(km.shape[1]), P)
        if np.isfinite(km[:, list(choice)].min(axis=1)).all()
    )
    report = COUNTY.small().ask("equity", p=P).report
    assert report is not None
    assert report.objective == pytest.approx(best, rel=1e-6)


def test_p_dispersion_is_the_widest_least_distance_in_a_straight_line() -> None:
    from geodata.frames import haversine_km

    rows = facilities("village_point")
    lon, lat = rows["lon"].to_numpy(dtype=float), rows["lat"].to_numpy(dtype=float)
    km = haversine_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    best = max(
        min(float(km[i, j]) for i, j in itertools.combinations(choice, 2))
        for choice in itertools.combinations(range(len(rows)), P)
    )
    report = COUNTY.small().ask("p_dispersion", p=P).report
    assert report is not None
    assert -float(report.objective or 0.0) == pytest.approx(1000.0 * best, rel=1e-3)


def test_covering_plan_carries_the_parcels_within_its_radius() -> None:
    problem = COUNTY.small().problem
    codes, weight = parcels()
    study = COUNTY.small().ask("covering_plan", p=3, requires=[])
    points = [str(row[0]) for row in study.tables[0].rows]
    every = list(facilities("township_station")["facility_id"])
    if not set(points) <= set(every):
        every = list(facilities("village_point")["facility_id"])
    km = problem.travel["access"].sub(codes, every)[1] / 1000.0
    radius = float(next(o.default for o in _kind("covering_plan").options if o.key == "radius"))  # type: ignore[arg-type]
    best = max(
        float(weight[(km[:, list(choice)] <= radius).any(axis=1)].sum())
        for choice in itertools.combinations(range(len(every)), 3)
    )
    assert study.figures["served_parcels"] == pytest.approx(best, rel=1e-9)
    assert study.figures["total_parcels"] == pytest.approx(weight.sum(), rel=1e-9)


def _kind(name: str) -> Any:
    from scenarios.studies.registry import study_kinds

    return study_kinds()[name]


@pytest.mark.parametrize("kind", ["alternatives", "importance", "shadow"])
def test_questions_around_p_median_agree_with_enumeration(kind: str) -> None:
    """The best plan, the loss without a site, and the gain of one site more, from the table of all choices."""
    km, persons = hamlets()
    count = km.shape[1]
    points = list(facilities("village_point")["facility_id"])

    def least(size: int, barred: tuple[int, ...] = ()) -> float:
        allowed = [j for j in range(count) if j not in barred]
        return min(float((persons * km[:, list(c)].min(axis=1)).sum()) for c in itertools.combinations(allowed, size))

    best = least(P)
    if kind == "alternatives":
        study = COUNTY.small().ask(kind, model="p_median", p=P, count=2, within_share=0.1)
        value = next(i for i, c in enumerate(study.tables[0].columns) if c.key == "objective_p_median")
        values = [float(row[value]) for row in study.tables[0].rows]  # type: ignore[arg-type]
        assert values[0] == pytest.approx(best, rel=1e-6)
        assert max(values) <= 1.1 * best * (1 + 1e-9)
    elif kind == "importance":
        study = COUNTY.small().ask(kind, model="p_median", p=P, sites_count=2)
        loss = next(i for i, c in enumerate(study.tables[0].columns) if c.key.startswith("loss_"))
        for row in study.tables[0].rows:
            assert row[loss] == pytest.approx(least(P, (points.index(str(row[0])),)) - best, abs=0.02)
    else:
        study = COUNTY.small().ask(kind, model="p_median", p=P)
        gains = [cell for row in study.tables[0].rows for cell in row if isinstance(cell, float)]
        assert any(gain == pytest.approx(best - least(P + 1), rel=1e-6) for gain in gains)


def test_plan_shadow_gives_the_cost_of_the_plan_it_prices() -> None:
    """The cost of the first row is that of the siting objective written out from the plan's sites and links."""
    from planner.siting.three_tier import solve_three_tier

    problem = COUNTY.small().problem
    study = COUNTY.small().ask("plan_shadow", gap=0.0)
    assert study.tables[0].rows[0][1] == pytest.approx(
        float(solve_three_tier(problem).report.objective or 0.0), rel=problem.siting.relative_gap + 1e-9
    )
