"""Every year of a roll-out as a siting problem of its own: its parcels, its aims, the money of all years up to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.costs import site_investment_cny
from planner.plan import PlanProblem
from planner.rollout.problem import RolloutProblem
from planner.siting.instance import Flags, Instance, Sites, build_instance

_PARCELS = ("inbound_parcels_per_day", "outbound_parcels_per_day")


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """One year.

    Attributes
    ----------
    number
        Counted from 0.
    problem
        The year as a problem any other part of the planner can read.
    instance
        Its arrays; sites have the same places in every year.
    too_dear
        Points, stations and centres that all money up to this year cannot buy.
    townships_today
        Townships that have a station today: they keep one.
    """

    number: int
    problem: PlanProblem
    instance: Instance
    too_dear: tuple[Flags, Flags, Flags]
    townships_today: frozenset[str]


def make_years(rollout: RolloutProblem) -> tuple[Year, ...]:
    """Return all years.

    Notes
    -----
    A candidate locked open need only be open in the last year. Candidates dearer than all money together are locked closed. At
    least one village is served in every year.
    """
    facilities = rollout.base.county.facilities
    existing = facilities[(facilities["status"] == "existing") & (facilities["lock"] != "closed")]
    stations = existing[existing["kind"] == "township_station"].dropna(subset=["lon", "lat"])
    today = frozenset(str(code) for code in stations["township_code"]) - {""}
    return tuple(_year(rollout, number, today) for number in range(rollout.year_count))


def _year(rollout: RolloutProblem, number: int, today: frozenset[str]) -> Year:
    problem = year_problem(rollout, number)
    instance = build_instance(problem)
    kept = today & {str(code) for code in problem.county.townships["township_code"]}
    targets = replace(
        instance.targets,
        served_villages=max(1, instance.targets.served_villages),
        station_townships=max(len(kept), instance.targets.station_townships),
    )
    instance = replace(instance, targets=targets)
    points, stations, centres = instance.tiers
    links = np.isfinite(instance.point_links.fixed).any(axis=0)
    trunk = np.isfinite(instance.station_links.fixed).any(axis=0)
    keeps_points, keeps_stations = rollout.existing != "may_close", rollout.existing == "stay"
    keeps_centres = keeps_points and int(centres.is_existing.sum()) <= instance.targets.centre_count
    instance = instance.with_tiers(
        _kept(points, np.asarray(links & keeps_points)),
        _kept(stations, np.asarray(trunk & keeps_stations)),
        _kept(centres, np.full(len(centres), keeps_centres)),
    )
    money = rollout.money_by(number) + 1e-6
    dear = [~tier.is_existing & (tier.open_investment_cny > money) for tier in instance.tiers]
    return Year(number, problem, instance, (dear[0], dear[1], dear[2]), today & set(stations.township))


def _kept(sites: Sites, keep: Flags) -> Sites:
    return replace(sites, must_open=sites.must_open | (sites.is_existing & keep))


def year_problem(rollout: RolloutProblem, number: int) -> PlanProblem:
    """Return a year as a planning problem: its parcels, its aims, and the money of all years up to it."""
    base, aim = rollout.base, rollout.aims[number]
    demand = base.county.demand.copy()
    for column in _PARCELS:
        demand[column] = demand[column].astype(float) * rollout.volume[number]
    county = base.county.replace(demand=demand, facilities=_facilities(rollout, number))
    standard = replace(
        base.standard,
        population_share=aim.population_share,
        village_point_share=aim.village_point_share,
        township_station_share=aim.township_station_share,
        village_served_share=aim.village_served_share,
    )
    return replace(
        base, county=county, standard=standard, siting=replace(base.siting, budget_cny=rollout.money_by(number))
    )


def _facilities(rollout: RolloutProblem, number: int) -> pd.DataFrame:
    facilities = rollout.base.county.facilities.copy()
    is_new = facilities["status"] == "candidate"
    cost = facilities.apply(lambda row: site_investment_cny(row, is_open=True), axis=1).astype(float)
    money = rollout.money_by(rollout.year_count - 1)
    dear = is_new & (cost > money + 1e-6) & (facilities["lock"] == "free")
    for _, rows in facilities.groupby("kind"):
        # A kind without any site left would be refused as missing; the model keeps such sites closed by itself.
        if not dear[rows.index].all():
            facilities.loc[rows.index[dear[rows.index]], "lock"] = "closed"
    if number < rollout.year_count - 1:
        facilities.loc[is_new & (facilities["lock"] == "open"), "lock"] = "free"
    return facilities
