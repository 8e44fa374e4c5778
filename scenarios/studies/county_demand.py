"""Demand points of a study: villages or hamlets with their weight; those without a place apart, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geodata.messages import Message
from planner.plan import PlanProblem
from planner.siting.demand import village_demand
from scenarios.studies.options import ACCESS, Options


@dataclass(frozen=True, slots=True)
class Place:
    """A demand point or a site.

    Attributes
    ----------
    place_id, name, lon, lat
        Label, name and coordinates (NaN: no place).
    weight, parcels
        Persons or parcels a day that count, and parcels a day.
    township_code
        Township.
    """

    place_id: str
    name: str
    lon: float
    lat: float
    weight: float
    parcels: float
    township_code: str


@dataclass(frozen=True, slots=True, eq=False)
class CountyDemand:
    """Demand points with a place, their labels in the travel matrix, and those without.

    Attributes
    ----------
    places, labels
        Demand points, and what each is called in the travel matrix.
    missing, reasons
        Demand points that cannot be located, and why.
    """

    places: tuple[Place, ...]
    labels: tuple[str, ...]
    missing: tuple[Place, ...] = ()
    reasons: Mapping[str, Message] = field(default_factory=dict)


def county_demand(problem: PlanProblem, options: Options, profile: str) -> CountyDemand:
    """Return the demand points of a study.

    Hamlets' persons are scaled to their village's population and share its parcels by persons; a village without
    hamlets stands for itself. Vehicles know facilities only: with a vehicle's profile a village stands at its own point
    (the first by id), whether the point exists or could be opened.
    """
    by_parcels = options.text("weight", "population") == "parcels"
    if profile == ACCESS and options.text("demand", "villages") == "hamlets":
        places = _hamlets(problem, by_parcels=by_parcels)
    else:
        places = _villages(problem, by_parcels=by_parcels)
    labels = {place.place_id: place.place_id for place in places} if profile == ACCESS else _own_points(problem)
    known = set(problem.travel[profile].origin_ids if profile == ACCESS else problem.travel[profile].destination_ids)
    is_known = [labels.get(place.place_id, "") in known for place in places]
    found = tuple(place for place, is_there in zip(places, is_known, strict=True) if is_there)
    missing = tuple(place for place, is_there in zip(places, is_known, strict=True) if not is_there)
    return CountyDemand(
        found,
        tuple(labels[place.place_id] for place in found),
        missing,
        {place.place_id: _reason(place) for place in missing},
    )


def _reason(place: Place) -> Message:
    has_place = np.isfinite(place.lon) and np.isfinite(place.lat)
    return Message("study_reason_no_point" if has_place else "study_reason_no_location")


def _villages(problem: PlanProblem, *, by_parcels: bool) -> list[Place]:
    demand = village_demand(problem.county)
    rows = problem.county.villages.sort_values("village_code", kind="stable")
    weight = demand.parcels if by_parcels else demand.population
    return [
        Place(
            code, str(row["name"]), float(row["lon"]), float(row["lat"]), float(w), float(q), str(row["township_code"])
        )
        for code, (_, row), w, q in zip(demand.codes, rows.iterrows(), weight, demand.parcels, strict=True)
    ]


def _hamlets(problem: PlanProblem, *, by_parcels: bool) -> list[Place]:
    """Return hamlets, and villages that have none."""
    hamlets = problem.county.hamlets.sort_values("hamlet_id", kind="stable")
    groups = {str(code): rows for code, rows in hamlets.groupby("village_code")} if len(hamlets) else {}
    places: list[Place] = []
    for village in _villages(problem, by_parcels=by_parcels):
        rows = groups.get(village.place_id)
        persons = 0.0 if rows is None else float(rows["population"].astype(float).sum())
        if rows is None or persons == 0.0:
            places.append(village)
            continue
        places += [_hamlet(row, village, float(row["population"]) / persons) for _, row in rows.iterrows()]
    return places


def _hamlet(row: pd.Series, village: Place, share: float) -> Place:
    return Place(
        str(row["hamlet_id"]),
        str(row["name"]) or village.name,
        float(row["lon"]),
        float(row["lat"]),
        village.weight * share,
        village.parcels * share,
        village.township_code,
    )


def _own_points(problem: PlanProblem) -> dict[str, str]:
    """Return village code → id of its own point, the first by id."""
    facilities = problem.county.facilities
    points = facilities[(facilities["kind"] == "village_point") & (facilities["village_code"].astype(str) != "")]
    points = points.sort_values("facility_id", kind="stable", ascending=False)
    return {str(v): str(f) for v, f in zip(points["village_code"], points["facility_id"], strict=True)}
