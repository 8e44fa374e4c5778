"""Siting and routing decided together: depots to open, the rounds from them, and (two echelons) the supply of the depots.

One echelon: depots with opening cost and room, customers, one kind of vehicle. Two echelons: the depots are satellites that trucks
supply from platforms; a satellite may be split between trucks where the problem says so. A depot that `is_direct` needs no supply
(the county centre itself): customers served from there skip a tier. Costs are in any one unit of money or distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from networks.matrix import FloatMatrix
from planner.problems.siting import Floats
from planner.reports import SolveReport


@dataclass(frozen=True, slots=True, eq=False)
class FirstEchelon:
    """Trucks from platforms to satellites.

    Attributes
    ----------
    cost
        Arc costs, shape ``(p + m, p + m)``: platforms first, then the problem's depots.
    opening, capacity
        Shape (p,): cost of an open platform, and the most it sends (``inf``: no limit).
    truck_capacity, truck_fixed
        What a truck carries, and what using one costs.
    trucks_most
        Truck tours in all; None: no limit.
    is_split
        A satellite may be supplied by several trucks.
    """

    cost: FloatMatrix
    opening: Floats
    capacity: Floats
    truck_capacity: float
    truck_fixed: float = 0.0
    trucks_most: int | None = None
    is_split: bool = False

    @property
    def platform_count(self) -> int:
        """Number of platforms."""
        return len(self.opening)


@dataclass(frozen=True, slots=True, eq=False)
class LocationRoutingProblem:
    """Depots, customers and vehicles.

    Attributes
    ----------
    cost
        Arc costs, shape ``(m + n, m + n)``: depots first, then customers; not necessarily symmetric.
    demand
        Shape (n,): load of each customer, ≥ 0 and at most the vehicle's.
    opening, capacity
        Shape (m,): cost of an open depot, and the most it sends out (``inf``: no limit).
    vehicle_capacity, route_fixed
        What a vehicle carries, and what a route costs beside its arcs.
    unit_cost
        Shape (m,): cost of handling a unit of load at a depot.
    routes_most
        Routes in all; None: no limit.
    depot_routes_most
        Routes from any one depot; None: no limit.
    minutes, longest_min
        Minutes of each arc with the service at its end, shape as `cost`, and the longest route; None: no limit.
    first
        First echelon; None: depots need no supply.
    is_direct
        Depots that need no supply although there is a first echelon.
    """

    cost: FloatMatrix
    demand: Floats
    opening: Floats
    capacity: Floats
    vehicle_capacity: float
    unit_cost: Floats
    route_fixed: float = 0.0
    routes_most: int | None = None
    depot_routes_most: int | None = None
    minutes: FloatMatrix | None = None
    longest_min: float = math.inf
    first: FirstEchelon | None = None
    is_direct: tuple[bool, ...] = ()

    @property
    def depot_count(self) -> int:
        """Number of depots m."""
        return len(self.opening)

    @property
    def customer_count(self) -> int:
        """Number of customers n."""
        return len(self.demand)

    def needs_supply(self, depot: int) -> bool:
        """Tell whether a depot is supplied by trucks."""
        return self.first is not None and not (self.is_direct and self.is_direct[depot])


@dataclass(frozen=True, slots=True)
class LocationRoute:
    """One vehicle's route: depot, customers in order, depot again."""

    depot: int
    customers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TruckTour:
    """One truck's tour: platform, (satellite, load handed over) in order, platform again."""

    platform: int
    stops: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class LocationRoutingDecision:
    """Routes and truck tours; a depot is open if a route starts there, a platform if a tour does."""

    routes: tuple[LocationRoute, ...]
    tours: tuple[TruckTour, ...] = ()

    @property
    def open_depots(self) -> tuple[int, ...]:
        """Depots with a route, ascending."""
        return tuple(sorted({route.depot for route in self.routes}))

    @property
    def open_platforms(self) -> tuple[int, ...]:
        """Platforms with a tour, ascending."""
        return tuple(sorted({tour.platform for tour in self.tours}))


@dataclass(frozen=True, slots=True)
class LocationRoutingLimits:
    """When to stop: all but the clock decide the same every time.

    Attributes
    ----------
    iterations
        Removals and reinsertions of the search, over all choices of depots.
    bound_iterations
        Steps of the Lagrangian bound; 0: none.
    node_limit
        Nodes of the choice among the routes met.
    time_limit_s
        Guard for people; a run cut by it says so in the report's note.
    seed
        Seed of the search.
    """

    iterations: int = 1_000_000
    bound_iterations: int = 150
    node_limit: int = 2_000
    time_limit_s: float = 300.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LocationRoutingResult:
    """The decision (None: none was found) and how sure it is."""

    decision: LocationRoutingDecision | None
    report: SolveReport
    figures: dict[str, float] = field(default_factory=dict)
