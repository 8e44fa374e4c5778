"""The bus side as a mixed-integer model, with one cost variable a truck depot that cuts push up to what its rounds cost.

Variables: origin of each point (0/1), parcels and whole bags on every ride, whether a call is used, whether a line is paid,
and θ of each depot. Rows: all parcels of a riding point ride; room on every segment; dwell at every stop; delay of every run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.engines.linear import LinearModel, Vector
from planner.problems.buses import TOLERANCE, BusDecision, BusLoad, BusRules, BusSide, Ride
from planner.routing.buses.trucks import TruckDepot

_HALF = 0.5


@dataclass(slots=True, eq=False)
class BusModel:
    """The model with the meaning of its variables.

    Attributes
    ----------
    linear
        The minimisation, CNY of a mean day.
    rides
        Rides, in the order of their variables.
    origin
        (point, origin) → variable.
    parcels, bags
        Variables of the rides.
    theta
        Depot → variable.
    """

    side: BusSide
    linear: LinearModel
    rides: tuple[Ride, ...]
    origin: dict[tuple[int, int], int] = field(default_factory=dict)
    parcels: list[int] = field(default_factory=list)
    bags: list[int] = field(default_factory=list)
    theta: dict[str, int] = field(default_factory=dict)

    def relief(self, depot: TruckDepot, point_id: str) -> list[tuple[int, float]]:
        """Return the terms that are 1 when a bus takes the point off the depot's rounds."""
        names = {o.origin_id: i for i, o in enumerate(self.side.origins)}
        points = {p.point_id: i for i, p in enumerate(self.side.points)}
        pairs = [(points[point_id], names[o]) for o in sorted(depot.relievers[point_id])]
        return [(self.origin[pair], 1.0) for pair in pairs if pair in self.origin]


def build_model(side: BusSide, rides: Sequence[Ride], depots: Sequence[TruckDepot]) -> BusModel:
    """Return the model without cuts (θ from 0)."""
    model = BusModel(side, LinearModel(), tuple(rides))
    for depot in depots:
        model.theta[depot.depot_id] = model.linear.continuous(1.0)
    _choices(model)
    _loads(model)
    _room(model)
    _hold_ups(model)
    _fees(model)
    return model


def _choices(model: BusModel) -> None:
    """One origin a point at the most, and only where every kind of parcels has a ride."""
    side, offered = model.side, {(r.point, r.origin, r.kind) for r in model.rides}
    for p, point in enumerate(side.points):
        wanted = [k for k, n in (("delivery", point.delivery_parcels), ("pickup", point.pickup_parcels)) if n > 0.0]
        own = []
        for o in range(len(side.origins)):
            if wanted and all((p, o, kind) in offered for kind in wanted):
                saved = side.relief_cny.get((point.point_id, side.origins[o].origin_id), 0.0)
                model.origin[p, o] = model.linear.binary(-saved)
                own.append(model.origin[p, o])
        if own:
            model.linear.row([(v, 1.0) for v in own], upper=1.0)


def _loads(model: BusModel) -> None:
    """All parcels of a riding point ride, in whole bags; the rows on bags a point needs only tighten the relaxation."""
    side, linear, rules = model.side, model.linear, model.side.rules
    week = rules.share_of_week
    model.rides = tuple(ride for ride in model.rides if (ride.point, ride.origin) in model.origin)
    sums: dict[tuple[int, int, str], list[tuple[int, int]]] = {}
    for ride in model.rides:
        most = _most(side, ride)
        cost = rules.parcel_cny + rules.waiting_cny_per_parcel_h * ride.hours
        x = linear.continuous(week * cost, upper=most)
        bags = linear.whole(week * rules.bag_cny, upper=_bags(rules, most))
        linear.row([(x, 1.0), (bags, -rules.bag_parcels)], upper=0.0)
        linear.row([(x, 1.0), (model.origin[ride.point, ride.origin], -most)], upper=0.0)
        model.parcels.append(x)
        model.bags.append(bags)
        sums.setdefault((ride.point, ride.origin, ride.kind), []).append((x, bags))
    for (p, o, kind), pairs in sums.items():
        point = side.points[p]
        total = point.delivery_parcels if kind == "delivery" else point.pickup_parcels
        linear.row([*((x, 1.0) for x, _ in pairs), (model.origin[p, o], -total)], lower=0.0, upper=0.0)
        linear.row([*((b, 1.0) for _, b in pairs), (model.origin[p, o], -_bags(rules, total))], lower=0.0)


def _bags(rules: BusRules, parcels: float) -> float:
    return float(math.ceil(parcels / rules.bag_parcels - TOLERANCE))


def _most(side: BusSide, ride: Ride) -> float:
    """Most parcels one ride carries: what there is, the least room on the way, and the bags a stop on the way takes."""
    run, rules = side.runs[ride.run], side.rules
    most = min(_wanted(side, ride), *run.spare_parcels[ride.board : ride.alight])
    is_on_the_way = ride.board > 0 or ride.alight < len(run.calls) - 1
    if is_on_the_way and rules.handover_s_per_bag > 0.0:
        bags = math.floor((60.0 * rules.dwell_max_min - rules.handover_s) / rules.handover_s_per_bag + TOLERANCE)
        most = min(most, max(0, bags) * rules.bag_parcels)
    return most


def _wanted(side: BusSide, ride: Ride) -> float:
    point = side.points[ride.point]
    return point.delivery_parcels if ride.kind == "delivery" else point.pickup_parcels


def _room(model: BusModel) -> None:
    for r, run in enumerate(model.side.runs):
        for segment, room in enumerate(run.spare_parcels):
            terms = [
                (x, 1.0)
                for ride, x in zip(model.rides, model.parcels, strict=True)
                if ride.run == r and ride.board <= segment < ride.alight
            ]
            if terms:
                model.linear.row(terms, upper=room)


def _hold_ups(model: BusModel) -> None:
    side, linear, rules = model.side, model.linear, model.side.rules
    for r, run in enumerate(side.runs):
        used: list[tuple[int, float]] = []
        last = len(run.calls) - 1
        people = rules.passengers_of(run) or 0.0
        price = rules.share_of_week * people * rules.passenger_cny_per_h / 3600.0
        for call in range(1, last):
            own = [k for k, ride in enumerate(model.rides) if ride.run == r and call in (ride.board, ride.alight)]
            if not own:
                continue
            stop = linear.binary(price * rules.handover_s)
            for k in own:
                b, x = model.bags[k], model.parcels[k]
                linear.row([(b, 1.0), (stop, -linear.upper[b])], upper=0.0)
                linear.row([(x, 1.0), (stop, -linear.upper[x])], upper=0.0)
                linear.costs[b] += price * rules.handover_s_per_bag
            seconds = [(stop, rules.handover_s), *((model.bags[k], rules.handover_s_per_bag) for k in own)]
            linear.row(seconds, upper=60.0 * rules.dwell_max_min)
            used += seconds
        if used:
            linear.row(used, upper=60.0 * rules.delay_max_min)


def _fees(model: BusModel) -> None:
    side, linear = model.side, model.linear
    if side.rules.line_cny_per_day <= 0.0:
        return
    fee = side.rules.share_of_week * side.rules.line_cny_per_day
    paid: dict[str, int] = {}
    sums: dict[tuple[int, int, str, str], list[int]] = {}
    for ride, x in zip(model.rides, model.parcels, strict=True):
        line = side.runs[ride.run].line_id
        sums.setdefault((ride.point, ride.origin, ride.kind, line), []).append(x)
    for (p, _, kind, line), parcels in sums.items():
        if line not in paid:
            paid[line] = linear.binary(fee)
        point = side.points[p]
        total = point.delivery_parcels if kind == "delivery" else point.pickup_parcels
        linear.row([*((x, 1.0) for x in parcels), (paid[line], -total)], upper=0.0)


def add_cuts(model: BusModel, depot: TruckDepot, without: frozenset[str], *, least: float, bound: float) -> None:
    """Hold θ of a depot at what is proved for the rounds without these points.

    Rounds never get dearer by fewer points, so for every choice: ``θ ≥ bound − (bound − least) · Σ relief`` over the points
    not in `without`; and a point more or less changes the rounds by at most its own trip: ``θ ≥ bound − Σ direct · relief``.

    Parameters
    ----------
    without
        Points that ride in the solved case.
    least
        Proved lower bound without all points that could ride.
    bound
        Proved lower bound of the solved case.
    """
    theta = (model.theta[depot.depot_id], 1.0)
    others = [p for p in sorted(depot.relievers) if p not in without]
    drop = max(0.0, bound - least)
    terms = [(v, drop) for p in others for v, _ in model.relief(depot, p)]
    model.linear.row([theta, *terms], lower=bound)
    direct = depot.direct_cny
    if others and all(p in direct for p in others):
        terms = [(v, direct[p]) for p in others for v, _ in model.relief(depot, p)]
        model.linear.row([theta, *terms], lower=bound)


def add_keep_cut(model: BusModel, depot: TruckDepot, kept: str, *, least: float, bound: float) -> None:
    """Hold θ at what is proved for the rounds without all points that could ride but one, whenever that one does not ride."""
    rise = max(0.0, bound - least)
    terms = [(v, rise) for v, _ in model.relief(depot, kept)]
    model.linear.row([(model.theta[depot.depot_id], 1.0), *terms], lower=least + rise)


def read_decision(model: BusModel, values: Vector) -> BusDecision:
    """Return the loads a solution holds; bags are as few as the parcels need."""
    side = model.side
    chosen = {
        side.points[p].point_id: side.origins[o].origin_id for (p, o), v in model.origin.items() if values[v] > _HALF
    }
    loads = []
    for ride, x in zip(model.rides, model.parcels, strict=True):
        amount = float(values[x])
        if amount > TOLERANCE and chosen.get(side.points[ride.point].point_id) == side.origins[ride.origin].origin_id:
            loads.append((ride, amount))
    return BusDecision(_exact(side, loads), dict(sorted(chosen.items())))


def _exact(side: BusSide, loads: Sequence[tuple[Ride, float]]) -> tuple[BusLoad, ...]:
    """Take the solver's last digits off: every point's loads sum to its parcels."""
    sums: dict[tuple[int, str], float] = {}
    for ride, amount in loads:
        sums[ride.point, ride.kind] = sums.get((ride.point, ride.kind), 0.0) + amount
    made = []
    for ride, amount in loads:
        exact = amount * _wanted(side, ride) / sums[ride.point, ride.kind]
        made.append(
            BusLoad(
                side.runs[ride.run].run_id,
                side.points[ride.point].point_id,
                side.origins[ride.origin].origin_id,
                ride.kind,
                ride.board,
                ride.alight,
                exact,
                math.ceil(exact / side.rules.bag_parcels - TOLERANCE),
            )
        )
    return tuple(sorted(made, key=lambda m: (m.run_id, m.board, m.alight, m.point_id, m.kind)))


def bus_cny_per_day(side: BusSide, decision: BusDecision) -> Mapping[str, float]:
    """Return the cash a day of the bus side by item: ``line_fee``, ``parcel_fee``, ``bags``, ``upstream`` (saved: negative)."""
    week, rules = side.rules.share_of_week, side.rules
    line_of = {run.run_id: run.line_id for run in side.runs}
    lines = {line_of[load.run_id] for load in decision.loads}
    return {
        "line_fee": week * rules.line_cny_per_day * len(lines),
        "parcel_fee": week * rules.parcel_cny * math.fsum(load.parcels for load in decision.loads),
        "bags": week * rules.bag_cny * sum(load.bags for load in decision.loads),
        "upstream": -math.fsum(side.relief_cny.get(pair, 0.0) for pair in decision.origin_of_point.items()),
    }
