"""The scenario language of studies: kinds, options, layers, origins, refusals; words and the reference page."""

import tomllib
from pathlib import Path

import pytest

from geodata.messages import LANGS, has_label, text
from scenarios.cli.kind_tables import kind_tables, kind_values
from scenarios.overrides import flatten
from scenarios.resolve import resolve_scenario
from scenarios.spec import ScenarioError
from scenarios.studies.registry import study_kinds
from scenarios.studies.settings import COMMON, checked_value, key_spec, options_of

ROOT = Path(__file__).parents[2]
COVER = 'extends = "reference"\n[studies.cover]\nkind = "max_coverage"\np = 3\n'


def write(folder: Path, content: str, name: str = "s.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def refused(path: Path, **options: object) -> list[tuple[str, str]]:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(path, **options)  # type: ignore[arg-type]
    assert all(problem.text(lang) for problem in caught.value.problems for lang in LANGS)
    assert caught.value.exit_code == 2
    return [(problem.message.key, problem.key) for problem in caught.value.problems]


def test_options_are_decided_with_their_origins(tmp_path: Path) -> None:
    file = write(tmp_path, COVER + "[overrides.wide.studies.cover]\nradius = 5\n")
    scenario = resolve_scenario(file, overrides=["wide"], sets=["studies.cover.p=12"])
    (study,) = scenario.studies
    assert (study.name, study.kind.kind) == ("cover", "max_coverage")
    assert (study.options["p"], study.options["radius"], study.options["unit"]) == (12, 5.0, "km")
    origins = {key: scenario.settings[f"studies.cover.{key}"].origin for key in ("kind", "p", "radius", "unit")}
    assert origins == {"kind": "s.toml", "p": "--set", "radius": "override wide (s.toml)", "unit": "default"}
    assert study.limits.seed == scenario.seed
    assert resolve_scenario(file).content_hash("c") != scenario.content_hash("c")


def test_studies_run_in_the_order_of_their_names_and_can_be_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, COVER + '[studies.b]\nkind = "land"\n[studies.a]\nkind = "land"\nactive = false\n')
    assert [study.name for study in resolve_scenario(file).studies] == ["b", "cover"]
    assert [study.name for study in resolve_scenario(file, studies=["a"]).studies] == ["a"]
    assert refused(file, studies=["couver"]) == [("scenario_unknown_study", "couver")]
    with pytest.raises(ScenarioError, match="cannot be used") as caught:
        resolve_scenario("reference", studies=["cover"])
    assert caught.value.problems[0].message.key == "scenario_no_studies"


def test_resolved_settings_with_studies_run_again(tmp_path: Path) -> None:
    file = write(
        tmp_path, COVER + '[studies."覆盖 1"]\nkind = "land"\n'.replace(" 1", "-1") + 'on_failure = "report"\n'
    )
    first = resolve_scenario(file, sets=["studies.cover.open=['P1', 'P2']", "studies.cover.radii=[1, 2.5]"])
    again = resolve_scenario(write(tmp_path, first.toml(), "resolved.toml"))
    values = {key: setting.value for key, setting in first.settings.items()}
    assert {key: setting.value for key, setting in again.settings.items()} == values
    assert set(flatten(tomllib.loads(first.toml()))) == set(first.settings)
    assert [study.reports_failure for study in again.studies] == [False, True]
    assert first.content_hash("c") == again.content_hash("c")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[studies.a]\n", [("scenario_study_empty", "studies.a.kind")]),
        ("[studies.a]\np = 3\n", [("scenario_study_needs_kind", "studies.a.kind")]),
        ('[studies.a]\nkind = "max_covrage"\n', [("scenario_study_unknown_kind", "studies.a.kind")]),
        ("[studies.a]\nkind = 3\n", [("scenario_study_unknown_kind", "studies.a.kind")]),
        ("studies = 3\n", [("scenario_expected_table", "studies")]),
        ('[studies."a b"]\nkind = "land"\n', [("scenario_expected_name", "studies.a b.[key]")]),
    ],
)
def test_what_is_no_study_is_refused(tmp_path: Path, content: str, expected: list[tuple[str, str]]) -> None:
    assert refused(write(tmp_path, content)) == expected


def test_every_problem_of_every_section_comes_at_once(tmp_path: Path) -> None:
    content = (
        COVER.replace("p = 3", 'p = "three"\nraduis = 3\nradius = 0\nsites = "shops"\nopen = "P1"\nradii = [-1]\n'
                      'keep_existing = "no"\nunit = 3')
        + "[standard]\nacess_km = 1\n"
    )  # fmt: skip
    found = refused(write(tmp_path, content))
    assert ("scenario_unknown_key", "standard.acess_km") in found
    assert sorted(found) == sorted(
        [
            ("scenario_unknown_key", "standard.acess_km"),
            ("scenario_unknown_key", "studies.cover.raduis"),
            ("scenario_expected_whole_from", "studies.cover.p"),
            ("scenario_expected_number_above", "studies.cover.radius"),
            ("scenario_expected_choice", "studies.cover.sites"),
            ("scenario_expected_names", "studies.cover.open"),
            ("scenario_expected_numbers_from", "studies.cover.radii"),
            ("scenario_expected_switch", "studies.cover.keep_existing"),
            ("scenario_expected_choice", "studies.cover.unit"),
        ]
    )


def test_unknown_option_names_the_nearest_of_its_kind(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(write(tmp_path, COVER), sets=["studies.cover.raduis=3"])
    assert "studies.cover.radius" in caught.value.problems[0].text("en")
    assert caught.value.problems[0].origin == "--set"


@pytest.mark.parametrize("kind", list(study_kinds()))
def test_every_default_fits_and_every_word_is_there(kind: str) -> None:
    chosen = study_kinds()[kind]
    assert has_label(f"study_{kind}")
    options = options_of(chosen)
    assert len({option.key for option in options}) == len(options)
    for lang in LANGS:
        assert text(chosen.meaning_key, lang)
        assert all(text(option.meaning_key, lang) for option in options)
    for option in options:
        spec = key_spec("x", option)
        assert checked_value(spec, option.default)[1], option.key
        code, figures = spec.expected()
        assert all(text(code, lang, {"key": "", "value": "", **figures}) for lang in LANGS)


def test_reference_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    assert kind_tables("en") in page
    values = kind_values("zh")
    assert list(values) == list(study_kinds())
    assert set(values["land"]["options"]) == {"design_day_factor", *(option.key for option in COMMON)}


def test_library_scenario_asks_one_study_of_every_kind() -> None:
    kinds = [study.kind.kind for study in resolve_scenario("studies").studies]
    assert sorted(kinds) == sorted(study_kinds())
