"""The mix of modes as a mixed-integer model, one component of townships at a time: for proofs where prices leave a gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.cooperation.relaxed import Decision, Relaxation
from planner.engines.linear import LinearModel, Vector
from planner.engines.mathopt import EngineLimits, solve_linear
from planner.problems.cooperation import Index

Cell = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class ExactAnswer:
    """Path of every item of a component, its cost and the proved bound."""

    choice: dict[tuple[int, int], int]
    value: float
    bound: float


class _Model:
    """Variables of one component: paths of items, own lines, waves, stations and visits."""

    def __init__(self, relaxation: Relaxation, towns: Index) -> None:
        self.relaxation, self.table = relaxation, relaxation.table
        self.model = LinearModel()
        self.towns = [int(t) for t in towns]
        inside = np.isin(relaxation.town, towns)
        self.villages = [int(v) for v in np.flatnonzero(inside)]
        self.item: dict[Cell, int] = {}
        self.own: dict[tuple[int, int], int] = {}
        self.wave: dict[tuple[int, int], int] = {}
        self.visit: dict[tuple[int, int], int] = {}
        self._lines()
        self._items()
        self._room()

    def _lines(self) -> None:
        table, model = self.table, self.model
        for t in self.towns:
            for o in range(len(table.carriers)):
                self.own[o, t] = model.binary(table.own_fixed[o, t])
            waves = [model.binary(table.wave_fixed[t]) for _ in table.waves]
            self.wave.update({(w, t): column for w, column in enumerate(waves)})
            if waves:
                station = model.binary(table.station_fixed[t])
                for column in waves:
                    model.row([(station, 1.0), (column, -1.0)], lower=0.0)
                most = float(self.relaxation.problem.settings.maximum_waves)
                model.row([(column, 1.0) for column in waves], upper=most)
        for v in self.villages:
            town = int(self.relaxation.town[v])
            for w in range(len(table.waves)):
                self.visit[w, v] = model.binary(table.visit_fixed[v])
                model.row([(self.wave[w, town], 1.0), (self.visit[w, v], -1.0)], lower=0.0)

    def _items(self) -> None:
        table, model = self.table, self.model
        for v in self.villages:
            town = int(self.relaxation.town[v])
            for o in np.flatnonzero(table.is_item[:, v]):
                cells: list[tuple[int, float]] = []
                needs: dict[int, list[int]] = {}
                for p, path in enumerate(table.paths):
                    if not np.isfinite(table.cost[p, o, v]):
                        continue
                    column = model.binary(table.cost[p, o, v])
                    self.item[p, int(o), v] = column
                    cells.append((column, 1.0))
                    if path.needs_own:
                        needs.setdefault(self.own[int(o), town], []).append(column)
                    elif path.needs_visit:
                        needs.setdefault(self.visit[path.wave, v], []).append(column)
                    elif path.wave >= 0:
                        needs.setdefault(self.wave[path.wave, town], []).append(column)
                model.row(cells, lower=1.0, upper=1.0)
                for needed, columns in needs.items():
                    model.row([(needed, 1.0), *((column, -1.0) for column in columns)], lower=0.0)

    def _room(self) -> None:
        relaxation, table = self.relaxation, self.table
        terms: dict[int, list[tuple[int, float]]] = {}
        into, out = table.rows_in.tocsc(), table.rows_out.tocsc()
        for (p, o, v), column in self.item.items():
            at = p * relaxation.villages + v
            for matrix, flow in ((into, relaxation.inflow[o, v]), (out, relaxation.outflow[o, v])):
                for k in range(matrix.indptr[at], matrix.indptr[at + 1]):
                    terms.setdefault(int(matrix.indices[k]), []).append((column, float(matrix.data[k] * flow)))
        for row, entries in sorted(terms.items()):
            self.model.row(entries, upper=float(table.room[row]))

    def hint(self, decision: Decision) -> Vector:
        """Return the variables of a decision."""
        values = np.zeros(len(self.model.costs))
        for (p, o, v), column in self.item.items():
            values[column] = float(decision.choice[o, v] == p)
        for (o, t), column in self.own.items():
            values[column] = float(decision.own_lines[o, t])
        for (w, t), column in self.wave.items():
            values[column] = float(decision.waves[w, t])
        for t in self.towns:
            if self.table.waves and decision.waves[:, t].any():
                values[self.wave[len(self.table.waves) - 1, t] + 1] = 1.0
        for (w, v), column in self.visit.items():
            values[column] = float(decision.visits[w, v])
        return values


def solve_component(relaxation: Relaxation, towns: Index, start: Decision, limits: EngineLimits) -> ExactAnswer:
    """Return the proved mix of a component, starting from a decision.

    Raises
    ------
    NoSolutionError
        If the solver itself fails.
    """
    model = _Model(relaxation, towns)
    answer = solve_linear(model.model, limits, hint=model.hint(start))
    if answer.values is None or answer.objective is None:
        bound = -np.inf if answer.bound is None else answer.bound
        own = {(o, v): int(start.choice[o, v]) for (_, o, v) in model.item}
        return ExactAnswer(own, np.inf, bound)
    picked = {(o, v): p for (p, o, v), column in model.item.items() if answer.values[column] > 0.5}  # noqa: PLR2004
    bound = answer.objective if answer.bound is None else min(answer.bound, answer.objective)
    return ExactAnswer(picked, answer.objective, bound)
