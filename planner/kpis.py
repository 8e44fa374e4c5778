"""All KPIs of a plan (docs/kpis.md), recomputed from inputs and decisions, each with its own denominator."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from planner.kpi.equity import equity_rows
from planner.kpi.money import cost_rows
from planner.kpi.nearness import nearness_rows
from planner.kpi.reach import frequency_rows, reach_rows
from planner.kpi.rows import open_case
from planner.kpi.transport import emission_rows, empty_rows, flow_rows, load_rows, productivity_rows
from planner.plan import CostLine, KpiSet, Plan, PlanProblem

_FAMILIES = (
    reach_rows,
    nearness_rows,
    frequency_rows,
    cost_rows,
    load_rows,
    empty_rows,
    productivity_rows,
    flow_rows,
    emission_rows,
    equity_rows,
)

#: KPI → the part to show where there is room for one figure only; ``total`` where it is not named here.
HEADLINE_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "K6": "within_standard",
        "K7": "mean",
        "K8": "visits_ge_5",
        "K16": "township_village_fullest",
        "K18": "total_vehicle_day",
        "K27": "access_gini",
    }
)


def compute_kpis(problem: PlanProblem, plan: Plan, costs: tuple[CostLine, ...]) -> KpiSet:
    """Compute K1–K8, K13, K16–K19, K24 and K27.

    Parameters
    ----------
    problem, plan
        Input and decisions; the plan is taken to be sound (`planner.verify`).
    costs
        Daily cost lines of the plan.

    Returns
    -------
    KpiSet
        Rows in the order of the KPI numbers; a share is None when its denominator is zero.
    """
    case = open_case(problem, plan, costs)
    return KpiSet(tuple(row for family in _FAMILIES for row in family(case)))
