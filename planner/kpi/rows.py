"""What every KPI family works on, and how a row is made from a numerator and a denominator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.plan import CostLine, Kpi, Plan, PlanProblem
from planner.verification.facts import Facts, gather
from planner.verification.measures import Flow, Trip, drive, flow_of


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A plan with its problem, its facts, its trips as driven and its cost lines."""

    problem: PlanProblem
    plan: Plan
    facts: Facts
    trips: tuple[Trip, ...]
    costs: Mapping[tuple[str, str], float]

    @property
    def villages_id(self) -> str:
        """Identity of the dated village list."""
        county = self.problem.county
        return f"villages {county.county_code}@{county.village_list_date}"

    @property
    def townships_id(self) -> str:
        """Identity of the township list, which is as old as the village list."""
        county = self.problem.county
        return f"townships {county.county_code}@{county.village_list_date}"

    @property
    def served(self) -> Flow:
        """Parcels a day of served villages."""
        return flow_of(self.facts, self.plan.siting.point_of_village)

    @property
    def visits_per_week(self) -> int:
        """Services a week at every village point."""
        return self.problem.standard.visits_per_week


def open_case(problem: PlanProblem, plan: Plan, costs: tuple[CostLine, ...]) -> Case:
    """Gather the facts and drive the trips of a plan once for all KPIs."""
    facts = gather(problem)
    lines = {(line.tier, line.item): line.cny_per_day for line in costs}
    return Case(problem, plan, facts, drive(problem, facts, plan.routing.routes), lines)


@dataclass(frozen=True, slots=True)
class Row:
    """Head of a row: which KPI and part, its unit, its list and its note."""

    kpi_id: str
    part: str
    unit: str
    list_id: str
    note_key: str = ""

    def ratio(self, numerator: float, denominator: float) -> Kpi:
        """Divide; without a denominator the KPI is not defined."""
        value = numerator / denominator if denominator else None
        return self._kpi(value, float(numerator), float(denominator))

    def statistic(self, value: float | None, numerator: float, denominator: float) -> Kpi:
        """State a percentile or a Gini with the two figures docs/kpis.md names for it."""
        return self._kpi(value, float(numerator), float(denominator))

    def _kpi(self, value: float | None, numerator: float, denominator: float) -> Kpi:
        return Kpi(
            kpi_id=self.kpi_id,
            part=self.part,
            value=value,
            unit=self.unit,
            numerator=numerator,
            denominator=denominator,
            list_id=self.list_id,
            note_key=self.note_key,
        )
