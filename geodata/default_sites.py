"""Candidate centres, stations and points where the data lists none, and the cost figures sites lack."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from geodata.county import County
from geodata.frames import canonical_frame, haversine_km, is_placed
from geodata.messages import Message
from geodata.parameters import Parameters

CENTRE_CANDIDATES = 3
_MONTHS = 12.0
_AREA = {
    "county_centre": "centre_area_m2",
    "township_station": "township_station_area_m2",
    "village_point": "village_point_area_m2",
}
_RENT = {
    "county_centre": "rent_county_centre_cny_per_m2_month",
    "township_station": "rent_township_cny_per_m2_month",
    "village_point": "rent_village_cny_per_m2_month",
}
_CAPEX = {
    "county_centre": "centre_upgrade_capex_cny",
    "township_station": "township_station_capex_cny",
    "village_point": "village_point_setup_cny",
}

Filled = tuple[County, list[Message]]


def staff_cny_per_year(kind: str, parameters: Parameters) -> float:
    """Return the yearly staff of a site: a part-time keeper at a point, full-time staff at a station, none at a centre.

    People at a centre are paid through ``sorting_cny_per_parcel``.
    """
    if kind == "village_point":
        return parameters["village_keeper_cny_per_month"] * _MONTHS
    if kind == "township_station":
        wage = parameters["driver_cny_per_month"] * (1.0 + parameters["social_insurance_share"])
        return parameters["township_station_staff_count"] * wage * _MONTHS
    return 0.0


def annual_cost_cny(kind: str, area_m2: float, parameters: Parameters) -> float:
    """Return the yearly cost of a site: ``12 × rent × area + staff``."""
    return _MONTHS * parameters[_RENT[kind]] * area_m2 + staff_cny_per_year(kind, parameters)


def default_area_m2(kind: str, parameters: Parameters) -> float:
    """Return the usual area of a site of this kind."""
    return parameters[_AREA[kind]]


def default_capex_cny(kind: str, parameters: Parameters) -> float:
    """Return the usual investment in a new site of this kind; a centre is taken to be fitted into rented premises."""
    return parameters[_CAPEX[kind]]


def fill_facilities(county: County, *, towns_are_real: bool) -> Filled:
    """Add the candidates that are not listed, and give every site its cost figures.

    A kind of which the data lists candidates is taken as the user's full list. Otherwise candidates are added: the
    three most populous places as centres, every township seat as a station, every placed village without a point as a
    point.
    Townships without any station get a candidate in any case.
    """
    notes: list[Message] = []
    for step in (lambda c: _centres(c, towns_are_real=towns_are_real), _stations, _points, _links, _places, _figures):
        county, more = step(county)
        notes.extend(more)
    return county, notes


def _listed(county: County, kind: str) -> pd.DataFrame:
    return county.facilities[county.facilities["kind"] == kind]


def _with(county: County, rows: list[dict[str, object]]) -> County:
    added = canonical_frame(rows, "facilities")
    frames = [frame for frame in (county.facilities, added) if len(frame)]
    facilities = pd.concat(frames, ignore_index=True) if frames else added
    return county.replace(facilities=facilities)


def _candidate(county: County, wanted_id: str, kind: str, place: Mapping[str, object]) -> dict[str, object]:
    taken = set(county.facilities["facility_id"])
    facility_id, number = wanted_id, 2
    while facility_id in taken:
        facility_id, number = f"{wanted_id}-{number}", number + 1
    return {"facility_id": facility_id, "kind": kind, "status": "candidate", "lock": "free", **place}


def _centres(county: County, *, towns_are_real: bool) -> Filled:
    if len(_listed(county, "county_centre")):
        return county, []
    towns = county.townships[is_placed(county.townships)]
    use_towns = towns_are_real and len(towns) > 0
    code = "township_code" if use_towns else "village_code"
    places = towns if use_towns else county.villages[is_placed(county.villages)]
    largest = places.sort_values(["population", code], ascending=[False, True]).head(CENTRE_CANDIDATES)
    rows = [
        _candidate(
            county,
            f"C{row[code]}",
            "county_centre",
            {"name": row["name"], "township_code": row["township_code"], "lon": row["lon"], "lat": row["lat"]},
        )
        for row in largest.to_dict("records")
    ]
    if not rows:
        return county, []
    names = "、".join(str(name) for name in largest["name"])
    return _with(county, rows), [Message("assumed_centres", {"count": len(rows), "names": names})]


def _stations(county: County) -> Filled:
    listed = _listed(county, "township_station")
    has_list = bool((listed["status"] == "candidate").any())
    towns = county.townships[is_placed(county.townships)]
    if has_list:
        towns = towns[~towns["township_code"].isin(listed["township_code"])]
    rows = [
        _candidate(county, f"S{town['township_code']}", "township_station", town)
        for town in towns[["name", "township_code", "lon", "lat"]].to_dict("records")
    ]
    return (_with(county, rows), [Message("assumed_stations", {"count": len(rows)})]) if rows else (county, [])


def _points(county: County) -> Filled:
    listed = _listed(county, "village_point")
    if (listed["status"] == "candidate").any():
        return county, []
    villages = county.villages
    free = villages[is_placed(villages) & ~villages["village_code"].isin(listed["village_code"])]
    rows = [
        _candidate(county, f"P{village['village_code']}", "village_point", village)
        for village in free[["name", "township_code", "village_code", "lon", "lat"]].to_dict("records")
    ]
    return (_with(county, rows), [Message("assumed_points", {"count": len(rows)})]) if rows else (county, [])


def _links(county: County) -> Filled:
    """Name the township of sites that do not say it: their village's, else that of the nearest seat."""
    facilities = county.facilities.copy()
    township_of = county.villages.set_index("village_code")["township_code"]
    own = facilities["village_code"].map(township_of).fillna("")
    facilities["township_code"] = facilities["township_code"].where(facilities["township_code"] != "", own)
    seats = county.townships[is_placed(county.townships)]
    rows = facilities.index[(facilities["township_code"] == "") & is_placed(facilities)]
    if len(rows) and len(seats):
        lon, lat = (facilities.loc[rows, column].to_numpy()[:, None] for column in ("lon", "lat"))
        distance = haversine_km(lon, lat, seats["lon"].to_numpy()[None, :], seats["lat"].to_numpy()[None, :])
        facilities.loc[rows, "township_code"] = seats["township_code"].to_numpy()[distance.argmin(axis=1)]
    return county.replace(facilities=facilities), []


def _places(county: County) -> Filled:
    """Put sites without a place at their village, else at their township's seat."""
    facilities = county.facilities.copy()
    moved = 0
    for code, frame in (("village_code", county.villages), ("township_code", county.townships)):
        places = frame[is_placed(frame)].set_index(code)[["lon", "lat"]]
        rows = facilities.index[~is_placed(facilities) & facilities[code].isin(places.index)]
        if len(rows):
            facilities.loc[rows, ["lon", "lat"]] = places.loc[facilities.loc[rows, code]].to_numpy()
            moved += len(rows)
    notes = [Message("assumed_site_places", {"count": moved})] if moved else []
    return county.replace(facilities=facilities), notes


def _figures(county: County) -> Filled:
    """Fill area, capex, yearly and closing cost; leave capacity open (no limit) where it is not given."""
    facilities, parameters = county.facilities.copy(), county.parameters
    kinds = facilities["kind"]
    existing = facilities["status"] == "existing"
    missing = {c: int(facilities[c].isna().sum()) for c in ("capex_cny", "annual_cost_cny", "closing_cost_cny")}
    area = facilities["area_m2"].fillna(kinds.map(lambda kind: default_area_m2(kind, parameters)))
    yearly = [annual_cost_cny(kind, size, parameters) for kind, size in zip(kinds, area, strict=True)]
    capex = kinds.map(lambda kind: default_capex_cny(kind, parameters)).astype(float).mask(existing, 0.0)
    facilities["lock"] = facilities["lock"].replace("", "free")
    facilities["annual_cost_cny"] = facilities["annual_cost_cny"].fillna(
        pd.Series(yearly, index=area.index, dtype=float)
    )
    facilities["capex_cny"] = facilities["capex_cny"].fillna(capex)
    facilities["closing_cost_cny"] = facilities["closing_cost_cny"].fillna(0.0)
    facilities["area_m2"] = area.astype(float)
    changed = county.replace(facilities=facilities)
    if not any(missing.values()):
        return changed, []
    return changed, [Message("assumed_site_costs", {"count": max(missing.values()), **missing})]
