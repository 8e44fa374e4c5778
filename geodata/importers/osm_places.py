"""Districts from an OpenStreetMap extract: settlements of a places list as villages, roads and waters of the extract.

Real: places, names, roads, waters, and the population of the places that list one. Assumed: the other populations, the
township tier, codes under prefix 99, and everything else `geodata.completion` adds. See docs/data.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
import pandas as pd

from geodata.county import County, Provenance, empty_table
from geodata.default_sites import CENTRE_CANDIDATES
from geodata.errors import InputError, Problem
from geodata.frames import canonical_frame
from geodata.importers.source_files import empty_tables, numbers, read_source_csv, refuse_missing
from geodata.messages import Message
from geodata.osm import OSM_ATTRIBUTION, read_osm_roads, read_osm_water
from geodata.parameters import Parameters, default_parameters

Imported = tuple[County, tuple[Problem, ...]]

_COLUMNS = ("osm_id", "place", "name", "name_en", "population", "lon", "lat")
_SMALL = frozenset({"hamlet", "isolated_dwelling", "locality", "neighbourhood", "farm"})
_UNDATED = "undated"


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract: file stem, name printed, synthetic county code."""

    stem: str
    name: str
    county_code: str


VAVUNIYA = Extract("vavuniya", "Vavuniya (Sri Lanka)", "990002")
LEGAZPI = Extract("legazpi", "Legazpi (Philippines)", "990003")


def import_extract(data_dir: Path, extract: Extract) -> Imported:
    """Import ``osm/<stem>.osm.pbf`` with ``osm/<stem>_places.csv``.

    Raises
    ------
    InputError
        If a file is missing or renamed, cannot be read, or a place has no coordinates.
    """
    folder = data_dir / "osm"
    place_path, road_path = folder / f"{extract.stem}_places.csv", folder / f"{extract.stem}.osm.pbf"
    rows = read_source_csv(place_path, _COLUMNS)
    refuse_missing(road_path)
    places = _places(rows, place_path, extract)
    parameters = default_parameters()
    villages, notes = _fill_population(places, parameters)
    facilities, more = _centres(places, villages)
    date = _extract_date(road_path)
    water = read_osm_water(road_path)
    county = County(
        county_code=extract.county_code,
        name=extract.name,
        village_list_id=f"places {extract.county_code}@{date}",
        village_list_date=date,
        villages=canonical_frame(villages, "villages"),
        facilities=facilities,
        roads=read_osm_roads(road_path),
        boundary=None,
        water=water if len(water) else None,
        parameters=parameters,
        provenance=_provenance(extract, date, has_water=len(water) > 0),
        assumptions=(Message("assumed_synthetic_codes", {"prefix": "99"}), *notes, *more),
        **empty_tables("villages", "facilities"),
    )
    return county, _warnings(places, place_path)


def _places(rows: pd.DataFrame, path: Path, extract: Extract) -> pd.DataFrame:
    """Return villages with listed population (NaN where none), sorted by their number in OpenStreetMap."""
    lon, lat = numbers(rows, "lon", path), numbers(rows, "lat", path)
    unplaced = np.flatnonzero(np.isnan(lon) | np.isnan(lat))
    problems = [Problem("error", "import_place_missing", file=path.name, row=int(i) + 2) for i in unplaced]
    twice = rows["osm_id"].duplicated()
    problems += [
        Problem("error", "import_id_twice", file=path.name, row=int(i) + 2, value=rows["osm_id"][i])
        for i in np.flatnonzero(twice)
    ]
    if problems or rows.empty:
        raise InputError(Message("import_unusable", {"file": path.name}), problems)
    frame = pd.DataFrame(
        {
            "osm_id": pd.to_numeric(rows["osm_id"]),
            "place": rows["place"],
            "name": np.where(rows["name"] != "", rows["name"], np.where(rows["name_en"] != "", rows["name_en"], "—")),
            "population": numbers(rows, "population", path),
            "lon": lon,
            "lat": lat,
            "location_note": [
                f"OSM {place} {number}" for place, number in zip(rows["place"], rows["osm_id"], strict=True)
            ],
        }
    )
    frame = frame.sort_values("osm_id").reset_index(drop=True)
    codes = [f"{extract.county_code}{i + 1:06d}" for i in range(len(frame))]
    return frame.assign(village_code=codes)


def _fill_population(places: pd.DataFrame, parameters: Parameters) -> tuple[pd.DataFrame, list[Message]]:
    """Fill populations that are not listed; a city whose figure is the sum of all others is the whole, not a part.

    Villages get ``unlisted_village_residents``, hamlets and localities ``unlisted_hamlet_residents``. Where the listed
    parts already add up to the city, nobody is left: the city's own row and unlisted places carry 0.
    """
    villages = places.copy()
    unlisted = places["population"].isna()
    whole = _whole(places)
    if whole is not None:
        villages.loc[whole, "population"] = 0.0
        villages.loc[unlisted, "population"] = 0.0
        params: Mapping[str, object] = {
            "name": places["name"][whole],
            "population": int(places["population"][whole]),
            "unlisted": int(unlisted.sum()),
        }
        return villages, [Message("assumed_city_is_whole", params)]
    small = places["place"].isin(_SMALL)
    village, hamlet = parameters["unlisted_village_residents"], parameters["unlisted_hamlet_residents"]
    villages["population"] = places["population"].fillna(small.map({True: hamlet, False: village}))
    params = {
        "listed": int((~unlisted).sum()),
        "villages": int((unlisted & ~small).sum()),
        "residents": int(village),
        "hamlets": int((unlisted & small).sum()),
        "hamlet_residents": int(hamlet),
    }
    return villages, [Message("assumed_population_unlisted", params)] if unlisted.any() else []


def _whole(places: pd.DataFrame) -> int | None:
    """Return the row of a city whose population is the sum of all other listed places, or None."""
    cities = places.index[(places["place"] == "city") & places["population"].notna()]
    for row in cities:
        rest = float(places["population"].drop(row).sum())
        if rest > 0 and math.isclose(rest, float(places["population"][row]), rel_tol=0.001):
            return int(row)
    return None


def _centres(places: pd.DataFrame, villages: pd.DataFrame) -> tuple[pd.DataFrame, list[Message]]:
    """Name the centre candidates by listed population where a city is the whole and so carries no people of its own."""
    if villages["population"].equals(places["population"].fillna(villages["population"])):
        return empty_table("facilities"), []
    largest = places.sort_values(["population", "osm_id"], ascending=[False, True]).head(CENTRE_CANDIDATES)
    rows = [
        {
            "facility_id": f"C{place['village_code']}",
            "name": place["name"],
            "kind": "county_centre",
            "status": "candidate",
            "lock": "free",
            "lon": place["lon"],
            "lat": place["lat"],
        }
        for place in largest.to_dict("records")
    ]
    note = Message("assumed_centres", {"count": len(rows), "names": "、".join(largest["name"])})
    return canonical_frame(rows, "facilities"), [note]


def _extract_date(path: Path) -> str:
    """Return the day of the extract from its header, or “undated”."""
    try:
        header = osmium.io.Reader(str(path)).header()
    except RuntimeError:
        return _UNDATED  # read_osm_roads reports what is wrong with the file
    stamp = str(header.get("osmosis_replication_timestamp", "") or header.get("timestamp", ""))
    return stamp[:10] or _UNDATED


def _provenance(extract: Extract, date: str, *, has_water: bool) -> dict[str, Provenance]:
    places = f"osm/{extract.stem}_places.csv: OpenStreetMap"
    roads = f"osm/{extract.stem}.osm.pbf: OpenStreetMap"
    made = {
        name: Provenance(source, "ODbL 1.0", OSM_ATTRIBUTION, as_of=date, datum="WGS84")
        for name, source in (("villages", places), ("roads", roads), ("water", roads))
    }
    return made if has_water else {name: p for name, p in made.items() if name != "water"}


def _warnings(places: pd.DataFrame, path: Path) -> tuple[Problem, ...]:
    unlisted = places[places["population"].isna()]
    if unlisted.empty:
        return ()
    params = {"count": len(unlisted), "total": len(places), "names": "、".join(unlisted["name"])}
    return (Problem("warning", "place_without_population", "villages", path.name, column="population", params=params),)
