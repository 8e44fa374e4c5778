"""Why a village is not served, with the figures: the cheapest way to serve it in the given plan is really evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from geodata.frames import haversine_km
from planner.siting.coverage import travel_block
from planner.siting.decision import Decision, broken, decision_cost, investment, missing_parcels
from planner.siting.instance import Index, Instance
from planner.siting.links import usable_vehicles
from planner.siting.polish import carried, pair_cost, trunk_unit, village_pairs
from planner.siting.result import Unserved

#: What keeps a village out, weakest first: the first for which some way of serving it exists is its reason.
_ALLOWED = (frozenset[str](), frozenset({"budget"}), frozenset({"capacity"}), frozenset({"budget", "capacity"}))


def explain_unserved(instance: Instance, decision: Decision) -> tuple[Unserved, ...]:
    """Return every village that is not served with its reason, sorted by code."""
    return tuple(_explain(instance, decision, int(v)) for v in np.nonzero(decision.pair < 0)[0])


def unplaced_villages(instance: Instance) -> list[int]:
    """Return the villages without coordinates or without a row in the ``access`` matrix."""
    villages = instance.problem.county.villages.set_index("village_code")
    known = set(instance.problem.travel["access"].origin_ids)
    placed = villages["lon"].astype(float).notna() & villages["lat"].astype(float).notna()
    return [v for v, code in enumerate(instance.demand.codes) if not placed[code] or code not in known]


def nearest_points(instance: Instance, villages: list[int]) -> list[tuple[float, str]]:
    """Return for each village the road kilometres to its nearest usable point (``inf``: no way) and that point."""
    codes = [instance.demand.codes[v] for v in villages]
    _, metres = travel_block(instance.problem.travel["access"], codes, instance.points.ids)
    if not len(instance.points):
        return [(np.inf, "") for _ in villages]
    return [(float(row.min()) / 1000.0, instance.points.ids[int(row.argmin())]) for row in metres]


def _explain(instance: Instance, decision: Decision, v: int) -> Unserved:
    code = instance.demand.codes[v]
    if v in unplaced_villages(instance):
        return Unserved(code, "no_location", {})
    first, last = village_pairs(instance, v)
    if first == last:
        return out_of_reach(instance, v)
    return _kept_out(instance, decision, v)


def out_of_reach(instance: Instance, v: int) -> Unserved:
    """Tell a placed village without any point in reach whether no way leads there or only too long a one."""
    code = instance.demand.codes[v]
    [(km, facility_id)] = nearest_points(instance, [v])
    if not np.isfinite(km):
        km, facility_id = _nearest_in_line(instance, v)
        if instance.problem.travel["access"].cutoff_min is None or km <= instance.problem.standard.allocation_km:
            return Unserved(code, "off_road", {})
    params: dict[str, float | str] = {
        "facility": facility_name(instance, facility_id),
        "nearest_km": round(km, 2),
        "allocation_km": instance.problem.standard.allocation_km,
    }
    return Unserved(code, "no_site_in_reach", params)


def _nearest_in_line(instance: Instance, v: int) -> tuple[float, str]:
    """Return the nearest usable point in a straight line: the road is at least as long, where the matrix is cut off."""
    county, ids = instance.problem.county, list(instance.points.ids)
    if not ids:
        return np.inf, ""
    village = county.villages.set_index("village_code").loc[instance.demand.codes[v]]
    sites = county.facilities.set_index("facility_id").loc[ids]
    km = haversine_km(
        float(village["lon"]), float(village["lat"]), sites["lon"].to_numpy(float), sites["lat"].to_numpy(float)
    )
    nearest = int(np.argmin(km))
    return float(km[nearest]), ids[nearest]


def _kept_out(instance: Instance, decision: Decision, v: int) -> Unserved:
    """Evaluate the ways to serve the village, cheapest first, and report the first that needs least leeway."""
    code, parcels = instance.demand.codes[v], float(instance.demand.parcels[v])
    best: dict[frozenset[str], Decision] = {}
    for other in _insertions(instance, decision, v):
        needs = frozenset(broken(instance, other)) - frozenset(broken(instance, decision))
        best.setdefault(needs, other)
        if not needs:
            break
    for needs in _ALLOWED:
        if needs not in best:
            continue
        other = best[needs]
        facility = facility_name(instance, instance.points.ids[int(instance.pairs.point[other.pair[v]])])
        if not needs:
            extra = decision_cost(instance, other) - decision_cost(instance, decision)
            per_parcel: float | str = round(extra / parcels, 2) if parcels > 0.0 else "–"
            figures: dict[str, float | str] = {
                "facility": facility,
                "cny_per_day": round(extra, 2),
                "cny_per_parcel": per_parcel,
            }
            return Unserved(code, "not_required", figures)
        if needs == {"budget"}:
            short = investment(instance, other) - instance.targets.budget_cny
            return Unserved(code, "budget", {"facility": facility, "short_cny": round(short, 2)})
        short = missing_parcels(instance, other) - missing_parcels(instance, decision)
        return Unserved(code, "capacity", {"facility": facility, "short_parcels_per_day": round(short, 1)})
    return without_link(instance, v)


def without_link(instance: Instance, v: int) -> Unserved:
    """Tell a point no road leads to from one that is too far for every vehicle."""
    first, last = village_pairs(instance, v)
    points = [instance.points.ids[int(p)] for p in instance.pairs.point[first:last]]
    for vehicle in usable_vehicles(instance.problem.county.vehicles, "township_village")["vehicle_type_id"]:
        _, metres = travel_block(instance.problem.travel[str(vehicle)], instance.stations.ids, points)
        if np.isfinite(metres).any():
            return Unserved(instance.demand.codes[v], "no_vehicle", {"facility_id": points[0]})
    return Unserved(instance.demand.codes[v], "off_road", {})


def _insertions(instance: Instance, decision: Decision, v: int) -> Iterator[Decision]:
    """Yield decisions that also serve village `v`, by estimated cost: over an open point, or by opening a closed one.

    All other decisions stay, except that the own village of a point that is opened moves to it.
    """
    first, last = village_pairs(instance, v)
    choices = np.arange(first, last)
    estimate = pair_cost(instance, decision, choices)
    station = np.full(choices.size, -1, dtype=np.intp)
    for k, i in enumerate(choices):
        if not np.isfinite(estimate[k]):
            estimate[k], station[k] = _opening(instance, decision, int(i))
    for k in np.argsort(estimate, kind="stable"):
        if np.isfinite(estimate[k]):
            yield _with_pair(instance, decision, int(choices[k]), int(station[k]))


def _opening(instance: Instance, decision: Decision, i: int) -> tuple[float, int]:
    """Return the cost of opening the pair's point for its village alone, and the station to serve it from."""
    v, p = int(instance.pairs.village[i]), int(instance.pairs.point[i])
    parcels = float(instance.demand.parcels[v])
    links = instance.point_links
    cost = links.fixed[:, p] + carried(links.unit[:, p] + trunk_unit(instance, decision), parcels)
    if not np.isfinite(cost).any():
        return np.inf, -1
    site = float(instance.points.open_cny[p] - instance.points.closed_cny[p])
    borne = float(instance.access_cny[i]) + instance.sorting_cny_per_parcel * parcels
    return float(cost.min()) + site + borne, int(cost.argmin())


def _with_pair(instance: Instance, decision: Decision, i: int, s: int) -> Decision:
    """Return the decision with the pair's village served over it, its point opened at station `s` if it is closed."""
    pair, station = decision.pair.copy(), decision.station.copy()
    p = int(instance.pairs.point[i])
    pair[instance.pairs.village[i]] = i
    if station[p] < 0:
        station[p] = s
        for owner, own in instance.own_pair.items():
            _move_home(instance, own, owner, p, pair)
    return replace(decision, pair=pair, station=station)


def _move_home(instance: Instance, own: tuple[int, ...], owner: int, p: int, pair: Index) -> None:
    """Send a village to its own point `p` unless it already uses one of its own."""
    homes = [j for j in own if int(instance.pairs.point[j]) == p]
    if homes and int(pair[owner]) not in own:
        pair[owner] = homes[0]


def facility_name(instance: Instance, facility_id: str) -> str:
    """Return the facility's name with its id."""
    facilities = instance.problem.county.facilities
    name = str(facilities.loc[facilities["facility_id"] == facility_id, "name"].iloc[0])
    return f"{name} ({facility_id})" if name and name != facility_id else facility_id
