"""Importers on the real data sets; skipped where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from geodata.checks import check_county
from geodata.completion import complete
from geodata.importers.registry import IMPORTERS
from geodata.messages import LANGS

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [pytest.mark.data, pytest.mark.skipif(not DATA.is_dir(), reason="the real data is absent")]


@pytest.fixture(scope="module")
def mayang():
    return IMPORTERS["mayang"](DATA)


def _count(problems, code):
    return sum(int(p.params.get("count", 1)) for p in problems if p.code == code)


def test_mayang_has_the_list_of_2023(mayang):
    county, problems = mayang
    assert (len(county.villages), len(county.townships)) == (223, 18)
    assert county.villages["lon"].notna().sum() == 165
    assert _count(problems, "village_without_location") == 58
    assert _count(problems, "village_suspect_location") == 4
    assert _count(problems, "village_code_not_in_older_list") == 3
    assert all(p.severity == "warning" for p in problems)


def test_each_village_without_a_place_is_named(mayang):
    county, problems = mayang
    missing = county.villages.loc[county.villages["lon"].isna(), "name"]
    names = "、".join(str(p.params["names"]) for p in problems if p.code == "village_without_location").split("、")
    assert sorted(names) == sorted(missing)


def test_mayang_population_is_the_census(mayang):
    county, _ = mayang
    joint = county.townships.set_index("name").loc[["和平溪乡", "黄桑乡"], "population"]
    assert joint.sum() == pytest.approx(17_398)
    assert joint.tolist() == pytest.approx([17_398 * 7 / 19, 17_398 * 12 / 19])
    done = complete(county)
    assert done.villages["population"].sum() == pytest.approx(313_305)
    jinhe = done.villages[done.villages["township_code"] == "431226101"]
    assert jinhe["population"].tolist() == pytest.approx([21_740 / 22] * 22)


def test_mayang_demand_and_sites(mayang):
    done = complete(mayang[0])
    assert done.demand["inbound_parcels_per_day"].sum() == pytest.approx(0.04 * 313_305)
    kinds = done.facilities["kind"].value_counts().to_dict()
    assert kinds == {"village_point": 165, "township_station": 18, "county_centre": 3}
    placed = complete(mayang[0], place_unlocated="township_seat")
    assert placed.villages["lon"].notna().all()
    assert (placed.facilities["kind"] == "village_point").sum() == 223


def test_mayang_boundary_holds_its_townships(mayang):
    county, _ = mayang
    outline = county.boundary.geometry.iloc[0]
    places = shapely.points(county.townships[["lon", "lat"]].to_numpy())
    assert shapely.contains(outline, places).all()
    assert set(county.provenance) == {"villages", "townships", "boundary"}
    assert all("CC BY 4.0" in p.attribution for p in county.provenance.values())


@pytest.mark.parametrize(
    ("name", "places", "people", "clusters"), [("vavuniya", 36, 144_890, 3), ("legazpi", 72, 209_533, 6)]
)
def test_extracts(name, places, people, clusters):
    county, problems = IMPORTERS[name](DATA)
    assert len(county.villages) == places
    assert county.roads is not None
    assert len(county.roads) > 1000
    assert all(p.severity == "warning" for p in problems)
    assert all("OpenStreetMap contributors" in p.attribution for p in county.provenance.values())
    done = complete(county)
    assert done.villages["population"].sum() == people
    assert len(done.townships) == clusters
    assert done.townships["township_code"].str.startswith("99").all()
    assert complete(county).content_hash() == done.content_hash()


@pytest.mark.parametrize("name", ["hunan:431281", "hunan:433101", "hunan:433122"])
def test_hunan_counties(name):
    county, problems = IMPORTERS[name](DATA)
    done = complete(county)
    placed = county.villages["lon"].notna()
    assert 0.6 < placed.mean() < 0.9
    assert _count(problems, "village_without_location") == (~placed).sum()
    assert done.villages["population"].nunique() == 1
    assert [p.code for p in check_county(done) if p.severity == "error"] == []
    for message in (*problems, *done.assumptions):
        for lang in LANGS:
            assert "{" not in message.text(lang)


@pytest.mark.parametrize(
    ("code", "villages", "own", "townships", "unplaced", "placeholders"),
    [("512002", 362, 3, 23, 1, 5), ("512021", 553, 0, 46, 1, 0), ("512022", 315, 1, 21, 0, 1)],
)
def test_ziyang_has_places_of_townships_only(code, villages, own, townships, unplaced, placeholders):
    county, problems = IMPORTERS[f"ziyang:{code}"](DATA)
    assert (len(county.villages), len(county.townships)) == (villages, townships)
    assert county.villages["lon"].notna().sum() == own, "a township's seat is never taken for a village's own place"
    assert (county.villages["location_note"] != "").sum() == villages - own
    assert county.townships["lon"].isna().sum() == unplaced
    assert sum(p.code == "township_placeholder" for p in problems) == placeholders
    assert sum(p.code == "township_without_location" for p in problems) == unplaced
    assert all(p.severity == "warning" and p.text(lang) for p in problems for lang in LANGS)
    assert county.assumptions[0].key == "assumed_township_level"
    assert all(note.text(lang) for note in county.assumptions for lang in LANGS)
    checked = check_county(complete(county, place_unlocated="township_seat"))
    assert [p.code for p in checked if p.severity == "error"] == []


def test_ziyang_villages_stand_at_their_seat_when_asked():
    county, _ = IMPORTERS["ziyang:512022"](DATA)
    done = complete(county, place_unlocated="township_seat")
    seats = done.townships.set_index("township_code")[["lon", "lat"]]
    moved = done.villages[county.villages["lon"].isna().to_numpy()]
    assert (seats.loc[moved["township_code"]].to_numpy() == moved[["lon", "lat"]].to_numpy()).all()
    assert done.villages["population"].sum() == pytest.approx(county.villages["population"].sum())
