"""Buses and merchandise trucks where the county names none: assumed lines and visits, marked as such, only where asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geodata.county import County
from geodata.frames import canonical_frame, haversine_km, is_placed
from geodata.messages import Message
from planner.cooperation.operators import BUS_PLAYER, SHOP_PLAYER

#: An assumed bus passes a village that lies within this of the straight way from the county seat to the township (km).
CORRIDOR_KM = 1.5
_BUS_KMH = 28.0
_DEPARTURES = {"outbound": ("07:30", "10:00", "14:00"), "inbound": ("09:00", "12:00", "16:00")}


def with_assumed_buses(county: County) -> tuple[County, list[Message]]:
    """Return the county with one bus line to every township seat, stopping at the villages it passes; lines it has are kept alone."""
    if len(county.bus_lines):
        return county, []
    seats = county.townships[is_placed(county.townships)].sort_values("township_code")
    if len(seats) < 2:  # noqa: PLR2004 - a bus needs somewhere to go
        return county, []
    start = seats.sort_values(["population", "township_code"], ascending=[False, True]).iloc[0]
    lines: list[dict[str, object]] = []
    stops: list[dict[str, object]] = []
    departures: list[dict[str, object]] = []
    for _, seat in seats[seats["township_code"] != start["township_code"]].iterrows():
        line = f"A{seat['township_code']}"
        lines.append({"line_id": line, "name": f"{start['name']}—{seat['name']}", "operator_id": BUS_PLAYER})
        stops += _stops(county, line, start, seat)
        departures += [
            {"line_id": line, "direction": direction, "departure_time": time, "days": "1234567"}
            for direction, times in _DEPARTURES.items()
            for time in times
        ]
    changed = county.replace(
        bus_lines=canonical_frame(lines, "bus_lines"),
        bus_stops=canonical_frame(stops, "bus_stops"),
        bus_departures=canonical_frame(departures, "bus_departures"),
    )
    return _with_operator(changed, BUS_PLAYER, "bus"), [Message("cooperation_assumed_buses", {"count": len(lines)})]


def _stops(county: County, line: str, start: pd.Series, seat: pd.Series) -> list[dict[str, object]]:
    """Return the stops: start, villages of the township near the straight way in order, the seat."""
    factor = county.parameters["detour_factor_plains"]
    villages = county.villages[is_placed(county.villages)]
    own = villages[villages["township_code"] == seat["township_code"]]
    shrink = np.cos(np.radians(float(start["lat"])))
    scale = np.array([111.195 * shrink, 111.195])
    at = (own[["lon", "lat"]].to_numpy(dtype=float) - start[["lon", "lat"]].to_numpy(dtype=float)) * scale
    way = (seat[["lon", "lat"]].to_numpy(dtype=float) - start[["lon", "lat"]].to_numpy(dtype=float)) * scale
    length = float(np.hypot(*way))
    along = at @ way / max(length, 1e-9)
    aside = np.abs(at[:, 0] * way[1] - at[:, 1] * way[0]) / max(length, 1e-9)
    near = own.assign(along=along)[(aside <= CORRIDOR_KM) & (along > 0.0) & (along <= length + CORRIDOR_KM)]
    rows: list[dict[str, object]] = [_stop(line, 1, start, 0.0, "")]
    for _, village in near.sort_values(["along", "village_code"], kind="stable").iterrows():
        km = float(haversine_km(float(start["lon"]), float(start["lat"]), float(village["lon"]), float(village["lat"])))
        minutes = max(round(60.0 * factor * km / _BUS_KMH + len(rows)), float(str(rows[-1]["minutes_from_start"])))
        rows.append(_stop(line, len(rows) + 1, village, float(minutes), str(village["village_code"])))
    end = max(60.0 * factor * length / _BUS_KMH + len(rows), float(str(rows[-1]["minutes_from_start"])))
    rows.append(_stop(line, len(rows) + 1, seat, float(round(end)), ""))
    return rows


def _stop(line: str, sequence: int, place: pd.Series, minutes: float, village: str) -> dict[str, object]:
    return {
        "line_id": line,
        "stop_sequence": sequence,
        "name": place["name"],
        "lon": float(place["lon"]),
        "lat": float(place["lat"]),
        "minutes_from_start": minutes,
        "village_code": village,
    }


def with_assumed_shops(county: County) -> tuple[County, list[Message]]:
    """Return the county with a chain whose truck comes to a shop in every village; trucks it has are kept alone."""
    if len(county.shop_trucks):
        return county, []
    codes = sorted(county.villages["village_code"])
    rows = [
        {"operator_id": SHOP_PLAYER, "village_code": code, "departure_time": "08:00", "arrival_time": "10:30"}
        for code in codes
    ]
    changed = county.replace(shop_trucks=canonical_frame(rows, "shop_trucks"))
    return _with_operator(changed, SHOP_PLAYER, "shop"), [Message("cooperation_assumed_shops", {"count": len(rows)})]


def _with_operator(county: County, operator_id: str, kind: str) -> County:
    if operator_id in set(county.operators["operator_id"]):
        return county
    row = canonical_frame(
        [{"operator_id": operator_id, "name": operator_id, "kind": kind, "parcel_share": 0.0}], "operators"
    )
    return county.replace(operators=pd.concat([county.operators, row], ignore_index=True))
