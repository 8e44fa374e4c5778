"""KPIs of a mix of modes: K2, K5, K11, K14, K15, every one with numerator, denominator and the list it counts."""

from __future__ import annotations

from collections.abc import Mapping

from geodata.county import County
from planner.cooperation.modes import ModePlan
from planner.plan import Kpi

#: Days of service a week from which a village counts as reached.
LEAST_VISITS = 3.0
_JOINT_LINE = frozenset({"joint", "joint_post", "post"})
_JOINT_ROUND = frozenset({"joint", "joint_post", "post", "own_post", "bus", "shop"})


def cooperation_kpis(plan: ModePlan, county: County, incremental: Mapping[str, float]) -> tuple[Kpi, ...]:
    """Return the KPI rows of a plan.

    Parameters
    ----------
    plan
        The mix.
    county
        County it was made for: its village list is the denominator, villages left out of the question included.
    incremental
        K14 of each village, CNY a day; may be empty.
    """
    rows = [*_reach(plan, county), *_routes(plan, county), _direct(plan, county), *_joint(plan)]
    problem = plan.problem
    parcels = problem.parcels.sum(axis=0)
    total = float(parcels.sum())
    if incremental and total > 0.0:
        cost = sum(incremental.values())
        rows.append(
            Kpi("K14", "cooperation_mean", cost / total, "cny_per_parcel", cost, total, _list(county), "kpi_note_k14")
        )
        by_village = {
            v: incremental[v] / parcels[i]
            for i, v in enumerate(problem.village_ids)
            if parcels[i] > 0.0 and v in incremental
        }
        worst = max(by_village, key=lambda v: (by_village[v], v))
        i = problem.village_ids.index(worst)
        rows.append(
            Kpi(
                "K14", "cooperation_worst", by_village[worst], "cny_per_parcel", incremental[worst], float(parcels[i]),
                f"{_list(county)} {worst}", "kpi_note_k14",
            )
        )  # fmt: skip
    return tuple(rows)


def _list(county: County) -> str:
    return county.village_list_id


def _share(kpi: str, part: str, numerator: float, denominator: float, county: County, note: str) -> Kpi:
    value = numerator / denominator if denominator else None
    return Kpi(kpi, part, value, "share", numerator, denominator, _list(county), note)


def _reach(plan: ModePlan, county: County) -> list[Kpi]:
    """K2: pairs of village and brand with parcels that reach the village, over all villages times all brands."""
    problem = plan.problem
    brands = [o.operator_id for o in problem.operators if o.has_parcels]
    served = {(c.operator_id, c.village_id) for c in plan.carriages}
    post = problem.post
    if post is not None and problem.player_ids[post] in plan.members:
        goes = problem.goes_to(post)
        served |= {(problem.player_ids[post], v) for v, there in zip(problem.village_ids, goes, strict=True) if there}
    today = sum(
        bool(problem.goes_to(i)[v] and (problem.reached[i, v] or o.kind != "courier"))
        for i, o in enumerate(problem.operators)
        if o.has_parcels
        for v in range(len(problem.village_ids))
    )
    all_pairs = float(len(county.villages) * len(brands))
    return [
        _share("K2", "cooperation", float(len(served)), all_pairs, county, "kpi_note_k2_cooperation"),
        _share("K2", "cooperation_today", float(today), all_pairs, county, "kpi_note_k2_cooperation"),
    ]


def _routes(plan: ModePlan, county: County) -> list[Kpi]:
    """K5: villages and townships that get parcels by bus (交邮), and villages that get any by a shared mode."""
    problem = plan.problem
    by_bus = {c.village_id for c in plan.carriages if c.kind == "bus"}
    shared = {c.village_id for c in plan.carriages if c.kind != "own"}
    index = {v: i for i, v in enumerate(problem.village_ids)}
    towns = {int(problem.village_township[index[v]]) for v in by_bus}
    villages, townships = float(len(county.villages)), float(county.villages["township_code"].nunique())
    return [
        _share("K5", "cooperation_bus_villages", float(len(by_bus)), villages, county, "kpi_note_k5_cooperation"),
        _share("K5", "cooperation_bus_townships", float(len(towns)), townships, county, "kpi_note_k5_cooperation"),
        _share("K5", "cooperation_shared_villages", float(len(shared)), villages, county, "kpi_note_k5_cooperation"),
    ]


def _direct(plan: ModePlan, county: County) -> Kpi:
    """K11: inbound parcels handed over in the village they are addressed to, over all inbound parcels of the list."""
    problem = plan.problem
    operator = {o.operator_id: i for i, o in enumerate(problem.operators)}
    village = {v: i for i, v in enumerate(problem.village_ids)}
    handed = sum(float(problem.inbound[operator[c.operator_id], village[c.village_id]]) for c in plan.carriages)
    if problem.post is not None and problem.player_ids[problem.post] in plan.members:
        handed += float(problem.inbound[problem.post].sum())
    addressed = float(county.demand["inbound_parcels_per_day"].astype(float).sum())
    return _share("K11", "cooperation", handed, addressed, county, "kpi_note_k11_cooperation")


def _joint(plan: ModePlan) -> list[Kpi]:
    """K15 a tier: parcels carried together with another operator's, over all parcels of the tier (buses and trucks skip the first)."""
    problem = plan.problem
    operator = {o.operator_id: i for i, o in enumerate(problem.operators)}
    village = {v: i for i, v in enumerate(problem.village_ids)}
    line = line_all = rounds = rounds_all = 0.0
    for c in plan.carriages:
        parcels = float(problem.parcels[operator[c.operator_id], village[c.village_id]])
        rounds_all += parcels
        rounds += parcels * (c.kind in _JOINT_ROUND)
        if c.kind not in ("bus", "shop"):
            line_all += parcels
            line += parcels * (c.kind in _JOINT_LINE)
    if problem.post is not None and problem.player_ids[problem.post] in plan.members:
        own = float(problem.parcels[problem.post].sum())
        line_all, rounds_all = line_all + own, rounds_all + own
    list_id = "parcels a day"
    return [
        Kpi(
            "K15",
            "county_township",
            line / line_all if line_all else None,
            "share",
            line,
            line_all,
            list_id,
            "kpi_note_k15",
        ),
        Kpi(
            "K15",
            "township_village",
            rounds / rounds_all if rounds_all else None,
            "share",
            rounds,
            rounds_all,
            list_id,
            "kpi_note_k15",
        ),
    ]
