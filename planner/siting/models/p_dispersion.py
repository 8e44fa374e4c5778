"""p-dispersion: open p sites so that the two nearest of them are as far apart as possible.

``max min_{a < b open} d_ab`` (Shier 1977; Kuby 1987). The answer is a distance that occurs, so it is found by
bisection (Sayah and Irnich 2017): are there p sites, no two closer than r? A greedy choice answers yes; a cover by
fewer than p cliques of sites pairwise too close proves no; what is left is an independent-set question for CP-SAT
with the cliques as rows.
"""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np
from ortools.sat.python import cp_model

from planner.problems.siting import Bools, Floats, SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.capabilities import Engine
from planner.siting.milp import Outcome, selection
from planner.siting.p_median.kernels import Ints
from planner.siting.p_median.problem import refuse_unkept, telling
from planner.siting.refusals import Needs, check_problem
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import conflict_pairs, effective_locks, without_near

ENGINE = f"bisection, cliques and OR-Tools CP-SAT {version('ortools')}"
_FAST = Engine("fast", frozenset({"locks", "near", "conflicts", "fixed_cost", "capacity"}))
#: Deterministic seconds of CP-SAT a limit of one iteration is worth.
_WORK_PER_ITERATION = 1e-4


def solve(
    problem: SitingProblem, *, limits: SolveLimits = SolveLimits(), listener: ProgressListener = no_progress
) -> SiteSelection:
    """Solve the p-dispersion problem over `site_metres` (the lesser of both directions).

    Parameters
    ----------
    problem
        Locked sites count in `p`; conflicts and the exclusion distance are kept.
    limits
        Iterations bound the work of each question, then gap and clock.
    listener
        Told the (negated) distance and bound.

    Returns
    -------
    SiteSelection
        Objective and bound are negated distances; ``optimal`` only if every greater distance is refused by proof.

    Raises
    ------
    InputError
        For bad input.
    UsageError
        For a side constraint it cannot keep: `solve_model` takes the MILP for those.
    """
    check_problem(problem, Needs(p=True, site_metres=True), {})
    refuse_unkept(problem, "p_dispersion", _FAST)
    problem = without_near(problem)
    metres = problem.site_metres if problem.site_metres is not None else np.zeros((0, 0))
    outcome = _bisect(problem, np.minimum(metres, metres.T), limits, listener)
    return selection("p_dispersion", problem, {}, outcome, limits, engine=ENGINE)


def _bisect(problem: SitingProblem, metres: Floats, limits: SolveLimits, listener: ProgressListener) -> Outcome:
    """Search the distances that occur: at `low` one is reached, above `high` all are refused."""
    told = telling(listener)
    stop = time.monotonic() + limits.time_limit_s
    usable = np.flatnonzero(effective_locks(problem) >= 0)
    values = np.unique(metres[np.ix_(usable, usable)][np.triu_indices(usable.size, k=1)])
    barred = np.zeros(metres.shape, np.bool_)
    for a, b in conflict_pairs(problem):
        barred[a, b] = barred[b, a] = True
    low, high, cut = -1, values.size - 1, ""
    best: Ints = np.empty(0, np.int64)
    asked = 0
    while low < high:
        left = stop - time.monotonic()
        if left <= 0 and best.size:
            cut = "time"
            break
        found, refused = _apart(problem, barred | (metres < values[asked]), limits, max(left, 0.1))
        if refused:
            high = asked - 1
        elif found.size:
            best = found
            low = max(asked, int(np.searchsorted(values, _least(metres, found))))
        else:
            cut = "time" if time.monotonic() > stop else "nodes"
            break
        if best.size:
            told(-float(values[low]), -float(values[high]))
            if values[high] - values[low] <= limits.relative_gap * values[low]:
                break
        asked = (low + high + 1) // 2
    if high < 0:
        return Outcome(infeasible=True)
    if not best.size:
        return Outcome(bound=-float(values[high]), cut=cut)
    return Outcome(tuple(best.tolist()), {}, -float(values[low]), -float(values[high]), cut=cut)


def _least(metres: Floats, opened: Ints) -> float:
    return float(metres[np.ix_(opened, opened)][np.triu_indices(opened.size, k=1)].min())


def _apart(problem: SitingProblem, close: Bools, limits: SolveLimits, seconds: float) -> tuple[Ints, bool]:
    """Return (p sites no two of which are `close`, or nothing; whether it is proved that there are none)."""
    locked = effective_locks(problem)
    must = np.flatnonzero(locked > 0)
    inner = close[np.ix_(must, must)].copy()
    np.fill_diagonal(inner, val=False)
    if inner.any():
        return must[:0], True
    free = np.flatnonzero((locked == 0) & ~close[must].any(axis=0))
    need = int(problem.p or 0) - must.size
    graph = close[np.ix_(free, free)].copy()
    np.fill_diagonal(graph, val=False)
    picked = _greedy(graph, need)
    if picked.size < need:
        cliques = _clique_cover(graph)
        if len(cliques) < need:
            return must[:0], True
        answer = _ask(graph, cliques, need, limits, seconds)
        if answer is None or answer.size < need:
            return must[:0], answer is not None
        picked = answer
    return np.sort(np.concatenate((must, free[picked]))), False


def _greedy(graph: Bools, need: int) -> Ints:
    """Return up to `need` sites no two of which are joined, each time one with fewest joined sites left."""
    left = np.ones(graph.shape[0], np.bool_)
    degree = graph.sum(axis=1).astype(np.int64)
    picked: list[int] = []
    while len(picked) < need and left.any():
        j = int(np.argmin(np.where(left, degree, graph.shape[0] + 1)))
        gone = (graph[j] & left) | (np.arange(left.size) == j)
        left &= ~gone
        degree -= graph[:, gone].sum(axis=1)
        picked.append(j)
    return np.array(sorted(picked), dtype=np.int64)


def _clique_cover(graph: Bools) -> list[Ints]:
    """Return cliques that hold every site once, grown greedily from sites with many joined ones."""
    left = np.ones(graph.shape[0], np.bool_)
    cliques = []
    for start in np.argsort(-graph.sum(axis=1), kind="stable"):
        if not left[start]:
            continue
        clique = [int(start)]
        shared = graph[start] & left
        while shared.any():
            candidates = np.flatnonzero(shared)
            j = int(candidates[np.argmax(graph[np.ix_(candidates, candidates)].sum(axis=1))])
            clique.append(j)
            shared = shared & graph[j]
        left[clique] = False
        cliques.append(np.array(clique))
    return cliques


def _ask(graph: Bools, cliques: list[Ints], need: int, limits: SolveLimits, seconds: float) -> Ints | None:
    """Return sites CP-SAT finds, an empty array if it proves there are none, or None if it was cut."""
    model = cp_model.CpModel()
    is_open = [model.new_bool_var(f"y{j}") for j in range(graph.shape[0])]
    together = np.zeros(graph.shape, np.bool_)
    for clique in cliques:
        model.add_at_most_one(is_open[j] for j in clique.tolist())
        together[np.ix_(clique, clique)] = True
    for a, b in np.argwhere(np.triu(graph & ~together, k=1)):
        model.add_at_most_one(is_open[a], is_open[b])
    model.add(sum(is_open) >= need)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = limits.seed
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.max_deterministic_time = limits.iteration_limit * _WORK_PER_ITERATION
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return np.empty(0, np.int64)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return np.flatnonzero([solver.boolean_value(v) for v in is_open])[:need].astype(np.int64)
