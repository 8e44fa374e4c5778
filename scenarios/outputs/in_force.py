"""Which figures a plan can rest on; the others in the parameter table are reference values it never reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from planner.cooperation.merge_functions import FUNCTIONS, NEEDS

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
_LAND = frozenset(
    {
        "centre_capex_cny_per_annual_parcel",
        "centre_new_capex_cny",
        "centre_peak_hour_share",
        "counter_m2",
        "point_hold_days",
        "shelf_m3_per_m2",
        "station_m2_per_parcel_h",
        "station_peak_hour_share",
    }
)
_COOPERATION = frozenset(
    {
        "brand_share_china_post",
        "brand_share_jt",
        "brand_share_others",
        "brand_share_sf",
        "brand_share_sto",
        "brand_share_yto",
        "brand_share_yunda",
        "brand_share_zto",
        "bus_bag_min",
        "bus_cny_per_h",
        "bus_dwell_min",
        "bus_passengers_per_trip",
        "bus_spare_parcels_per_departure",
        "day_end_min",
        "handover_cny_per_parcel",
        "joint_sort_parcels_per_h",
        "lines_per_village_today",
        "outlet_area_m2",
        "outlet_staff_share",
        "own_handling_cny_per_parcel",
        "own_sort_parcels_per_h",
        "post_mail_share",
        "post_visits_per_week",
        "promise_h",
        "shop_truck_parcels_per_visit",
        "shop_truck_visits_per_week",
        "transfer_min",
        "trunk_arrival_min",
    }
)
_FEES = frozenset(
    {
        "post_handover_fee_cny_per_parcel",
        "station_commission_cny_per_parcel",
        "subsidy_paid_share",
        "village_leg_fee_cny_per_parcel",
    }
)
#: Read only by studies whose kind has the word in its name.
IN_FORCE_OF_STUDIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "locker": frozenset(
            {
                "campus_parcels_per_student_day",
                "campus_vacation_level_share",
                "household_residents",
                "locker_choice_decay_per_km",
                "locker_choice_outside",
                "locker_choice_threshold",
                "locker_compartments_count",
                "locker_control_share",
                "locker_fit_share",
                "locker_large_price_ratio",
                "locker_medium_price_ratio",
                "locker_medium_share",
                "locker_opex_cny_per_year",
                "locker_overflow_target_share",
                "locker_price_cny",
                "locker_reach_m",
                "locker_saving_city_cny_per_parcel",
                "locker_saving_village_cny_per_parcel",
                "locker_small_share",
                "peak_day_factor",
                "urban_parcels_per_resident_day",
            }
        ),
        "charg": frozenset(
            {
                "charge_loss_share",
                "charge_night_h",
                "charger_fast_kw",
                "charger_fast_price_cny",
                "charger_life_years",
                "charger_opex_share_per_year",
                "charger_slow_kw",
                "charger_slow_price_cny",
                "range_reserve_share",
            }
        ),
        "buses": frozenset({"bus_fee_cny_per_route_day", "bus_spare_parcels_per_departure"}),
        "cooperation": _COOPERATION,
        "settlement": _COOPERATION | _FEES,
        "post_offer": _COOPERATION | _FEES,
        "merge": frozenset(
            {
                "merge_keeper_cny_per_h",
                "merge_keeper_h_per_day",
                "merge_keeper_min_per_parcel",
                "parcel_volume_m3",
                "point_hold_days",
                "rent_village_cny_per_m2_month",
                "shelf_m3_per_m2",
                "station_commission_cny_per_parcel",
                "village_keeper_cny_per_month",
                *(f"merge_{word}_{need}" for word in FUNCTIONS for need in NEEDS),
            }
        ),
        "land": _LAND,
        "hub": _LAND,
    }
)


def figures_in_force(
    parameters: pd.DataFrame, vehicle_type_ids: Sequence[str], study_kinds: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows a run can rest on.

    These are `IN_FORCE`, figures named after a vehicle type, what the studies of the run read, and what the user gave.
    """
    prefixes = tuple(f"{vehicle_type_id}_" for vehicle_type_id in vehicle_type_ids)
    ids = parameters["parameter_id"]
    of_studies = {
        parameter_id
        for word, found in IN_FORCE_OF_STUDIES.items()
        if any(word in kind for kind in study_kinds)
        for parameter_id in found
    }
    is_used = ids.isin(IN_FORCE | of_studies) | (parameters["tag"] == "U")
    if prefixes:
        is_used |= ids.str.startswith(prefixes)
    return parameters[is_used].reset_index(drop=True)
