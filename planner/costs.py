"""Cost rates: what a site costs a day, what a vehicle costs a kilometre and an hour. All in CNY.

Engines and plan assembly use these; the checker (`planner.verify`) computes the same figures on a path of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from geodata.errors import InputError
from geodata.messages import Message
from geodata.parameters import Parameters

DAYS_PER_YEAR = 365.0
HOURS_PER_MONTH = 174.0  # 21.75 paid days of 8 h, the statutory conversion


def annuity_factor(rate: float, years: float) -> float:
    """Return the yearly instalment of one yuan of capex: ``r / (1 - (1 + r)^-n)``; ``1/n`` at rate 0.

    Parameters
    ----------
    rate
        Discount rate a year (0.05 for 5 %), at least 0.
    years
        Life of the asset, above 0; need not be whole.

    Returns
    -------
    float
        The n instalments, paid at the ends of the years, are worth one yuan today. The denominator is computed as
        ``-expm1(-n ln(1 + r))``, so that very small rates do not cancel to zero.

    Raises
    ------
    InputError
        If the rate is negative, the life not above 0, or either not finite.
    """
    if not (0.0 <= rate < math.inf and 0.0 < years < math.inf):
        raise InputError(Message("annuity_impossible", {"rate": rate, "years": years}))
    return 1.0 / years if rate == 0.0 else rate / -math.expm1(-years * math.log1p(rate))


def site_cny_per_day(facility: Mapping[str, object] | pd.Series, parameters: Parameters) -> float:
    """Return the daily cost of an open site: yearly cost, plus the annuity of capex for a new one.

    ``(annual_cost_cny + [candidate] capex_cny · annuity) / 365``. The capex of an existing site is sunk: it is spent
    whatever the plan decides.
    """
    yearly = float(facility["annual_cost_cny"])  # type: ignore[arg-type]
    if facility["status"] == "candidate":
        yearly += float(facility["capex_cny"]) * annuity_factor(  # type: ignore[arg-type]
            parameters["discount_rate_share"], parameters["site_life_years"]
        )
    return yearly / DAYS_PER_YEAR


def closing_cny_per_day(facility: Mapping[str, object] | pd.Series, parameters: Parameters) -> float:
    """Return the daily instalment of closing an existing site: ``closing_cost_cny · annuity / 365``."""
    return (
        float(facility["closing_cost_cny"])  # type: ignore[arg-type]
        * annuity_factor(parameters["discount_rate_share"], parameters["site_life_years"])
        / DAYS_PER_YEAR
    )


def site_investment_cny(facility: Mapping[str, object] | pd.Series, *, is_open: bool) -> float:
    """Return what the plan spends once: capex if a candidate is opened, closing cost if an existing site closes."""
    if facility["status"] == "candidate":
        return float(facility["capex_cny"]) if is_open else 0.0  # type: ignore[arg-type]
    return 0.0 if is_open else float(facility["closing_cost_cny"])  # type: ignore[arg-type]


def vehicle_cny_per_km(vehicle: Mapping[str, object] | pd.Series, parameters: Parameters) -> float:
    """Return energy plus wear of one kilometre: ``wear_cny_per_km + energy_per_km · price`` (human power is free)."""
    price = {
        "diesel": parameters["diesel_cny_per_l"],
        "petrol": parameters["petrol_cny_per_l"],
        "electric": parameters["electricity_cny_per_kwh"],
        "human": 0.0,
    }[str(vehicle["energy_kind"])]
    return float(vehicle["wear_cny_per_km"]) + float(vehicle["energy_per_km"]) * price  # type: ignore[arg-type]


def driver_cny_per_h(parameters: Parameters) -> float:
    """Return the driver's hour: gross wage with employer's social insurance over the paid hours of a month."""
    return parameters["driver_cny_per_month"] * (1.0 + parameters["social_insurance_share"]) / HOURS_PER_MONTH


def vehicle_cny_per_h(vehicle: Mapping[str, object] | pd.Series, parameters: Parameters) -> float:
    """Return one hour of a trip: the driver plus the vehicle's fixed day spread over its shift.

    ``c_h = driver + fixed_cny_per_day / shift_h``. A vehicle is charged only for the hours its trips take, because
    one vehicle runs several trips, or other work, in a shift.
    """
    shared = float(vehicle["fixed_cny_per_day"]) / float(vehicle["shift_h"])  # type: ignore[arg-type]
    return driver_cny_per_h(parameters) + shared


def trip_cny(vehicle: Mapping[str, object] | pd.Series, parameters: Parameters, *, km: float, minutes: float) -> float:
    """Return the cost of one trip: ``km · c_km + h · c_h``."""
    return km * vehicle_cny_per_km(vehicle, parameters) + minutes / 60.0 * vehicle_cny_per_h(vehicle, parameters)
