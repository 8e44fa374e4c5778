"""Growth: a seeded day of 50, 500, 5,000 and 20,000 stops around one centre, with the gap to a bound of the whole day.

Villages lie in clusters on a square that grows with their number; a vehicle carries about 25 stops. Costs are kilometres and
a fixed sum a vehicle; no clock binds, so that every peer can take the day as far as its memory goes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, peak_memory_mb

from planner.problems.routing import RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.ruin import prepare
from planner.verification.routing import check_decision, cost_of
from routing_families.compare import ENDLESS
from routing_families.instances import Instance
from routing_families.peers import raw_ortools, raw_pyvrp

#: Seconds of a stop count: the limit of --seconds or less for small days, 15 minutes for 20,000 stops.
SECONDS = 60.0
QUICK = 2
SIZES = {50: 60.0, 500: 60.0, 5_000: 300.0, 20_000: 780.0}
#: Wall seconds demanded of the largest day; stops up to which raw peers are run (whole integer arrays).
LARGEST_SECONDS = 900.0
PEER_STOPS = 5_000
SEED = 4
CAPACITY = 100.0


def cases(data: Path) -> list[Case]:
    """Return the sizes; the days are made, not read."""
    return [Case(f"{size} stops", float(size), {"stops": size, "seconds": seconds}) for size, seconds in SIZES.items()]


def make_day(count: int) -> RoutingProblem:
    """Return the day of so many stops; arrays in single precision, as 20,000 stops need 1.6 GB each."""
    rng = np.random.default_rng(SEED)
    side = 60.0 * np.sqrt(count / 500.0)
    centres = rng.uniform(-side, side, (max(4, count // 40), 2))
    at = centres[rng.integers(0, len(centres), count)] + rng.normal(0.0, 4.0, (count, 2))
    xy = np.vstack([np.zeros((1, 2)), at]).astype(np.float32) * 1000.0
    metres = np.empty((count + 1, count + 1), dtype=np.float32)
    for first in range(0, count + 1, 1_000):
        rows = xy[first : first + 1_000]
        away = np.hypot(rows[:, None, 0] - xy[None, :, 0], rows[:, None, 1] - xy[None, :, 1])
        metres[first : first + 1_000] = np.ceil(away * 1.3)
    loads = rng.integers(1, 8, count)
    stops = tuple(RoutingStop(str(i), i + 1, (float(q),), (0.0,)) for i, q in enumerate(loads))
    van = RoutingVehicle("van", (CAPACITY,), fixed_cny=100.0, cny_per_km=1.0)
    nothing = np.broadcast_to(np.zeros(1, dtype=np.float32), metres.shape)
    depot = RoutingDepot("centre", 0)
    names = tuple(map(str, range(count + 1)))
    return RoutingProblem(names, (nothing,), (metres,), (depot,), stops, (van,), dimensions=("kg",))  # type: ignore[arg-type]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one day, its seconds scaled by --seconds."""
    problem = make_day(int(str(case.detail["stops"])))
    seconds = float(str(case.detail["seconds"])) * options.seconds / SECONDS
    prepare()  # compiling is no part of the seconds
    begun, cpu = time.perf_counter(), time.process_time()
    answer = solve_routing(problem, RoutingLimits(ENDLESS, seconds, 1, time.process_time))
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if answer.decision is None or answer.report.objective is None:
        yield Row(case.name, "cost", None, "CNY", status="none found", ok=False)
        return
    broken = check_decision(problem, answer.decision)
    cost, bound = cost_of(problem, answer.decision), answer.report.bound
    status = answer.report.engine if not broken else broken[0].rule
    yield Row(
        case.name, "cost", cost, "CNY", "bound of the whole day", bound, bound=bound, status=status, ok=not broken
    )
    if bound:
        yield Row(case.name, "gap to bound", 100.0 * (1.0 - bound / cost), "%")
    is_largest = problem.stops and len(problem.stops) == max(SIZES)
    demand = cpu <= LARGEST_SECONDS if is_largest else None
    yield Row(case.name, "seconds", round(cpu, 1), "s CPU", bound=seconds, status=f"{took:.0f} s wall", ok=demand)
    yield Row(case.name, "memory", round(peak_memory_mb()), "MB")
    if options.peers:
        yield from _peer_rows(case, problem, cost, seconds)


def _peer_rows(case: Case, problem: RoutingProblem, cost: float, seconds: float) -> Iterator[Row]:
    instance = Instance(case.name, cost, problem, np.zeros((0, 0)))
    for name, peer in {"raw PyVRP": raw_pyvrp, "raw OR-Tools": raw_ortools}.items():
        if len(problem.stops) > PEER_STOPS:
            yield Row(case.name, "cost", cost, "CNY", name, status="whole arrays do not fit")
            continue
        decision = peer(instance, seconds)
        is_good = decision is not None and not check_decision(problem, decision)
        theirs = cost_of(problem, decision) if is_good and decision is not None else None
        ok = None if theirs is None else cost <= theirs * 1.002
        yield Row(case.name, "cost", cost, "CNY", name, theirs, status="feasible" if is_good else "none found", ok=ok)
