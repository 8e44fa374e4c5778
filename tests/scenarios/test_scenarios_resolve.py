"""Inheritance, overrides and --set: the value in force and where it comes from."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import UsageError
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from scenarios.overrides import flatten, parse_set
from scenarios.resolve import language_of, resolve_scenario
from scenarios.scenario_files import library_names
from scenarios.spec import ScenarioError, key_specs

LIBRARY = Path(__file__).parents[2] / "scenarios" / "library"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def origin(scenario: str | Path, key: str, **options: object) -> tuple[object, str]:
    return resolve_scenario(scenario, **options).display()[key]  # type: ignore[arg-type]


def error_codes(error: ScenarioError) -> list[str]:
    return [problem.message.key for problem in error.problems]


def test_library_is_complete_and_resolves() -> None:
    assert library_names() == ["base", "legazpi", "mayang", "reference", "studies", "vavuniya"]
    for name in library_names():
        scenario = resolve_scenario(name)
        assert scenario.name == name
        assert scenario.title("zh") != scenario.title("en")
        assert scenario.importer == ("" if name in ("base", "reference", "studies") else name)
        assert scenario.source_path is None


def test_base_settings_are_the_planners_defaults_with_a_share_of_villages_served() -> None:
    base = resolve_scenario("base")
    assert base.standard == ServiceStandard(village_served_share=0.95)
    assert base.siting == SitingSettings()
    assert base.routing == RoutingSettings()


def test_every_library_override_applies_alone() -> None:
    document = tomllib.loads((LIBRARY / "base.toml").read_text(encoding="utf-8"))
    for name in document["overrides"]:
        assert resolve_scenario("reference", overrides=[name]).settings != resolve_scenario("reference").settings


def test_every_value_remembers_its_origin(tmp_path: Path) -> None:
    write(tmp_path, "parent.toml", "[standard]\naccess_km = 5\nallocation_km = 9\n[parameters]\nstop_base_min = 3\n")
    child = write(
        tmp_path,
        "child.toml",
        'extends = "parent.toml"\nseed = 7\napply = ["far"]\n[standard]\naccess_km = 4\n'
        "[overrides.far.standard]\nallocation_km = 12\n[overrides.near.standard]\naccess_min = 10\n",
    )
    options = {"overrides": ["near"], "sets": ["siting.centre_count=2"], "lang": "en"}
    assert origin(child, "standard.access_km", **options) == (4.0, "child.toml")
    assert origin(child, "standard.allocation_km", **options) == (12.0, "override far (child.toml)")
    assert origin(child, "standard.access_min", **options) == (10.0, "override near (child.toml)")
    assert origin(child, "siting.centre_count", **options) == (2, "--set")
    assert origin(child, "lang", **options) == ("en", "--lang")
    assert origin(child, "parameters.stop_base_min", **options) == (3.0, "parent.toml")
    assert origin(child, "standard.population_share", **options) == (0.95, "default")
    assert origin(child, "siting.seed", **options) == (7, "child.toml")
    assert resolve_scenario(child, seed=9).siting.seed == 9
    assert resolve_scenario(child, seed=9, sets=["siting.seed=2"]).siting.seed == 2


def test_set_wins_over_override_and_override_over_file() -> None:
    three = resolve_scenario("reference", overrides=["three_a_week"])
    assert three.standard.visits_per_week == 3
    both = resolve_scenario("reference", overrides=["three_a_week"], sets=["standard.visits_per_week=6"])
    assert both.standard.visits_per_week == 6


def test_two_overrides_touching_one_key_are_refused_by_name() -> None:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario("reference", overrides=["daily_service", "three_a_week"])
    sentence = caught.value.problems[0].text("en")
    assert error_codes(caught.value) == ["scenario_override_conflict"]
    assert "daily_service" in sentence
    assert "three_a_week" in sentence
    assert "standard.visits_per_week" in sentence
    resolve_scenario("reference", overrides=["daily_service", "daily_service", "keep_existing"])


def test_unknown_override_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be used") as caught:
        resolve_scenario("reference", overrides=["dayly_service"])
    assert "“daily_service”" in caught.value.problems[0].text("en")
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(write(tmp_path, "bare.toml", ""), overrides=["x"])
    assert error_codes(caught.value) == ["scenario_no_overrides"]


def test_parents_hand_down_overrides_but_no_names(tmp_path: Path) -> None:
    child = write(tmp_path, "our county.toml", 'extends = "reference"\n')
    scenario = resolve_scenario(child, overrides=["daily_service"])
    assert scenario.name == "our-county"
    assert scenario.title("zh") == "our-county"
    assert scenario.standard.visits_per_week == 7
    assert [source.name for source in scenario.files] == ["base.toml", "reference.toml", "our county.toml"]


def test_extending_in_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.toml", 'extends = "b.toml"\n')
    write(tmp_path, "b.toml", 'extends = "a.toml"\n')
    with pytest.raises(UsageError, match="which extends it in turn"):
        resolve_scenario(tmp_path / "a.toml")
    with pytest.raises(UsageError, match="which extends it in turn"):
        resolve_scenario(write(tmp_path, "self.toml", 'extends = "self.toml"\n'))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"name = [", "scenario_not_toml"),
        ('title_zh = "麻阳"'.encode("gbk"), "scenario_not_utf8"),
        (b'extends = "nowhere"', "scenario_not_found"),
        (b"a = 1\na = 2", "scenario_not_toml"),
    ],
)
def test_files_that_cannot_be_read_say_so(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        resolve_scenario(path)
    assert caught.value.message.key == code
    assert caught.value.exit_code == 2
    assert "bad.toml" in caught.value.text("zh")


def test_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bom.toml"
    path.write_bytes('\ufefftitle_zh = "麻阳"\n'.encode())
    assert resolve_scenario(path).title("zh") == "麻阳"


def test_missing_scenario_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="mayang"):
        resolve_scenario("mayan")


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, "parent.toml", "[standard]\nacess_km = 1\n")
    child = write(tmp_path, "child.toml", 'extends = "parent.toml"\n[siting]\ncentre_count = 0\n')
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(child)
    assert [(p.origin, p.key) for p in caught.value.problems] == [
        ("parent.toml", "standard.acess_km"),
        ("child.toml", "siting.centre_count"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("standard.access_km=2.5", ("standard.access_km", 2.5)),
        ("lang=en", ("lang", "en")),
        ('lang="en"', ("lang", "en")),
        ("siting.keep_existing = true", ("siting.keep_existing", True)),
        ("county.source=C:\\data\\a b.xlsx", ("county.source", "C:\\data\\a b.xlsx")),
        ("title_zh=a=b", ("title_zh", "a=b")),
        ("title_zh=1\nseed=2", ("title_zh", "1\nseed=2")),
    ],
)
def test_set_values_follow_toml_or_are_plain_text(text: str, expected: tuple[str, object]) -> None:
    assert parse_set(text) == expected


@pytest.mark.parametrize("text", ["standard.access_km", "=3", "standard..access_km=1", ""])
def test_set_without_key_or_sign_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        parse_set(text)


@pytest.mark.parametrize(
    ("sets", "codes"),
    [
        (["seed=1", "seed=2"], ["scenario_set_twice"]),
        (["name=x"], ["scenario_set_file_only"]),
        (["overrides.a.seed=1"], ["scenario_set_file_only"]),
        (["standard.access_km=1", "standard=2"], ["scenario_set_form"]),
        (["seed=1", "seed.x=2"], ["scenario_set_form"]),
        (["standard.acess_km=1", "seed=-1"], ["scenario_expected_whole_between", "scenario_unknown_key"]),
    ],
)
def test_wrong_sets_are_refused(sets: list[str], codes: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario("reference", sets=sets)
    assert sorted(error_codes(caught.value)) == codes


def test_paths_start_where_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "here").mkdir()
    write(tmp_path, "deep/parent.toml", '[county]\nsource = "county.xlsx"\n')
    child = write(tmp_path, "child.toml", 'extends = "deep/parent.toml"\n')
    monkeypatch.chdir(tmp_path / "here")
    assert resolve_scenario(child).source_path == (tmp_path / "deep" / "county.xlsx").resolve()
    moved = resolve_scenario(child, sets=["county.source=other.xlsx"])
    assert moved.source_path == (tmp_path / "here" / "other.xlsx").resolve()


def test_resolved_settings_run_again_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    child = write(
        tmp_path,
        "x/child.toml",
        'extends = "base"\ntitle_zh = "引号\\"与#号"\n[county]\nsource = "a.xlsx"\n[parameters]\nstop_base_min = 3\n',
    )
    first = resolve_scenario(child, sets=["standard.access_min=20"])
    again = resolve_scenario(write(tmp_path, "resolved.toml", first.toml()))
    values = {key: setting.value for key, setting in first.settings.items() if key != "county.source"}
    assert {key: s.value for key, s in again.settings.items() if key != "county.source"} == values
    assert again.source_path == first.source_path
    assert again.content_hash("c") == first.content_hash("c")
    assert "stop_base_min = 3.0  # child.toml" in first.toml()
    assert "#" not in first.toml(with_origin=False).replace("与#号", "")


def test_hash_tells_settings_and_data_apart_but_not_places(tmp_path: Path) -> None:
    plain = resolve_scenario("reference")
    assert plain.content_hash("a") != plain.content_hash("b")
    assert plain.content_hash("a") != resolve_scenario("reference", seed=2).content_hash("a")
    hashes = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        file = write(tmp_path, f"{folder}/s.toml", f'[county]\nsource = "{folder}.xlsx"\n')
        hashes.add(resolve_scenario(file).content_hash("a"))
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[county]\nsource = "importer:mayang"\nvillages = 9\n', "scenario_reference_only"),
        ('name = "con"\n', "scenario_reserved_name"),
    ],
)
def test_what_only_the_whole_can_show(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(write(tmp_path, "s.toml", text))
    assert error_codes(caught.value) == [code]


def test_parameter_outside_its_range_is_warned_about() -> None:
    scenario = resolve_scenario("reference", sets=["parameters.inbound_parcel_kg=90"])
    assert [warning.params["key"] for warning in scenario.parameter_warnings()] == ["inbound_parcel_kg"]
    assert "0.5" in scenario.parameter_warnings()[0].text("zh")
    assert resolve_scenario("reference", sets=["parameters.inbound_parcel_kg=2"]).parameter_warnings() == ()


def test_a_run_folder_is_a_scenario(tmp_path: Path) -> None:
    write(tmp_path, "resolved.toml", resolve_scenario("mayang").toml())
    assert resolve_scenario(tmp_path).name == "mayang"


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=7))
def test_toml_keeps_every_figure(share: float, visits: int) -> None:
    scenario = resolve_scenario(
        "reference", sets=[f"standard.population_share={share!r}", f"standard.visits_per_week={visits}"]
    )
    written = flatten(tomllib.loads(scenario.toml()))
    assert written["standard.population_share"] == share
    assert written["standard.visits_per_week"] == visits
    assert set(written) == set(scenario.settings)


def test_languages() -> None:
    assert [language_of(word) for word in ("en", "zh", None)] == ["en", "zh", "zh"]
    assert set(key_specs()) > {"lang"}
