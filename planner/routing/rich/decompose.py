"""Large days in parts: neighbouring vehicle days are taken out, searched alone and put back if that is cheaper.

A part is grown from a seed stop: vehicle days in the order of their nearest stops to the seed, until it holds so many
stops. Every part is a rich routing problem of its own, so any engine can solve it; the whole never gets dearer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from planner.problems.routing import RoutingDecision, RoutingProblem, VehicleDay

#: A day's place in the order of a part: the mean distance of so many of its stops nearest to the seed.
NEAREST_COUNTED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A problem of some stops of a larger one; `stops` are their indices there, in order."""

    problem: RoutingProblem
    stops: tuple[int, ...]

    def inner(self, days: Iterable[VehicleDay]) -> tuple[VehicleDay, ...]:
        """Return days of the whole in the numbering of the part."""
        place = {stop: k for k, stop in enumerate(self.stops)}
        return tuple(VehicleDay(d.vehicle, tuple(tuple(place[i] for i in t) for t in d.trips)) for d in days)

    def outer(self, days: Iterable[VehicleDay]) -> tuple[VehicleDay, ...]:
        """Return days of the part in the numbering of the whole."""
        return tuple(VehicleDay(d.vehicle, tuple(tuple(self.stops[i] for i in t) for t in d.trips)) for d in days)


def part_of(problem: RoutingProblem, stops: Sequence[int], available: Sequence[int | None]) -> Part:
    """Return the problem of some stops (no chargers) with so many vehicles of each type left for them."""
    depots = len(problem.depots)
    places = [d.place for d in problem.depots] + [problem.stops[i].place for i in stops]
    grid = np.ix_(places, places)
    used = {v.profile for v in problem.vehicles}
    empty = np.zeros((0, 0))
    return Part(
        RoutingProblem(
            tuple(problem.place_ids[p] for p in places),
            tuple(m[grid] if p in used else empty for p, m in enumerate(problem.minutes)),
            tuple(m[grid] if p in used else empty for p, m in enumerate(problem.metres)),
            tuple(replace(d, place=k) for k, d in enumerate(problem.depots)),
            tuple(replace(problem.stops[i], place=depots + k) for k, i in enumerate(stops)),
            tuple(replace(v, available=a) for v, a in zip(problem.vehicles, available, strict=True)),
            dimensions=problem.dimensions,
            incompatible=problem.incompatible,
            is_linehaul_first=problem.is_linehaul_first,
        ),
        tuple(stops),
    )


def part_around(problem: RoutingProblem, decision: RoutingDecision, seed: int, size: int) -> tuple[Part, list[int]]:
    """Return the part grown from stop `seed` until it holds `size` stops, and the days (their places) it takes out.

    Stops left out that are nearer to the seed than the part's furthest day join it.
    """
    metres = problem.metres[problem.vehicles[0].profile][problem.stops[seed].place]
    taken, count, reach = list[int](), 0, 0.0
    for rank, d in _ranked(problem, decision, metres):
        taken.append(d)
        reach = rank
        count += sum(map(len, decision.days[d].trips))
        if count >= size:
            break
    near = [i for i in decision.left_out if metres[problem.stops[i].place] <= reach]
    stops = sorted([i for d in taken for t in decision.days[d].trips for i in t] + near)
    return part_of(problem, stops, vehicles_left(problem, decision, set(taken))), taken


def _ranked(
    problem: RoutingProblem, decision: RoutingDecision, metres: npt.NDArray[np.float64]
) -> list[tuple[float, int]]:
    ranked = []
    for d, day in enumerate(decision.days):
        away = metres[[problem.stops[i].place for t in day.trips for i in t]]
        nearest = np.sort(away)[:NEAREST_COUNTED]
        ranked.append((float(nearest.mean()) if nearest.size else np.inf, d))
    return sorted(ranked)


def vehicles_left(problem: RoutingProblem, decision: RoutingDecision, freed: set[int]) -> list[int | None]:
    """Return the vehicles of each type not used by days other than `freed`."""
    used = [0] * len(problem.vehicles)
    for d, day in enumerate(decision.days):
        if d not in freed:
            used[day.vehicle] += 1
    return [
        None if v.available is None else max(0, v.available - u) for v, u in zip(problem.vehicles, used, strict=True)
    ]


def put_back(decision: RoutingDecision, part: Part, taken: Sequence[int], found: RoutingDecision) -> RoutingDecision:
    """Return the whole with the part's days in place of the days taken out."""
    gone = set(taken)
    days = [day for d, day in enumerate(decision.days) if d not in gone]
    inside = set(part.stops)
    left = [i for i in decision.left_out if i not in inside] + [part.stops[i] for i in found.left_out]
    days += part.outer(found.days)
    return RoutingDecision(tuple(sorted(days, key=lambda d: (d.vehicle, d.trips))), tuple(sorted(left)))
