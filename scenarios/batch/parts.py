"""Solved parts and travel times that jobs share: in the worker's memory, and parts in a folder of the batch as well.

A part (a siting, the rounds of a depot) lies under the hash of what decides it and of the program's own source, so that a changed cost or
a new version can never bring back an old answer. The folder may be deleted at any time; only time is lost.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from geodata.changes import Cut
from geodata.county import County
from networks.providers import TravelTimes, build_travel
from networks.speeds import speed_table
from planner.design import design_plan
from planner.reuse import fingerprint
from scenarios.runner import Steps

Value = TypeVar("Value")

#: Parts and travel times a worker holds in memory.
_PARTS_HELD, _TRAVEL_HELD = 4096, 4
_PACKAGES = ("geodata", "networks", "planner")
_ENGINES = ("ortools", "numba", "numpy", "scipy", "shapely")


class Recent:
    """The last values asked for, by key.

    Parameters
    ----------
    most
        Values held; the one not asked for longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any | None:
        """Return a value, or None."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Hold a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def made(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value held under a key, or make and hold it."""
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        value: Value = found
        return value


class PartStore:
    """Parts in memory and, where a folder is given and there, on disk.

    Parameters
    ----------
    folder
        Where parts lie; None, or a folder this machine does not have: memory only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder if folder is not None and folder.is_dir() else None
        self._held = Recent(_PARTS_HELD)

    def _path(self, key: str) -> Path:
        kind, _, rest = key.partition("-")
        name = hashlib.sha256(f"{program_hash()}{key}".encode()).hexdigest()
        assert self._folder is not None and rest  # noqa: PT018, S101
        return self._folder / kind / name[:2] / f"{name}.json.gz"

    def get(self, key: str) -> bytes | None:
        """Return a part; one that cannot be read counts as absent."""
        found: bytes | None = self._held.get(key)
        if found is None and self._folder is not None:
            try:
                found = gzip.decompress(self._path(key).read_bytes())
            except (OSError, EOFError, zlib.error):
                return None
            self._held.put(key, found)
        return found

    def put(self, key: str, value: bytes) -> None:
        """Keep a part: whole beside its place, then moved in. A full disk costs the part, not the batch."""
        self._held.put(key, value)
        if self._folder is None:
            return
        path = self._path(key)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(gzip.compress(value, mtime=0))
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)


@cache
def part_store(folder: Path | None) -> PartStore:
    """Return the store of a folder; a worker has one a folder."""
    return PartStore(folder)


@cache
def program_hash() -> str:
    """Return the SHA-256 of the program's source and the versions of its engines: part of every key."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        sources = sorted((str(path.name), path.read_bytes()) for path in _sources(package))
        for name, data in sources:
            digest.update(name.encode() + hashlib.sha256(data).digest())
    for engine in _ENGINES:
        try:
            digest.update(f"{engine}{version(engine)}".encode())
        except PackageNotFoundError:
            digest.update(engine.encode())
    return digest.hexdigest()


def _sources(package: str) -> Sequence[Path]:
    return [path for path in Path(str(files(package))).rglob("*") if path.suffix in (".py", ".csv")]


_TRAVEL = Recent(_TRAVEL_HELD)


def shared_travel(
    county: County, *, detour_factor: float | None, access_cutoff_km: float, cuts: Sequence[Cut]
) -> TravelTimes:
    """Return `networks.providers.build_travel`, from memory where the places, roads and speeds are the same."""
    key = travel_key(county, detour_factor, access_cutoff_km, cuts)
    make = partial(
        build_travel, county, detour_factor=detour_factor, access_cutoff_km=access_cutoff_km, cuts=tuple(cuts)
    )
    return _TRAVEL.made(key, make)


def travel_parameters() -> tuple[str, ...]:
    """Return the parameters travel times depend on."""
    rules = {rule.parameter_id for rule in speed_table().classes.values()}
    return tuple(sorted(rules | {"access_speed_kmh", "detour_factor_plains", "speed_county_road_kmh"}))


def travel_key(county: County, detour_factor: float | None, access_cutoff_km: float, cuts: Sequence[Cut]) -> str:
    """Return the fingerprint of everything travel times follow from."""
    roads: list[object] = []
    if county.roads is not None:
        shapes = b"".join(county.roads.geometry.to_wkb())
        roads = [pd.DataFrame(county.roads.drop(columns="geometry")), hashlib.sha256(shapes).hexdigest()]
    columns = ["lon", "lat"]
    places = [
        county.villages[["village_code", "name", *columns]],
        county.hamlets[["hamlet_id", "name", *columns]],
        county.facilities[["facility_id", "kind", "name", *columns]],
        county.vehicles[["vehicle_type_id", "max_speed_kmh"]],
    ]
    figures = [county.parameters[name] for name in travel_parameters()]
    return fingerprint(places, roads, figures, detour_factor, access_cutoff_km, [list(map(list, cut)) for cut in cuts])


def sharing_steps(folder: Path | None) -> Steps:
    """Return the steps of a run that share what is solved."""
    return Steps(build_travel=shared_travel, design_plan=partial(design_plan, keeper=part_store(folder)))
