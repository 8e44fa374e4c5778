"""Compiled labelling of routes (`planner.routing.rich.graph.Graph`): partial routes, dominance, completion, enumeration.

A label is a partial route that ends at a node. Its figures: money without time on duty and less the prices of its stops;
least duration ``D`` from the begin of duty to the begin of the visit; earliest and latest begin of duty ``E`` and ``L``
for which ``D`` is enough (Vidal et al. 2013); kilometres; per dimension the pick-ups on board and the highest load so far.
A visit that begins at ``T ≥ E + D`` ends a day of ``max(D, T − L)`` minutes so far, which makes dominance exact: two labels are
compared at the later of the earliest begins and at infinity.

`limits` and `counts` as in `Graph`. Sets of stops are rows of 62-bit words: first the
stops visited (or remembered), then those that may no longer be visited because of the goods on board.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from planner.engines.compiled import compiled, compiled_part
from planner.routing.rich.graph import FAR, WORD, Graph

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Columns of a label's figures, followed by pick-ups on board and highest load of every dimension.
MONEY, DURATION, EARLIEST, LATEST, KM, LOADS = 0, 1, 2, 3, 4, 5
#: Columns of a label's whole numbers.
NODE, BEFORE, COUNT, TAKES, NEXT, ALIVE, STOPPED = 0, 1, 2, 3, 4, 5, 6
#: Money and minutes that count as rounding.
SLIGHT = 1e-7


class Ends(NamedTuple):
    """Ends of routes from each node on, in a relaxation: cheapest first, those of node ``j`` at ``start[j]:start[j + 1]``.

    Attributes
    ----------
    start
        ``(m + 2,)``.
    worth, latest, load
        Money of the end (prices taken off, time on duty in it), latest begin of its first visit, load of its stops.
    sets
        Stops remembered, and stops forbidden.
    kind
        Dimension of `load`, and whether it is of pick-ups (1) or deliveries (0).
    """

    start: Ints
    worth: Floats
    latest: Floats
    load: Floats
    sets: Ints
    kind: Ints


@compiled_part
def begin(graph: Graph, figures: Floats, whole: Ints, sets: Ints) -> None:
    """Fill label 0: the begin of duty."""
    for k in range(figures.shape[1]):
        figures[0, k] = 0.0
    figures[0, MONEY] = graph.limits[3]
    figures[0, EARLIEST] = graph.low[0]
    figures[0, LATEST] = graph.high[0]
    for k in range(whole.shape[1]):
        whole[0, k] = 0
    whole[0, BEFORE] = -1
    whole[0, NEXT] = -1
    whole[0, ALIVE] = 1
    for k in range(sets.shape[1]):
        sets[0, k] = 0


@compiled_part
def carry(graph: Graph, figures: Floats, whole: Ints, a: int, j: int, to: int) -> bool:
    """Fill the loads of label `to` after node `j`; False if they do not fit, or a delivery would follow a pick-up."""
    gives, takes = False, whole[a, TAKES]
    for r in range(graph.capacity.size):
        on_board = figures[a, LOADS + 2 * r] + graph.pickup[j, r]
        highest = max(on_board, figures[a, LOADS + 2 * r + 1] + graph.delivery[j, r])
        if highest > graph.capacity[r]:
            return False
        figures[to, LOADS + 2 * r] = on_board
        figures[to, LOADS + 2 * r + 1] = highest
        gives = gives or graph.delivery[j, r] > 0.0
        if graph.counts[1] and graph.pickup[j, r] > 0.0:
            takes = 1
    whole[to, TAKES] = takes
    return not (gives and whole[a, TAKES])


@compiled_part
def extend(graph: Graph, price: Floats, figures: Floats, whole: Ints, sets: Ints, a: int, j: int, to: int) -> bool:  # noqa: C901, PLR0911 - one way out a rule
    """Fill label `to` with label `a` gone on to node `j`; False if that breaks a rule. The set keeps every stop."""
    i = whole[a, NODE]
    way = graph.delta[i, j]
    if way == np.inf:
        return False
    s = graph.stop[j]
    words = sets.shape[1] // 2
    if s >= 0 and ((sets[a, s // WORD] | sets[a, words + s // WORD]) >> (s % WORD)) & 1:
        return False
    km = figures[a, KM] + graph.km[i, j]
    if km > graph.limits[2]:
        return False
    duration = figures[a, DURATION] + way
    latest = figures[a, LATEST]
    waits = graph.low[j] - latest - duration
    if waits > 0.0:
        duration += waits
    if duration > graph.limits[1] + SLIGHT:
        return False
    earliest = max(figures[a, EARLIEST], graph.low[j] - duration)
    latest = min(latest, graph.high[j] - duration)
    if earliest > latest + SLIGHT:
        return False
    if s < 0:
        figures[to, MONEY] = figures[a, MONEY] + graph.cost[i, j]
        figures[to, DURATION] = duration
        return True
    if not carry(graph, figures, whole, a, j, to):
        return False
    count = whole[a, COUNT] + 1
    if count > graph.counts[0]:
        return False
    figures[to, MONEY] = figures[a, MONEY] + graph.cost[i, j] - price[s]
    figures[to, DURATION] = duration
    figures[to, EARLIEST] = min(earliest, latest)
    figures[to, LATEST] = latest
    figures[to, KM] = km
    whole[to, NODE] = j
    whole[to, BEFORE] = a
    whole[to, COUNT] = count
    whole[to, NEXT] = -1
    whole[to, ALIVE] = 1
    whole[to, STOPPED] = 0
    for k in range(words):
        sets[to, k] = sets[a, k]
        sets[to, words + k] = sets[a, words + k] | graph.forbidden[j, k]
    sets[to, s // WORD] |= 1 << (s % WORD)
    return True


@compiled_part
def is_no_later(graph: Graph, figures: Floats, a: int, b: int) -> bool:
    """Tell whether label `a` begins its visit no later than `b` and costs no more however late the day goes on."""
    pace = graph.limits[0]
    begin_a = figures[a, EARLIEST] + figures[a, DURATION]
    begin_b = figures[b, EARLIEST] + figures[b, DURATION]
    if begin_a > begin_b + SLIGHT:
        return False
    so_far_a = max(figures[a, DURATION], begin_b - figures[a, LATEST])
    so_far_b = max(figures[b, DURATION], begin_b - figures[b, LATEST])
    if figures[a, MONEY] + pace * so_far_a > figures[b, MONEY] + pace * so_far_b + SLIGHT:
        return False
    if figures[a, MONEY] + pace * (figures[b, LATEST] - figures[a, LATEST]) > figures[b, MONEY] + SLIGHT:
        return False
    if graph.limits[1] >= graph.high[graph.high.size - 1] - graph.low[0]:
        return True
    return bool(so_far_a <= so_far_b + SLIGHT and figures[a, LATEST] >= figures[b, LATEST] - SLIGHT)


@compiled_part
def dominates(graph: Graph, figures: Floats, whole: Ints, sets: Ints, a: int, b: int, is_strict: bool) -> bool:  # noqa: C901, FBT001, PLR0911, PLR0912 - one way out a figure
    """Tell whether every way to go on from label `b` is open to `a` at no more money; not strict: sets are not compared."""
    if graph.counts[2]:
        if not is_no_later(graph, figures, a, b):
            return False
    else:
        gained = figures[b, DURATION] - figures[a, DURATION]
        if figures[a, MONEY] > figures[b, MONEY] + graph.limits[0] * gained + SLIGHT:
            return False
        if graph.limits[1] < FAR and gained < -SLIGHT:
            return False
    if graph.limits[2] < FAR and figures[a, KM] > figures[b, KM] + SLIGHT:
        return False
    if whole[a, TAKES] > whole[b, TAKES]:
        return False
    if graph.counts[0] < graph.high.size - 2 and whole[a, COUNT] > whole[b, COUNT]:
        return False
    for k in range(LOADS, figures.shape[1]):
        if figures[a, k] > figures[b, k] + SLIGHT:
            return False
    if is_strict:
        for k in range(sets.shape[1]):
            if sets[a, k] & ~sets[b, k]:
                return False
    return True


@compiled
def label(  # noqa: C901 - compiled loops stand in one place
    graph: Graph, price: Floats, figures: Floats, whole: Ints, sets: Ints, beam: int
) -> tuple[int, bool]:
    """Build labels that no other dominates, remembering at each node only its `memory` (ng-routes).

    `beam` 0: all of them. Else dominance ignores the stops visited, and of every level only so many labels, those worth
    least, go on. Return the number of labels and whether all fitted into the arrays. Level by level: a route has at most as
    many visits as there are stops.
    """
    nodes = graph.stop.size
    first = np.full(nodes, -1, dtype=np.int64)
    begin(graph, figures, whole, sets)
    used = 1
    level_from = 0
    for _ in range(nodes - 2):
        level_to = used
        if beam:
            for j in range(nodes):  # a beam compares partial routes of one length only
                first[j] = -1
        for a in range(level_from, level_to):
            if not whole[a, ALIVE] or whole[a, STOPPED]:
                continue
            for j in range(1, nodes - 1):
                if used >= figures.shape[0] - 1:
                    return used, False
                if not extend(graph, price, figures, whole, sets, a, j, used):
                    continue
                for k in range(sets.shape[1] // 2):
                    sets[used, k] &= graph.memory[j, k]
                if keep(graph, figures, whole, sets, first, used, beam == 0):
                    used += 1
        level_from = level_to
        if level_from == used:
            break
        if beam and used - level_from > beam:
            stop_behind(graph, figures, whole, level_from, used, beam)
    return used, True


@compiled_part
def stop_behind(graph: Graph, figures: Floats, whole: Ints, level_from: int, used: int, beam: int) -> None:
    """Let only the `beam` labels of a level go on that are worth least."""
    worth = np.empty(used - level_from)
    for a in range(level_from, used):
        worth[a - level_from] = figures[a, MONEY] + graph.limits[0] * figures[a, DURATION]
        if not whole[a, ALIVE]:
            worth[a - level_from] = np.inf
    limit = np.sort(worth)[beam]
    for a in range(level_from, used):
        if worth[a - level_from] >= limit:
            whole[a, STOPPED] = 1


@compiled_part
def keep(graph: Graph, figures: Floats, whole: Ints, sets: Ints, first: Ints, new: int, is_strict: bool) -> bool:  # noqa: FBT001
    """Put label `new` into the list of its node unless it is dominated; take out those it dominates.

    Lists ascend in what a label is worth when the day ends late, below which nothing can dominate it.
    """
    j = whole[new, NODE]
    own = late_worth(graph, figures, new)
    before = -1
    at = first[j]
    while at >= 0 and late_worth(graph, figures, at) <= own:
        if dominates(graph, figures, whole, sets, at, new, is_strict):
            return False
        before = at
        at = whole[at, NEXT]
    last = before
    while at >= 0:
        following = whole[at, NEXT]
        if dominates(graph, figures, whole, sets, new, at, is_strict):
            whole[at, ALIVE] = 0
            if last < 0:
                first[j] = following
            else:
                whole[last, NEXT] = following
        else:
            last = at
        at = following
    if before < 0:
        whole[new, NEXT] = first[j]
        first[j] = new
    else:
        whole[new, NEXT] = whole[before, NEXT]
        whole[before, NEXT] = new
    return True


@compiled_part
def late_worth(graph: Graph, figures: Floats, a: int) -> float:
    """Return the money of a label for a day that ends late, less the pace times its end; without windows, so far."""
    if not graph.counts[2]:
        return float(figures[a, MONEY] + graph.limits[0] * figures[a, DURATION])
    return float(figures[a, MONEY] - graph.limits[0] * figures[a, LATEST])


@compiled
def close(graph: Graph, figures: Floats, whole: Ints, sets: Ints, used: int, value: Floats) -> None:
    """Fill `value` with the money of every label taken home (``inf``: it cannot be), time on duty included.

    The label behind the last one is overwritten.
    """
    nodes = graph.stop.size
    price = np.zeros(1)
    value[0] = np.inf
    for a in range(1, used):
        value[a] = np.inf
        if whole[a, ALIVE] and extend(graph, price, figures, whole, sets, a, nodes - 1, used):
            value[a] = figures[used, MONEY] + graph.limits[0] * figures[used, DURATION]


@compiled_part
def can_end(
    graph: Graph, price: Floats, figures: Floats, whole: Ints, sets: Ints, a: int, ends: Ends, most: float
) -> bool:
    """Tell whether label `a` can be joined to one of the ends of its node such that the route is worth at most `most`."""
    j = whole[a, NODE]
    s = graph.stop[j]
    own = figures[a, MONEY] + graph.limits[0] * figures[a, DURATION] + price[s]
    begin_min = figures[a, EARLIEST] + figures[a, DURATION]
    room = graph.capacity[ends.kind[0]]
    if ends.kind[1]:
        room += graph.pickup[j, ends.kind[0]] - figures[a, LOADS + 2 * ends.kind[0]]
    else:
        room += graph.delivery[j, ends.kind[0]] - figures[a, LOADS + 2 * ends.kind[0] + 1]
    for b in range(ends.start[j], ends.start[j + 1]):
        if own + ends.worth[b] > most:
            return False
        if (
            begin_min <= ends.latest[b] + SLIGHT
            and ends.load[b] <= room + SLIGHT
            and are_apart(sets, a, ends.sets, b, s)
        ):
            return True
    return False


@compiled_part
def are_apart(sets: Ints, a: int, end_sets: Ints, b: int, s: int) -> bool:
    """Tell whether a begin and an end share no stop but `s`, and neither has one the other forbids."""
    words = sets.shape[1] // 2
    for k in range(words):
        both = sets[a, k] & end_sets[b, k]
        if s // WORD == k:
            both &= ~(1 << (s % WORD))
        if both or sets[a, k] & end_sets[b, words + k] or sets[a, words + k] & end_sets[b, k]:
            return False
    return True


@compiled
def enumerate_labels(
    graph: Graph, price: Floats, figures: Floats, whole: Ints, sets: Ints, ends: Ends, most: float
) -> tuple[int, bool]:
    """Build all elementary partial routes that can become a route worth at most `most`.

    Of those with the same stops and last node only the ones no other dominates are kept. Return number of labels and whether
    all fitted.
    """
    nodes = graph.stop.size
    table = np.full(2 * figures.shape[0] + 1, -1, dtype=np.int64)
    begin(graph, figures, whole, sets)
    used = 1
    level_from = 0
    for _ in range(nodes - 2):
        level_to = used
        for a in range(level_from, level_to):
            if not whole[a, ALIVE]:
                continue
            for j in range(1, nodes - 1):
                if used >= figures.shape[0] - 1:
                    return used, False
                if not extend(graph, price, figures, whole, sets, a, j, used):
                    continue
                if not can_end(graph, price, figures, whole, sets, used, ends, most):
                    continue
                if keep_same(graph, figures, whole, sets, table, used):
                    used += 1
        level_from = level_to
        if level_from == used:
            break
    return used, True


@compiled_part
def keep_same(graph: Graph, figures: Floats, whole: Ints, sets: Ints, table: Ints, new: int) -> bool:
    """Put label `new` into the list of its stops and last node unless it is dominated there."""
    size = table.size
    key = whole[new, NODE]
    for k in range(sets.shape[1]):
        key = (key * 1000003) ^ sets[new, k]
    key &= (1 << 60) - 1
    spot = (key * 2654435761 & ((1 << 60) - 1)) % size
    while table[spot] >= 0 and not is_same(whole, sets, table[spot], new):
        spot += 1
        if spot == size:
            spot = 0
    at = table[spot]
    while at >= 0:
        if whole[at, ALIVE] and dominates(graph, figures, whole, sets, at, new, False):
            return False
        at = whole[at, NEXT]
    at = table[spot]
    while at >= 0:
        if dominates(graph, figures, whole, sets, new, at, False):
            whole[at, ALIVE] = 0
        at = whole[at, NEXT]
    whole[new, NEXT] = table[spot]
    table[spot] = new
    return True


@compiled_part
def is_same(whole: Ints, sets: Ints, a: int, b: int) -> bool:
    """Tell whether two labels end at the same node and have the same stops."""
    if whole[a, NODE] != whole[b, NODE]:
        return False
    for k in range(sets.shape[1]):  # noqa: SIM110 - numba compiles no generators
        if sets[a, k] != sets[b, k]:
            return False
    return True
