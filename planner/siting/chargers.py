"""Charger siting by range: where vehicles on given tours must be able to charge, at least cost.

A vehicle leaves full after a night at its depot and must never drive further than its usable range between two
chargers. On a fixed tour with places at d_0 < d_1 < … this holds exactly if, for every place at q beyond the range R,
a charger stands at some place p of the tour with ``q - R ≤ p < q``. Every such requirement is one row of a
set-covering problem::

    min Σ_j cost_j·x_j    s.t.  Σ_{j in window} x_j ≥ 1  for every tour and place,   x_depot = 1 for night charging

Source: the arc-cover form of the flow-refuelling model, I. Capar, M. Kuby, V. J. Leon and Y.-J. Tsai, 2013, with all
tours required. Solved by HiGHS to proof. Power and number of plugs follow from the energy charged at each site; they
are computed afterwards and are no part of the proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner.engines.linear import LinearModel
from planner.engines.mathopt import ENGINE, EngineLimits, solve_linear
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.siting.charger_input import (
    ChargerRules,
    ChargeSite,
    ElectricVehicle,
    Tour,
    check_chargers,
    kwh_per_km,
    usable_km,
)
from planner.siting.selection import SolveLimits

DEFAULT_LIMITS = SolveLimits()
_SLACK_KM = 1e-9
#: A rounded 0/1 above this is a 1.
_HALF = 0.5
#: Hours of the working day over which fast chargers are shared.
_WORK_H = 8.0


@dataclass(frozen=True, slots=True)
class TourProblem:
    """A tour no choice of sites makes possible.

    Attributes
    ----------
    tour_id
        Tour.
    reason
        Message key: ``charger_gap_too_long`` (no site for more than the range), ``charger_no_time`` or
        ``charger_depot_closed``.
    params
        Figures of the sentence.
    """

    tour_id: str
    reason: str
    params: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class ChargeStation:
    """A chosen site.

    Attributes
    ----------
    place_id
        Place.
    night_vehicles, night_kwh, day_kwh
        Vehicles charged at night, their energy at the meter, energy charged on the way, a day.
    slow_plugs, fast_plugs
        Chargers: slow ones share the night, fast ones serve vehicles on the way.
    kw
        Power of all plugs together.
    yearly_cny
        Fixed cost, instalment and running of the plugs.
    """

    place_id: str
    night_vehicles: int
    night_kwh: float
    day_kwh: float
    slow_plugs: int
    fast_plugs: int
    kw: float
    yearly_cny: float


@dataclass(frozen=True, slots=True)
class ChargerPlan:
    """Chosen sites, and tours that cannot be run electrically.

    Attributes
    ----------
    open_places
        Places with chargers, sorted.
    stations
        Plugs and energy by place.
    infeasible
        Tours left out, with the reason.
    report
        Status and bound of Σ fixed cost a year over the tours that can be run.
    """

    open_places: tuple[str, ...]
    stations: tuple[ChargeStation, ...]
    infeasible: tuple[TourProblem, ...]
    report: SolveReport


def plan_chargers(
    tours: Sequence[Tour],
    vehicles: Mapping[str, ElectricVehicle],
    sites: Sequence[ChargeSite],
    rules: ChargerRules,
    *,
    limits: SolveLimits = DEFAULT_LIMITS,
) -> ChargerPlan:
    """Choose charging sites for all tours that can be run.

    Raises
    ------
    InputError
        If a tour or vehicle has impossible figures or an unknown vehicle type.
    """
    check_chargers(tours, vehicles, sites, rules)
    allowed = {site.place_id for site in sites if site.is_allowed}
    infeasible = [
        found for tour in tours if (found := tour_obstacle(tour, vehicles[tour.vehicle_type_id], allowed, rules))
    ]
    left_out = {found.tour_id for found in infeasible}
    kept = [tour for tour in tours if tour.tour_id not in left_out]
    rows = sorted(
        {row for tour in kept for row in _rows(tour, vehicles[tour.vehicle_type_id], allowed, rules)}, key=sorted
    )
    model, column = LinearModel(), {}
    for site in sorted(sites, key=lambda site: site.place_id):
        if site.is_allowed:
            column[site.place_id] = model.binary(0.0 if site.is_existing else site.fixed_cny_per_year)
    for row in rows:
        model.row([(column[place], 1.0) for place in sorted(row)], lower=1.0)
    told = {"relative_gap": limits.relative_gap, "node_limit": float(limits.node_limit)}
    if not rows:
        return ChargerPlan((), (), tuple(infeasible), SolveReport("optimal", 0.0, 0.0, ENGINE, limits.seed, told))
    answer = solve_linear(model, EngineLimits(limits.relative_gap, limits.node_limit, limits.time_limit_s, limits.seed))
    if answer.values is None or answer.objective is None:
        return ChargerPlan(
            (), (), tuple(infeasible), SolveReport("unknown", None, answer.bound, ENGINE, limits.seed, told)
        )
    values = answer.values
    chosen = {place for place, number in column.items() if values[number] > _HALF}
    chosen = _without_idle(chosen, rows, sites)
    cost = sum(site.fixed_cny_per_year for site in sites if site.place_id in chosen and not site.is_existing)
    bound = answer.bound
    is_proved = bound is not None and cost - bound <= OPTIMALITY_TOLERANCE * max(1.0, cost)
    report = SolveReport(
        "optimal" if is_proved else "feasible", cost, cost if is_proved else bound, ENGINE, limits.seed, told
    )
    stations = _stations(kept, vehicles, sites, chosen, rules)
    return ChargerPlan(tuple(sorted(chosen)), stations, tuple(infeasible), report)


def tour_obstacle(tour: Tour, vehicle: ElectricVehicle, allowed: set[str], rules: ChargerRules) -> TourProblem | None:
    """Return why a tour is impossible with every allowed site open, or None."""
    if tour.depot not in allowed:
        return TourProblem(tour.tour_id, "charger_depot_closed", {"tour": tour.tour_id, "depot": tour.depot})
    usable = usable_km(vehicle, rules)
    stops = [km for place, km in tour.places if place in allowed or km == tour.km]
    gap = max(after - before for before, after in pairwise([0.0, *stops]))
    if gap > usable + _SLACK_KM:
        params: dict[str, float | str] = {"tour": tour.tour_id, "gap_km": round(gap, 1), "usable_km": round(usable, 1)}
        return TourProblem(tour.tour_id, "charger_gap_too_long", params)
    minutes = charging_minutes(tour, vehicle, rules)
    if minutes > tour.spare_min + 1e-6:
        params = {"tour": tour.tour_id, "needed_min": round(minutes), "spare_min": round(tour.spare_min)}
        return TourProblem(tour.tour_id, "charger_no_time", params)
    return None


def charging_minutes(tour: Tour, vehicle: ElectricVehicle, rules: ChargerRules) -> float:
    """Return the least minutes of fast charging on the way: what the tour takes beyond one full battery."""
    beyond = max(0.0, tour.km - usable_km(vehicle, rules))
    return beyond * kwh_per_km(vehicle, rules) / rules.fast_kw * 60.0


def _rows(tour: Tour, vehicle: ElectricVehicle, allowed: set[str], rules: ChargerRules) -> set[frozenset[str]]:
    """Return the sets of places of which one must have a charger; supersets are dropped by the caller's solver."""
    usable = usable_km(vehicle, rules)
    rows = {frozenset({tour.depot})}
    for _, q in tour.places:
        if q > usable + _SLACK_KM:
            window = {p for p, km in tour.places if p in allowed and q - usable - _SLACK_KM <= km < q}
            rows.add(frozenset(window))
    return rows


def _without_idle(chosen: set[str], rows: Sequence[frozenset[str]], sites: Sequence[ChargeSite]) -> set[str]:
    """Leave out free existing sites no tour needs, in order of name."""
    kept = set(chosen)
    free = {site.place_id for site in sites if site.is_existing or site.fixed_cny_per_year == 0.0}
    for place in sorted(free & chosen):
        if all(row & (kept - {place}) for row in rows):
            kept.discard(place)
    return kept


def charges(
    tour: Tour, vehicle: ElectricVehicle, chosen: set[str], rules: ChargerRules
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Return (kilometres charged at each stop on the way, kilometres charged at night at the depot).

    The vehicle charges only what it needs to come to the next charger or home, so the night takes as much as it can.
    """
    usable = usable_km(vehicle, rules)
    stops = [(place, km) for place, km in tour.places if place in chosen and 0.0 < km < tour.km]
    charge, left, at = [], usable, 0.0
    for (place, km), after in zip(stops, [*(km for _, km in stops[1:]), tour.km][: len(stops)], strict=True):
        left -= km - at
        need = max(0.0, (after - km) - left)
        if need > 0.0:
            charge.append((place, need))
        left += need
        at = km
    taken = sum(km for _, km in charge)
    return tuple(charge), tour.km - taken


def _stations(
    tours: Sequence[Tour],
    vehicles: Mapping[str, ElectricVehicle],
    sites: Sequence[ChargeSite],
    chosen: set[str],
    rules: ChargerRules,
) -> tuple[ChargeStation, ...]:
    night_count: dict[str, int] = {}
    night: dict[str, float] = {}
    day: dict[str, float] = {}
    visits: dict[str, int] = {}
    for tour in tours:
        vehicle = vehicles[tour.vehicle_type_id]
        meter = kwh_per_km(vehicle, rules) / (1.0 - rules.loss_share)
        on_way, at_night = charges(tour, vehicle, chosen, rules)
        night_count[tour.depot] = night_count.get(tour.depot, 0) + 1
        night[tour.depot] = night.get(tour.depot, 0.0) + at_night * meter
        for place, km in on_way:
            day[place] = day.get(place, 0.0) + km * meter
            visits[place] = visits.get(place, 0) + 1
    fixed = {site.place_id: 0.0 if site.is_existing else site.fixed_cny_per_year for site in sites}
    found = []
    for place in sorted(chosen):
        slow = math.ceil(night.get(place, 0.0) / (rules.slow_kw * rules.night_h) - _SLACK_KM)
        # Fast chargers are shared over the working day; never more than vehicles that come.
        fast = (
            min(visits.get(place, 0), max(1, math.ceil(day.get(place, 0.0) / (rules.fast_kw * _WORK_H))))
            if day.get(place)
            else 0
        )
        price = slow * rules.slow_cny + fast * rules.fast_cny
        found.append(
            ChargeStation(
                place,
                night_count.get(place, 0),
                night.get(place, 0.0),
                day.get(place, 0.0),
                slow,
                fast,
                slow * rules.slow_kw + fast * rules.fast_kw,
                fixed[place] + price * rules.yearly_share,
            )
        )
    return tuple(found)
