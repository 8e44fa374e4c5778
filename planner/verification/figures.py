"""Rules on figures: rates no cost can be computed with, and trips or cost lines that come out below zero or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from geodata.messages import Message
from planner.plan import Plan, PlanProblem
from planner.verification.facts import Facts
from planner.verification.measures import Trip
from planner.verification.money import cost_lines

_RATES = (
    "access_cny_per_parcel_km",
    "diesel_cny_per_l",
    "discount_rate_share",
    "driver_cny_per_month",
    "electricity_cny_per_kwh",
    "inbound_parcel_kg",
    "outbound_parcel_kg",
    "parcel_volume_m3",
    "petrol_cny_per_l",
    "social_insurance_share",
    "sorting_cny_per_parcel",
    "stop_base_min",
    "stop_s_per_parcel",
)


def check_figures(problem: PlanProblem, facts: Facts) -> Iterator[Message]:
    """Yield a message for every figure in force that makes costs or minutes meaningless.

    While any of these stand, the other rules cannot be evaluated.
    """
    figures = {name: facts.parameters[name] for name in _RATES}
    figures["depot_loading_min"] = problem.routing.depot_loading_min
    for vehicle in facts.vehicles.values():
        for name in ("fixed_cny_per_day", "wear_cny_per_km", "energy_per_km"):
            figures[f"{vehicle.type_id}: {name}"] = getattr(vehicle, name)
    above_zero = {"site_life_years": facts.parameters["site_life_years"]}
    above_zero |= {f"{vehicle.type_id}: shift_h": vehicle.shift_h for vehicle in facts.vehicles.values()}
    wrong = {name: value for name, value in figures.items() if not 0.0 <= value < math.inf}
    wrong |= {name: value for name, value in above_zero.items() if not value > 0.0}
    for name, value in wrong.items():
        yield Message("check_figure", {"name": name, "value": value})


def check_signs(facts: Facts, plan: Plan, trips: Sequence[Trip]) -> Iterator[Message]:
    """Yield a message for every trip and cost line that is negative or no number."""
    for trip in trips:
        if not (trip.minutes >= 0.0 and trip.km >= 0.0):
            yield Message("check_trip_negative", {"route": trip.route.route_id, "minutes": trip.minutes, "km": trip.km})
    for line in cost_lines(facts, plan, trips):
        if not line.cny_per_day >= 0.0:
            yield Message("check_cost_negative", {"tier": line.tier, "item": line.item, "cny": line.cny_per_day})
