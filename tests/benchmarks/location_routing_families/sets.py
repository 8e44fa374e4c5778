"""Running one instance: solve, check apart, compare with the best-known value, print the bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import Case, Options, Row

from location_routing_families.instances import best_known
from planner.problems.location_routing import LocationRoutingLimits, LocationRoutingProblem
from planner.routing.location.engine import solve_location_routing
from planner.verification.location_routing import decision_cost, faults

#: Demand on a single answer and on the mean of a family, relative to the best-known value.
GAP_MAX, GAP_MEAN = 0.03, 0.01
#: Iterations of a full and of a quick run: fewer for few customers.
ITERATIONS, ITERATIONS_QUICK = 600_000, 100_000
Reader = Callable[[Path], LocationRoutingProblem]


def cases_of(folder: Path, subfolder: str, pattern: str, *, skip: tuple[str, ...] = ()) -> list[Case]:
    """Return the instances of a folder with their best-known values; size is customers x depots from the file name's numbers."""
    table, found = best_known(folder), []
    for path in sorted((folder / subfolder).glob(pattern)):
        if path.is_file() and path.name not in skip:
            row = table.get(f"{subfolder}/{path.name}", {})
            value = float(row["best_known"]) if row.get("best_known") else None
            detail = {"path": path, "best": value, "proved": row.get("proven_optimal", "")}
            found.append(Case(path.name, float(path.stat().st_size), detail))
    return found


def solve_rows(case: Case, options: Options, read: Reader) -> Iterator[Row]:
    """Solve one instance: cost beside the best known, bound, gap to the bound, verdict of the checker, seconds."""
    problem = read(Path(str(case.detail["path"])))
    best = case.detail["best"]
    peer = None if best is None else float(str(best))
    iterations = ITERATIONS_QUICK if options.quick else ITERATIONS
    start = time.perf_counter()
    found = solve_location_routing(problem, LocationRoutingLimits(iterations=iterations, time_limit_s=options.seconds))
    spent = time.perf_counter() - start
    if found.decision is None:
        yield Row(case.name, "cost", None, status="no answer", ok=False)
        return
    broken = faults(problem, found.decision)
    cost = decision_cost(problem, found.decision)
    size = f"{problem.customer_count}x{problem.depot_count}"
    status = found.report.status + (" cut" if found.report.note_key else "")
    yield Row(
        case.name, "cost", cost, size, "best known" if peer else "", peer, bound=found.report.bound, status=status
    )
    yield Row(case.name, "checker", float(len(broken)), "faults", status="; ".join(broken[:2]), ok=not broken)
    if peer is not None:
        gap = 100.0 * (cost / peer - 1.0)
        yield Row(case.name, "gap to best known", gap, "%", bound=100.0 * GAP_MAX, ok=gap <= 100.0 * GAP_MAX)
    if found.report.gap is not None:
        yield Row(case.name, "gap to own bound", 100.0 * found.report.gap, "%")
    yield Row(case.name, "seconds", spent, "s", bound=300.0, ok=spent <= 300.0)


def totals(rows: list[Row], family: str) -> list[Row]:
    """Return mean and worst gap to the best-known values with the demands on them."""
    gaps = [row.value for row in rows if row.metric == "gap to best known" and row.value is not None]
    if not gaps:
        return []
    mean = sum(gaps) / len(gaps)
    note = f"{len(gaps)} with a best-known value"
    return [
        Row(
            family,
            "mean gap to best known",
            mean,
            "%",
            bound=100.0 * GAP_MEAN,
            status=note,
            ok=mean <= 100.0 * GAP_MEAN,
        ),
        Row(family, "worst gap to best known", max(gaps), "%", bound=100.0 * GAP_MAX, ok=max(gaps) <= 100.0 * GAP_MAX),
    ]
