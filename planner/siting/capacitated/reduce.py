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
        opening, closing = np.empty(count), np.empty(count)
        kernels.cover_tables(lists, value, opening, closing)
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
