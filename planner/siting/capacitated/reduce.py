"""What a bound rules out: pairs and sites no plan better than the one in hand can use; and the lists without them."""

from __future__ import annotations

import numpy as np

from planner.problems.siting import Bools, Floats, Locks
from planner.siting.capacitated import kernels
from planner.siting.capacitated.kernels import SiteLists


def part_of(lists: SiteLists, keep: Bools, locked: Locks) -> SiteLists:
    """Return the lists with only the pairs of `keep`."""
    site = np.repeat(np.arange(lists.fixed.size), np.diff(lists.start))
    start = np.concatenate(([0], np.cumsum(np.bincount(site[keep], minlength=lists.fixed.size)))).astype(np.int64)
    return lists._replace(
        start=start,
        client=lists.client[keep],
        cost=lists.cost[keep],
        quantity=lists.quantity[keep],
        locked=locked,
    )


def cover_tables(lists: SiteLists, value: Floats) -> tuple[Floats, Floats]:
    """Return the least Σ value of sites that hold all demand given that a site is open, and that it is closed (inf: impossible).

    Least values for each amount of capacity reached, in whole units: from the first site on, and back from the last.
    """
    count, need = value.size, lists.unit_total
    ahead, behind = np.full((count + 1, need + 1), np.inf), np.full((count + 1, need + 1), np.inf)
    ahead[0, 0], behind[count, 0] = 0.0, 0.0
    for j in range(count):
        ahead[j + 1] = _with_site(lists, value, j, ahead[j])
    for j in range(count - 1, -1, -1):
        behind[j] = _with_site(lists, value, j, behind[j + 1])
    opening, closing = np.full(count, np.inf), np.full(count, np.inf)
    for j in range(count):
        # what the sites after j cost to reach at least the rest, for each amount reached before it
        rest = np.minimum.accumulate(behind[j + 1][::-1])
        if lists.locked[j] >= 0:
            more = rest[np.minimum(np.arange(need + 1) + lists.unit_capacity[j], need)]
            opening[j] = (ahead[j] + value[j] + more).min()
        if lists.locked[j] <= 0:
            closing[j] = (ahead[j] + rest).min()
    return opening, closing


def _with_site(lists: SiteLists, value: Floats, j: int, before: Floats) -> Floats:
    """Return a table extended by site j."""
    need, size = before.size - 1, int(lists.unit_capacity[j])
    after = before.copy() if lists.locked[j] <= 0 else np.full(need + 1, np.inf)
    if lists.locked[j] >= 0:
        after[size:need] = np.minimum(after[size:need], before[: max(need - size, 0)] + value[j])
        after[need] = min(after[need], before[max(need - size, 0) :].min() + value[j])
    return after


def reduce_lists(
    lists: SiteLists, price: Floats, target: float, *, whole: bool, divided: bool
) -> tuple[float, Bools, Locks]:
    """Return the bound at `price`, the pairs that can be part of a plan below `target`, and the locks such a plan has.

    Serving a client from a site adds at least what the site's linear knapsack loses by it (Dantzig's bound), and a site that the
    relaxation leaves closed costs at least its value over that of the last one opened. Where demand may be `divided` a small share
    adds as little as it is small, so the first rules out nothing there. `whole`: the 0/1 knapsacks are solved exactly.
    """
    count = lists.fixed.size
    loose, value, room_price = np.empty(count), np.empty(count), np.empty(count)
    share, opened = np.zeros(lists.cost.size), np.zeros(count)
    kernels.split_values(lists, price, loose, share, room_price)
    if whole:
        kernels.whole_values(lists, price, value, share)
    else:
        value[:] = loose
    total, last, following = kernels.choose_sites(lists, value, opened)
    bound = float(price.sum()) + float(total)
    if lists.p < 0 and lists.unit_total > 0:
        opening, closing = cover_tables(lists, value)
        opening, closing = np.maximum(opening - total, 0.0), np.maximum(closing - total, 0.0)
    else:
        scale = np.ones(count) if lists.p >= 0 else lists.capacity
        opening = np.where(opened > 0, 0.0, np.maximum(value - last * scale, 0.0))
        closing = np.where(opened >= 1, np.maximum(following * scale - value, 0.0), 0.0)
    free = lists.locked == 0
    locked = lists.locked.copy()
    locked[free & (bound + opening >= target)] = -1
    locked[free & (bound + closing >= target)] = 1
    site = np.repeat(np.arange(count), np.diff(lists.start))
    if divided:
        return bound, np.asarray(locked[site] >= 0), locked
    forced = loose[site] + lists.cost - price[lists.client] + room_price[site] * lists.quantity - value[site]
    keep: Bools = bound + opening[site] + np.maximum(forced, 0.0) < target
    keep &= locked[site] >= 0
    return bound, keep, locked
