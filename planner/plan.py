"""The plan: all decisions joined, with the county and the travel times they were made on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geodata.county import County
from geodata.messages import Message
from networks.matrix import TravelMatrix
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from planner.routing.result import RoutingResult
from planner.siting.result import SitingResult


@dataclass(frozen=True, slots=True, eq=False)
class PlanProblem:
    """Everything a plan is made from.

    Attributes
    ----------
    county
        The completed county (every table the planner needs is filled).
    travel
        Profile name → matrix over all place ids (village codes, hamlet ids, facility ids). ``access`` is how a
        villager travels to a point; every vehicle type has the profile named by its `vehicle_type_id`.
    standard, siting, routing
        Standard and settings.
    """

    county: County
    travel: Mapping[str, TravelMatrix]
    standard: ServiceStandard
    siting: SitingSettings
    routing: RoutingSettings


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Decisions only; costs and KPIs are recomputed from them (`planner.verify`, `planner.kpis`).

    Attributes
    ----------
    siting, routing
        Decisions with their reports.
    warnings
        What the planner must know when reading the plan (for example a vehicle count that is exceeded).
    """

    siting: SitingResult
    routing: RoutingResult
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure of a KPI.

    Attributes
    ----------
    kpi_id
        ``K1`` … as in the KPI table; several rows may share it (bands, tiers, directions).
    part
        Which row of it (``total``, ``county_township``, ``share_ge_5`` …); glossary key ``kpi_part_<part>``.
    value
        Figure, or None when it is not defined (denominator zero).
    unit
        ``share``, ``km``, ``min``, ``cny_per_parcel``, ``kg_co2_per_day`` …; glossary key ``unit_<unit>``.
    numerator, denominator
        What it was divided from; for percentiles and Ginis the sample size stands in the denominator.
    list_id
        Dated list the denominator counts (``villages 431226@2023`` …).
    note_key
        Message key of the definition or restriction that must be printed beside it; may be empty.
    """

    kpi_id: str
    part: str
    value: float | None
    unit: str
    numerator: float | None
    denominator: float | None
    list_id: str
    note_key: str = ""


@dataclass(frozen=True, slots=True)
class KpiSet:
    """All KPIs of a plan, in a fixed order."""

    rows: tuple[Kpi, ...]

    def get(self, kpi_id: str, part: str = "total") -> Kpi:
        """Return one row. KeyError if absent."""
        for row in self.rows:
            if row.kpi_id == kpi_id and row.part == part:
                return row
        raise KeyError((kpi_id, part))


@dataclass(frozen=True, slots=True)
class CostLine:
    """One block of the daily cost: tier × item, in CNY a day.

    `tier` is a facility kind or route tier; `item` one of ``site``, ``closing``, ``handling`` or
    ``transport``.
    """

    tier: str
    item: str
    cny_per_day: float


@dataclass(frozen=True, slots=True)
class VerifiedPlan:
    """A plan that passed the checker, with everything recomputed.

    Attributes
    ----------
    plan
        The decisions.
    costs
        Daily cost lines, recomputed; they sum to `cost_cny_per_day`.
    cost_cny_per_day
        Total.
    investment_cny
        Capex of new sites and closing costs.
    kpis
        All KPIs.
    """

    plan: Plan
    costs: tuple[CostLine, ...]
    cost_cny_per_day: float
    investment_cny: float
    kpis: KpiSet
