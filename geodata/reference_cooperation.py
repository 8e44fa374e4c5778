"""Terms, further stations and merchandise trucks of the invented county: example data for cooperation studies."""

from __future__ import annotations

import pandas as pd

from geodata.frames import canonical_frame

#: Operator → when its trunk truck is at the county centre; the last one is what joint departures wait for.
_ARRIVALS = {
    "zto": "06:00", "yto": "06:20", "yunda": "06:40", "sto": "06:30", "jt": "07:40", "sf": "05:40", "china_post": "07:00",
    "others": "10:30",
}  # fmt: skip
_POST = "china_post"
SHOP_CHAIN = "shop"
#: Every so many villages there is a shop with an information desk, and at another one a stop with a waiting room.
_SHOP_EVERY, _STOP_EVERY = 5, 9


def make_terms(operators: pd.DataFrame) -> pd.DataFrame:
    """Return arrival times of all operators, and the duty of the post; every other figure is left to the parameters."""
    rows = [
        {
            "operator_id": name,
            "arrival_time": _ARRIVALS[name],
            "visits_per_week": 5.0,
            "has_universal_duty": "true" if name == _POST else "",
        }
        for name in operators["operator_id"]
        if name in _ARRIVALS
    ]
    return canonical_frame(rows, "operator_terms")


def make_other_stations(villages: pd.DataFrame) -> pd.DataFrame:
    """Return shops with an information desk, and bus stops with a room, beside what the sites' table lists."""
    rows: list[dict[str, object]] = []
    for number, village in enumerate(villages.to_dict("records")):
        base = {
            "village_code": village["village_code"],
            "township_code": village["township_code"],
            "lon": village["lon"],
            "lat": village["lat"],
        }
        if number % _SHOP_EVERY == 0:
            shop = {
                "station_id": f"Z{number:03d}", "name": f"{village['name']} 便民店 shop", "functions": "shop;info",
                "area_m2": 40.0, "opens_at": "07:30", "closes_at": "19:30", "keeper_cny_per_month": 900.0,
                "rent_cny_per_year": 1200.0,
            }  # fmt: skip
            rows.append({**base, **shop})
        elif number % _STOP_EVERY == 0:
            stop = {
                "station_id": f"Z{number:03d}", "name": f"{village['name']} 候车亭 stop", "functions": "bus_stop",
                "area_m2": 15.0, "opens_at": "06:30", "closes_at": "18:00", "keeper_cny_per_month": 300.0,
                "rent_cny_per_year": 0.0,
            }  # fmt: skip
            rows.append({**base, **stop})
    return canonical_frame(rows, "operator_stations")
