"""Periodic routing of Cordeau: all instances present, double precision; the patterns of visits are part of the decision."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row

from planner.problems.routing import RoutingDecision
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.periodic import PeriodicEngine, day_part
from planner.routing.rich.ruin import prepare
from planner.verification.routing import check_decision, cost_of
from routing_families.compare import ENDLESS
from routing_families.instances import best_known, is_close, read_pvrp

SECONDS = 60.0
QUICK = 4
#: Mean gap allowed, in percent.
MEAN_MOST = 2.0
PEERS = {"raw PyVRP": "cannot express visit patterns", "raw OR-Tools": "cannot express visit patterns"}


def cases(data: Path) -> list[Case]:
    """Return the instances present."""
    folder, found = data / "08_pvrp_mdvrp", []
    for name, row in best_known(folder / "BKS.csv").items():
        if name.startswith("pvrp_cordeau") and (folder / name).exists():
            detail = {"path": folder / name, "best": float(row["best_known"])}
            size = float(row["customers"]) * float(row["depots_or_days"])
            found.append(Case(Path(name).stem, size, detail))
    return found


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance; every day is checked alone, every stop's visits against its patterns."""
    best = float(str(case.detail["best"]))
    problem, instance = read_pvrp(Path(str(case.detail["path"])), best)
    prepare()  # compiling is no part of the seconds
    begun, cpu = time.perf_counter(), time.process_time()
    answer = PeriodicEngine().solve(problem, RoutingLimits(ENDLESS, options.seconds, 1, time.process_time))
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = answer.decision
    if found is None:
        yield Row(case.name, "cost", None, "", "best known", best, status="none found", ok=False)
        return
    cost = sum(instance.reference_cost(RoutingDecision(day.days)) for day in found.days)
    is_same = is_close(cost, sum(cost_of(problem.day, RoutingDecision(day.days)) for day in found.days))
    broken = [
        v.rule
        for day in found.days
        for part in [day_part(problem, day)]
        for v in check_decision(part.problem, RoutingDecision(part.inner(day.days)))
    ]
    for i, allowed in enumerate(problem.patterns):
        visited = frozenset(d for d, day in enumerate(found.days) if any(i in t for v in day.days for t in v.trips))
        broken += [] if visited in allowed else ["pattern"]
    status = "feasible" if not broken else broken[0]
    yield Row(case.name, "cost", cost, "", "best known", best, status=status, ok=is_same and not broken)
    yield Row(case.name, "seconds", round(cpu, 2), "s CPU", bound=options.seconds, status=f"{took:.1f} s wall")
    if options.peers:
        for name, reason in PEERS.items():
            yield Row(case.name, "gap", 100.0 * (cost / best - 1.0), "%", name, status=reason)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the mean and the worst gap."""
    gaps = [
        100.0 * (row.value / row.peer_value - 1.0)
        for row in rows
        if row.metric == "cost" and row.value and row.peer_value
    ]
    if not gaps:
        return []
    mean = sum(gaps) / len(gaps)
    return [
        Row("all pvrp", "worst gap", max(gaps), "%", status=f"{len(gaps)} cases"),
        Row("all pvrp", "mean gap", mean, "%", bound=MEAN_MOST, ok=mean <= MEAN_MOST),
    ]
