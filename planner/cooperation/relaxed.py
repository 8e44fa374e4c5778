"""Least cost of a coalition when room has a price instead of a limit: exact, by looking at every set of own and joint lines.

With prices on room, townships part, and within one township the villages part once it is fixed which operators run their own trunk
trip and which joint waves leave. All those settings are tried at once (2ⁿ own sets × wave sets), by matrix products.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.cooperation.paths import PathTable
from planner.problems.cooperation import Bools, CooperationProblem, Floats, Index

#: Stands for "not possible" in sums; far above any daily cost of a village.
BIG = 1e7
Choice = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What a coalition does.

    Attributes
    ----------
    choice
        Shape (carriers, villages): path of each item; -1 where there is none.
    own_lines
        Shape (carriers, townships): own trunk trip and outlet.
    waves
        Shape (waves, townships): joint departures.
    visits
        Shape (waves, villages): joint visits.
    """

    choice: Choice
    own_lines: Bools
    waves: Bools
    visits: Bools


class Relaxation:
    """The priced problem of one coalition; build once, ask with many prices."""

    def __init__(self, problem: CooperationProblem, table: PathTable) -> None:
        self.problem, self.table = problem, table
        self.town = problem.village_township
        self.towns = len(problem.township_ids)
        self.villages = len(problem.village_ids)
        n = len(table.carriers)
        self.own_sets = np.array(list(itertools.product((0.0, 1.0), repeat=n)), dtype=np.float64).reshape(2**n, n)
        count = len(table.waves)
        most = problem.settings.maximum_waves
        self.wave_sets = [()] + [c for k in range(1, most + 1) for c in itertools.combinations(range(count), k)]
        self.inflow = problem.inbound[list(table.carriers)]
        self.outflow = problem.outbound[list(table.carriers)]
        self.free = [p for p, path in enumerate(table.paths) if not path.needs_own and path.wave < 0]
        self.own = [p for p, path in enumerate(table.paths) if path.needs_own]
        self.by_wave = [
            (
                [p for p, path in enumerate(table.paths) if path.wave == w and not path.needs_visit],
                [p for p, path in enumerate(table.paths) if path.wave == w and path.needs_visit],
            )
            for w in range(count)
        ]
        self.starts = np.searchsorted(self.town, np.arange(self.towns))
        self.filled = np.bincount(self.town, minlength=self.towns) > 0

    def priced(self, prices: Floats) -> Floats:
        """Return the cost of every path with the room it uses paid for; "not possible" is `BIG`."""
        table = self.table
        cost = np.minimum(table.cost, BIG)
        if prices.any():
            shape = (len(table.paths), 1, self.villages)
            into = (table.rows_in.T @ prices).reshape(shape)
            out = (table.rows_out.T @ prices).reshape(shape)
            cost = np.minimum(cost + into * self.inflow[None] + out * self.outflow[None], BIG)
        return cost

    def values(self, cost: Floats) -> Floats:
        """Return the priced cost of every setting in every township, shape (wave sets, own sets, townships).

        ``cost`` comes from `priced`. The least over the settings is a lower bound on what the township pays, room sold included.
        """
        none = np.full(cost.shape[1:], BIG)
        free = cost[self.free].min(axis=0) if self.free else none
        own = cost[self.own].min(axis=0) if self.own else none
        fixed_own = self.own_sets @ self.table.own_fixed
        found = np.empty((len(self.wave_sets), len(self.own_sets), self.towns))
        for number, waves in enumerate(self.wave_sets):
            found[number] = self._by_town(self._villages(cost, free, own, waves)) + fixed_own
            found[number] += len(waves) * self.table.wave_fixed + bool(waves) * self.table.station_fixed
        found[:, :, ~self.filled] = 0.0
        return found

    def _villages(self, cost: Floats, free: Floats, own: Floats, waves: tuple[int, ...]) -> Floats:
        """Return the least cost of every village for every own set, shape (own sets, villages)."""
        base = free
        for w in waves:
            for p in self.by_wave[w][0]:
                base = np.minimum(base, cost[p])
        least = np.full((len(self.own_sets), self.villages), np.inf)
        for visited in _subsets(waves):
            at = base
            for w in visited:
                for p in self.by_wave[w][1]:
                    at = np.minimum(at, cost[p])
            with_own = np.minimum(at, own)
            total = at.sum(axis=0)[None, :] + self.own_sets @ (with_own - at)
            total += len(visited) * self.table.visit_fixed
            least = np.minimum(least, total)
        return least

    def _by_town(self, values: Floats) -> Floats:
        sums: Floats = np.zeros((values.shape[0], self.towns))
        if self.villages:
            found = np.add.reduceat(values, np.minimum(self.starts, self.villages - 1), axis=1)
            sums[:, self.filled] = found[:, self.filled]
        return sums

    def decide(self, cost: Floats, wave_set: Index, own_set: Index) -> Decision:
        """Return the best decision of one setting a township, at the priced cost; nothing is run that nobody uses."""
        own_lines = self.own_sets[own_set].T.astype(np.bool_) & self.filled[None, :]
        chosen = np.zeros((len(self.wave_sets), len(self.table.waves)), dtype=np.bool_)
        for number, waves in enumerate(self.wave_sets):
            chosen[number, list(waves)] = True
        run = chosen[wave_set].T & self.filled[None, :]
        return self.settle(cost, own_lines, run, self._visits(cost, own_lines, run))

    def _visits(self, cost: Floats, own_lines: Bools, waves: Bools) -> Bools:
        """Return which waves visit which village: the least cost of all subsets."""
        base = np.full(cost.shape[1:], BIG) if not self.free else cost[self.free].min(axis=0)
        if self.own:
            base = np.where(own_lines[:, self.town], np.minimum(base, cost[self.own].min(axis=0)), base)
        for w, (to_post, _) in enumerate(self.by_wave):
            for p in to_post:
                base = np.where(waves[w][self.town], np.minimum(base, cost[p]), base)
        visits = np.zeros((len(self.table.waves), self.villages), dtype=np.bool_)
        best = base.sum(axis=0)
        for visited in self.wave_sets[1:]:
            least, possible = base, np.ones(self.villages, dtype=np.bool_)
            for w in visited:
                possible &= waves[w][self.town]
                for p in self.by_wave[w][1]:
                    least = np.minimum(least, cost[p])
            value = np.where(possible, least.sum(axis=0) + len(visited) * self.table.visit_fixed, np.inf)
            better = value < best - 1e-9
            best = np.where(better, value, best)
            for w in range(len(self.table.waves)):
                visits[w, better] = w in visited
        return visits

    def allowed(self, cost: Floats, own_lines: Bools, waves: Bools, visits: Bools) -> Floats:
        """Return the costs with every path struck out whose own line, wave or visit is not run."""
        shown = cost.copy()
        for p, path in enumerate(self.table.paths):
            if path.needs_own:
                shown[p][~own_lines[:, self.town]] = BIG
            if path.wave >= 0:
                run = visits[path.wave] if path.needs_visit else waves[path.wave][self.town]
                shown[p][:, ~run] = BIG
        return shown

    def settle(self, cost: Floats, own_lines: Bools, waves: Bools, visits: Bools) -> Decision:
        """Return the cheapest paths under the lines run, and run no line that no path uses."""
        choice = self.allowed(cost, own_lines, waves, visits).argmin(axis=0).astype(np.int16)
        choice[~self.table.is_item] = -1
        return self.used(choice)

    def used(self, choice: Choice) -> Decision:
        """Return a decision that runs exactly what its paths need."""
        table = self.table
        own_lines = np.zeros((len(table.carriers), self.towns), dtype=np.bool_)
        waves = np.zeros((len(table.waves), self.towns), dtype=np.bool_)
        visits = np.zeros((len(table.waves), self.villages), dtype=np.bool_)
        for p, path in enumerate(table.paths):
            o, v = np.nonzero(choice == p)
            if path.needs_own:
                own_lines[o, self.town[v]] = True
            if path.wave >= 0:
                waves[path.wave, self.town[v]] = True
                if path.needs_visit:
                    visits[path.wave, v] = True
        return Decision(choice, own_lines, waves, visits)

    def usage(self, choice: Choice) -> Floats:
        """Return the room used in every row."""
        into = np.zeros((len(self.table.paths), self.villages))
        out = np.zeros_like(into)
        o, v = np.nonzero(choice >= 0)
        np.add.at(into, (choice[o, v], v), self.inflow[o, v])
        np.add.at(out, (choice[o, v], v), self.outflow[o, v])
        found: Floats = self.table.rows_in @ into.ravel() + self.table.rows_out @ out.ravel()
        return found

    def true_cost(self, decision: Decision) -> Floats:
        """Return the unpriced cost by township; ``inf`` where a path is not possible."""
        table = self.table
        o, v = np.nonzero(decision.choice >= 0)
        by_item = table.cost[decision.choice[o, v], o, v]
        total = np.bincount(self.town[v], weights=by_item, minlength=self.towns)
        total = total + (decision.own_lines * table.own_fixed).sum(axis=0)
        total += decision.waves.sum(axis=0) * table.wave_fixed + decision.waves.any(axis=0) * table.station_fixed
        by_village = decision.visits.sum(axis=0) * table.visit_fixed
        total += np.bincount(self.town, weights=by_village, minlength=self.towns)
        return np.asarray(total)


def _subsets(waves: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [c for k in range(len(waves) + 1) for c in itertools.combinations(waves, k)]
