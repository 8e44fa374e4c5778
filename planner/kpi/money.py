"""K13 and the cost of each village: what a parcel costs, tier by tier."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from planner.kpi.rows import Case, Row
from planner.plan import Kpi
from planner.verification.measures import villages_below
from planner.verification.money import site_day, trip_run

#: Part of K13 → cost lines (tier, item) inside it.
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "centre": (("county_centre", "site"), ("county_centre", "closing")),
    "sorting": (("county_centre", "handling"),),
    "line_haul": (("county_township", "transport"),),
    "station": (("township_station", "site"), ("township_station", "closing")),
    "last_mile": (("township_village", "transport"),),
    "point": (("village_point", "site"), ("village_point", "closing")),
}


def cost_rows(case: Case) -> Iterator[Kpi]:
    """Yield K13. All parts share one denominator; parcels served straight from the centre pass the line-haul at no cost."""
    parcels = case.served.parcels
    for part, keys in PARTS.items():
        cost = math.fsum(case.costs.get(key, 0.0) for key in keys)
        yield Row("K13", part, "cny_per_parcel", case.villages_id, "kpi_note_k13").ratio(cost, parcels)
    total = math.fsum(case.costs.values())
    yield Row("K13", "total", "cny_per_parcel", case.villages_id, "kpi_note_k13").ratio(total, parcels)


def village_costs(case: Case) -> dict[str, float]:
    """Return each served village's part of the daily cost in CNY; the parts sum to the cost of the plan.

    A trip's cost is shared equally by its stops, and a stop's by the parcels of the villages behind it; a site's cost
    by the parcels of the villages it serves; sorting, closings and sites without villages by the parcels of all.
    """
    below, served = villages_below(case.plan), tuple(sorted(case.plan.siting.point_of_village))
    parts: dict[str, list[float]] = {code: [] for code in served}
    for cost, codes in (*_trip_costs(case, below), *_site_costs(case, below), *_common_costs(case)):
        for code, share in _shares(case, codes or served):
            parts[code].append(cost * share)
    return {code: math.fsum(values) for code, values in parts.items()}


def _trip_costs(case: Case, below: dict[str, tuple[str, ...]]) -> Iterator[tuple[float, tuple[str, ...]]]:
    for trip in case.trips:
        a_stop = trip_run(trip, case.facts.parameters) * trip.runs_per_day / max(1, len(trip.route.stops))
        for stop in trip.route.stops:
            yield a_stop, below.get(stop.facility_id, ())


def _site_costs(case: Case, below: dict[str, tuple[str, ...]]) -> Iterator[tuple[float, tuple[str, ...]]]:
    for name in case.plan.siting.open_ids:
        yield site_day(case.facts.sites[name], case.facts.parameters), below.get(name, ())


def _common_costs(case: Case) -> Iterator[tuple[float, tuple[str, ...]]]:
    for (_tier, item), cost in case.costs.items():
        if item in ("handling", "closing"):
            yield cost, ()


def _shares(case: Case, codes: Iterable[str]) -> list[tuple[str, float]]:
    """Shares by parcels; equal where there are none."""
    parcels = [(code, case.facts.villages[code].parcels) for code in codes]
    whole = math.fsum(count for _, count in parcels)
    if whole <= 0.0:
        return [(code, 1.0 / len(parcels)) for code, _ in parcels]
    return [(code, count / whole) for code, count in parcels]
