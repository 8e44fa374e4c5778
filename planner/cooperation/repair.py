"""Take parcels off room that is overfull, at the least extra cost: turns a priced decision into one that can be done."""

from __future__ import annotations

import numpy as np

from planner.cooperation.relaxed import BIG, Choice, Decision, Relaxation
from planner.problems.cooperation import Floats, Index

_SLACK = 1e-9


class Repair:
    """Repairs decisions of one coalition."""

    def __init__(self, relaxation: Relaxation) -> None:
        self.relaxation = relaxation
        table = relaxation.table
        self.into, self.out = table.rows_in.tocsc(), table.rows_out.tocsc()
        both = (abs(table.rows_in) + abs(table.rows_out)).tocsr()
        self.cells = [both.indices[both.indptr[r] : both.indptr[r + 1]] for r in range(both.shape[0])]
        self.cost = np.minimum(table.cost, BIG)
        shape = (len(table.paths), relaxation.villages)
        limited = np.zeros(shape, dtype=np.bool_).ravel()
        for cells in self.cells:
            limited[cells] = True
        #: Paths that use no limited room, by village: there is always one, the own line.
        self.open_cost = np.where(limited.reshape(shape)[:, None, :], BIG, self.cost)

    def feasible(self, decision: Decision) -> Decision:
        """Return a decision within all room.

        Overfull rows are emptied onto paths without a limit, the item first that costs least for the room it frees; then spare room
        is filled again with what saves most.
        """
        relaxation, table = self.relaxation, self.relaxation.table
        choice = decision.choice.copy()
        over = np.flatnonzero(relaxation.usage(choice) > table.room + _SLACK)
        if over.size:
            lines = np.ones_like(decision.own_lines)
            costs = relaxation.allowed(self.open_cost, lines, decision.waves, decision.visits)
            for row in over:
                self._empty(choice, costs, int(row))
        return self.filled(relaxation.used(choice))

    def _items(self, choice: Choice, row: int) -> tuple[Index, Index, Floats]:
        """Return operators, villages and room of the items that use a row."""
        relaxation = self.relaxation
        paths, villages = np.divmod(self.cells[row], max(relaxation.villages, 1))
        on = choice[:, villages] == paths[None, :]
        o, k = np.nonzero(on)
        v, columns = villages[k], self.cells[row][k]
        room = np.asarray(relaxation.table.rows_in[[row], :][:, columns].todense()).ravel() * relaxation.inflow[o, v]
        room = (
            room
            + np.asarray(relaxation.table.rows_out[[row], :][:, columns].todense()).ravel() * relaxation.outflow[o, v]
        )
        return o, v, room

    def _empty(self, choice: Choice, costs: Floats, row: int) -> None:
        o, v, room = self._items(choice, row)
        excess = float(room.sum()) - self.relaxation.table.room[row]
        if excess <= _SLACK:
            return
        other = costs[:, o, v].argmin(axis=0)
        loss = costs[other, o, v] - self.cost[choice[o, v], o, v]
        order = np.argsort(loss / np.maximum(room, 1e-9), kind="stable")
        count = int(np.searchsorted(np.cumsum(room[order]), excess - _SLACK)) + 1
        moved = order[:count]
        # What was moved first may stay if a later item freed enough.
        freed = float(room[moved].sum())
        keep = []
        for k in moved[np.argsort(-loss[moved], kind="stable")]:
            if freed - room[k] >= excess - _SLACK:
                freed -= float(room[k])
                keep.append(k)
        gone = np.setdiff1d(moved, np.array(keep, dtype=np.intp))
        choice[o[gone], v[gone]] = other[gone]

    def filled(self, decision: Decision) -> Decision:
        """Return the decision with items moved to cheaper paths that have room and whose lines run; one pass."""
        relaxation, table = self.relaxation, self.relaxation.table
        choice = decision.choice.copy()
        costs = relaxation.allowed(self.cost, decision.own_lines, decision.waves, decision.visits)
        now = np.take_along_axis(costs, np.maximum(choice, 0)[None].astype(np.intp), axis=0)[0]
        left = table.room - relaxation.usage(choice)
        shape = (len(table.paths), 1, relaxation.villages)
        least = np.full(len(table.paths) * relaxation.villages, np.inf)
        for row, cells in enumerate(self.cells):
            least[cells] = np.minimum(least[cells], left[row])
        fits = relaxation.inflow[None] <= least.reshape(shape) + _SLACK
        gain = np.where((choice >= 0) & fits, now - costs, 0.0)
        p, o, v = np.nonzero(gain > 1e-9)  # noqa: PLR2004
        for k in np.argsort(-gain[p, o, v], kind="stable"):
            self._move(choice, left, (int(p[k]), int(o[k]), int(v[k])), costs)
        return relaxation.used(choice)

    def _move(self, choice: Choice, left: Floats, item: tuple[int, int, int], costs: Floats) -> None:
        p, o, v = item
        if costs[p, o, v] >= costs[choice[o, v], o, v] - _SLACK:
            return
        held, wanted = self._takes(int(choice[o, v]), o, v), self._takes(p, o, v)
        if all(left[r] + held.get(r, 0.0) >= room - _SLACK for r, room in wanted.items()):
            for r, room in held.items():
                left[r] += room
            for r, room in wanted.items():
                left[r] -= room
            choice[o, v] = p

    def _takes(self, path: int, o: int, v: int) -> dict[int, float]:
        """Return row → room of an item on a path."""
        column = path * self.relaxation.villages + v
        found: dict[int, float] = {}
        for matrix, flow in ((self.into, self.relaxation.inflow[o, v]), (self.out, self.relaxation.outflow[o, v])):
            for k in range(matrix.indptr[column], matrix.indptr[column + 1]):
                row = int(matrix.indices[k])
                found[row] = found.get(row, 0.0) + float(matrix.data[k]) * float(flow)
        return found
