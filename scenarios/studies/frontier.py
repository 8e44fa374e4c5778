"""Coverage over the whole range of budgets: the best found and an upper bound at every budget, and one nested order.

The upper bound at a budget is the proved bound of its own solve, lowered to the bound of every larger budget (more
money never covers less). The nested order opens one site after the other, each time the one that adds most for its
money; its regret at a budget is how much it covers less than the best plan found there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from geodata.errors import UsageError
from geodata.messages import Message
from planner.problems.siting import Floats, SitingProblem
from planner.progress import ProgressEvent, ProgressListener
from planner.siting.registry import solve_model
from planner.siting.selection import SiteSelection
from scenarios.studies.county_problem import CountyProblem
from scenarios.studies.models import KINDS as MODEL_KINDS
from scenarios.studies.models import model_county
from scenarios.studies.options import Options, without
from scenarios.studies.shown import map_places, percent, rounded
from scenarios.studies.study import (
    Cell,
    Study,
    StudyChart,
    StudyColumn,
    StudyInput,
    StudyKind,
    StudyOption,
    StudySeries,
    StudyTable,
)

MODEL = "max_coverage"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One budget: money or number of sites, best weight covered, upper bound on it, and the plan."""

    budget: float
    covered: float
    bound: float
    plan: SiteSelection


@dataclass(frozen=True, slots=True)
class Opened:
    """One step of the nested order: site, money spent in all, and weight covered then."""

    site: int
    spent: float
    covered: float


def answer_frontier(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what every budget can cover, and in which order to build."""
    options = Options(given.options)
    county = model_county(given, MODEL)
    by_money = options.text("budget_axis") == "budget_cny"
    radius = options.figure("radius")
    prices = _prices(county.siting, by_money=by_money)
    points = _points(given, county, prices, listener)
    order = nested_order(county.siting, radius, prices)
    total = max(county.total_weight, 1e-12)
    regret = max((_regret(point, order) for point in points), default=0.0)
    axis = "budget_cny" if by_money else "sites_allowed"
    return Study(
        name=given.name,
        kind="frontier",
        report=None,
        answer=_sentences(points, regret, total, by_money=by_money),
        reasons=county.reasons,
        figures={
            "budgets_looked_at": len(points),
            "budgets_proved": sum(point.bound <= point.covered * (1.0 + 1e-6) for point in points),
            "largest_gap_share": max((_gap(point) for point in points), default=0.0),
            "nested_regret_share": regret,
            f"total_{county.weight}": county.total_weight,
        },
        tables=(_table(points, order, axis, county), _order_table(order, axis, county)),
        charts=(_chart(points, order, axis, total),),
        places=map_places(county, points[-1].plan) if points else (),
        assumptions=(Message(f"study_assumption_weight_{county.weight}"),),
    )


def _prices(siting: SitingProblem, *, by_money: bool) -> Floats:
    """Return what opening each site takes: its investment, or one; existing sites stay and take nothing."""
    if not by_money:
        return np.where(siting.is_existing, 0.0, 1.0)
    return np.where(siting.is_existing, 0.0, siting.capex_cny)


def _points(given: StudyInput, county: CountyProblem, prices: Floats, listener: ProgressListener) -> list[Point]:
    """Solve evenly spaced budgets from nothing to what covers all that can be covered.

    Raises
    ------
    UsageError
        If nothing can be bought.
    """
    options = Options(given.options)
    count = options.whole("steps_count") or 1
    top = options.number("budget_most")
    free = _all_kept(county.siting)
    most = float(prices[free.locked >= 0].sum()) if top is None else top
    if most <= 0.0:
        raise UsageError(Message("study_frontier_free"))
    budgets = [most * k / count for k in range(count + 1)]
    if options.text("budget_axis") == "sites":
        budgets = sorted({float(round(budget)) for budget in budgets})
    engine, radius = options.text("engine", "auto"), options.figure("radius")
    found: list[Point] = []
    for done, budget in enumerate(budgets):
        listener(ProgressEvent("studies", done=done, total=len(budgets)))
        money = replace(free, side=replace(free.side, capex_budget_cny=float(budget)), capex_cny=prices, p=None)
        plan = solve_model(MODEL, money, engine=engine, limits=given.limits, radius=radius)
        covered = -float(plan.report.objective or 0.0)
        bound = np.inf if plan.report.bound is None else -float(plan.report.bound)
        found.append(Point(float(budget), covered, bound, plan))
    return _monotone(found)


def _all_kept(siting: SitingProblem) -> SitingProblem:
    """Return the problem with existing sites kept: a frontier asks what to add."""
    locked = np.where(siting.is_existing & (siting.locked == 0), np.int8(1), siting.locked)
    return replace(siting, locked=locked.astype(np.int8))


def _monotone(points: list[Point]) -> list[Point]:
    """Let a larger budget keep a better plan of a smaller one, and a smaller one the bound of a larger one."""
    best: Point | None = None
    kept = []
    for point in points:
        better = point if best is None or point.covered >= best.covered else best
        kept.append(replace(point, covered=better.covered, plan=better.plan))
        best = kept[-1]
    bound = np.inf
    for k in range(len(kept) - 1, -1, -1):
        bound = min(bound, kept[k].bound)
        kept[k] = replace(kept[k], bound=max(bound, kept[k].covered))
    return kept


def nested_order(siting: SitingProblem, radius: float, prices: Floats) -> list[Opened]:
    """Return the order in which to open sites: existing first, then most weight added for the money."""
    near = siting.distance.tocsc()
    cover = [
        near.indices[near.indptr[j] : near.indptr[j + 1]][near.data[near.indptr[j] : near.indptr[j + 1]] <= radius]
        for j in range(siting.site_count)
    ]
    is_covered = np.zeros(siting.demand_count, dtype=np.bool_)
    covered = spent = 0.0
    order: list[Opened] = []
    left = [j for j in range(siting.site_count) if siting.locked[j] >= 0]
    while left:
        gains = {j: float(siting.weight[cover[j][~is_covered[cover[j]]]].sum()) for j in left}
        kept = [j for j in left if siting.is_existing[j] or siting.locked[j] == 1]
        j = kept[0] if kept else min(left, key=lambda j: (-gains[j] / max(float(prices[j]), 1e-9), float(prices[j]), j))
        if not kept and gains[j] <= 0.0:
            break
        is_covered[cover[j]] = True
        covered += gains[j]
        spent += float(prices[j])
        order.append(Opened(j, spent, covered))
        left.remove(j)
    return order


def _nested(order: list[Opened], budget: float) -> float:
    return max((step.covered for step in order if step.spent <= budget + 1e-6), default=0.0)


def _regret(point: Point, order: list[Opened]) -> float:
    return max(0.0, 1.0 - _nested(order, point.budget) / point.covered) if point.covered > 0.0 else 0.0


def _gap(point: Point) -> float:
    return (point.bound - point.covered) / point.covered if point.covered > 0.0 else 0.0


def _sentences(points: list[Point], regret: float, total: float, *, by_money: bool) -> tuple[Message, ...]:
    most = points[-1].covered
    enough = next(point for point in points if point.covered >= 0.9 * most)
    told = {
        "start": percent(points[0].covered / total),
        "budget": rounded(enough.budget),
        "percent": percent(enough.covered / total),
        "most": percent(most / total),
        "whole": rounded(points[-1].budget),
    }
    gaps = {"gap": round(100.0 * max(_gap(point) for point in points), 2), "regret": round(100.0 * regret, 1)}
    key = "study_answer_frontier_cny" if by_money else "study_answer_frontier_sites"
    return Message(key, told), Message("study_frontier_proof", gaps)


def _table(points: list[Point], order: list[Opened], axis: str, county: CountyProblem) -> StudyTable:
    columns = (
        StudyColumn(axis, "number"),
        StudyColumn(f"covered_{county.weight}", "number"),
        StudyColumn("covered_at_most", "number"),
        StudyColumn("gap_share", "share"),
        StudyColumn("open_sites", "count"),
        StudyColumn("covered_nested", "number"),
        StudyColumn("regret_share", "share"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            point.budget,
            point.covered,
            point.bound,
            _gap(point),
            len(point.plan.open_sites),
            _nested(order, point.budget),
            _regret(point, order),
        )
        for point in points
    ]
    return StudyTable("table_study_frontier", columns, tuple(rows))


def _order_table(order: list[Opened], axis: str, county: CountyProblem) -> StudyTable:
    columns = (
        StudyColumn("build_order", "count"),
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn(axis, "number"),
        StudyColumn(f"covered_{county.weight}", "number"),
    )
    new = [step for step in order if not county.siting.is_existing[step.site]]
    rows = tuple(
        (k, county.sites[step.site].place_id, county.sites[step.site].name, step.spent, step.covered)
        for k, step in enumerate(new, start=1)
    )
    return StudyTable("table_study_order", columns, rows)


def _chart(points: list[Point], order: list[Opened], axis: str, total: float) -> StudyChart:
    series = (
        StudySeries("frontier_found", tuple((point.budget, point.covered / total) for point in points)),
        StudySeries("frontier_bound", tuple((point.budget, point.bound / total) for point in points)),
        StudySeries("frontier_nested", tuple((p.budget, _nested(order, p.budget) / total) for p in points)),
    )
    return StudyChart("chart_study_frontier", "line", axis, "share_within", series)


_TAKEN = (
    "p",
    "budget_cny",
    "keep_existing",
    "decay_end",
    "radii",
    "radius_shares",
    "township_floor_share",
    "use_capacity",
    "capacity_factor",
    "single_source",
)
KINDS = (
    StudyKind(
        "frontier",
        (
            StudyOption("budget_axis", "choice", "budget_cny", choices=("budget_cny", "sites")),
            StudyOption("budget_most", "number", None, above=0, is_optional=True),
            StudyOption("steps_count", "whole", 20, low=1, high=500, meaning="study_option_budget_steps"),
            *without(next(kind.options for kind in MODEL_KINDS if kind.kind == MODEL), *_TAKEN),
        ),
        answer_frontier,
    ),
)
