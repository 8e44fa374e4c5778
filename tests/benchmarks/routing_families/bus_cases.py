"""A rural GTFS feed as a bus question by rule: the centre is the place whose buses reach most others and come back from them.

The villages are the places it is connected with, those with most calls first, beyond a few kilometres; a van drives else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geodata.frames import haversine_km
from geodata.gtfs import read_gtfs
from networks.timetable import Timetable, feed_timetable
from planner.problems.buses import BusOrigin, BusPoint, BusRules, BusSide
from planner.problems.standard import RoutingSettings
from planner.routing.buses.trucks import TruckDepot
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundVehicle

#: Stops within this distance are one place; places nearer than `NEAR_KM` to the centre are no villages.
PLACE_KM, NEAR_KM = 2.0, 5.0
DETOUR, KMH = 1.3, 40.0
PARCELS, PICKUPS = 24.0, 4.0
PASSENGERS = 12.0
CENTRE = "centre"
WEEKDAYS = frozenset({1, 2, 3, 4, 5})


@dataclass(frozen=True)
class Place:
    """Stops close to each other."""

    name: str
    lon: float
    lat: float
    stop_ids: frozenset[str]


def places_of(timetable: Timetable) -> list[Place]:
    """Group stops greedily, those with most calls first."""
    calls: dict[str, int] = {}
    for run in timetable.runs:
        for call in run.calls:
            calls[call.stop_id] = calls.get(call.stop_id, 0) + 1
    left = sorted(calls, key=lambda s: (-calls[s], s))
    made = []
    while left:
        first = timetable.stops[left[0]]
        lon, lat = (np.array([getattr(timetable.stops[s], key) for s in left]) for key in ("lon", "lat"))
        near = haversine_km(first.lon, first.lat, lon, lat) <= PLACE_KM
        own = frozenset(s for s, is_near in zip(left, near, strict=True) if is_near)
        made.append(Place(first.name or first.stop_id, first.lon, first.lat, own))
        left = [s for s in left if s not in own]
    return made


def bus_question(path: Path, *, room: float, villages: int = 12) -> tuple[BusSide, TruckDepot]:
    """Return buses and one truck depot: the `villages` places with most calls beyond `NEAR_KM`."""
    timetable = feed_timetable(read_gtfs(path), spare_parcels=room, passengers=PASSENGERS)
    places = places_of(timetable)
    linked = {p.name: _linked(timetable, p, places) for p in places}
    centre = max(places, key=lambda p: len(linked[p.name]))
    far = linked[centre.name][:villages]
    names = [f"V{i:02d}" for i in range(len(far))]
    points = tuple(BusPoint(n, PARCELS, PICKUPS, p.stop_ids) for n, p in zip(names, far, strict=True))
    origin = BusOrigin(CENTRE, centre.stop_ids, 480.0, frozenset(names))
    rules = BusRules(weekdays=WEEKDAYS, open_min=300.0, close_min=1260.0)
    side = BusSide(timetable.runs, points, (origin,), rules)
    return side, _depot([centre, *far], names)


def _linked(timetable: Timetable, centre: Place, places: list[Place]) -> list[Place]:
    """Return the places beyond `NEAR_KM` that a weekday bus leads to and a weekday bus comes back from."""
    to: set[str] = set()
    back: set[str] = set()
    for run in timetable.runs:
        ids = [call.stop_id for call in run.calls]
        at = [i for i, s in enumerate(ids) if s in centre.stop_ids]
        if at and run.runs_on(WEEKDAYS):
            to |= set(ids[at[0] + 1 :])
            back |= set(ids[: at[-1]])
    far = [p for p in places if haversine_km(centre.lon, centre.lat, p.lon, p.lat) > NEAR_KM]
    return [p for p in far if p.stop_ids & to and p.stop_ids & back]


def _depot(places: list[Place], names: list[str]) -> TruckDepot:
    lon, lat = np.array([p.lon for p in places]), np.array([p.lat for p in places])
    km = DETOUR * haversine_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    van = RoundVehicle("minivan", 0.45, 32.0, 800.0, 4.5, 480.0, 1e6)
    parcel = ParcelFigures(1.5, 3.5, 1 / 120, 4.0, 2.0)
    stops = tuple(parcel.stop(n, PARCELS, PICKUPS) for n in names)
    round_ = RoundProblem("township_village", CENTRE, stops, (van,), (km / KMH * 60.0,), (km * 1000.0,), 15.0, 5)
    return TruckDepot(round_, parcel, RoutingSettings(), {n: frozenset({CENTRE}) for n in names})
