"""Small rich rounds for the tests: places on a line or a random plane, one minute a kilometre."""

from __future__ import annotations

import numpy as np

from planner.problems.routing import RoutingDepot, RoutingProblem, RoutingStop, RoutingVehicle


def stop(name, place, delivery=1.0, pickup=0.0, **more) -> RoutingStop:
    return RoutingStop(name, place, (delivery,), (pickup,), **more)


def van(name="van", capacity=10.0, **more) -> RoutingVehicle:
    return RoutingVehicle(name, (capacity,), **{"cny_per_km": 1.0, "cny_per_h": 60.0, **more})


def line(positions, stops, vehicles=None, depot=None, **more) -> RoutingProblem:
    """Place 0 is the depot at kilometre 0, place i stands at ``positions[i - 1]``; a kilometre takes a minute."""
    at = np.array([0.0, *positions])
    with np.errstate(invalid="ignore"):
        km = np.abs(at[:, None] - at[None, :])
    np.fill_diagonal(km, 0.0)
    return RoutingProblem(
        place_ids=("D", *(f"P{i}" for i in range(1, len(at)))),
        minutes=(km,),
        metres=(km * 1000.0,),
        depots=(depot or RoutingDepot("D", 0),),
        stops=tuple(stops),
        vehicles=tuple(vehicles or [van()]),
        dimensions=("kg",),
        **more,
    )
