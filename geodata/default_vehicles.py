"""The default fleet: box truck to the townships, electric minivan and tricycle to the villages."""

from __future__ import annotations

import math

import pandas as pd

from geodata.county import TABLE_COLUMNS
from geodata.parameters import Parameters

_DAYS_PER_YEAR = 365.0
#: Name, tier, energy kind and energy figure of each type; further figures are parameters named after the type.
_TYPES = (
    ("box_truck", "4.2米厢货 box truck 4.2 m", "county_township", "diesel", "box_truck_diesel_l_per_km"),
    ("minivan", "电动微面 electric minivan", "township_village", "electric", "minivan_kwh_per_km"),
    ("tricycle", "电动三轮车 electric tricycle", "township_village", "electric", "tricycle_kwh_per_km"),
)


def ownership_cny_per_day(price_cny: float, life_years: float, parameters: Parameters) -> float:
    """Return a vehicle's fixed day: the yearly instalment of its price over its life, by 365 days."""
    rate = parameters["discount_rate_share"]
    factor = 1.0 / life_years if rate == 0.0 else rate / (1.0 - (1.0 + rate) ** -life_years)
    return price_cny * factor / _DAYS_PER_YEAR


def default_vehicles(parameters: Parameters) -> pd.DataFrame:
    """Return the default vehicle types; the number of vehicles is not limited (NaN)."""
    rows = [_row(facts, parameters) for facts in _TYPES]
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS["vehicles"]))


def _row(facts: tuple[str, str, str, str, str], parameters: Parameters) -> dict[str, object]:
    type_id, name, tier, energy_kind, energy_id = facts
    return {
        "vehicle_type_id": type_id,
        "name": name,
        "tier": tier,
        "vehicle_count": math.nan,
        "payload_kg": parameters[f"{type_id}_payload_kg"],
        "volume_m3": parameters[f"{type_id}_volume_m3"],
        "fixed_cny_per_day": ownership_cny_per_day(
            parameters[f"{type_id}_price_cny"], parameters[f"{type_id}_life_years"], parameters
        ),
        "wear_cny_per_km": parameters[f"{type_id}_wear_cny_per_km"],
        "energy_kind": energy_kind,
        "energy_per_km": parameters[energy_id],
        "range_km": parameters.get(f"{type_id}_range_km", math.nan),
        "max_speed_kmh": parameters.get(f"{type_id}_speed_kmh", math.nan),
        "shift_h": parameters["driver_hours_per_day"],
    }
