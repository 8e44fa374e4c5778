"""What charger siting is given: tours, electric vehicles, sites and the figures of charging."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from geodata.errors import InputError, Problem
from geodata.messages import Message
from geodata.parameters import Parameters
from planner.costs import annuity_factor

#: Figures that can only be in another unit: kWh a km (those of 100 km are meant), km of range (metres), kW of a charger (watts).
_MOST_KWH_PER_KM, _MOST_RANGE_KM, _MOST_KW = 5.0, 3000.0, 1500.0
_HOURS_A_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Tour:
    """A vehicle's day between two nights at its depot.

    Attributes
    ----------
    tour_id
        Name.
    vehicle_type_id
        Type of vehicle.
    places
        (place id, kilometres since leaving), from (depot, 0) to the return to the depot; kilometres never fall. Stops
        at the depot between trips stand in it like any other place.
    spare_min
        Minutes of the day that may be spent charging on the way.
    """

    tour_id: str
    vehicle_type_id: str
    places: tuple[tuple[str, float], ...]
    spare_min: float = 0.0

    @property
    def depot(self) -> str:
        """Return where it stands at night."""
        return self.places[0][0]

    @property
    def km(self) -> float:
        """Return its length."""
        return self.places[-1][1]


@dataclass(frozen=True, slots=True)
class ElectricVehicle:
    """Range and consumption of a vehicle type.

    Attributes
    ----------
    range_km, winter_range_km
        Kilometres with a full battery, and below −4 °C.
    kwh_per_km
        Consumption at `range_km`.
    """

    range_km: float
    winter_range_km: float
    kwh_per_km: float


@dataclass(frozen=True, slots=True)
class ChargeSite:
    """A place where chargers may stand.

    Attributes
    ----------
    place_id
        Place, as in the tours.
    fixed_cny_per_year
        Grid connection (instalment) and rent, whatever the number of plugs.
    is_existing
        It is there already and costs nothing more.
    is_allowed
        False: no charger may stand here.
    """

    place_id: str
    fixed_cny_per_year: float
    is_existing: bool = False
    is_allowed: bool = True


@dataclass(frozen=True, slots=True)
class ChargerRules:
    """Figures of charging.

    Attributes
    ----------
    slow_kw, fast_kw, slow_cny, fast_cny
        Power and price of the two kinds of charger.
    yearly_share
        Instalment and running of one yuan of price.
    night_h
        Hours for charging at night.
    loss_share
        Energy lost between meter and battery.
    reserve_share
        Part of the range never used.
    is_winter
        Plan for the winter range.
    """

    slow_kw: float
    fast_kw: float
    slow_cny: float
    fast_cny: float
    yearly_share: float
    night_h: float
    loss_share: float
    reserve_share: float
    is_winter: bool = True


def charger_rules(parameters: Parameters, *, is_winter: bool = True) -> ChargerRules:
    """Return the rules from the parameters."""
    instalment = annuity_factor(parameters["discount_rate_share"], parameters["charger_life_years"])
    return ChargerRules(
        slow_kw=parameters["charger_slow_kw"],
        fast_kw=parameters["charger_fast_kw"],
        slow_cny=parameters["charger_slow_price_cny"],
        fast_cny=parameters["charger_fast_price_cny"],
        yearly_share=instalment + parameters["charger_opex_share_per_year"],
        night_h=parameters["charge_night_h"],
        loss_share=parameters["charge_loss_share"],
        reserve_share=parameters["range_reserve_share"],
        is_winter=is_winter,
    )


def usable_km(vehicle: ElectricVehicle, rules: ChargerRules) -> float:
    """Return the kilometres a vehicle may drive between two chargers."""
    full = vehicle.winter_range_km if rules.is_winter else vehicle.range_km
    return full * (1.0 - rules.reserve_share)


def kwh_per_km(vehicle: ElectricVehicle, rules: ChargerRules) -> float:
    """Return the consumption; in winter the same battery drives fewer kilometres, so each takes more."""
    factor = vehicle.range_km / vehicle.winter_range_km if rules.is_winter else 1.0
    return vehicle.kwh_per_km * factor


def check_chargers(
    tours: Sequence[Tour], vehicles: Mapping[str, ElectricVehicle], sites: Sequence[ChargeSite], rules: ChargerRules
) -> None:
    """Refuse impossible tours, vehicles, sites and rules; every problem is collected first.

    Raises
    ------
    InputError
        With one problem a bad line.
    """
    problems = [*_rule_problems(rules), *_unit_problems(vehicles)]
    for tour in tours:
        km = [at for _, at in tour.places]
        rises = all(a <= b for a, b in pairwise(km))
        is_fine = (
            len(km) > 1 and km[0] == 0.0 and rises and all(map(math.isfinite, km)) and 0.0 <= tour.spare_min < math.inf
        )
        if not is_fine or tour.places[0][0] != tour.places[-1][0]:
            problems.append(Problem("error", "charger_tour_bad", table="tours", value=tour.tour_id))
        if tour.vehicle_type_id not in vehicles:
            params = {"vehicle": tour.vehicle_type_id}
            problems.append(
                Problem("error", "charger_vehicle_unknown", table="tours", value=tour.tour_id, params=params)
            )
    for name, vehicle in sorted(vehicles.items()):
        figures = (vehicle.range_km, vehicle.winter_range_km, vehicle.kwh_per_km)
        if not all(math.isfinite(v) and v > 0.0 for v in figures) or vehicle.winter_range_km > vehicle.range_km:
            problems.append(Problem("error", "charger_vehicle_bad", table="vehicles", value=name))
    problems += [
        Problem("error", "charger_site_bad", table="charge_sites", value=site.place_id)
        for site in sites
        if not (math.isfinite(site.fixed_cny_per_year) and site.fixed_cny_per_year >= 0.0)
    ]
    names = [site.place_id for site in sites]
    problems += [
        Problem("error", "charger_site_bad", table="charge_sites", value=name)
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if problems:
        raise InputError(Message("charger_input_refused", {"count": len(problems)}), problems)


def _rule_problems(rules: ChargerRules) -> Iterator[Problem]:
    """Yield the figures of charging that cannot be right."""
    ranges = {
        "slow_kw": 0.0 < rules.slow_kw <= _MOST_KW,
        "fast_kw": 0.0 < rules.fast_kw <= _MOST_KW,
        "slow_cny": 0.0 <= rules.slow_cny < math.inf,
        "fast_cny": 0.0 <= rules.fast_cny < math.inf,
        "yearly_share": 0.0 <= rules.yearly_share < math.inf,
        "night_h": 0.0 < rules.night_h <= _HOURS_A_DAY,
        "loss_share": 0.0 <= rules.loss_share < 1.0,
        "reserve_share": 0.0 <= rules.reserve_share < 1.0,
    }
    for name, is_right in ranges.items():
        if not is_right:
            yield Problem("error", "charger_rule_bad", table="settings", column=name, value=f"{getattr(rules, name):g}")


def _unit_problems(vehicles: Mapping[str, ElectricVehicle]) -> Iterator[Problem]:
    """Yield figures of vehicles that can only be in another unit."""
    for name, vehicle in sorted(vehicles.items()):
        for column, value, most in (
            ("kwh_per_km", vehicle.kwh_per_km, _MOST_KWH_PER_KM),
            ("range_km", vehicle.range_km, _MOST_RANGE_KM),
        ):
            if most < value < math.inf:
                params = {"vehicle": name, "most": most}
                yield Problem(
                    "error", "charger_unit", table="vehicles", column=column, value=f"{value:g}", params=params
                )
