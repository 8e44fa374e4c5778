"""Communities, campuses and villages as places for lockers: parcels a day, season, consent and households."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from geodata.parameters import Parameters
from planner.siting.lockers.days import DayVariation, cv_of_peak
from planner.siting.lockers.evaluate import LockerSite
from planner.siting.lockers.problem import LockerPlace, PlaceKind

MONTHS = 12


@dataclass(frozen=True, slots=True)
class PlaceDraft:
    """A place with its parcels a day (mean of the year), ready for `LockerProblem`."""

    place_id: str
    parcels_per_day: float
    place: LockerPlace


def place_of(
    kind: PlaceKind, parameters: Parameters, *, days: DayVariation | None = None, households: float = 0.0
) -> LockerPlace:
    """Return a place of a kind with the figures of the parameters.

    Villages take the village figures of consent, dwell and saving; all others the city figures. Days vary so that the
    peak day is `peak_day_factor` times the mean.
    """
    town = "village" if kind == "village" else "city"
    return LockerPlace(
        kind=kind,
        consent_share=parameters[f"locker_consent_{town}_share"],
        fit_share=parameters["locker_fit_share"],
        dwell_h=parameters[f"locker_dwell_{town}_h"],
        saving_cny_per_parcel=parameters[f"locker_saving_{town}_cny_per_parcel"],
        days=days or DayVariation(cv_of_peak(parameters["peak_day_factor"])),
        households=households,
    )


def community(place_id: str, households: float, parameters: Parameters) -> PlaceDraft:
    """Return a residential community: households × residents × parcels a resident."""
    parcels = households * parameters["household_residents"] * parameters["urban_parcels_per_resident_day"]
    return PlaceDraft(place_id, parcels, place_of("community", parameters, households=households))


def campus(
    place_id: str, students: float, parameters: Parameters, *, vacation_months: Sequence[int] = (1, 2, 7, 8)
) -> PlaceDraft:
    """Return a university campus with term and vacation.

    A term month brings `campus_parcels_per_student_day` for every student, a vacation month
    `campus_vacation_level_share` of it. The mean of the year stands in `parcels_per_day`; the locker is sized by the
    days of term, because the design day is a quantile of all days.

    Parameters
    ----------
    place_id, students, parameters
        Name, students living there, figures.
    vacation_months
        Months of vacation, 1–12.

    Raises
    ------
    ValueError
        If a month is not between 1 and 12.
    """
    away = set(vacation_months)
    if not away <= set(range(1, MONTHS + 1)):
        msg = f"months lie between 1 and 12, not {sorted(away)}"
        raise ValueError(msg)
    level = parameters["campus_vacation_level_share"]
    season = tuple(level if month in away else 1.0 for month in range(1, MONTHS + 1))
    term = students * parameters["campus_parcels_per_student_day"]
    base = place_of("campus", parameters)
    # Term and vacation explain the swing of the year; days within a month vary less than a county's year.
    place = replace(base, days=DayVariation(base.days.cv / 2.0, season))
    return PlaceDraft(place_id, term * sum(season) / MONTHS, place)


def village(place_id: str, parcels_per_day: float, parameters: Parameters) -> PlaceDraft:
    """Return a village with its inbound parcels a day."""
    return PlaceDraft(place_id, parcels_per_day, place_of("village", parameters))


@dataclass(frozen=True, slots=True)
class HouseholdRatio:
    """Compartments against households of the communities.

    Attributes
    ----------
    cells, households
        All compartments; households of all places where they are known.
    cells_per_100_households
        The ratio community planning asks for; None without households.
    """

    cells: int
    households: float
    cells_per_100_households: float | None


def household_ratio(sites: Sequence[LockerSite], places: Sequence[LockerPlace]) -> HouseholdRatio:
    """Return compartments for each 100 households of all communities with known households."""
    cells = sum(sum(site.size.cells) for site in sites)
    households = sum(place.households for place in places)
    return HouseholdRatio(cells, households, 100.0 * cells / households if households > 0.0 else None)
