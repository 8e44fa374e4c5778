"""Villagers' ways to any places: over the county's roads where it has them, else straight line × detour factor."""

from __future__ import annotations

import pandas as pd

from geodata.county import County
from networks.build import build_road_network
from networks.matrix import TravelMatrix
from networks.providers import straight_matrix
from networks.road_network import RoadNetwork
from networks.road_travel import road_matrix
from networks.snapping import snap_places
from networks.speeds import ACCESS_PROFILE, access_profile, edge_speeds_kmh


def walking_matrix(
    county: County,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    cutoff_km: float,
    detour_factor: float | None = None,
    roads: RoadNetwork | None = None,
) -> TravelMatrix:
    """Return villagers' minutes and metres between places, as `networks.providers.build_travel` does for the county's own points.

    Parameters
    ----------
    county
        Its `roads` decide the provider.
    origins, destinations
        Frames with ``place_id, lon, lat`` (degrees, no NaN); ids unique each.
    cutoff_km
        Ways longer than this count as unreachable.
    detour_factor
        Road over straight line, for a county without roads; parameter ``detour_factor_plains`` when None.
    roads
        Network to use instead of building one from ``county.roads``.
    """
    profile = access_profile(county.parameters)
    if roads is None and county.roads is not None:
        roads = build_road_network(county.roads)
    if roads is None:
        return straight_matrix(
            origins,
            destinations,
            profile=ACCESS_PROFILE,
            speed_kmh=profile.off_road_kmh,
            detour_factor=county.parameters["detour_factor_plains"] if detour_factor is None else detour_factor,
            cutoff_km=cutoff_km,
        )
    usable = edge_speeds_kmh(roads.edges, profile, county.parameters) > 0
    snaps = [
        snap_places(roads, places, is_usable=usable, ignores_oneway=profile.ignores_oneway)
        for places in (origins, destinations)
    ]
    return road_matrix(roads, snaps[0], snaps[1], profile, parameters=county.parameters, cutoff_km=cutoff_km)
