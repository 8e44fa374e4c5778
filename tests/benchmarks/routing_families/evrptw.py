"""Electric routing with windows of Schneider, Stenger and Goeke: full recharge, the best known number of vehicles.

24 instances evenly spaced by size. Where no plan with that number is found, one vehicle more is allowed and the row says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench import Case, Options, Row, select

from planner.routing.rich.auto import solve_routing
from planner.routing.rich.electric import prepare
from planner.routing.rich.engine import RoutingLimits
from planner.verification.routing import check_decision, cost_of
from routing_families.compare import ENDLESS, gap_of
from routing_families.instances import best_known, is_close, read_evrptw

SECONDS = 60.0
QUICK = 4
#: Cases without --limit; mean gap of distance allowed, in percent; vehicles more tried.
CASES = 24
MEAN_MOST = 3.0
MORE = 1
PEERS = {"raw PyVRP": "cannot express charging", "raw OR-Tools": "cannot express full recharge at a rate"}


def cases(data: Path) -> list[Case]:
    """Return the instances present, evenly spaced by size and name."""
    folder, found = data / "10_evrptw", []
    for name, row in best_known(folder / "BKS.csv").items():
        if (folder / name).exists():
            detail = {"path": folder / name, "best": float(row["best_known"]), "vehicles": int(row["vehicles"])}
            found.append(Case(Path(name).stem, float(Path(name).parent.name), detail))
    return select(found, CASES)


def run(case: Case, options: Options) -> Iterator[Row]:
    """Solve one instance at the best known number of vehicles, or with one more."""
    best, least = float(str(case.detail["best"])), int(str(case.detail["vehicles"]))
    prepare()  # compiling is no part of the seconds
    cpu = time.process_time()
    for vehicles in range(least, least + MORE + 1):
        instance = read_evrptw(Path(str(case.detail["path"])), best, vehicles)
        seconds = options.seconds - (time.process_time() - cpu) if vehicles == least else options.seconds
        limits = RoutingLimits(ENDLESS, seconds, 1, time.process_time)
        decision = solve_routing(instance.problem, limits).decision
        if decision is not None:
            break
    cpu = time.process_time() - cpu
    if decision is None:
        yield Row(case.name, "cost", None, "", "best known", best, status="none found", ok=False)
        return
    broken = check_decision(instance.problem, decision)
    cost = instance.reference_cost(decision)
    ok = not broken and is_close(cost, cost_of(instance.problem, decision))
    status = "feasible" if not broken else broken[0].rule
    yield Row(case.name, "vehicles", len(decision.days), "", "best known", least, ok=len(decision.days) <= least)
    yield Row(case.name, "cost", cost, "", "best known", best, status=status, ok=ok)
    yield Row(case.name, "seconds", round(cpu, 2), "s CPU", bound=options.seconds)
    if options.peers:
        for name, reason in PEERS.items():
            yield Row(case.name, "gap", gap_of(instance, decision), "%", name, status=reason)


def summary(rows: list[Row], _options: Options) -> list[Row]:
    """Return the mean gap of distance over the instances solved with the best known number of vehicles."""
    equal = {row.case for row in rows if row.metric == "vehicles" and row.value == row.peer_value}
    gaps = [
        100.0 * (row.value / row.peer_value - 1.0)
        for row in rows
        if row.metric == "cost" and row.case in equal and row.value and row.peer_value
    ]
    if not gaps:
        return []
    mean, cases_all = sum(gaps) / len(gaps), len({row.case for row in rows if row.metric == "cost"})
    status = f"{len(gaps)} of {cases_all} cases with the best known number of vehicles"
    return [
        Row("all evrptw", "worst gap", max(gaps), "%", status=status),
        Row("all evrptw", "mean gap", mean, "%", bound=MEAN_MOST, status=status, ok=mean <= MEAN_MOST),
    ]
