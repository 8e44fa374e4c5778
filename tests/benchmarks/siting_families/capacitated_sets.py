"""Reading the public capacitated sets, running one instance, and the textbook model on HiGHS beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import Row, cpu_seconds
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.problems.siting import distances_from_matrix, make_problem
from planner.siting.registry import solve_model
from planner.siting.selection import SolveLimits

#: A best-known answer must be met with a gap of at most this where nothing is proved.
GAP_MAX = 0.005
#: Best-known values are given to three decimals.
_SAME = 1e-6


def rows_of(table: Path) -> list[dict[str, str]]:
    """Return the rows of a table of best-known values; none where it is absent."""
    if not table.exists():
        return []
    with table.open(encoding="utf-8") as source:
        return list(csv.DictReader(source))


def read_orlib_cap(path: Path, capacity: float | None):
    """Return a multi-source instance; the cost of a pair is that of serving all of the demand."""
    words = iter(path.read_text(encoding="utf-8").split())
    sites, clients = int(next(words)), int(next(words))
    room, fixed = np.empty(sites), np.empty(sites)
    for j in range(sites):
        word = next(words)
        room[j] = capacity if word == "capacity" else float(word)
        fixed[j] = float(next(words))
    demand, cost = np.empty(clients), np.empty((clients, sites))
    for i in range(clients):
        demand[i] = float(next(words))
        cost[i] = [float(next(words)) for _ in range(sites)]
    return _problem(cost, demand, room, fixed)


def read_single_source(path: Path):
    """Return an instance of the unified single-source format."""
    words = iter(path.read_text(encoding="utf-8").split())
    sites, clients = int(next(words)), int(next(words))

    def take(count: int):
        return np.array([float(next(words)) for _ in range(count)])

    room, fixed, demand = take(sites), take(sites), take(clients)
    return _problem(take(clients * sites).reshape(clients, sites), demand, room, fixed)


def read_pmedcap(path: Path):
    """Return a capacitated p-median instance; distances are Euclidean, rounded down."""
    words = path.read_text(encoding="utf-8").split()
    count, p, room = int(words[2]), int(words[3]), float(words[4])
    rows = np.array(words[5 : 5 + 4 * count], dtype=float).reshape(count, 4)
    places = rows[:, 1:3]
    metres = np.floor(np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)))
    return _problem(metres, rows[:, 3], np.full(count, room), np.zeros(count), p=p)


def _problem(cost, demand, room, fixed, p=None):
    weight = np.ones(len(demand))
    return make_problem(weight, distances_from_matrix(cost), demand=demand, capacity=room, fixed_cost=fixed, p=p)


def solve_rows(case, options, problem, model: str, *, single_source: bool) -> Iterator[Row]:
    """Solve one instance; with peers, the textbook model too, in the same call."""
    best = float(str(case.detail["best"]))
    limits = SolveLimits(time_limit_s=options.seconds, node_limit=10_000_000)

    def solve():
        return solve_model(model, problem, limits=limits, single_source=single_source)

    found, cpu = cpu_seconds(solve)
    report = found.report
    value = report.objective if report.objective is not None else float("inf")
    gap = report.gap if report.gap is not None else float("inf")
    is_proved = report.status == "optimal" and abs(value - best) <= _SAME * best
    is_met = value <= best * (1 + _SAME) and gap <= GAP_MAX
    yield Row(
        case.name,
        "cost",
        report.objective,
        "",
        "best known",
        best,
        None,
        report.bound,
        report.status,
        is_proved or is_met,
    )
    yield Row(case.name, "gap", 100 * gap, "%", bound=100 * GAP_MAX, status=report.status)
    yield Row(case.name, "cpu", cpu, "s")
    if options.peers:
        (status, cost, bound), peer_cpu = cpu_seconds(
            lambda: textbook(problem, options.seconds, single_source=single_source)
        )
        yield Row(case.name, "cpu", cpu, "s", "textbook model, HiGHS", peer_cpu, status=status)
        yield Row(case.name, "cost", report.objective, "", "textbook model, HiGHS", cost, None, bound, status)


def textbook(problem, seconds: float, *, single_source: bool):
    """Solve ``Σ x = 1``, ``Σ q x ≤ Q y``, ``x ≤ y`` (and ``Σ y = p``) by HiGHS as it stands."""
    n, m = problem.demand_count, problem.site_count
    cost = np.concatenate((problem.fixed_cost, problem.distance.toarray().ravel()))
    i, j = np.divmod(np.arange(n * m), m)
    x, one = m + np.arange(n * m), np.ones(n * m)
    width = m + n * m
    served = sparse.csr_array((one, (i, x)), shape=(n, width))
    load = sparse.csr_array(
        (
            np.concatenate((problem.demand[i], -problem.capacity)),
            (np.concatenate((j, np.arange(m))), np.concatenate((x, np.arange(m)))),
        ),
        shape=(m, width),
    )
    link = sparse.csr_array(
        (np.concatenate((one, -one)), (np.tile(np.arange(n * m), 2), np.concatenate((x, j)))), shape=(n * m, width)
    )
    rows = [LinearConstraint(served, 1, 1), LinearConstraint(load, -np.inf, 0), LinearConstraint(link, -np.inf, 0)]
    if problem.p is not None:
        count = sparse.csr_array((np.ones(m), (np.zeros(m, int), np.arange(m))), shape=(1, width))
        rows.append(LinearConstraint(count, problem.p, problem.p))
    whole = np.concatenate((np.ones(m), np.full(n * m, 1 if single_source else 0)))
    limits = {"time_limit": seconds, "mip_rel_gap": 1e-6}
    answer = milp(cost, integrality=whole, bounds=Bounds(0, 1), constraints=rows, options=limits)
    status = {0: "optimal", 1: "limit"}.get(answer.status, str(answer.status))
    return status, None if answer.x is None else float(answer.fun), answer.mip_dual_bound


def totals(rows: list[Row], name: str) -> list[Row]:
    """Return the CPU seconds of the set, ours and the textbook model's, and how many instances met the demand."""
    ours = {row.case: row.value for row in rows if row.metric == "cpu" and not row.peer}
    theirs = {row.case: row.peer_value for row in rows if row.metric == "cpu" and row.peer}
    costs = [row for row in rows if row.metric == "cost" and row.peer == "best known"]
    proved, met = sum(row.status == "optimal" for row in costs), sum(bool(row.ok) for row in costs)
    word = f"{proved} of {len(costs)} proved, {met} met"
    peer = "textbook model, HiGHS" if theirs else ""
    return [
        Row(name, "cpu", sum(ours.values()), "s", peer, sum(theirs.values()) or None, status=word, ok=met == len(costs))
    ]
