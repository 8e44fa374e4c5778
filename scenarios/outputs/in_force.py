"""Which figures a plan can rest on; the others in the parameter table are reference values it never reads."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

#: Read by the planner, by the travel times, or by the completion of tables the county does not bring.
IN_FORCE = frozenset(
    {
        "access_cny_per_parcel_km",
        "access_speed_kmh",
        "centre_area_m2",
        "centre_upgrade_capex_cny",
        "detour_factor_plains",
        "diesel_cny_per_l",
        "diesel_kg_co2_per_l",
        "discount_rate_share",
        "driver_cny_per_month",
        "driver_hours_per_day",
        "electricity_cny_per_kwh",
        "grid_kg_co2_per_kwh",
        "inbound_parcel_kg",
        "outbound_parcel_kg",
        "parcel_volume_m3",
        "petrol_cny_per_l",
        "petrol_kg_co2_per_l",
        "rent_county_centre_cny_per_m2_month",
        "rent_township_cny_per_m2_month",
        "rent_village_cny_per_m2_month",
        "site_life_years",
        "social_insurance_share",
        "sorting_cny_per_parcel",
        "speed_county_road_kmh",
        "speed_mountain_kmh",
        "speed_trunk_kmh",
        "speed_village_road_kmh",
        "stop_base_min",
        "stop_s_per_parcel",
        "township_station_area_m2",
        "township_station_capex_cny",
        "township_station_staff_count",
        "unlisted_hamlet_residents",
        "unlisted_village_residents",
        "village_inbound_parcels_per_resident_day",
        "village_keeper_cny_per_month",
        "village_outbound_share",
        "village_point_area_m2",
        "village_point_setup_cny",
    }
)


def figures_in_force(parameters: pd.DataFrame, vehicle_type_ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows a plan can rest on: `IN_FORCE`, figures named after a vehicle type, and what the user gave."""
    prefixes = tuple(f"{vehicle_type_id}_" for vehicle_type_id in vehicle_type_ids)
    ids = parameters["parameter_id"]
    is_used = ids.isin(IN_FORCE) | (parameters["tag"] == "U")
    if prefixes:
        is_used |= ids.str.startswith(prefixes)
    return parameters[is_used].reset_index(drop=True)
