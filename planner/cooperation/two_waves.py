"""A morning and a noon departure everywhere: what they cost beside one that waits for the last truck, and what they save in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.cooperation.modes import Carriage, ModePlan
from planner.cooperation.paths import PathTable, build_paths
from planner.problems.cooperation import CooperationProblem


def with_morning_wave(plan: ModePlan) -> ModePlan | None:
    """Return the plan with a second, earlier joint departure in every township that has one; None where no earlier one helps.

    Parameters
    ----------
    plan
        A plan; `CooperationSettings.maximum_waves` of its problem is not looked at.

    Notes
    -----
    The morning departure leaves at the same minute in all townships: of all minutes at which a joint wave may leave, the one that
    makes the parcels wait least. Everything on joint lines whose truck has come by then takes it; ways of sharing stay as planned. A
    village with parcels on both departures is visited twice as often, which is priced. The plan keeps every rule of
    `planner.verification.cooperation`, with two waves allowed; it is not the cheapest of its kind.
    """
    problem = replace(plan.problem, settings=replace(plan.problem.settings, maximum_waves=2))
    members = [problem.index_of(name) for name in plan.members]
    table = build_paths(problem, members)
    best: ModePlan | None = None
    least = _waiting(plan)
    for morning in range(len(table.waves)):
        found = _moved(replace(plan, problem=problem), table, morning)
        if found is not None and _waiting(found) < least - 1e-9:
            best, least = found, _waiting(found)
    return best


def _waiting(plan: ModePlan) -> float:
    """Return parcel-minutes from trucks to joint departures."""
    problem, village = plan.problem, {v: i for i, v in enumerate(plan.problem.village_ids)}
    total = 0.0
    for item in plan.carriages:
        if item.leaves_min >= 0.0:
            o = problem.index_of(item.operator_id)
            total += float(problem.parcels[o, village[item.village_id]]) * (
                item.leaves_min - problem.operators[o].arrival_min
            )
    return total


def _moved(plan: ModePlan, table: PathTable, morning: int) -> ModePlan | None:
    """Return the plan in which everything that can takes the morning wave; None if nothing moves."""
    problem, leaves = plan.problem, table.waves[morning]
    village = {v: i for i, v in enumerate(problem.village_ids)}
    path = next(p for p, entry in enumerate(table.paths) if entry.kind == "joint" and entry.wave == morning)
    carriages: list[Carriage] = []
    moved = False
    for item in plan.carriages:
        v = village[item.village_id]
        row = table.carriers.index(problem.index_of(item.operator_id)) if item.kind == "joint" else -1
        if row >= 0 and item.leaves_min > leaves and np.isfinite(table.cost[path, row, v]):
            carriages.append(replace(item, leaves_min=leaves, hours=float(table.hours[path, row, v])))
            moved = True
        else:
            carriages.append(item)
    return _priced(plan, table, carriages) if moved else None


def _priced(plan: ModePlan, table: PathTable, carriages: list[Carriage]) -> ModePlan:
    """Return the plan with other carriages on joint lines, its waves and visits those they need, its cost changed accordingly."""
    problem = plan.problem
    village = {v: i for i, v in enumerate(problem.village_ids)}
    town = [problem.township_ids[int(t)] for t in problem.village_township]
    waves = {(town[village[c.village_id]], c.leaves_min) for c in carriages if c.leaves_min >= 0.0}
    visits = {(c.village_id, c.leaves_min) for c in carriages if c.kind == "joint"}
    cost = plan.cny_per_day + sum(
        sign * _joint_cny(problem, table, found_waves, found_visits)
        for sign, found_waves, found_visits in ((1.0, waves, visits), (-1.0, set(plan.waves), set(plan.visits)))
    )
    report = replace(plan.report, status="feasible", objective=cost, bound=min(cost, float(plan.report.bound or 0.0)))
    return replace(
        plan, carriages=tuple(carriages), waves=tuple(sorted(waves)), visits=tuple(sorted(visits)), report=report
    )


def _joint_cny(
    problem: CooperationProblem, table: PathTable, waves: set[tuple[str, float]], visits: set[tuple[str, float]]
) -> float:
    """Return what joint departures and visits cost; the joint station of a township is the same with one or two."""
    town = {name: t for t, name in enumerate(problem.township_ids)}
    village = {name: v for v, name in enumerate(problem.village_ids)}
    trips = sum(float(table.wave_fixed[town[name]]) for name, _ in waves)
    return trips + sum(float(table.visit_fixed[village[name]]) for name, _ in visits)
