"""What a hand-over to the post costs it and saves the couriers, village by village, from the cooperation question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.cooperation.fees import Giver, VillageOffer, split_deficit
from planner.problems.cooperation import DAYS_PER_WEEK, LINE_VISITS_PER_WEEK, CooperationProblem, Floats


def post_offers(
    problem: CooperationProblem,
    village_ids: Sequence[str] | None = None,
    *,
    income_cny_per_parcel: float,
    minimum_visits: float = 3.0,
) -> tuple[VillageOffer, ...]:
    """Return the range of fees for handing the couriers' parcels of some villages to the post.

    Parameters
    ----------
    problem
        The question; it must have a post.
    village_ids
        Villages that are handed over together; None: all.
    income_cny_per_parcel
        What head offices leave for the village leg.
    minimum_visits
        Services a week the public owes every village.

    Returns
    -------
    tuple
        One entry a village with parcels of couriers, in the problem's order.

    Notes
    -----
    *Floor.* The post runs to every village anyway by its duty: a parcel costs it the hand-over, and its share of load
    ``line_unit + round_unit``. Villages are taken in the order of their worth a parcel; what no longer fits the post's rounds, or lies
    where the post does not run, costs an extra visit; those beyond the trunk's room share an extra trunk trip by parcels.

    *Ceiling.* A courier that drives to the village saves its visit ``round_visit · f/7`` and the load; where every village it serves
    in a township is handed over, also its trunk trip and outlet there, by parcels. One that does not drive there gets what its head
    office leaves for the village leg, and no more.
    """
    post = problem.post
    if post is None:
        msg = "there is no post to hand over to"
        raise ValueError(msg)
    asked = range(len(problem.village_ids)) if village_ids is None else _indices(problem, village_ids)
    couriers = [i for i, operator in enumerate(problem.operators) if operator.kind == "courier"]
    chosen = [v for v in asked if problem.parcels[couriers, v].sum() > 0.0]
    ceilings = _ceilings(problem, couriers, chosen, income_cny_per_parcel)
    visits = _extra_visits(problem, couriers, chosen, ceilings)
    found = []
    for k, v in enumerate(chosen):
        volume = float(problem.parcels[couriers, v].sum())
        parcels_cny = _load_cny(problem, v) * volume
        givers = tuple(
            Giver(
                problem.operators[i].operator_id,
                float(problem.parcels[i, v]),
                float(ceilings[n, k]),
                "avoided" if problem.reached[i, v] else "income",
            )
            for n, i in enumerate(couriers)
            if problem.parcels[i, v] > 0.0
        )
        deficit = split_deficit(
            float(visits[k]),
            parcels_cny,
            float(ceilings[:, k].sum()),
            visits_per_week=problem.operators[post].visits_per_week,
            minimum_visits=minimum_visits,
        )
        found.append(VillageOffer(problem.village_ids[v], givers, float(visits[k]), parcels_cny, deficit))
    return tuple(found)


def _indices(problem: CooperationProblem, village_ids: Sequence[str]) -> list[int]:
    at = {code: v for v, code in enumerate(problem.village_ids)}
    return sorted(at[code] for code in set(village_ids))


def _load_cny(problem: CooperationProblem, v: int) -> float:
    """Return what one parcel of a village costs the post: hand-over, and its part of a full vehicle on both tiers."""
    town = int(problem.village_township[v])
    return float(problem.settings.handover_cny_per_parcel + problem.line_unit_cny[town] + problem.round_unit_cny[v])


def _ceilings(problem: CooperationProblem, couriers: list[int], chosen: list[int], income: float) -> Floats:
    """Return what handing over is worth, shape (couriers, chosen villages)."""
    town = problem.village_township
    found = np.zeros((len(couriers), len(chosen)))
    given = set(chosen)
    for n, i in enumerate(couriers):
        operator, parcels = problem.operators[i], problem.parcels[i]
        drives = problem.reached[i] & (parcels > 0.0)
        for k, v in enumerate(chosen):
            if not drives[v]:
                found[n, k] = income * parcels[v]
                continue
            visit = operator.round_scale * problem.round_visit_cny[v] * operator.visits_per_week / DAYS_PER_WEEK
            found[n, k] = visit + (problem.line_unit_cny[town[v]] + problem.round_unit_cny[v]) * parcels[v]
            served = [u for u in np.flatnonzero(drives & (town == town[v])) if parcels[u] > 0.0]
            if given.issuperset(served):
                trunk = operator.line_scale * problem.line_visit_cny[town[v]] * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK
                part = parcels[v] / parcels[served].sum()
                found[n, k] += (trunk + operator.outlet_cny_per_day) * part
    return found


def _extra_visits(problem: CooperationProblem, couriers: list[int], chosen: list[int], ceilings: Floats) -> Floats:
    """Return what extra visits cost the post for each chosen village: nothing while its vehicles have room."""
    post = problem.post
    visits = np.zeros(len(chosen))
    often = problem.operators[post].visits_per_week / DAYS_PER_WEEK if post is not None else 0.0
    runs = problem.goes_to(post) if post is not None else np.zeros(len(problem.village_ids), dtype=np.bool_)
    volume = problem.parcels[couriers][:, chosen].sum(axis=0)
    for town in sorted({int(problem.village_township[v]) for v in chosen}):
        own = [k for k, v in enumerate(chosen) if problem.village_township[v] == town]
        worth = {k: float(ceilings[:, k].sum() / volume[k]) - _load_cny(problem, chosen[k]) for k in own}
        round_left, line_left = float(problem.post_round_room[town]), float(problem.post_line_room[town])
        beyond = []
        for k in sorted(own, key=lambda k: (-worth[k], chosen[k])):
            if volume[k] <= round_left and runs[chosen[k]]:
                round_left -= volume[k]
            else:
                visits[k] += problem.round_visit_cny[chosen[k]] * often
            if volume[k] <= line_left:
                line_left -= volume[k]
            else:
                beyond.append(k)
        trip = problem.line_visit_cny[town] * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK
        for k in beyond:
            visits[k] += trip * volume[k] / volume[beyond].sum()
    return visits
