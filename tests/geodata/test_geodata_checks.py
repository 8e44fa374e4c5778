"""One broken county per check: code, row, column, and a sentence in both languages."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geodata.checks import check_county
from geodata.read import check, read_county

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def set_cell(table, row, column, value):
    """Return a change of one cell; `row` counts from 1, headings apart."""

    def change(grids):
        grids[table][row][grids[table][0].index(column)] = value

    return change


def clear(table):
    def change(grids):
        del grids[table][1:]

    return change


def column(table, name, values):
    def change(grids):
        position = grids[table][0].index(name)
        for row, value in zip(grids[table][1:], values, strict=True):
            row[position] = value

    return change


def add(table, row):
    return lambda grids: grids[table].append(row)


CASES = [
    ("duplicate_key", "error", "villages", 3, "village_code", set_cell("villages", 2, "village_code", "990101001201")),
    ("code_outside_county", "error", "villages", 2, "village_code", set_cell("villages", 1, "village_code", "431226001201")),
    ("code_outside_county", "error", "townships", 3, "township_code", set_cell("townships", 2, "township_code", "431226002")),
    ("village_township_mismatch", "warning", "villages", 2, "township_code", set_cell("villages", 1, "township_code", "990101002")),
    ("unknown_reference", "error", "villages", 2, "township_code", set_cell("villages", 1, "township_code", "990101009")),
    ("unknown_reference", "error", "demand", 2, "village_code", set_cell("demand", 1, "village_code", "990101001299")),
    ("unknown_reference", "error", "demand", 2, "operator_id", set_cell("demand", 1, "operator_id", "slow")),
    ("unknown_reference", "error", "facilities", 2, "operator_id", set_cell("facilities", 1, "operator_id", "slow")),
    ("unknown_reference", "error", "facilities", 2, "township_code", set_cell("facilities", 1, "township_code", "990101009")),
    ("unknown_reference", "error", "bus_departures", 2, "line_id", set_cell("bus_departures", 1, "line_id", "L9")),
    ("unknown_choice", "error", "facilities", 2, "kind", set_cell("facilities", 1, "kind", "warehouse")),
    ("missing_value", "error", "villages", 2, "name", set_cell("villages", 1, "name", "")),
    ("bad_code", "error", "villages", 2, "village_code", set_cell("villages", 1, "village_code", "99010100120")),
    ("swapped_lon_lat", "error", "villages", 2, "lon", lambda g: g["villages"][1].__setitem__(slice(4, 6), [28.11, 110.0])),
    ("coordinates_in_metres", "error", "villages", 2, "lon", lambda g: g["villages"][1].__setitem__(slice(4, 6), [402_000, 3_110_000])),
    ("half_a_place", "error", "villages", 2, "lat", set_cell("villages", 1, "lat", "")),
    ("coordinate_out_of_range", "error", "villages", 2, "lon", set_cell("villages", 1, "lon", 210)),
    ("coordinate_out_of_range", "error", "villages", 2, "lat", set_cell("villages", 1, "lat", 99)),
    ("not_finite", "error", "villages", 2, "population", set_cell("villages", 1, "population", "inf")),
    ("same_point", "warning", "villages", 2, "lon", lambda g: g["villages"][2].__setitem__(slice(4, 6), g["villages"][1][4:6])),
    ("far_from_township", "warning", "villages", 4, "lon", set_cell("villages", 3, "lon", 110.2)),
    ("far_from_county", "warning", "villages", 6, "lon", set_cell("villages", 5, "lon", 111.5)),
    ("township_far_from_villages", "warning", "townships", 2, "lon", set_cell("townships", 1, "lon", 110.2)),
    ("no_vehicles", "error", "vehicles", None, "", clear("vehicles")),
    ("no_vehicles", "error", "vehicles", 2, "vehicle_count", column("vehicles", "vehicle_count", [0, 0])),
    ("no_vehicles_for_tier", "error", "vehicles", 3, "vehicle_count", set_cell("vehicles", 2, "vehicle_count", 0)),
    ("negative_value", "error", "vehicles", 2, "vehicle_count", set_cell("vehicles", 1, "vehicle_count", -1)),
    ("out_of_range", "error", "vehicles", 2, "payload_kg", set_cell("vehicles", 1, "payload_kg", 0)),
    ("not_an_integer", "error", "vehicles", 2, "vehicle_count", set_cell("vehicles", 1, "vehicle_count", 1.5)),
    ("negative_value", "error", "facilities", 2, "capacity_parcels_per_day", set_cell("facilities", 1, "capacity_parcels_per_day", -5)),
    ("candidate_closed", "warning", "facilities", 3, "lock", set_cell("facilities", 2, "lock", "closed")),
    ("population_zero", "warning", "villages", 2, "population", set_cell("villages", 1, "population", 0)),
    ("population_implausible", "warning", "villages", 2, "population", set_cell("villages", 1, "population", 90_000)),
    ("population_in_wan", "error", "villages", 5, "population", column("villages", "population", [0.1, 0.11, 0.09, 0.12, 0.08])),
    ("population_sum_differs", "warning", "townships", 2, "population", set_cell("townships", 1, "population", 9000)),
    ("shares_not_one", "warning", "operators", None, "parcel_share", set_cell("operators", 1, "parcel_share", 0.7)),
    ("bus_stop_order", "error", "bus_stops", 3, "minutes_from_start", column("bus_stops", "minutes_from_start", [40, 30])),
    ("duplicate_key", "error", "bus_stops", 3, "line_id", column("bus_stops", "stop_sequence", [1, 1])),
    ("bus_line_one_stop", "warning", "bus_stops", 2, "line_id", lambda g: g["bus_stops"].pop()),
    ("bus_line_without_stops", "warning", "bus_lines", 3, "line_id", add("bus_lines", ["L2", "Line 2"])),
    ("bad_time", "error", "bus_departures", 2, "departure_time", set_cell("bus_departures", 1, "departure_time", "7.30")),
    ("bad_days", "error", "bus_departures", 2, "days", set_cell("bus_departures", 1, "days", "189")),
    ("out_of_range", "error", "produce", 2, "first_month", set_cell("produce", 1, "first_month", 13)),
    ("township_without_villages", "warning", "townships", 4, "township_code", add("townships", ["990101003", "West", 900, 110, 28])),
    ("no_villages", "error", "villages", None, "", clear("villages")),
    ("no_village_list_date", "warning", "county", None, "village_list_date", lambda g: g["county"].pop()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "severity", "table", "row", "col", "change"), CASES, ids=[f"{c[0]}-{c[2]}-{c[4]}" for c in CASES]
)
def test_broken_county(grids, folder, code, severity, table, row, col, change):
    change(grids)
    needed = {"county", "townships", "villages", "operators", table}
    if table.startswith("bus"):
        needed |= {"bus_lines", "bus_stops"}
    problems = check(folder({name: rows for name, rows in grids.items() if name in needed}))
    problem = next((p for p in problems if p.code == code and p.table == table), None)
    assert problem is not None, [p.code for p in problems]
    assert (problem.severity, problem.row, problem.column) == (severity, row, col)
    for lang in ("zh", "en"):
        assert "{" not in problem.text(lang)
        assert problem.where(lang)


def test_valid_county_has_no_problem(grids, folder):
    assert check(folder(grids)) == ()


def test_places_outside_the_boundary(grids, folder):
    county, _ = read_county(folder(grids))
    area = gpd.GeoDataFrame({"level": ["county"]}, geometry=[shapely.box(109.9, 28.05, 110.1, 28.2)], crs=4326)
    found = [p for p in check_county(county.replace(boundary=area)) if p.code == "outside_boundary"]
    # Elm and Fir lie 4.4 and 5.5 km south of the southern edge, the township beside Fir too.
    assert [(p.table, p.row, p.params["km"]) for p in found] == [
        ("villages", 5, 4.4),
        ("villages", 6, 5.6),
        ("townships", 3, 5.6),
    ]


def test_swapped_pair_is_known_from_the_boundary_outside_china(grids, folder):
    county, _ = read_county(folder(grids))
    villages = county.villages.assign(lon=county.villages["lon"] - 65, lat=county.villages["lat"] + 20)
    villages.loc[0, ["lon", "lat"]] = villages.loc[0, ["lat", "lon"]].to_numpy()
    area = gpd.GeoDataFrame({"level": ["county"]}, geometry=[shapely.box(44, 47, 46, 49)], crs=4326)
    empty = {
        t: county.table(t).iloc[:0] for t in ("townships", "facilities", "bus_stops", "bus_lines", "bus_departures")
    }
    found = check_county(county.replace(villages=villages, boundary=area, **empty))
    assert [(p.code, p.row) for p in found if p.severity == "error"] == [("swapped_lon_lat", 2)]


def test_township_with_the_place_of_the_county_centre(grids, folder):
    grids["villages"].append(["990101002203", "Gum", "990101002", 500, 110.01, 28.005])
    grids["townships"][2][3:] = [110.0, 28.1]  # the centre's place; its villages lie 10 km south
    problems = check(folder(grids))
    found = [p for p in problems if p.code == "township_at_county_centre"]
    assert [(p.row, p.params["km"]) for p in found] == [(3, pytest.approx(10.6, abs=0.3))]
    assert not [p for p in problems if p.code == "township_at_county_centre" and p.row == 2]


def test_villages_without_place_are_counted_not_refused(grids, folder):
    grids["villages"][1][4:] = ["", ""]
    county, warnings = read_county(folder(grids))
    assert [(w.code, w.params["count"]) for w in warnings] == [("villages_without_place", 1)]
    assert len(county.villages) == 5


def test_absent_vehicles_are_left_to_the_defaults(grids, folder):
    del grids["vehicles"]
    county, warnings = read_county(folder(grids))
    assert warnings == ()
    assert county.vehicles.empty


def test_errors_come_first_and_in_the_order_of_the_tables(grids, folder):
    grids["demand"][1][2] = -1
    grids["villages"][3][3] = "x"
    grids["operators"][1][3] = 0.7
    assert [(p.severity, p.table) for p in check(folder(grids))] == [
        ("error", "villages"),
        ("error", "demand"),
        ("warning", "operators"),
    ]


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "mayang").is_dir(), reason="real data is not here")
def test_the_four_misplaced_villages_of_a_real_county(tmp_path):
    import pandas as pd

    raw = {
        n: pd.read_csv(DATA / "mayang" / f"{n}.csv", dtype=str, keep_default_na=False)
        for n in ("villages", "townships")
    }
    v, t = (frame.rename(columns=lambda c: c.lstrip("\ufeff")) for frame in (raw["villages"], raw["townships"]))
    villages = pd.DataFrame(
        {
            "村代码": v["code12"],
            "村名": v["name"],
            "乡镇代码": v["town_code9"],
            "经度": v["lon_wgs84"],
            "纬度": v["lat_wgs84"],
        }
    )
    villages.to_csv(tmp_path / "村庄.csv", index=False, encoding="gb18030")
    towns = pd.DataFrame(
        {"乡镇代码": t["code9"], "乡镇名称": t["name"], "经度": t["lon_wgs84"], "纬度": t["lat_wgs84"]}
    )
    towns.to_csv(tmp_path / "乡镇.csv", index=False, encoding="utf-8-sig")
    (tmp_path / "县情.csv").write_text("县代码,431226\n县名,麻阳\n坐标系,WGS84\n名录日期,2023\n", encoding="utf-8")
    problems = check(tmp_path)
    flagged = [i + 2 for i in v.index[v["flag"] != ""]]
    assert [p.row for p in problems if p.code == "far_from_township"] == flagged
    assert [p.params["count"] for p in problems if p.code == "villages_without_place"] == [58]
    assert [p for p in problems if p.severity == "error"] == []
