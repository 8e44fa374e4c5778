"""The rounds of one depot as a part that can be kept: what decides them, and how they are written (see `planner.reuse`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from geodata.messages import Message
from planner.problems.standard import RoutingSettings
from planner.reuse import PartKind, fingerprint
from planner.routing.round_problem import ParcelFigures, RoundProblem, RoundStop
from planner.routing.rounds_solve import ENGINES, DepotOutcome, PlannedTrip


def depot_key(problem: RoundProblem, parcel: ParcelFigures, settings: RoutingSettings, caps: Mapping[str, int]) -> str:
    """Return the fingerprint of everything the rounds of a depot follow from."""
    return fingerprint([engine.name for engine in ENGINES], problem, parcel, settings, dict(caps))


def depot_part(problem: RoundProblem) -> PartKind[DepotOutcome]:
    """Return how the outcome of a depot is written; the depot's own figures are at hand when it is read."""

    def decode(data: Any) -> DepotOutcome:
        trips = tuple(
            PlannedTrip(**{**trip, "stops": tuple(RoundStop(**stop) for stop in trip["stops"])})
            for trip in data["trips"]
        )
        dropped = {facility: Message(**message) for facility, message in data["dropped"].items()}
        return DepotOutcome(problem, trips, dropped, data["bound"], data["engine"])

    return PartKind("depot", _encode, decode)


def _encode(outcome: DepotOutcome) -> Any:
    return {
        "trips": [dataclasses.asdict(trip) for trip in outcome.trips],
        "dropped": {facility: dataclasses.asdict(message) for facility, message in outcome.dropped.items()},
        "bound": outcome.bound,
        "engine": outcome.engine,
    }
