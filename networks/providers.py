"""All travel times of a county: over its roads, or as straight line × detour factor where it brings none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geodata.changes import Cut
from geodata.county import County
from geodata.errors import Problem
from networks.build import build_road_network
from networks.cuts import straight_metres
from networks.matrix import TravelMatrix
from networks.road_network import RoadNetwork
from networks.road_travel import ROAD_PROVIDER, road_matrix
from networks.snapping import SNAP_COLUMNS, SnapOptions, snap_places
from networks.speeds import ACCESS_PROFILE, SpeedProfile, access_profile, edge_speeds_kmh, vehicle_profile

STRAIGHT_PROVIDER = "straight line"


@dataclass(frozen=True, slots=True, eq=False)
class TravelTimes:
    """All matrices a plan needs.

    Attributes
    ----------
    matrices
        ``access`` (villages and hamlets → village points, at the villagers' speed) and one per vehicle type
        (facilities → facilities). Places without coordinates are not among the labels.
    snaps
        Columns ``profile`` and `networks.snapping.SNAP_COLUMNS`; empty for the straight-line provider.
    provider
        ``road graph`` or ``straight line``; printed on every output.
    detour_factor
        Factor of the straight-line provider, or None.
    warnings
        Places the roads do not reach, assumptions about the road layer.
    """

    matrices: Mapping[str, TravelMatrix]
    snaps: pd.DataFrame
    provider: str
    detour_factor: float | None
    warnings: tuple[Problem, ...]


def build_travel(
    county: County,
    *,
    detour_factor: float | None = None,
    access_cutoff_km: float = 15.0,
    roads: RoadNetwork | None = None,
    cuts: Sequence[Cut] = (),
) -> TravelTimes:
    """Compute all travel times of a county.

    Parameters
    ----------
    county
        The county; its `roads` decide the provider.
    detour_factor
        Road over straight line, for a county without roads; parameter ``detour_factor_plains`` when None.
    access_cutoff_km
        Villages and hamlets farther from a point than this count as not reaching it.
    roads
        Network to use instead of building one from ``county.roads``.
    cuts
        Lines no way may cross, for the straight-line provider (a road layer has them cut out already).

    Returns
    -------
    TravelTimes
        Matrices, snapping report and warnings.

    Raises
    ------
    InputError
        If the road layer cannot be used.

    Notes
    -----
    Straight line: metres = haversine (radius 6,371,008.8 m) × factor; minutes at the smaller of the vehicle's top
    speed and ``speed_county_road_kmh``, villagers at ``access_speed_kmh``. A straight line that crosses a cut goes round the
    nearer of its ends; with several cuts the longest of these ways counts.
    """
    if roads is None and county.roads is not None:
        roads = build_road_network(county.roads)
    if roads is None:
        return _straight_travel(county, detour_factor, access_cutoff_km, cuts)
    return _road_travel(county, roads, access_cutoff_km)


def county_places(county: County) -> pd.DataFrame:
    """Return all places that have coordinates: ``place_id, table, kind, name, lon, lat``, in table order."""
    frames = []
    for table, id_column in (("villages", "village_code"), ("hamlets", "hamlet_id"), ("facilities", "facility_id")):
        source = county.table(table)
        frames.append(
            pd.DataFrame(
                {
                    "place_id": source[id_column].astype(str),
                    "table": table,
                    "kind": source["kind"].astype(str) if "kind" in source.columns else "",
                    "name": source["name"].fillna("").astype(str),
                    "lon": pd.to_numeric(source["lon"], errors="coerce").astype(float),
                    "lat": pd.to_numeric(source["lat"], errors="coerce").astype(float),
                }
            )
        )
    places = pd.concat([frame for frame in frames if not frame.empty] or frames[:1], ignore_index=True)
    return places[places["lon"].notna() & places["lat"].notna()].reset_index(drop=True)


def _road_travel(county: County, network: RoadNetwork, access_cutoff_km: float) -> TravelTimes:
    places = county_places(county)
    is_origin = places["table"].isin(["villages", "hamlets"])
    is_facility = places["table"] == "facilities"
    access = access_profile(county.parameters)
    snaps = {ACCESS_PROFILE: _snap(network, places, access, county)}
    matrices = {
        ACCESS_PROFILE: _with_cutoff(
            road_matrix(
                network,
                snaps[ACCESS_PROFILE][is_origin],
                snaps[ACCESS_PROFILE][places["kind"] == "village_point"],
                access,
                parameters=county.parameters,
                cutoff_km=access_cutoff_km,
            ),
            access_cutoff_km,
            access,
        )
    }
    facilities = places[is_facility]
    done: dict[tuple[bytes, float], str] = {}
    for profile in vehicle_profiles(county):
        key = (edge_speeds_kmh(network.edges, profile, county.parameters).tobytes(), profile.off_road_kmh)
        twin = done.setdefault(key, profile.profile_id)
        if twin != profile.profile_id:
            snaps[profile.profile_id] = snaps[twin]
            matrices[profile.profile_id] = replace(matrices[twin], profile=profile.profile_id)
            continue
        frame = _snap(network, facilities, profile, county)
        snaps[profile.profile_id] = frame
        matrices[profile.profile_id] = road_matrix(network, frame, frame, profile, parameters=county.parameters)
    return TravelTimes(
        matrices=matrices,
        snaps=_all_snaps(snaps),
        provider=ROAD_PROVIDER,
        detour_factor=None,
        warnings=(*network.warnings, *_snap_warnings(places, snaps)),
    )


def vehicle_profiles(county: County) -> Sequence[SpeedProfile]:
    """Return one profile per vehicle type, in table order."""
    top_speed = pd.to_numeric(county.vehicles["max_speed_kmh"], errors="coerce").astype(float)
    return [
        vehicle_profile(str(vehicle), float(speed), county.parameters)
        for vehicle, speed in zip(county.vehicles["vehicle_type_id"], top_speed, strict=True)
    ]


def _snap(network: RoadNetwork, places: pd.DataFrame, profile: SpeedProfile, county: County) -> pd.DataFrame:
    is_usable = edge_speeds_kmh(network.edges, profile, county.parameters) > 0
    frame = snap_places(network, places, is_usable=is_usable, ignores_oneway=profile.ignores_oneway)
    return frame.set_axis(places.index)


def _with_cutoff(matrix: TravelMatrix, cutoff_km: float, profile: SpeedProfile) -> TravelMatrix:
    return replace(matrix, cutoff_min=cutoff_km * 60 / profile.off_road_kmh)


def _all_snaps(snaps: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    columns = ["profile", *SNAP_COLUMNS]
    frames = [frame.assign(profile=profile)[columns] for profile, frame in snaps.items() if not frame.empty]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _snap_warnings(places: pd.DataFrame, snaps: Mapping[str, pd.DataFrame]) -> Sequence[Problem]:
    """One warning a place that the roads do not reach, from the first profile that finds it so."""
    found: dict[int, Problem] = {}
    for frame in snaps.values():
        for row, snap in frame[~frame["is_connected"]].iterrows():
            found.setdefault(int(row), _snap_warning(places.loc[row], snap))
    return [found[row] for row in sorted(found)]


def _snap_warning(place: pd.Series, snap: pd.Series) -> Problem:
    is_off = snap["edge"] < 0
    distance = snap["snap_distance_m"]
    figures: dict[str, object] = {
        "name": place["name"],
        "distance_m": round(distance) if math.isfinite(distance) else distance,
        "limit_m": round(SnapOptions().max_snap_m),
    }
    if not is_off:
        figures["component_km"] = round(float(snap["component_km"]), 1)
    code = "off_road" if is_off else "roads_do_not_reach"
    return Problem("warning", code, table=place["table"], value=place["place_id"], params=figures)


def _straight_travel(
    county: County, detour_factor: float | None, access_cutoff_km: float, cuts: Sequence[Cut]
) -> TravelTimes:
    factor = county.parameters["detour_factor_plains"] if detour_factor is None else detour_factor
    places = county_places(county)
    facilities = places[places["table"] == "facilities"]
    access = access_profile(county.parameters)
    matrices = {
        ACCESS_PROFILE: straight_matrix(
            places[places["table"].isin(["villages", "hamlets"])],
            facilities[facilities["kind"] == "village_point"],
            profile=ACCESS_PROFILE,
            speed_kmh=access.off_road_kmh,
            detour_factor=factor,
            cutoff_km=access_cutoff_km,
            cuts=cuts,
        )
    }
    for profile in vehicle_profiles(county):
        speed = min(profile.max_speed_kmh, county.parameters["speed_county_road_kmh"])
        matrices[profile.profile_id] = straight_matrix(
            facilities, facilities, profile=profile.profile_id, speed_kmh=speed, detour_factor=factor, cuts=cuts
        )
    return TravelTimes(matrices, pd.DataFrame(columns=["profile", *SNAP_COLUMNS]), STRAIGHT_PROVIDER, factor, ())


def straight_matrix(
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    profile: str,
    speed_kmh: float,
    detour_factor: float,
    cutoff_km: float | None = None,
    cuts: Sequence[Cut] = (),
) -> TravelMatrix:
    """Return the matrix straight line × detour factor at one speed.

    Parameters
    ----------
    origins, destinations
        Frames with ``place_id, lon, lat``.
    profile
        Name of the profile.
    speed_kmh
        Speed on the whole way.
    detour_factor
        Road over straight line.
    cutoff_km
        Ways longer than this count as unreachable; None for no limit.
    cuts
        Lines the ways go round.

    Returns
    -------
    TravelMatrix
        Labelled by ``place_id``; provider ``straight line``.
    """
    ends = [frame[["lon", "lat"]].to_numpy(dtype=float) for frame in (origins, destinations)]
    metres = detour_factor * straight_metres(ends[0], ends[1], cuts)
    if cutoff_km is not None:
        metres = np.where(metres > cutoff_km * 1000, np.inf, metres)
    return TravelMatrix(
        origin_ids=tuple(origins["place_id"]),
        destination_ids=tuple(destinations["place_id"]),
        minutes=metres * 0.06 / speed_kmh,
        metres=metres,
        profile=profile,
        provider=STRAIGHT_PROVIDER,
        detour_factor=detour_factor,
        cutoff_min=None if cutoff_km is None else cutoff_km * 60 / speed_kmh,
    )
