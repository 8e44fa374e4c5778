"""The tiny county's places are whole kilometres apart, and its hand calculation agrees with brute force."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from geodata.completion import complete
from geodata.frames import haversine_km
from planner.costs import site_cny_per_day, vehicle_cny_per_h, vehicle_cny_per_km

_SPEC = importlib.util.spec_from_file_location("tiny_county", Path(__file__).with_name("tiny_county.py"))
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)

POINTS = ("P1", "P2", "P3", "P4", "P5")
TOWNSHIP = {"P1": "S1", "P2": "S1", "P3": "S1", "P4": "S2", "P5": "S2"}
PARCELS = dict(zip(POINTS, (25.0, 12.5, 25.0, 25.0, 12.5), strict=True))
PEOPLE = dict(zip(POINTS, (500, 250, 500, 500, 250), strict=True))


def _km(a: str, b: str) -> int:
    return abs(tiny.KM[a] - tiny.KM[b])


def _link(share: float, km_rate: float, h_rate: float, full: float, km: float, parcels: float) -> float:
    drive = 2 * km * km_rate + 2 * km / 40 * h_rate
    return share * drive + 5 / 60 * h_rate + parcels * (4.8 / 3600 * h_rate + drive / full)


def _objective(stations: tuple[str, ...], serving: dict[str, str]) -> float:
    """Cost of open stations and of villages (named by their own point) sent to open points; points to their best station."""
    load = dict.fromkeys(stations, 0.0)
    total = 100.0 + 40.0 * len(stations) + 0.2 * sum(PARCELS[v] for v in serving)
    for point in set(serving.values()):
        parcels = sum(PARCELS[v] for v, p in serving.items() if p == point)
        # Every point tries every open station; the trunk part of a parcel is added below through `load`.
        costs = {s: _link(0.5, 0.5, 30, 250, _km(s, point), parcels) for s in stations}
        trunk = {s: parcels * (0.08 + 5 * _km("C1", s) / 1000) for s in stations}
        best = min(stations, key=lambda s: costs[s] + trunk[s])
        load[best] += parcels
        total += 15.0 + costs[best]
    total += sum(_link(0.7, 1.0, 60, 1000, _km("C1", s), load[s]) for s in stations)
    return total + sum(0.3 * PARCELS[v] * _km(v, p) for v, p in serving.items())


def _best(
    least_stations: int, least_points: int, least_people: int = 1900, least_served: int = 0
) -> tuple[float, tuple[str, ...], dict[str, str]]:
    found = []
    for stations in (("S1",), ("S2",), ("S1", "S2")):
        if len(stations) < least_stations:
            continue
        for targets in product((*POINTS, ""), repeat=5):
            serving = {v: p for v, p in zip(POINTS, targets, strict=True) if p}
            opened = set(serving.values())
            own = all(serving.get(p) == p for p in opened)
            near = all(_km(v, p) <= 8 for v, p in serving.items())
            covered = sum(PEOPLE[v] for v, p in serving.items() if _km(v, p) <= 3)
            counts = covered >= least_people and len(opened) >= least_points and len(serving) >= least_served
            if own and near and counts:
                found.append((_objective(stations, serving), stations, serving))
    return min(found, key=lambda f: f[0])


def test_distances_are_whole_kilometres():
    facilities = tiny.tiny_county().facilities
    km = haversine_km(110.0, facilities["lat"].to_numpy()[:, None], 110.0, facilities["lat"].to_numpy()[None, :])
    wanted = [[_km(a, b) for b in facilities["facility_id"]] for a in facilities["facility_id"]]
    assert np.abs(km - wanted).max() < 1e-6
    assert km[3, 4] < 2.0  # P1–P2: within 2 km also in floating point


def test_rates_are_those_of_the_hand_calculation():
    county = tiny.tiny_county()
    truck, van = county.vehicles.to_dict("records")
    assert vehicle_cny_per_km(truck, county.parameters) == pytest.approx(1.0)
    assert vehicle_cny_per_km(van, county.parameters) == pytest.approx(0.5)
    assert vehicle_cny_per_h(truck, county.parameters) == pytest.approx(60.0)
    assert vehicle_cny_per_h(van, county.parameters) == pytest.approx(30.0)
    days = {r["kind"]: site_cny_per_day(r, county.parameters) for r in county.facilities.to_dict("records")}
    assert days == pytest.approx({"county_centre": 100.0, "township_station": 40.0, "village_point": 15.0})


def test_hand_objective_is_the_brute_force_optimum():
    value, stations, serving = _best(2, 3)
    assert value == pytest.approx(tiny.OBJECTIVE_CNY_PER_DAY)
    assert (*sorted({"C1", *stations, *serving.values()}),) == tiny.OPEN
    assert serving["P2"] == "P1"


def test_variants_are_the_brute_force_optima():
    assert _best(1, 3)[0] == pytest.approx(tiny.ONE_STATION_OBJECTIVE_CNY_PER_DAY)
    assert _best(1, 3)[1] == ("S1",)
    assert _best(2, 5)[0] == pytest.approx(tiny.ALL_POINTS_OBJECTIVE_CNY_PER_DAY)


@pytest.mark.parametrize(("villages", "objective"), tiny.SERVED_OBJECTIVES_CNY_PER_DAY.items())
def test_share_of_villages_served_is_the_brute_force_optimum(villages, objective):
    value, _, serving = _best(2, 2, 1200, villages)
    assert value == pytest.approx(objective)
    if villages == 5:
        assert list(serving.values()) == list(tiny.SERVED_ALLOCATION.values())


def test_completing_the_tiny_county_changes_nothing():
    county = tiny.tiny_county()
    done = complete(county)
    assert done.content_hash() == county.content_hash()
    assert done.assumptions == ()
