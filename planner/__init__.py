"""Decide: sites and rounds, checked and scored by a path of their own."""

from planner.design import design_plan
from planner.kpis import compute_kpis
from planner.plan import CostLine, Kpi, KpiSet, Plan, PlanProblem, VerifiedPlan
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.reports import SolveReport
from planner.routing.result import Route, RoutingResult, Stop
from planner.routing.rounds import solve_rounds
from planner.siting.result import SitingResult, Unserved
from planner.siting.three_tier import solve_three_tier
from planner.verify import verify

__distribution__ = "xiangyou"
__all__ = [
    "CostLine",
    "Kpi",
    "KpiSet",
    "Plan",
    "PlanProblem",
    "Route",
    "RoutingResult",
    "RoutingSettings",
    "ServiceStandard",
    "SitingResult",
    "SitingSettings",
    "SolveReport",
    "Stop",
    "Unserved",
    "VerifiedPlan",
    "compute_kpis",
    "design_plan",
    "solve_rounds",
    "solve_three_tier",
    "verify",
]
