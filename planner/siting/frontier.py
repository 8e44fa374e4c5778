"""Coverage over the whole range of budgets, an upper bound at every budget, and one order in which to build.

The Lagrangian bound of maximal covering holds for all budgets at once (`planner.siting.coverage_engine.curve_bound`).
Multipliers are improved at some budgets (knots); the bound at a budget is the least of their curves. Choices are improved
at the knots too, each starting from the one before; between them sites are added greedily or taken away where that loses
least. The roll-out order is nested: every budget's choice contains the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from geodata.errors import InputError
from geodata.messages import Message
from planner.problems.siting import SitingProblem
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.siting.coverage_engine import moves
from planner.siting.coverage_engine.arrays import Bools, Floats, Ints
from planner.siting.coverage_engine.checks import check_coverage
from planner.siting.coverage_engine.choices import least_losses
from planner.siting.coverage_engine.cover import Cover, columns_of, cover_of, merged, part_of, without_dominated
from planner.siting.coverage_engine.curve_bound import CurveBound
from planner.siting.coverage_engine.problem_cover import layered
from planner.siting.milp_cover import covering_pairs
from planner.siting.refusals_found import found
from planner.siting.side import effective_locks

_TINY = 1e-9
#: Share of all weight that may be left out where no knot is needed: there the weight itself is bound enough.
_NEARLY_ALL = 0.01
#: First and last temperature of the annealing at a knot, in what its least sites are worth.
_HOT, _COLD = 0.1, 0.01
#: Times as many rounds at the first knot, where the multipliers start from afar.
_FIRST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class FrontierLimits:
    """Effort of a frontier; all are counts.

    Attributes
    ----------
    knots
        Budgets at which choices and multipliers are improved.
    moves
        Annealing moves in all, shared out over the knots by their sites.
    steps
        Subgradient steps at a knot, on the core.
    core_per_site
        Sites an annealing may choose among, for every site a knot's budget opens.
    rounds
        Ascents at a knot; between them all sites are priced and the core is extended.
    seed
        Seed of the annealing.
    """

    knots: int = 18
    moves: int = 400_000
    steps: int = 60
    core_per_site: float = 10.0
    rounds: int = 3
    seed: int = 1


DEFAULT_LIMITS = FrontierLimits()


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Coverage at every budget.

    Attributes
    ----------
    budgets
        Numbers of sites 1 … P, or amounts of money; rising.
    covered
        Weight the best choice found covers.
    bound
        Proved upper bound on the weight that can be covered.
    total
        All weight.
    order
        Sites in the order in which to build them.
    order_spent, order_covered
        What has been spent, and is covered, after each of them.
    regret
        At every budget, how much less the order covers than the best choice found (share of the latter).
    knots, knot_choices
        Budgets at which a choice was improved, and these choices.
    """

    budgets: Floats
    covered: Floats
    bound: Floats
    total: float
    order: Ints
    order_spent: Floats
    order_covered: Floats
    regret: Floats
    knots: Floats
    knot_choices: tuple[Ints, ...]

    @property
    def gap(self) -> Floats:
        """Relative gap at every budget: (bound - covered) / bound."""
        return (self.bound - self.covered) / np.maximum(self.bound, _TINY)

    def certified_share(self, gap: float) -> float:
        """Return the share of budgets whose gap is at most `gap`."""
        return float((self.gap <= gap).mean()) if self.budgets.size else 1.0


def frontier_of(
    problem: SitingProblem,
    *,
    radius: float | None = None,
    decay_end: float | None = None,
    radii: Sequence[float] = (),
    radius_shares: Sequence[float] = (),
    budgets: Sequence[float] = (),
    limits: FrontierLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> Frontier:
    """Return the frontier of a problem: over 1, 2, … new sites until all is covered, or over `budgets` of capex.

    Existing sites and sites locked open stand from the beginning; budgets and counts are of what is added (with `p`,
    up to
    p sites in all). Sites locked closed are left out. Options as in `planner.siting.models.max_coverage.solve`.

    Raises
    ------
    InputError
        For input that cannot be used, or budgets that are no rising positive amounts.
    """
    options = {"radius": radius, "decay_end": decay_end, "radii": tuple(radii), "radius_shares": tuple(radius_shares)}
    check_coverage("max_coverage", problem, options)
    _check_budgets(budgets)
    pairs, share = covering_pairs(problem, options)
    rows, weight = layered(pairs, share, problem.weight, problem.site_count)
    locked = effective_locks(problem)
    opened = np.flatnonzero((locked == 1) | (problem.is_existing & (locked == 0))).astype(np.int64)
    is_free = (locked == 0) & ~problem.is_existing
    cost = problem.capex_cny if len(budgets) else None
    cover = part_of(cover_of(rows, weight, cost=cost), is_free, opened=opened)
    if len(budgets):
        amounts: Floats | None = np.asarray(budgets, dtype=np.float64)
    else:
        most = problem.site_count if problem.p is None else problem.p - opened.size
        amounts = None if problem.p is None else np.arange(1, max(most, 0) + 1, dtype=np.float64)
    return coverage_frontier(without_dominated(cover), budgets=amounts, limits=limits, listener=listener)


def _check_budgets(budgets: Sequence[float]) -> None:
    amounts = np.asarray(budgets, dtype=np.float64)
    if not (np.isfinite(amounts) & (amounts > 0)).all() or (np.diff(amounts) <= 0).any():
        wanted = "rising positive amounts"
        problem = found("option_range", "settings", "budgets", str(list(budgets)), wanted=wanted)
        raise InputError(Message("siting_models_refused", {"count": 1}), [problem])


def coverage_frontier(
    cover: Cover,
    *,
    budgets: Floats | None = None,
    limits: FrontierLimits = DEFAULT_LIMITS,
    listener: ProgressListener = no_progress,
) -> Frontier:
    """Return the frontier of a cover.

    Parameters
    ----------
    cover
        Rows and sites; without costs every site costs 1.
    budgets
        Rising amounts; by default 1 … the number of sites a greedy choice opens, or 100 even steps of what it spends.
    limits
        Effort.
    listener
        Told (knots done, knots).
    """
    return _Builder(cover, budgets, limits, listener).run()


@dataclass(slots=True, eq=False)
class _Builder:
    given: Cover
    asked: Floats | None
    limits: FrontierLimits
    listener: ProgressListener
    cover: Cover = field(init=False)
    budgets: Floats = field(init=False)
    covered: Floats = field(init=False)
    knots: Floats = field(init=False)
    curve: CurveBound = field(init=False)

    def run(self) -> Frontier:
        """Run all knots, then the orders through their choices."""
        self.cover = replace(self.given, site=np.arange(self.given.site_count), base=0.0)
        greedy, worth = _grown(self.cover, np.zeros(0, np.int64), self._most())
        spent = _spent(self.cover, greedy)
        self.budgets = self._all_budgets(spent)
        self.covered = self._curve(spent, worth)
        self.knots = self._knots()
        is_core = np.zeros(self.cover.site_count, dtype=np.bool_)
        is_core[greedy] = True
        self.curve = CurveBound(self.cover, self.budgets, is_core)
        choices: list[Ints] = []
        opened = np.zeros(0, np.int64)
        for number, knot in enumerate(self.knots):
            opened = self._improve(opened, float(knot), number)
            choices.append(opened)
            self.listener(ProgressEvent("siting", done=number + 1, total=self.knots.size))
        return self._result((greedy, worth), choices)

    def _most(self) -> float:
        if self.asked is not None:
            return float(self.asked[-1])
        return float(self.cover.site_count if self.cover.cost.size == 0 else self.cover.cost.sum())

    def _all_budgets(self, spent: Floats) -> Floats:
        if self.asked is not None:
            return np.asarray(self.asked, dtype=np.float64)
        if self.cover.cost.size == 0:
            return np.arange(1, spent.size + 1, dtype=np.float64)
        return np.linspace(0.0, float(spent[-1]) if spent.size else 0.0, 101)[1:]

    def _knots(self) -> Floats:
        """Return budgets up to the one from which on the greedy choice covers nearly all: even steps of them and of their root.

        The coverage bends more at small budgets, so that multipliers hold for a shorter way there; most budgets are large.
        """
        if self.budgets.size == 0:
            return self.budgets
        nearly = self.covered >= (1.0 - _NEARLY_ALL) * float(self.cover.weight.sum())
        last = int(np.argmax(nearly)) if nearly.any() else self.budgets.size - 1
        count = min((self.limits.knots + 1) // 2, last + 1)
        steps = np.arange(1, count + 1) / max(count, 1)
        between = np.arange(1, self.limits.knots - count + 1) / (self.limits.knots - count + 1)
        return self.budgets[np.unique(np.round(last * np.concatenate((between, steps**2))).astype(np.int64))]

    def _curve(self, spent: Floats, worth: Floats) -> Floats:
        """Return at every budget what an order covers within it."""
        place = np.searchsorted(spent, self.budgets + _TINY, side="right")
        return np.concatenate(([0.0], worth))[place]

    def _improve(self, before: Ints, knot: float, number: int) -> Ints:
        """Tighten the bound at `knot`, then better the choice there, starting from the one of the knot before."""
        place = int(np.searchsorted(self.budgets, knot - _TINY))
        start, worth = _grown(self.cover, before, knot)
        if start.size == 0:
            return start
        if number == 0:
            self.curve.start(knot, _last_price(self.cover, start, worth))
        rounds = self.limits.rounds * (_FIRST_ROUNDS if number == 0 else 1)
        self.curve.improve(knot, float(max(self.covered[place], worth[-1])), self.limits.steps, rounds)
        small = merged(columns_of(self.cover, self._worthy(start)))
        inside = np.flatnonzero(np.isin(small.site, start)).astype(np.int64)
        share = self.limits.moves * knot / max(float(self.knots.sum()), _TINY)
        scale = least_losses(small, inside)
        settings = np.array([max(1000.0, share), _HOT * scale, _COLD * scale])
        rng = np.random.default_rng((self.limits.seed, number)).integers(1, 2**63, 1, dtype=np.uint64)
        weight, chosen = moves.anneal(small.arrays, knot, inside, settings, rng)
        self.covered[place:] = np.maximum(self.covered[place:], weight)
        return np.sort(small.site[chosen])

    def _worthy(self, start: Ints) -> Bools:
        """Return the sites of the core that the multipliers value most, and those of `start`."""
        score = np.where(self.curve.is_core, self.curve.score, 0.0)
        count = min(max(1, int(self.limits.core_per_site * start.size)), score.size)
        keep = np.zeros(score.size, dtype=np.bool_)
        keep[np.argsort(-score, kind="stable")[:count]] = True
        keep &= self.curve.is_core
        keep[start] = True
        return keep

    def _result(self, greedy: tuple[Ints, Floats], choices: list[Ints]) -> Frontier:
        """Return the frontier with the order (greedy, or through a knot's choice) of least regret over all budgets."""
        core = columns_of(self.cover, self.curve.is_core)
        small = merged(core)
        place = np.full(self.cover.site_count, -1, dtype=np.int64)
        place[small.site] = np.arange(small.site_count)
        orders = [greedy]
        for choice in choices:
            back = moves.peel(small.arrays, place[choice])
            order, worth = _grown(small, back, float(self.budgets[-1]))
            orders.append((small.site[order], worth))
        curves = [self._curve(_spent(self.cover, order), worth) for order, worth in orders]
        for curve in curves:
            self.covered = np.maximum(self.covered, curve)
        best = int(np.argmin([float((self.covered - curve).sum()) for curve in curves]))
        order, worth = orders[best]
        base = self.given.base
        covered = self.covered + base
        return Frontier(
            self.budgets,
            covered,
            np.maximum(self.curve.bound + base, covered),
            float(self.cover.weight.sum()) + base,
            self.given.site[order],
            _spent(self.cover, order),
            worth + base,
            (self.covered - curves[best]) / np.maximum(covered, _TINY),
            self.knots,
            tuple(self.given.site[choice] for choice in choices),
        )


def _last_price(cover: Cover, order: Ints, worth: Floats) -> float:
    """Return what the last site of `order` won per cost."""
    won = float(worth[-1] - worth[-2]) if worth.size > 1 else float(worth[-1])
    return won / max(1.0 if cover.cost.size == 0 else float(cover.cost[order[-1]]), _TINY)


def _spent(cover: Cover, order: Ints) -> Floats:
    cost = np.ones(order.size) if cover.cost.size == 0 else cover.cost[order]
    return np.cumsum(cost)


def _grown(cover: Cover, first: Ints, budget: float) -> tuple[Ints, Floats]:
    """Return `first` and the greedy choice after it, with the weight covered after each site."""
    most = cover.site_count if cover.cost.size else min(cover.site_count, int(budget + 0.5))
    worth = np.empty(most)
    order = moves.greedy(cover.arrays, float(budget), first, worth)
    return order, worth[: order.size]
