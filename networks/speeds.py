"""How fast a vehicle drives on a road: default speeds by class, surface and vehicle (``networks/data/speeds.csv``)."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.parameters import Parameters, default_parameters

#: Class of a road that states none, or one that is not known.
DEFAULT_ROAD_CLASS = "unclassified"
#: Slower vehicles (tricycles, mopeds, carts) may not use motorways.
MOTORWAY_MIN_SPEED_KMH = 40.0
#: Profile of the villagers' way to a point.
ACCESS_PROFILE = "access"

_SEPARATORS = re.compile(r"[;,|/ -]")


@dataclass(frozen=True, slots=True)
class SpeedRule:
    """One line of the speed table: a parameter times a factor."""

    parameter_id: str
    factor: float


@dataclass(frozen=True, slots=True)
class SpeedTable:
    """The speed table that comes with the package.

    Attributes
    ----------
    classes
        Road class → rule for its speed.
    surfaces
        Surface group → factor on the speed.
    class_names, surface_names
        Every accepted name (lower case) → class or surface group.
    """

    classes: Mapping[str, SpeedRule]
    surfaces: Mapping[str, float]
    class_names: Mapping[str, str]
    surface_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SpeedProfile:
    """Who drives.

    Attributes
    ----------
    profile_id
        Name, usually a vehicle type.
    max_speed_kmh
        Speed the vehicle never exceeds; ``inf`` for no cap.
    off_road_kmh
        Speed on the straight leg between a place and the road.
    flat_speed_kmh
        Speed on every road regardless of class and limit; None for the speed table.
    ignores_oneway
        True for people on foot or pushing a motorcycle.
    """

    profile_id: str
    max_speed_kmh: float
    off_road_kmh: float
    flat_speed_kmh: float | None = None
    ignores_oneway: bool = False


@cache
def speed_table() -> SpeedTable:
    """Read the speed table that comes with the package."""
    classes: dict[str, SpeedRule] = {}
    surfaces: dict[str, float] = {}
    names: dict[str, dict[str, str]] = {"road_class": {}, "surface": {}}
    source = (files("networks") / "data" / "speeds.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(StringIO(source)):
        for name in (row["name"], *filter(None, row["aliases"].split("|"))):
            names[row["kind"]][name] = row["name"]
        if row["kind"] == "road_class":
            classes[row["name"]] = SpeedRule(row["parameter_id"], float(row["factor"]))
        else:
            surfaces[row["name"]] = float(row["factor"])
    return SpeedTable(
        MappingProxyType(classes),
        MappingProxyType(surfaces),
        MappingProxyType(names["road_class"]),
        MappingProxyType(names["surface"]),
    )


def known_class(value: str) -> str | None:
    """Return the road class a name stands for (``trunk_link``, ``国道`` → ``trunk``); None if it is not known."""
    name = value.strip().lower()
    if not name:
        return DEFAULT_ROAD_CLASS
    return speed_table().class_names.get(name.removesuffix("_link"))


def known_surface(value: str) -> str | None:
    """Return the surface group a name stands for (``asphalt`` → ``paved``), ``""`` for none; None if not known.

    Of several surfaces (``concrete; gravel``) the first counts.
    """
    name = value.strip().lower()
    if not name:
        return ""
    table = speed_table().surface_names
    return table.get(name, table.get(_SEPARATORS.split(name)[0]))


def class_speed_kmh(road_class: str, parameters: Parameters) -> float:
    """Return the speed of a road class under the given figures, before surface, limit and vehicle."""
    rule = speed_table().classes[road_class]
    return parameters[rule.parameter_id] * rule.factor


def access_profile(parameters: Parameters | None = None) -> SpeedProfile:
    """Return the profile of a villager's way to a point: one speed on all roads, both ways."""
    speed = (parameters or default_parameters())["access_speed_kmh"]
    return SpeedProfile(ACCESS_PROFILE, speed, speed, flat_speed_kmh=speed, ignores_oneway=True)


def vehicle_profile(vehicle_type_id: str, max_speed_kmh: float, parameters: Parameters | None = None) -> SpeedProfile:
    """Return the profile of a vehicle type; NaN `max_speed_kmh` means no cap.

    The leg between a place and the road is driven like a mountain road.
    """
    cap = math.inf if math.isnan(max_speed_kmh) else float(max_speed_kmh)
    return SpeedProfile(vehicle_type_id, cap, min(cap, (parameters or default_parameters())["speed_mountain_kmh"]))


def edge_speeds_kmh(
    edges: pd.DataFrame, profile: SpeedProfile, parameters: Parameters | None = None
) -> npt.NDArray[np.float64]:
    """Return the speed of a profile on every road piece.

    Speed = min(class speed × surface factor, posted limit, vehicle's cap): a posted limit only ever lowers it. On
    tracks the surface is not counted again.

    Parameters
    ----------
    edges
        Edges of a `RoadNetwork`.
    profile
        Who drives.
    parameters
        Figures in force; the package's defaults when None.

    Returns
    -------
    numpy.ndarray
        km/h by edge; 0 where the profile may not drive.
    """
    if profile.flat_speed_kmh is not None:
        return np.full(len(edges), profile.flat_speed_kmh)
    figures = parameters or default_parameters()
    table = speed_table()
    road_class = edges["road_class"]
    by_class = {name: class_speed_kmh(name, figures) for name in table.classes}
    speed = road_class.map(by_class).to_numpy(dtype=float)
    factor = edges["surface"].map({"": 1.0, **table.surfaces}).to_numpy(dtype=float)
    speed = np.where(road_class == "track", speed, speed * factor)
    speed = np.fmin(speed, edges["speed_kmh"].to_numpy(dtype=float))
    speed = np.minimum(speed, profile.max_speed_kmh)
    if profile.max_speed_kmh < MOTORWAY_MIN_SPEED_KMH:
        speed = np.where(road_class == "motorway", 0.0, speed)
    return np.asarray(speed, dtype=float)
