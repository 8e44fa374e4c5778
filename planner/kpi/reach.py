"""K1 to K5 and K8: which villages and townships the plan reaches, and how often."""

from __future__ import annotations

from collections.abc import Iterator

from planner.kpi.rows import Case, Row
from planner.plan import Kpi

#: Services a week from which a village counts as reached (K1).
LEAST_VISITS_PER_WEEK = 3
_BANDS = (3, 5, 7)


def reach_rows(case: Case) -> Iterator[Kpi]:
    """Yield K1 to K5."""
    villages, served = len(case.facts.villages), len(case.plan.siting.point_of_village)
    reached = served if case.visits_per_week >= LEAST_VISITS_PER_WEEK else 0
    brands = len(case.facts.operators)
    yield _share(case, "K1", "total", "kpi_note_k1").ratio(reached, villages)
    yield _share(case, "K2", "total", "kpi_note_k2").ratio(served * brands, villages * brands)
    yield Row("K3", "total", "share", case.townships_id, "kpi_note_k3").ratio(
        len(_townships(case)), len(case.facts.townships)
    )
    yield _share(case, "K4", "total", "kpi_note_k4").ratio(len(_own_points(case)), villages)
    yield _share(case, "K5", "total", "kpi_note_k5").ratio(0, villages)
    yield _share(case, "K5", "bus_line", "kpi_note_k5_bus").ratio(len(_bus_villages(case)), villages)


def frequency_rows(case: Case) -> Iterator[Kpi]:
    """Yield K8: villages with at least 3, at least 5 and 7 services a week."""
    served = len(case.plan.siting.point_of_village)
    for visits in _BANDS:
        reached = served if case.visits_per_week >= visits else 0
        yield _share(case, "K8", f"visits_ge_{visits}", "kpi_note_k8").ratio(reached, len(case.facts.villages))


def _share(case: Case, kpi_id: str, part: str, note_key: str) -> Row:
    return Row(kpi_id, part, "share", case.villages_id, note_key)


def _open_served(case: Case, kind: str) -> list[str]:
    """Open sites of a kind that vehicles come to (a dropped site has only its sign)."""
    dropped = case.plan.routing.dropped
    return [n for n in case.plan.siting.open_ids if case.facts.sites[n].kind == kind and n not in dropped]


def _townships(case: Case) -> set[str]:
    stations = _open_served(case, "township_station")
    return {case.facts.sites[name].township_code for name in stations} & set(case.facts.townships)


def _own_points(case: Case) -> set[str]:
    points = _open_served(case, "village_point")
    return {case.facts.sites[name].village_code for name in points} & set(case.facts.villages)


def _bus_villages(case: Case) -> set[str]:
    stops = case.problem.county.bus_stops["village_code"].dropna()
    return {str(code) for code in stops} & set(case.facts.villages)
