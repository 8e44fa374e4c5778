"""Villages that win and lose between two runs: served or not, way to the point, services a week, own point, cost.

What villagers notice (service, way, services a week, a point of their own) decides whether a village wins or loses; what
its parcels cost the network is told beside and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from scenarios.comparison.runs import FinishedRun, Village

Verdict = Literal["wins", "loses", "mixed", "same"]
VERDICTS: tuple[Verdict, ...] = ("wins", "loses", "mixed", "same")
#: What a village is judged by; `cost` is told and decides nothing.
CRITERIA = ("service", "access", "frequency", "own_point", "cost")
#: Smaller changes count as none: km of way, yuan a parcel.
ACCESS_STEP_KM, COST_STEP_CNY = 0.05, 0.005


@dataclass(frozen=True, slots=True)
class VillageChange:
    """What changes for a village from the first run to another.

    Attributes
    ----------
    before, after
        The village in either run; None where the run's list lacks it.
    cost_before, cost_after
        Yuan a parcel, None where unserved or without parcels.
    better
        Criterion → 1 better, −1 worse, 0 the same.
    verdict
        Better in some and worse in none of service, way, services, own point: ``wins``; the other way round ``loses``.
    """

    before: Village | None
    after: Village | None
    cost_before: float | None
    cost_after: float | None
    better: Mapping[str, int]
    verdict: Verdict

    @property
    def village(self) -> Village:
        """The village, from the later run where it is there."""
        village = self.after or self.before
        if village is None:
            raise ValueError(self)
        return village


def village_changes(first: FinishedRun, other: FinishedRun) -> tuple[VillageChange, ...]:
    """Return what changes for every village of either list, sorted by code."""
    costs0, costs1 = village_costs(first), village_costs(other)
    codes = sorted({*first.villages, *other.villages})
    return tuple(
        _change(
            (first.villages.get(code), other.villages.get(code)),
            (_a_parcel(first, costs0, code), _a_parcel(other, costs1, code)),
        )
        for code in codes
    )


def _a_parcel(run: FinishedRun, costs: Mapping[str, float], code: str) -> float | None:
    village = run.villages.get(code)
    if village is None or code not in costs or village.parcels_per_day <= 0.0:
        return None
    return costs[code] / village.parcels_per_day


def _change(pair: tuple[Village | None, Village | None], costs: tuple[float | None, float | None]) -> VillageChange:
    before, after = pair
    served = tuple(village is not None and village.is_served for village in pair)
    better = {
        "service": _sign(int(served[1]) - int(served[0])),
        "access": 0,
        "frequency": _sign((after.services_per_week if after else 0.0) - (before.services_per_week if before else 0.0)),
        "own_point": 0,
        "cost": 0,
    }
    if before is not None and after is not None and all(served):
        better["access"] = _closer(before.access_km, after.access_km)
        better["own_point"] = int(after.has_own_point) - int(before.has_own_point)
    if costs[0] is not None and costs[1] is not None and abs(costs[1] - costs[0]) >= COST_STEP_CNY:
        better["cost"] = _sign(costs[0] - costs[1])
    signs = {better[key] for key in CRITERIA if key != "cost"}
    return VillageChange(before, after, *costs, better, _verdict(signs))


def _verdict(signs: set[int]) -> Verdict:
    if 1 in signs:
        return "mixed" if -1 in signs else "wins"
    return "loses" if -1 in signs else "same"


def _closer(before: float | None, after: float | None) -> int:
    if before is None or after is None or abs(after - before) < ACCESS_STEP_KM:
        return 0
    return _sign(before - after)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def village_costs(run: FinishedRun) -> dict[str, float]:
    """Return each served village's part of the daily cost in CNY; the parts sum to the cost of the plan.

    The rule is that of K27 (docs/kpis.md): a trip's cost is shared equally by its stops and a stop's by the parcels of
    the villages behind it, a site's cost by the parcels of the villages it serves, the rest by the parcels of all.
    """
    served = [code for code, village in run.villages.items() if village.is_served]
    if not served:
        return {}
    below = _villages_below(run, served)
    parts: dict[str, list[float]] = {code: [] for code in served}
    for cost, codes in _charges(run, below):
        for code, share in _shares(run, codes or served):
            parts[code].append(cost * share)
    return {code: math.fsum(values) for code, values in parts.items()}


def _villages_below(run: FinishedRun, served: list[str]) -> dict[str, list[str]]:
    """Return site → villages it serves, at any tier."""
    siting = run.plan["siting"]
    below: dict[str, list[str]] = {}
    for code in served:
        point = siting["point_of_village"][code]
        station = siting["station_of_point"].get(point, "")
        for site in dict.fromkeys((point, station, siting["centre_of_station"].get(station, ""))):
            below.setdefault(site, []).append(code)
    return below


def _charges(run: FinishedRun, below: Mapping[str, list[str]]) -> Iterator[tuple[float, list[str]]]:
    """Yield amounts with the villages that bear them; nobody named: all."""
    for trip in run.trips.values():
        for stop in trip.stop_ids:
            yield trip.cny_per_day / len(trip.stop_ids), below.get(stop, [])
    for site in run.sites.values():
        if site.decision in ("kept", "new"):
            yield site.cost_cny_per_day, below.get(site.facility_id, [])
    for line in run.plan["costs"]:
        if line["item"] in ("handling", "closing"):
            yield line["cny_per_day"], []


def _shares(run: FinishedRun, codes: list[str]) -> list[tuple[str, float]]:
    parcels = [(code, run.villages[code].parcels_per_day) for code in codes]
    total = math.fsum(count for _, count in parcels)
    if total <= 0.0:
        return [(code, 1.0 / len(parcels)) for code, _ in parcels]
    return [(code, count / total) for code, count in parcels]
