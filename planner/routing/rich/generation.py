"""Column generation: the best relaxation of the choice among all routes, and a bound that holds at every moment.

Routes are looked for with a narrow beam of partial routes first. Once that finds nothing, the search is complete: partial
routes are built without repeated stops, and one is given up as soon as no end of a relaxation (ng-routes with few stops
remembered, Baldacci, Mingozzi, Roberti 2011) could make it worth less than nothing. Where that takes too many partial routes,
complete ng-route labelling is tried instead, whose bound is a little lower. While routes worth less than nothing exist, the
Lagrangian bound ``Σ prices + Σ_k available_k · least worth_k`` holds; at the end it meets the relaxation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from planner.problems.routing import RoutingProblem, VehicleDay
from planner.routing.rich.alone import cheapest_alone
from planner.routing.rich.graph import TypeGraph, type_graph
from planner.routing.rich.label_kernels import Ends
from planner.routing.rich.master import MISSING, Master, Prices
from planner.routing.rich.routes import (
    Labels,
    PricedRoute,
    Pricing,
    price_elementary,
    price_routes,
    route_ends,
)
from planner.routing.rich.schedule import day_cost

#: Factor on the cost of serving every stop alone: what a missing stop costs.
MISSING_FACTOR = 1e3
#: Partial routes of each length that go on while routes are looked for.
BEAMS = (60,)


@dataclass(frozen=True, slots=True)
class GenerationLimits:
    """Limits of the column generation; all decide the result.

    Attributes
    ----------
    rounds
        Pricing rounds.
    exact_rounds
        Complete pricing rounds among them.
    labels
        Partial routes of one pricing.
    end_neighbours, neighbours
        Stops remembered at each stop, in ends and in complete ng-route labelling.
    """

    rounds: int = 400
    exact_rounds: int = 40
    labels: int = 400_000
    end_neighbours: int = 3
    neighbours: int = 8


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Result of column generation.

    Attributes
    ----------
    bound
        Valid lower bound in CNY (−inf: none found within the limits).
    is_converged
        Whether no route is worth less than nothing at `prices`.
    prices, master, graphs
        For going on.
    ends
        Ends of routes at `prices`, by vehicle type; missing where there were too many.
    """

    bound: float
    is_converged: bool
    prices: Prices
    master: Master
    graphs: tuple[TypeGraph, ...]
    ends: dict[int, Ends]

    @property
    def is_missing(self) -> bool:
        """Whether no choice of routes visits every mandatory stop."""
        return self.is_converged and self.prices.missing > MISSING


@dataclass(eq=False)
class _Generation:
    problem: RoutingProblem
    limits: GenerationLimits
    master: Master
    graphs: tuple[TypeGraph, ...]
    ends: dict[int, Ends] = field(default_factory=dict)
    bound: float = -math.inf
    is_converged: bool = False

    def __post_init__(self) -> None:
        self.rooms = {own.vehicle: Labels.room(own.graph, self.limits.labels) for own in self.graphs}
        self.prices = self.master.relax()

    def look(self) -> None:
        """Add routes as long as the beams find any."""
        beams = list(BEAMS)
        for _ in range(self.limits.rounds):
            found = [
                price_routes(own, self.prices.stop, self._vehicle(own), self.rooms[own.vehicle], beam=beams[0])
                for own in self.graphs
            ]
            if self.master.add(route for pricing in found for route in pricing.routes):
                self.prices = self.master.relax()
            elif len(beams) > 1:
                beams.pop(0)
            else:
                return

    def prove(self) -> None:
        """Add routes until a complete search finds none, or a limit is met."""
        for _ in range(self.limits.exact_rounds):
            found = {own.vehicle: self._complete(own) for own in self.graphs}
            added = self.master.add(route for pricing in found.values() for route in pricing.routes)
            if all(pricing.is_complete for pricing in found.values()):
                least = {k: pricing.least for k, pricing in found.items()}
                self.bound = max(self.bound, lagrangian(self.problem, self.prices, least))
                if not added:
                    self.is_converged = True
                    return
            if not added:
                return
            self.prices = self.master.relax()
            self.look()

    def _complete(self, own: TypeGraph) -> Pricing:
        price, room = self.prices.stop, self.rooms[own.vehicle]
        self.ends.pop(own.vehicle, None)
        for neighbours in (self.limits.end_neighbours, 1):
            ends = route_ends(self.problem, own, price, self.limits.labels, neighbours)
            if ends is not None:
                self.ends[own.vehicle] = ends
                pricing = price_elementary(own, price, self._vehicle(own), room, ends)
                if pricing.is_complete or pricing.routes:
                    return pricing
                break
        return price_routes(own, price, self._vehicle(own), room, beam=0)

    def _vehicle(self, own: TypeGraph) -> float:
        return float(self.prices.vehicle[own.vehicle])


def generate(problem: RoutingProblem, limits: GenerationLimits, *, start: Sequence[VehicleDay] = ()) -> Relaxation:
    """Solve the relaxation by column generation, beginning with every stop alone and the days of `start`."""
    graphs = tuple(
        type_graph(problem, k, limits.neighbours) for k, v in enumerate(problem.vehicles) if v.available != 0
    )
    alone = [cheapest_alone(problem, i) for i in range(len(problem.stops))]
    scale = sum(a[1] for a in alone if a is not None) + sum(s.penalty_cny or 0.0 for s in problem.stops) + 1.0
    master = Master(problem, MISSING_FACTOR * scale)
    master.add(PricedRoute(a[0].vehicle, a[0].trips[0], a[1]) for a in alone if a is not None)
    master.add(PricedRoute(d.vehicle, d.trips[0], day_cost(problem, d)) for d in start if len(d.trips) == 1)
    work = _Generation(problem, limits, master, graphs)
    work.look()
    work.prove()
    return Relaxation(work.bound, work.is_converged, work.prices, master, graphs, work.ends)


def lagrangian(problem: RoutingProblem, prices: Prices, least: dict[int, float]) -> float:
    """Return ``Σ prices`` less what routes worth below nothing could take away."""
    count = len(problem.stops)
    value = float(prices.stop.sum())
    for k, v in enumerate(problem.vehicles):
        most = count if v.available is None else min(v.available, count)
        value += most * min(0.0, least.get(k, 0.0))
        value += 0.0 if v.available is None else v.available * float(prices.vehicle[k])
    return value
