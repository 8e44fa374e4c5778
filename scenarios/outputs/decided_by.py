"""Which default figures the county's own tables take the place of: the value in force then stands in the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from geodata.county import County
from geodata.default_sites import annual_cost_cny, default_area_m2, default_capex_cny
from geodata.default_vehicles import default_vehicles

#: Ends of the figures named after a vehicle type → column of the vehicle table they fill.
_VEHICLE_COLUMNS = {
    "payload_kg": "payload_kg",
    "volume_m3": "volume_m3",
    "price_cny": "fixed_cny_per_day",
    "life_years": "fixed_cny_per_day",
    "wear_cny_per_km": "wear_cny_per_km",
    "diesel_l_per_km": "energy_per_km",
    "kwh_per_km": "energy_per_km",
    "range_km": "range_km",
    "speed_kmh": "max_speed_kmh",
}
#: Kind of site → figures of its area, of its investment, of its yearly cost.
_SITE_FIGURES = {
    "county_centre": ("centre_area_m2", "centre_upgrade_capex_cny", ("rent_county_centre_cny_per_m2_month",)),
    "township_station": (
        "township_station_area_m2",
        "township_station_capex_cny",
        ("rent_township_cny_per_m2_month", "township_station_staff_count"),
    ),
    "village_point": (
        "village_point_area_m2",
        "village_point_setup_cny",
        ("rent_village_cny_per_m2_month", "village_keeper_cny_per_month"),
    ),
}
_DEMAND_FIGURES = ("village_inbound_parcels_per_resident_day", "village_outbound_share")


def decided_by_tables(county: County) -> Mapping[str, str]:
    """Return the figures no row of the table they would fill has: parameter id → that table.

    A figure one row or more still takes from the defaults stays in force and is not named.
    """
    return dict([*_vehicles(county), *_sites(county), *_demand(county)])


def _vehicles(county: County) -> Iterator[tuple[str, str]]:
    own = county.vehicles.set_index("vehicle_type_id")
    usual = default_vehicles(county.parameters).set_index("vehicle_type_id")
    for type_id in own.index:
        for ending, column in _VEHICLE_COLUMNS.items():
            figure = f"{type_id}_{ending}"
            if figure not in county.parameters:
                continue
            if type_id not in usual.index or not _is_any(own.loc[[type_id], column], usual.loc[type_id, column]):
                yield figure, "vehicles"


def _sites(county: County) -> Iterator[tuple[str, str]]:
    parameters, facilities = county.parameters, county.facilities
    for kind, (area, capex, yearly) in _SITE_FIGURES.items():
        rows = facilities[facilities["kind"] == kind]
        if rows.empty:
            continue
        areas = rows["area_m2"].astype(float)
        if not _is_any(areas, default_area_m2(kind, parameters)):
            yield area, "facilities"
        new = rows.loc[rows["status"] == "candidate", "capex_cny"]
        if not _is_any(new, default_capex_cny(kind, parameters)):
            yield capex, "facilities"
        usual = areas.map(lambda m2, kind=kind: annual_cost_cny(kind, m2, parameters))
        if not np.isclose(rows["annual_cost_cny"].astype(float), usual).any():
            yield from ((figure, "facilities") for figure in yearly)


def _demand(county: County) -> Iterator[tuple[str, str]]:
    sums = county.demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    people = county.villages.set_index("village_code")["population"].astype(float).reindex(sums.index)
    inbound, outbound = (sums[column].astype(float) for column in sums)
    rate, share = (county.parameters[figure] for figure in _DEMAND_FIGURES)
    if not np.isclose(inbound, rate * people).any():
        yield _DEMAND_FIGURES[0], "demand"
    if not np.isclose(outbound, inbound * share / (1.0 - share) if share < 1.0 else np.inf).any():
        yield _DEMAND_FIGURES[1], "demand"


def _is_any(column: pd.Series, value: object) -> bool:
    """Tell whether any row has the value; two missing figures are alike."""
    return bool(np.isclose(column.astype(float), float(value), equal_nan=True).any())  # type: ignore[arg-type]
