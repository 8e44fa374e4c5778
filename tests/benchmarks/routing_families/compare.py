"""One case solved by our engine and by raw peers, checked and priced in the reference's convention, as rows.

All get the same CPU seconds on one core, so that a busy machine favours none.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench import Case, Options, Row, select

from planner.problems.routing import RoutingDecision
from planner.routing.rich.auto import solve_routing
from planner.routing.rich.engine import RoutingLimits
from planner.routing.rich.ruin import prepare
from planner.verification.routing import check_decision, cost_of
from routing_families.instances import Instance, best_known, is_close
from routing_families.peers import raw_ortools, raw_pyvrp

#: Iterations that never decide: in the benchmarks seconds do.
ENDLESS = 10**9
#: Points of mean gap by which we may be behind the better peer.
MAY_LOSE = 0.2

Peer = Callable[[Instance, float], RoutingDecision | None]
PEERS: dict[str, Peer] = {"raw PyVRP": raw_pyvrp, "raw OR-Tools": raw_ortools}


def public_cases(folder: Path, prefixes: tuple[str, ...], count: int) -> list[Case]:
    """Return `count` instances with a best-known value below the named folders, evenly spaced by size and name."""
    found = []
    for name, row in best_known(folder / "BKS.csv").items():
        path = folder / name
        if name.startswith(prefixes) and path.exists():
            detail = {"path": path, "best": float(row["best_known"])}
            found.append(Case(f"{path.parent.name}/{path.stem}", float(path.stat().st_size), detail))
    return select(found, count)


def public_rows(case: Case, options: Options, read: Callable[[Path, float], Instance]) -> Iterator[Row]:
    """Read a case of `public_cases` and compare on it."""
    instance = read(Path(str(case.detail["path"])), float(str(case.detail["best"])))
    yield from compare_rows(replace(instance, name=case.name), options)


def compare_rows(instance: Instance, options: Options, peers: dict[str, Peer | str] | None = None) -> Iterator[Row]:
    """Yield cost, gap to the best known, and the gaps of the peers in the same call.

    `peers` gives other peers than `PEERS`; a text instead of a peer says why it cannot take the family.
    """
    prepare()  # compiling is no part of the seconds
    start, cpu = time.perf_counter(), time.process_time()
    answer = solve_routing(instance.problem, RoutingLimits(ENDLESS, options.seconds, 1, time.process_time))
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    yield from _own_rows(instance, answer.decision, answer.report.engine)
    yield Row(instance.name, "seconds", round(cpu, 2), "s CPU", bound=options.seconds, status=f"{took:.1f} s wall")
    own = gap_of(instance, answer.decision)
    if not options.peers:
        return
    for name, peer in (peers or dict(PEERS)).items():
        if isinstance(peer, str):
            yield Row(instance.name, "gap", own, "%", name, status=peer)
            continue
        decision = peer(instance, options.seconds)
        broken = None if decision is None else [v.rule for v in check_decision(instance.problem, decision)]
        status = "none found" if decision is None else ",".join(sorted(set(broken or []))) or "feasible"
        theirs = None if decision is None or broken else gap_of(instance, decision)
        yield Row(instance.name, "gap", own, "%", name, theirs, status=status)


def _own_rows(instance: Instance, decision: RoutingDecision | None, engine: str) -> Iterator[Row]:
    if decision is None:
        yield Row(instance.name, "cost", None, "", "best known", instance.best, status="none found", ok=False)
        return
    broken = check_decision(instance.problem, decision)
    cost, reference = cost_of(instance.problem, decision), instance.reference_cost(decision)
    is_same = is_close(cost, reference) and not decision.left_out
    status = "feasible" if not broken else broken[0].rule
    yield Row(
        instance.name, "cost", reference, "", "best known", instance.best, status=status, ok=not broken and is_same
    )
    yield Row(instance.name, "vehicles", len(decision.days), "", status=engine)


def gap_of(instance: Instance, decision: RoutingDecision | None) -> float | None:
    """Return the gap to the best known in percent; None: no decision."""
    if decision is None:
        return None
    return 100.0 * (instance.reference_cost(decision) / instance.best - 1.0)


def family_rows(rows: list[Row], family: str) -> list[Row]:
    """Return the mean gap beside the peer nearest to us or ahead, and whether we are behind it by at most `MAY_LOSE` points.

    Each peer is compared over the cases it solved.
    """
    costs = [row for row in rows if row.metric == "cost" and row.value is not None and row.peer_value]
    if not costs:
        return []
    gaps = {row.case: 100.0 * ((row.value or 0.0) / (row.peer_value or math.inf) - 1.0) for row in costs}
    mean, worst = sum(gaps.values()) / len(gaps), max(gaps.values())
    found = [Row(f"all {family}", "worst gap", worst, "%", status=f"{len(gaps)} cases")]
    means = _means_of_peers(rows, gaps)
    nearest = max(means, key=lambda name: means[name][0] - means[name][1], default="")
    if not nearest:
        return [*found, Row(f"all {family}", "mean gap", mean, "%")]
    own, theirs, count = means[nearest]
    peer, status = f"better peer ({nearest})", f"{count} cases it solved of {len(gaps)}"
    found.append(
        Row(f"all {family}", "mean gap", own, "%", peer, theirs, None, MAY_LOSE, status, ok=own <= theirs + MAY_LOSE)
    )
    return found


def _means_of_peers(rows: list[Row], gaps: dict[str, float]) -> dict[str, tuple[float, float, int]]:
    """Return of each peer our mean gap and its own over the cases it solved, and their number."""
    means = {}
    for name in sorted({row.peer for row in rows if row.metric == "gap" and row.peer}):
        theirs = {row.case: row.peer_value for row in rows if row.metric == "gap" and row.peer == name}
        known = {case: value for case, value in theirs.items() if value is not None and case in gaps}
        if known:
            own = sum(gaps[case] for case in known) / len(known)
            means[name] = (own, sum(known.values()) / len(known), len(known))
    return means
