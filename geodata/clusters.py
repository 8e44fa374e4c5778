"""Seeded clusters of villages that stand in for townships where the data has none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geodata.frames import FloatArray

_RESTARTS = 12
_ROUNDS = 200
#: One cluster for so many villages: between ten and fifteen, as real townships have.
VILLAGES_PER_CLUSTER = 12

IntArray = npt.NDArray[np.intp]


def default_cluster_count(village_count: int) -> int:
    """Return the number of clusters for so many placed villages: one for about twelve, at least two if possible."""
    return min(max(2, round(village_count / VILLAGES_PER_CLUSTER)), village_count)


def weighted_clusters(
    points_km: FloatArray, weights: FloatArray, count: int, *, seed: int
) -> tuple[IntArray, FloatArray]:
    """Divide points into clusters of least weighted squared distance: Lloyd's rounds, best of twelve k-means++ starts.

    Parameters
    ----------
    points_km
        Places in a plane, shape (n, 2).
    weights
        Weight of each place, positive.
    count
        Number of clusters, at most the number of different places.
    seed
        Seed of the starts.

    Returns
    -------
    tuple
        Cluster of each point, and the cluster centres, shape (count, 2). Clusters are numbered from west to east.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    best: tuple[float, IntArray, FloatArray] | None = None
    for _ in range(_RESTARTS):
        labels, centres = _lloyd(points_km, weights, _starts(points_km, weights, count, rng))
        cost = float((weights * ((points_km - centres[labels]) ** 2).sum(axis=1)).sum())
        if best is None or cost < best[0] - 1e-9:
            best = cost, labels, centres
    assert best is not None  # noqa: S101  (twelve restarts)
    return _west_to_east(best[1], best[2])


def nearest_member(points_km: FloatArray, labels: IntArray, centres: FloatArray) -> IntArray:
    """Return for each cluster the index of its member nearest to its centre."""
    distance = ((points_km[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    distance[labels[:, None] != np.arange(len(centres))[None, :]] = np.inf
    return np.asarray(distance.argmin(axis=0), dtype=np.intp)


def _starts(points: FloatArray, weights: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    chosen = [int(rng.choice(len(points), p=weights / weights.sum()))]
    while len(chosen) < count:
        gap = ((points[:, None, :] - points[chosen][None, :, :]) ** 2).sum(axis=2).min(axis=1)
        chance = weights * gap
        chosen.append(int(rng.choice(len(points), p=chance / chance.sum())))
    return points[chosen]


def _lloyd(points: FloatArray, weights: FloatArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    labels = _nearest(points, centres)
    for _ in range(_ROUNDS):
        centres = np.array([_mean(points, weights, labels == j, centres[j]) for j in range(len(centres))])
        moved = _nearest(points, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return labels, centres


def _nearest(points: FloatArray, centres: FloatArray) -> IntArray:
    squared = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    labels = np.asarray(squared.argmin(axis=1), dtype=np.intp)
    for j in sorted(set(range(len(centres))) - set(labels.tolist())):
        # An emptied cluster takes the point farthest from its own centre, so that the count stays as asked.
        gap = ((points - centres[labels]) ** 2).sum(axis=1)
        sizes = np.bincount(labels, minlength=len(centres))
        gap[sizes[labels] < 2] = -1.0  # noqa: PLR2004
        labels[int(gap.argmax())] = j
    return labels


def _mean(points: FloatArray, weights: FloatArray, member: npt.NDArray[np.bool_], old: FloatArray) -> FloatArray:
    if not member.any():
        return old
    return np.asarray(np.average(points[member], axis=0, weights=weights[member]), dtype=float)


def _west_to_east(labels: IntArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    order = np.lexsort((centres[:, 1], centres[:, 0]))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[labels], centres[order]
