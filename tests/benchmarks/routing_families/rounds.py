"""Random township rounds of 8 to 20 stops with windows, two capacities, pick-ups and two vehicle types: all to be proved.

Without ``--limit`` 500 rounds are solved, without any clock. A round is a point cloud of 9 km around a township; a quarter of the
stops may be visited in the morning, some in the afternoon, some in either of two windows. CPU seconds are measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Case, Options, Row, cpu_seconds

from planner.problems.routing import RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle
from planner.routing.rich.exact import ExactResult, solve_exact
from planner.verification.routing import check_decision, cost_of

ROUNDS = 500
QUICK = 12
#: Median CPU seconds a round may take.
MEDIAN_S = 1.0
#: Rows of the cases and of the summary.
COST, BOUND_GAP, SECONDS_OF_CASE = "cost", "gap", "cpu"

MORNING, AFTERNOON, EITHER = ((480.0, 720.0),), ((780.0, 1020.0),), ((480.0, 600.0), (840.0, 960.0))


def cases(data: Path) -> list[Case]:
    """Return the rounds by number of stops; no data is read."""
    del data
    return [Case(f"round{seed:03d}", float(_stops(seed)), {"seed": seed}) for seed in range(ROUNDS)]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one round, check it, and compare bound and cost."""
    del options
    seed = int(str(case.detail["seed"]))
    if not _READY:
        solve_exact(township_round(ROUNDS, 8))  # compiles what is not compiled yet
        _READY.append(True)
    problem = township_round(seed, _stops(seed))
    result, seconds = cpu_seconds(lambda: solve_exact(problem))
    is_accepted = _is_accepted(problem, result)
    status = result.status if is_accepted else "refused by the checker"
    is_proved = result.status == "optimal" and is_accepted
    yield Row(case.name, COST, result.cny, "CNY", bound=result.bound, status=status, ok=is_proved)
    gap = None if result.cny is None or result.bound is None else 100.0 * (result.cny - result.bound) / result.cny
    yield Row(case.name, BOUND_GAP, gap, "%", bound=0.0, status=f"{len(problem.stops)} stops", ok=is_proved)
    yield Row(case.name, SECONDS_OF_CASE, seconds, "s", status=f"{len(problem.stops)} stops")


def summary(rows: list[Row], options: Options) -> list[Row]:
    """Return how many rounds are proved, and median, 95th percentile and longest time."""
    del options
    seconds = sorted(row.value for row in rows if row.metric == SECONDS_OF_CASE and row.value is not None)
    if not seconds:
        return []
    proved = [row.ok for row in rows if row.metric == COST]
    median = statistics.median(seconds)
    late = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    return [
        Row("all", "proved", float(sum(map(bool, proved))), "rounds", bound=float(len(proved)), ok=all(proved)),
        Row("all", "median cpu", median, "s", bound=MEDIAN_S, ok=median <= MEDIAN_S),
        Row("all", "95 % of rounds within", late, "s"),
        Row("all", "longest", seconds[-1], "s"),
    ]


_READY: list[bool] = []


def _stops(seed: int) -> int:
    return 8 + seed % 13


def _is_accepted(problem: RoutingProblem, result: ExactResult) -> bool:
    if result.decision is None or result.cny is None:
        return False
    return not check_decision(problem, result.decision) and abs(cost_of(problem, result.decision) - result.cny) < 1e-6


def township_round(seed: int, count: int) -> RoutingProblem:
    """Return a random round with this many stops."""
    rng = np.random.default_rng(seed)
    places = np.vstack([[0.0, 0.0], rng.uniform(-9.0, 9.0, (count, 2))])
    km = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) * 1.35
    stops = []
    for i in range(count):
        parcels, pickups, kind = float(rng.integers(5, 60)), float(rng.integers(0, 15)), float(rng.random())
        windows = MORNING if kind < 0.25 else AFTERNOON if kind < 0.4 else EITHER if kind < 0.5 else ()
        load, back = (parcels * 1.6, parcels * 0.012), (pickups * 2.0, pickups * 0.015)
        stops.append(RoutingStop(f"S{i}", i + 1, load, back, 4.0 + 0.25 * parcels + 0.5 * pickups, windows))
    shift = (450.0, 1080.0)
    van = RoutingVehicle(
        "van", (800.0, 4.0), fixed_cny=60.0, cny_per_km=0.9, cny_per_h=30.0, shift=shift, longest_min=540.0
    )
    trike = RoutingVehicle(
        "trike",
        (300.0, 1.6),
        fixed_cny=25.0,
        cny_per_km=0.25,
        cny_per_h=24.0,
        shift=shift,
        longest_min=540.0,
        range_km=90.0,
        profile=1,
    )
    return RoutingProblem(
        place_ids=("T", *(f"P{i}" for i in range(count))),
        minutes=(km / 25.0 * 60.0, km / 25.0 * 69.0),
        metres=(km * 1000.0, km * 1000.0),
        depots=(RoutingDepot("T", 0, 450.0, 1080.0, 10.0),),
        stops=tuple(stops),
        vehicles=(van, trike),
    )
