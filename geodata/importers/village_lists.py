"""Counties of Hunan and Sichuan from the national village list with open points: townships, villages, boundary; no roads.

Real: codes and names (list of 2023), the places of townships and of the villages that have one, the boundary, and for
麻阳 the census population of its townships. For 资阳 the places of townships only. Assumed: everything
`geodata.completion` adds, the division of populations that are known only jointly, and distances (straight line ×
detour factor). See docs/data.md.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.county import County, Provenance
from geodata.errors import InputError, Problem
from geodata.frames import canonical_frame
from geodata.importers.source_files import empty_tables, numbers, read_source_csv, read_source_layer
from geodata.messages import Message
from geodata.parameters import default_parameters

Imported = tuple[County, tuple[Problem, ...]]

LIST_DATE = "2023"
MAYANG_CODE = "431226"
#: Census population of 麻阳 in 2020 (county communiqué; the same in the national census table).
MAYANG_PEOPLE = 313_305.0
#: Counties in ``hunan_counties``.
HUNAN_CODES = (
    "430523",
    "430527",
    "431023",
    "431223",
    "431230",
    "431281",
    "433101",
    "433122",
    "433124",
    "433125",
    "433126",
    "433130",
)
#: Counties of 资阳 in ``ziyang``: 雁江, 安岳, 乐至.
ZIYANG_CODES = ("512002", "512021", "512022")
NOTE_SEAT = (
    "来源仅给出乡镇驻地 the source gives a township seat, often one from before 2019, not the village's own place"
)
NOTE_NONE = "来源无坐标 no point in the source"
NOTE_SUSPECT = "疑似错位 suspect point, more than 15 km from its township"
_LISTS = "国家统计局统计用区划代码 NBS division codes 2023 (MIT packaging)"
_POINTS = "Vonng/adcode, AMap points GCJ-02 → WGS84"
_ATTRIBUTION = "© Vonng/adcode, CC BY 4.0"
_VILLAGE_COLUMNS = (
    "code12",
    "name",
    "urban_rural_code_2016",
    "town_code9",
    "county_code",
    "county",
    "match_how",
    "lon_wgs84",
    "lat_wgs84",
    "flag",
)
_TOWNSHIP_COLUMNS = ("code9", "name", "county_code", "lon_wgs84", "lat_wgs84", "pop_2020_census_communique")
_ZIYANG_VILLAGES = (
    "code12",
    "name",
    "town_code9",
    "county_code",
    "county",
    "urban_rural_code_2016",
    "lon_wgs84",
    "lat_wgs84",
    "location_level",
)
_ZIYANG_TOWNSHIPS = ("code9", "name", "county_code", "lon_wgs84", "lat_wgs84", "location_source")


def import_mayang(data_dir: Path) -> Imported:
    """Import 麻阳苗族自治县 from the folder ``mayang``: 18 townships, 223 villages, 58 of them without a place.

    Township populations are those of the 2020 census; two townships are known only jointly, and their figure is
    divided by number of villages.
    """
    folder = data_dir / "mayang"
    county, problems = _import(folder, MAYANG_CODE, "boundary_wgs84.geojson")
    townships, notes = _joint_population(county)
    note = _detour_note(county, "assumed_detour_hills")
    return county.replace(townships=townships, assumptions=(*notes, note)), problems


def import_hunan(data_dir: Path, county_code: str) -> Imported:
    """Import one of the twelve counties of ``hunan_counties`` by its code.

    No township population is known: the county's census population (``china/county_counts.csv``) is shared equally
    over its villages.
    """
    county, problems = _import(data_dir / "hunan_counties", county_code, "boundaries.geojson")
    people = _county_people(data_dir / "china" / "county_counts.csv", county_code)
    villages = county.villages.assign(population=people / len(county.villages))
    params = {"villages": len(villages), "population": int(people)}
    notes = (Message("assumed_population_county", params), _detour_note(county, "assumed_detour_unknown"))
    census = Provenance("2020 census by county (leiii/census)", "MIT", as_of="2020")
    merged = _merged(county.provenance["villages"], census)
    provenance = {**county.provenance, "villages": merged}
    return county.replace(villages=villages, assumptions=notes, provenance=provenance), problems


def import_ziyang(data_dir: Path, county_code: str) -> Imported:
    """Import one of the three counties of ``ziyang`` by its code, for a comparison at township level.

    The source gives a village its township's seat, often one from before 2019: such a village has no place of its own here. Urban
    subdistricts carry the county centre's point as a placeholder; each is named. Population as in `import_hunan`.
    """
    folder = data_dir / "ziyang"
    village_path, township_path = folder / "villages_2023.csv", folder / "townships_2023.csv"
    rows = _of_county(read_source_csv(village_path, _ZIYANG_VILLAGES), county_code, village_path)
    town_rows = _of_county(read_source_csv(township_path, _ZIYANG_TOWNSHIPS), county_code, township_path)
    own = rows["location_level"].str.startswith("village point")
    townships = _places(town_rows, {"township_code": "code9", "name": "name"}, township_path)
    villages = _places(
        rows,
        {
            "village_code": "code12",
            "name": "name",
            "township_code": "town_code9",
            "urban_rural_code": "urban_rural_code_2016",
        },
        village_path,
    )
    villages.loc[~own, ["lon", "lat"]] = np.nan
    people = _county_people(data_dir / "china" / "county_counts.csv", county_code)
    villages = villages.assign(
        population=people / len(villages),
        location_note=[
            "" if is_own else NOTE_NONE if level == "none" else NOTE_SEAT
            for is_own, level in zip(own, rows["location_level"], strict=True)
        ],
    )
    name = str(rows["county"].iloc[0])
    county = County(
        county_code=county_code,
        name=name,
        village_list_id=f"villages {county_code}@{LIST_DATE}",
        village_list_date=LIST_DATE,
        villages=canonical_frame(villages, "villages"),
        townships=canonical_frame(townships.assign(population=np.nan), "townships"),
        roads=None,
        boundary=_boundary(folder / "counties_wgs84.geojson", county_code, name),
        water=None,
        parameters=default_parameters(),
        provenance=_ziyang_provenance(),
        **empty_tables("villages", "townships"),
    )
    level = Message("assumed_township_level", {"name": name, "own": int(own.sum()), "villages": len(villages)})
    people_note = Message("assumed_population_county", {"villages": len(villages), "population": int(people)})
    notes = (level, people_note, _detour_note(county, "assumed_detour_unknown"))
    placeholders = town_rows[town_rows["location_source"].str.startswith("NO TOWN POINT")]
    problems = [
        Problem("warning", "township_placeholder", "townships", township_path.name, value=code, params={"name": town})
        for code, town in zip(placeholders["code9"], placeholders["name"], strict=True)
    ]
    return county.replace(assumptions=notes), (*problems, *_township_warnings(county, township_path))


def _places(rows: pd.DataFrame, columns: dict[str, str], path: Path) -> pd.DataFrame:
    """Return columns under our names, with places."""
    named = {ours: rows[theirs] for ours, theirs in columns.items()}
    return pd.DataFrame({**named, "lon": numbers(rows, "lon_wgs84", path), "lat": numbers(rows, "lat_wgs84", path)})


def _ziyang_provenance() -> dict[str, Provenance]:
    licence = "codes and names: MIT packaging; points: CC BY 4.0; census: MIT"
    villages = Provenance(
        f"ziyang/villages_2023.csv: {_LISTS}; 2020 census by county (leiii/census)", licence, as_of=LIST_DATE
    )
    townships = Provenance(
        f"ziyang/townships_2023.csv: {_LISTS}; {_POINTS}", licence, _ATTRIBUTION, as_of=LIST_DATE, datum="GCJ02"
    )
    boundary = Provenance("ziyang: Vonng/adcode", "CC BY 4.0", _ATTRIBUTION, datum="GCJ02")
    return {"villages": villages, "townships": townships, "boundary": boundary}


def _import(folder: Path, county_code: str, boundary_file: str) -> Imported:
    village_path, township_path = folder / "villages.csv", folder / "townships.csv"
    rows = _of_county(read_source_csv(village_path, _VILLAGE_COLUMNS), county_code, village_path)
    town_rows = _of_county(read_source_csv(township_path, _TOWNSHIP_COLUMNS), county_code, township_path)
    villages = canonical_frame(
        pd.DataFrame(
            {
                "village_code": rows["code12"],
                "name": rows["name"],
                "township_code": rows["town_code9"],
                "lon": numbers(rows, "lon_wgs84", village_path),
                "lat": numbers(rows, "lat_wgs84", village_path),
                "urban_rural_code": rows["urban_rural_code_2016"],
                "location_note": _location_notes(rows),
            }
        ),
        "villages",
    )
    townships = canonical_frame(
        pd.DataFrame(
            {
                "township_code": town_rows["code9"],
                "name": town_rows["name"],
                "population": numbers(town_rows, "pop_2020_census_communique", township_path),
                "lon": numbers(town_rows, "lon_wgs84", township_path),
                "lat": numbers(town_rows, "lat_wgs84", township_path),
            }
        ),
        "townships",
    )
    name = str(rows["county"].iloc[0])
    county = County(
        county_code=county_code,
        name=name,
        village_list_id=f"villages {county_code}@{LIST_DATE}",
        village_list_date=LIST_DATE,
        villages=villages,
        townships=townships,
        roads=None,
        boundary=_boundary(folder / boundary_file, county_code, name),
        water=None,
        parameters=default_parameters(),
        provenance=_provenance(folder.name, has_census=bool(townships["population"].notna().any())),
        **empty_tables("villages", "townships"),
    )
    return county, (*_warnings(county, rows, village_path), *_township_warnings(county, township_path))


def _of_county(frame: pd.DataFrame, county_code: str, path: Path) -> pd.DataFrame:
    rows = frame[frame["county_code"] == county_code].reset_index(drop=True)
    if rows.empty:
        problem = Problem("error", "import_county_missing", file=path.name, column="county_code", value=county_code)
        raise InputError(Message("import_unusable", {"file": path.name}), [problem])
    return rows


def _location_notes(rows: pd.DataFrame) -> list[str]:
    unplaced = (rows["lon_wgs84"].str.strip() == "") | (rows["lat_wgs84"].str.strip() == "")
    return [
        NOTE_NONE if none else NOTE_SUSPECT if flag else ""
        for none, flag in zip(unplaced, rows["flag"].str.startswith("suspect"), strict=True)
    ]


def _boundary(path: Path, county_code: str, name: str) -> gpd.GeoDataFrame:
    layer = read_source_layer(path)
    layer = layer[layer["code"].astype(str) == county_code]
    if layer.empty:
        problem = Problem("error", "import_county_missing", file=path.name, column="code", value=county_code)
        raise InputError(Message("import_unusable", {"file": path.name}), [problem])
    facts = {"level": ["county"] * len(layer), "code": [county_code] * len(layer), "name": [name] * len(layer)}
    return gpd.GeoDataFrame(facts, geometry=list(layer.geometry), crs="EPSG:4326")


def _provenance(folder: str, *, has_census: bool) -> dict[str, Provenance]:
    lists = f"{_LISTS}; {_POINTS}"
    licence = "codes and names: MIT packaging; points: CC BY 4.0"
    census = "; census communiqué 2020 县普查公报" if has_census else ""
    villages = Provenance(f"{folder}/villages.csv: {lists}", licence, _ATTRIBUTION, as_of=LIST_DATE, datum="GCJ02")
    townships = Provenance(
        f"{folder}/townships.csv: {lists}{census}", licence, _ATTRIBUTION, as_of=LIST_DATE, datum="GCJ02"
    )
    boundary = Provenance(f"{folder}: Vonng/adcode", "CC BY 4.0", _ATTRIBUTION, datum="GCJ02")
    return {"villages": villages, "townships": townships, "boundary": boundary}


def _merged(first: Provenance, second: Provenance) -> Provenance:
    return Provenance(
        f"{first.source}; {second.source}",
        f"{first.licence}; census: {second.licence}",
        first.attribution,
        as_of=f"{first.as_of}; {second.as_of}",
        datum=first.datum,
    )


def _warnings(county: County, rows: pd.DataFrame, path: Path) -> list[Problem]:
    """Warn of villages without a place (by township), suspect points, shared points and codes new since 2016."""
    problems = []
    names = dict(zip(county.townships["township_code"], county.townships["name"], strict=True))
    unplaced = county.villages[county.villages["lon"].isna() | county.villages["lat"].isna()]
    for code, group in unplaced.groupby("township_code", sort=True):
        params = {"township": names.get(str(code), str(code)), "count": len(group), "names": "、".join(group["name"])}
        problems.append(Problem("warning", "village_without_location", "villages", path.name, params=params))
    for code, column in (("village_suspect_location", "flag"), ("village_code_not_in_older_list", "match_how")):
        hit = rows["flag"].str.startswith("suspect") if column == "flag" else rows["match_how"] == ""
        problems.extend(
            Problem(
                "warning",
                code,
                "villages",
                path.name,
                column=column,
                value=str(rows["code12"][i]),
                params={"name": rows["name"][i], "township": names.get(rows["town_code9"][i], "")},
            )
            for i in np.flatnonzero(hit.to_numpy())
        )
    return [*problems, *_shared_points(county, path)]


def _shared_points(county: County, path: Path) -> list[Problem]:
    placed = county.villages[county.villages["lon"].notna()]
    shared = placed[placed.duplicated(["lon", "lat"], keep=False)]
    return [
        Problem(
            "warning",
            "villages_share_point",
            "villages",
            path.name,
            value="、".join(group["village_code"]),
            params={"count": len(group), "names": "、".join(group["name"])},
        )
        for _, group in shared.groupby(["lon", "lat"], sort=True)
    ]


def _township_warnings(county: County, path: Path) -> list[Problem]:
    rows = county.townships[county.townships["lon"].isna()]
    return [
        Problem("warning", "township_without_location", "townships", path.name, value=code, params={"name": name})
        for code, name in zip(rows["township_code"], rows["name"], strict=True)
    ]


def _joint_population(county: County) -> tuple[pd.DataFrame, list[Message]]:
    """Divide what the county's census figure leaves over among townships known only jointly, by number of villages."""
    townships = county.townships.copy()
    rows = townships.index[townships["population"].isna()]
    left = MAYANG_PEOPLE - float(townships["population"].sum())
    if rows.empty or left <= 0:
        return townships, []
    counts = county.villages.groupby("township_code").size().reindex(townships.loc[rows, "township_code"], fill_value=0)
    shares = left * counts.to_numpy() / counts.sum()
    townships.loc[rows, "population"] = shares
    parts = "、".join(
        f"{name} {count}→{share:.0f}"
        for name, count, share in zip(townships.loc[rows, "name"], counts, shares, strict=True)
    )
    return townships, [Message("assumed_joint_population", {"population": int(left), "parts": parts})]


def _detour_note(county: County, key: str) -> Message:
    entry = county.parameters.entry("detour_factor_plains")
    figures = {"factor": entry.value, "low": entry.low, "high": entry.high}
    mountains = county.parameters["detour_factor_mountains"]
    return Message(key, {"name": county.name, **figures, "mountains": mountains})


def _county_people(path: Path, county_code: str) -> float:
    frame = read_source_csv(path, ("county_code", "population_2020"))
    rows = _of_county(frame, county_code, path)
    people = float(numbers(rows, "population_2020", path)[0])
    if np.isnan(people):
        problem = Problem("error", "import_county_missing", file=path.name, column="population_2020", value=county_code)
        raise InputError(Message("import_unusable", {"file": path.name}), [problem])
    return people
