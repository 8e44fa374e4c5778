"""The checker's own cost arithmetic: from inputs and decisions, sharing nothing with `planner.costs`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geodata.parameters import Parameters
from planner.plan import CostLine, Plan
from planner.verification.facts import Facts, Site, Vehicle
from planner.verification.measures import Trip, flow_of

SITE_TIERS = ("county_centre", "township_station", "village_point")
ROUTE_TIERS = ("county_township", "township_village")
_DAYS_PER_YEAR = 365
_PAID_DAYS_PER_MONTH = 21.75
_HOURS_PER_PAID_DAY = 8
_PRICE = {
    "diesel": "diesel_cny_per_l",
    "petrol": "petrol_cny_per_l",
    "electric": "electricity_cny_per_kwh",
}


def instalment_per_year(capex: float, parameters: Parameters) -> float:
    """Return the yearly instalment whose present value over the life of the site is `capex`."""
    rate, years = parameters["discount_rate_share"], parameters["site_life_years"]
    present_value = years if rate == 0.0 else -math.expm1(-years * math.log1p(rate)) / rate
    return capex / present_value


def site_day(site: Site, parameters: Parameters) -> float:
    """Return the day of an open site in CNY; an existing site's capex is sunk."""
    capex = 0.0 if site.is_existing else site.capex
    return (site.annual_cost + instalment_per_year(capex, parameters)) / _DAYS_PER_YEAR


def closing_day(site: Site, parameters: Parameters) -> float:
    """Return the daily instalment of closing a site in CNY."""
    return instalment_per_year(site.closing_cost, parameters) / _DAYS_PER_YEAR


def trip_run(trip: Trip, parameters: Parameters) -> float:
    """Return one run of a trip in CNY: energy and wear by the kilometre, driver and vehicle day by the hour."""
    return trip.km * _per_km(trip.vehicle, parameters) + trip.minutes * _per_h(trip.vehicle, parameters) / 60.0


def _per_km(vehicle: Vehicle, parameters: Parameters) -> float:
    price = parameters[_PRICE[vehicle.energy_kind]] if vehicle.energy_kind in _PRICE else 0.0
    return vehicle.energy_per_km * price + vehicle.wear_cny_per_km


def _per_h(vehicle: Vehicle, parameters: Parameters) -> float:
    month = parameters["driver_cny_per_month"] * (1.0 + parameters["social_insurance_share"])
    driver = month / _PAID_DAYS_PER_MONTH / _HOURS_PER_PAID_DAY
    return driver + vehicle.fixed_cny_per_day / vehicle.shift_h


def transport_day(trips: Sequence[Trip], tier: str, parameters: Parameters) -> float:
    """Return a tier's transport a day in CNY, averaged over the week."""
    return math.fsum(trip_run(t, parameters) * t.runs_per_day for t in trips if t.route.tier == tier)


def cost_lines(facts: Facts, plan: Plan, trips: Sequence[Trip]) -> tuple[CostLine, ...]:
    """Return every cost line of the plan (model, section 5), tiers from the centre outwards."""
    given = facts.parameters
    lines: list[CostLine] = []
    for tier in SITE_TIERS:
        opened = [facts.sites[name] for name in plan.siting.open_ids if facts.sites[name].kind == tier]
        closed = [facts.sites[name] for name in plan.siting.closed_ids if facts.sites[name].kind == tier]
        lines.append(CostLine(tier, "site", math.fsum(site_day(site, given) for site in opened)))
        lines.append(CostLine(tier, "closing", math.fsum(closing_day(site, given) for site in closed)))
    carried = flow_of(facts, plan.siting.point_of_village).parcels
    lines.append(CostLine("county_centre", "handling", given["sorting_cny_per_parcel"] * carried))
    lines.extend(CostLine(tier, "transport", transport_day(trips, tier, given)) for tier in ROUTE_TIERS)
    return tuple(lines)


def investment_cny(facts: Facts, plan: Plan) -> float:
    """Return what the plan spends once: capex of opened candidates and the cost of closing existing sites."""
    new = [facts.sites[name].capex for name in plan.siting.open_ids if not facts.sites[name].is_existing]
    gone = [facts.sites[name].closing_cost for name in plan.siting.closed_ids if facts.sites[name].is_existing]
    return math.fsum((*new, *gone))
