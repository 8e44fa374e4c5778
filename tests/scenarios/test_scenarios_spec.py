"""Keys of a scenario file: types, ranges, nearest names, every problem at once."""

import dataclasses

import pytest

from geodata.messages import text
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from scenarios.spec import RANGES, SETTINGS, attribute_meanings, check_file, check_tree, key_specs


def only_problem(tree: dict[str, object]) -> tuple[str, str, str]:
    checked, problems = check_tree(tree, "x.toml")
    assert len(problems) == 1, problems
    assert checked == {} or problems[0].key.startswith("parameters")
    return problems[0].key, problems[0].message.key, problems[0].text("en")


@pytest.mark.parametrize(("section", "settings"), SETTINGS.items())
def test_sections_follow_the_planners_settings(section: str, settings: type) -> None:
    keys = [key.partition(".")[2] for key in key_specs() if key.startswith(f"{section}.")]
    assert keys == [field.name for field in dataclasses.fields(settings)]
    for field in dataclasses.fields(settings):
        spec = key_specs()[f"{section}.{field.name}"]
        assert spec.default == field.default
        assert spec.meaning, field.name
        assert spec.kind in ("switch", "names", "choice") or f"{section}.{field.name}" in RANGES, (
            "give the new setting a range"
        )


def test_kinds_come_from_the_types() -> None:
    specs = key_specs()
    assert specs["siting.keep_existing"].kind == "switch"
    assert specs["siting.node_limit"].kind == "whole"
    assert specs["standard.access_km"].kind == "number"
    assert specs["siting.budget_cny"].is_optional
    assert not specs["standard.access_km"].is_optional


def test_every_default_passes_its_own_check() -> None:
    for settings, section in ((ServiceStandard, "standard"), (SitingSettings, "siting"), (RoutingSettings, "routing")):
        values = {k: "none" if v is None else v for k, v in dataclasses.asdict(settings()).items()}
        checked, problems = check_tree({section: values}, "x")
        assert problems == []
        assert settings(**checked[section]) == settings()


@pytest.mark.parametrize(
    ("tree", "nearest"),
    [
        ({"standard": {"acess_km": 2}}, "standard.access_km"),
        ({"access_km": 2}, "standard.access_km"),
        ({"acess_km": 2}, "standard.access_km"),
        ({"standrad": {"access_km": 2}}, "standard"),
        ({"siting": {"access_km": 2}}, "standard.access_km"),
        ({"county": {"sorce": "x"}}, "county.source"),
        ({"sede": 2}, "seed"),
        ({"parameters": {"stop_bas_min": 2.0}}, "parameters.stop_base_min"),
    ],
)
def test_unknown_key_names_the_nearest(tree: dict[str, object], nearest: str) -> None:
    _, code, sentence = only_problem(tree)
    assert code == "scenario_unknown_key"
    assert f"“{nearest}”" in sentence


@pytest.mark.parametrize(
    ("tree", "code", "parts"),
    [
        ({"standard": {"access_km": "2"}}, "scenario_expected_number_above", ("standard.access_km", "2", "above 0")),
        ({"standard": {"access_km": 0}}, "scenario_expected_number_above", ("above 0",)),
        ({"standard": {"access_km": True}}, "scenario_expected_number_above", ("is true",)),
        ({"standard": {"population_share": 95}}, "scenario_expected_number_between", ("is 95", "from 0 to 1")),
        ({"standard": {"population_share": float("nan")}}, "scenario_expected_number_between", ("nan",)),
        ({"siting": {"budget_cny": float("inf")}}, "scenario_expected_number_from", ("inf", "at least 0")),
        ({"standard": {"visits_per_week": 2.5}}, "scenario_expected_whole_between", ("2.5", "from 1 to 7")),
        ({"siting": {"keep_existing": 1}}, "scenario_expected_switch", ("is 1", "true or false")),
        ({"lang": "fr"}, "scenario_expected_choice", ("fr", "zh, en")),
        ({"county": {"place_unlocated": "yes"}}, "scenario_expected_choice", ("no, township_seat",)),
        ({"county": {"source": ""}}, "scenario_expected_text", ("county.source",)),
        ({"standard": 3}, "scenario_expected_table", ("[standard]",)),
        ({"parameters": {"stop_base_min": "x"}}, "scenario_expected_number", ("parameters.stop_base_min",)),
        ({"parameters": {"stop_base_min": -1}}, "scenario_expected_number_from", ("at least 0",)),
        ({"siting": {"seed": 2**40}}, "scenario_expected_whole_between", ("2147483647",)),
    ],
)
def test_wrong_values_say_key_value_and_what_is_expected(
    tree: dict[str, object], code: str, parts: tuple[str, ...]
) -> None:
    _, found, sentence = only_problem(tree)
    assert found == code
    for part in parts:
        assert part in sentence
    assert not any(brace in sentence for brace in "{}")


def test_every_problem_is_found_at_once_with_its_place() -> None:
    document = {
        "name": "a b",
        "apply": "one",
        "standard": {"acess_km": 1, "visits_per_week": 9},
        "parameters": {"nonsense": 1, "stop_base_min": "x"},
        "overrides": {"cheap": {"siting": {"centre_count": 0}, "name": "x"}, "dear": 3},
    }
    checked, problems = check_file(document, "mine.toml")
    assert checked == {}
    assert sorted(problem.key for problem in problems) == [
        "apply",
        "name",
        "overrides.cheap.name",
        "overrides.cheap.siting.centre_count",
        "overrides.dear",
        "parameters.nonsense",
        "parameters.stop_base_min",
        "standard.acess_km",
        "standard.visits_per_week",
    ]
    assert all(problem.text(lang).startswith("mine.toml: ") for problem in problems for lang in ("zh", "en"))


def test_none_word_and_whole_numbers_for_figures() -> None:
    checked, problems = check_file({"siting": {"budget_cny": "none"}, "standard": {"access_km": 2}}, "x")
    assert problems == []
    assert checked == {"siting": {"budget_cny": None}, "standard": {"access_km": 2.0}}
    assert isinstance(checked["standard"]["access_km"], float)


def test_every_kind_of_expectation_has_its_sentence() -> None:
    for spec in key_specs().values():
        code, figures = spec.expected()
        for lang in ("zh", "en"):
            assert spec.key in text(code, lang, {"key": spec.key, "value": "v", **figures})


def test_meanings_are_read_from_numpydoc() -> None:
    class Sample:
        """Head.

        Attributes
        ----------
        one
            First line
            and second.
        two, three
            Both.
        """

    assert attribute_meanings(Sample) == {"one": "First line and second.", "two": "Both.", "three": "Both."}
