"""Carbon dioxide of the rounds: energy used times an emission factor, each factor with its year and source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from geodata.parameters import Parameters
from planner.plan import Plan, PlanProblem
from planner.verification.facts import gather
from planner.verification.measures import Trip, drive

#: Energy kind → parameter that holds its factor. For a province, set the grid figure to the province's own
#: (``grid_sichuan_kg_co2_per_kwh`` and the regional ones stand beside it), or to the ministry's newest.
FACTOR_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {"diesel": "diesel_kg_co2_per_l", "petrol": "petrol_kg_co2_per_l", "electric": "grid_kg_co2_per_kwh"}
)
_UNITS = {"diesel": "l", "petrol": "l", "electric": "kwh"}
_YEARS = {"grid_kg_co2_per_kwh": 2023}


@dataclass(frozen=True, slots=True)
class EmissionFactor:
    """Kilograms of CO₂ for one unit of energy.

    Attributes
    ----------
    energy_kind
        ``diesel``, ``petrol``, ``electric`` or ``human``.
    kg_co2_per_unit
        Factor, per litre or per kWh.
    unit
        ``l`` or ``kwh``; empty for ``human``.
    parameter_id
        Figure it was taken from; empty for ``human``.
    year
        Year the factor speaks of; None where it is not a yearly figure or was given by the user.
    """

    energy_kind: str
    kg_co2_per_unit: float
    unit: str = ""
    parameter_id: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy of one kind used a day (mean over the week), and its CO₂ in kg a day."""

    energy_kind: str
    units_per_day: float
    factor: EmissionFactor

    @property
    def kg_co2_per_day(self) -> float:
        """Energy times factor."""
        return self.units_per_day * self.factor.kg_co2_per_unit


def emission_factor(energy_kind: str, parameters: Parameters) -> EmissionFactor:
    """Return the factor in force for an energy kind; human power counts as zero."""
    if energy_kind not in FACTOR_PARAMETERS:
        return EmissionFactor(energy_kind, 0.0)
    parameter_id = FACTOR_PARAMETERS[energy_kind]
    entry = parameters.entry(parameter_id)
    year = None if entry.tag == "U" else _YEARS.get(parameter_id)
    return EmissionFactor(energy_kind, entry.value, _UNITS[energy_kind], parameter_id, year)


def regional_grid_factors(parameters: Parameters) -> dict[str, float]:
    """Return every grid factor the parameters know (national, regional, provincial), by parameter id.

    Set ``grid_kg_co2_per_kwh`` to the one of the county's province: with the national figure an electric plan in a
    hydropower province looks several times worse than it is.
    """
    ids = [key for key in parameters if key.startswith("grid_") and key.endswith("_kg_co2_per_kwh")]
    return {key: parameters[key] for key in sorted([*ids, FACTOR_PARAMETERS["electric"]])}


def energy_use(problem: PlanProblem, plan: Plan) -> tuple[EnergyUse, ...]:
    """Return the energy the plan's trips use a day, by kind, with its CO₂.

    ``Σ trips · runs a day · km · energy_per_km`` for each kind of energy in the plan, sorted by kind.
    """
    facts = gather(problem)
    return energy_of_trips(drive(problem, facts, plan.routing.routes), facts.parameters)


def energy_of_trips(trips: Sequence[Trip], parameters: Parameters) -> tuple[EnergyUse, ...]:
    """Return the energy of driven trips a day, by kind (see `energy_use`)."""
    units: dict[str, list[float]] = {}
    for trip in trips:
        used = trip.runs_per_day * trip.km * trip.vehicle.energy_per_km
        units.setdefault(trip.vehicle.energy_kind, []).append(used)
    return tuple(EnergyUse(kind, math.fsum(units[kind]), emission_factor(kind, parameters)) for kind in sorted(units))
