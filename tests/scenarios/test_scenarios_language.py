"""The scenario language: parts put together, sheet and file alike, schema and reference page, differences."""

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest
import tomli_w
import xlsxwriter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from geodata.errors import InputError, UsageError
from geodata.messages import Message
from geodata.parameters import default_parameters
from scenarios.batch.expand import expand
from scenarios.batch.spec import read_batch
from scenarios.cli.app import app
from scenarios.composition import Part, Rules, compose
from scenarios.language import cells, words
from scenarios.language.difference import scenario_changes
from scenarios.language.export import export_scenario
from scenarios.language.page import reference_page
from scenarios.language.read import read_sheets
from scenarios.language.schema import json_text, scenario_schema
from scenarios.language.write import write_sheets
from scenarios.overrides import Layer, flatten
from scenarios.resolve import resolve_scenario
from scenarios.scenario_files import library_names, scenario_document
from scenarios.spec import KeySpec, ScenarioError, check_file, key_specs

ROOT = Path(__file__).parents[2]
RULES = Rules(
    lambda name: Message("batch_unknown_part", {"name": name}), lambda names: Message("batch_circle", {"names": names})
)
KEYS = ("a", "b", "c", "d")
VALIDATOR = jsonschema.Draft202012Validator(scenario_schema())


# ---- parts


def known(parts: dict[str, tuple[dict[str, int], tuple[str, ...]]]) -> dict[str, Part]:
    return {name: Part(Layer(name, None, values), made_of) for name, (values, made_of) in parts.items()}


def values_of(names: list[str], parts: dict[str, Part]) -> tuple[dict[str, Any], list[str]]:
    found, problems = compose(dict.fromkeys(names, "x"), parts, RULES)
    return {k: v for layer in found.values() for k, v in layer.values.items()}, [p.message.key for p in problems]


@given(st.dictionaries(st.sampled_from("PQRS"), st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3)), min_size=3))
def test_merging_is_idempotent_associative_and_knows_no_order(parts):
    base = known({name: (values, ()) for name, values in parts.items()})
    names = list(base)
    merged, problems = values_of(names, base)
    touched = [key for part in parts.values() for key in part]
    assert bool(problems) == (len(touched) != len(set(touched))), "refused exactly where two parts set one key"
    if problems:
        return
    assert values_of([*names, *names], base) == (merged, [])
    assert values_of(names[::-1], base) == (merged, [])
    nested = {**base, **known({"left": ({}, tuple(names[:2])), "right": ({}, tuple(names[1:]))})}
    assert values_of(["left", *names[2:]], nested) == (merged, [])
    assert values_of([names[0], "right"], nested) == (merged, [])
    assert values_of(["left", "right"], nested) == (merged, []), "a part that comes twice counts once"


def test_parts_made_of_each_other_or_of_nothing_are_told():
    parts = known({"x": ({}, ("y",)), "y": ({}, ("x",)), "z": ({}, ("nobody",))})
    _, problems = compose({"x": "f", "z": "f"}, parts, RULES)
    assert [p.message.key for p in problems] == ["batch_circle", "batch_unknown_part"]
    assert [p.origin for p in problems] == ["y", "z"], "told where the name stands"


def write(path: Path, words: str) -> Path:
    path.write_text(words, encoding="utf-8")
    return path


NESTED = """
[overrides.far.standard]
access_km = 5
[overrides.often.standard]
visits_per_week = 7
[overrides.both]
apply = ["far", "often"]
[overrides.both.siting]
centre_count = 2
[overrides.farther]
apply = ["far"]
[overrides.farther.standard]
access_km = 6
[overrides.round]
apply = ["again"]
[overrides.again]
apply = ["round"]
"""


def test_an_override_is_made_of_others_and_every_value_keeps_its_own_origin(tmp_path):
    file = write(tmp_path / "n.toml", NESTED)
    shown = resolve_scenario(file, overrides=["both", "far"]).display()
    assert shown["standard.access_km"] == (5.0, "override far (n.toml)")
    assert shown["standard.visits_per_week"] == (7, "override often (n.toml)")
    assert shown["siting.centre_count"] == (2, "override both (n.toml)")
    for name, code, words_said in (
        ("farther", "scenario_override_conflict", ("far", "farther", "standard.access_km")),
        ("round", "scenario_override_circle", ("round → again → round",)),
    ):
        with pytest.raises(ScenarioError) as caught:
            resolve_scenario(file, overrides=[name])
        assert caught.value.problems[0].message.key == code
        assert all(word in caught.value.problems[0].text(lang) for word in words_said for lang in ("en", "zh"))


# ---- cells


SPECS = [*key_specs().values(), KeySpec("x.numbers", "numbers", ()), None]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
AWKWARD = st.sampled_from(["true", "是", "5", "1e3", " x", '"q"', "[1]", "a;b", "_x000D_", "none", "無\n", "", "\x07"])


@settings(deadline=None)
@given(
    st.sampled_from(SPECS),
    st.one_of(
        TEXTS,
        AWKWARD,
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.lists(st.one_of(TEXTS, AWKWARD), max_size=4),
        st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
    ),
)
def test_every_value_comes_back_from_its_cell(spec, value):
    fitting = {"number": (int, float), "whole": (int,), "switch": (bool,), "names": (list,), "numbers": (list,)}
    if spec is not None:
        assume(isinstance(value, fitting.get(spec.kind, (str,))))
        assume(spec.kind == "switch" or not isinstance(value, bool))
    cell = cells.encode(value, spec)
    assert isinstance(cell, str | float | bool)
    assert not (isinstance(cell, str) and cells.is_empty(cell))
    back = cells.decode(cell, spec)
    assert back == value
    assert isinstance(back, bool) == isinstance(value, bool)
    assert isinstance(back, str) == isinstance(value, str)


@pytest.mark.parametrize(
    ("cell", "key", "value"),
    [
        ("是", "siting.keep_existing", True),
        (1.0, "siting.keep_existing", True),
        ("无", "siting.budget_cny", "none"),
        (3.0, "standard.visits_per_week", 3),
        (2024.0, "title_en", "2024"),
        ("a；b", "apply", ["a", "b"]),
        (7.0, "apply", ["7"]),
        (" 2.50 ", "standard.access_km", 2.5),
        ("far", "standard.access_km", "far"),
    ],
)
def test_what_people_type_is_understood(cell, key, value):
    back = cells.decode(cell, key_specs()[key])
    assert (back, type(back)) == (value, type(value))


# ---- sheet and file


def number_for(spec: KeySpec) -> st.SearchStrategy[Any]:
    low = spec.low if spec.low is not None else (spec.above or 0) + 1e-3
    high = spec.high if spec.high is not None else low + 1e6
    if spec.kind == "whole":
        return st.integers(int(low), int(min(high, low + 10_000)))
    return (
        st.floats(low, high, allow_nan=False) | st.integers(int(low) + 1, int(low) + 1)
        if high > low + 2
        else st.floats(low, high)
    )


def value_for(spec: KeySpec) -> st.SearchStrategy[Any]:
    kinds = {
        "switch": st.booleans(),
        "choice": st.sampled_from(spec.choices or ("x",)),
        "names": st.lists(TEXTS | AWKWARD, max_size=3),
        "text": (TEXTS | AWKWARD).filter(bool),
        "name": st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
    }
    plain = kinds[spec.kind] if spec.kind in kinds else number_for(spec)
    return plain | st.just("none") if spec.is_optional else plain


TREE_KEYS = [s for s in key_specs().values() if s.key not in ("name", "extends", "apply")]
PARAMETERS = [p for p in default_parameters().entries.values() if p.maximum > 1.0]


@st.composite
def trees(draw):
    tree: dict[str, Any] = {}
    for spec in draw(st.lists(st.sampled_from(TREE_KEYS), max_size=5, unique=True)):
        branch = tree
        *parents, leaf = spec.key.split(".")
        for part in parents:
            branch = branch.setdefault(part, {})
        branch[leaf] = draw(value_for(spec))
    for entry in draw(st.lists(st.sampled_from(PARAMETERS), max_size=2, unique=True)):
        low, high = max(entry.minimum, -1.0), min(entry.maximum, 1e6)
        tree.setdefault("parameters", {})[entry.parameter_id] = draw(st.floats(low, high))
    return tree


@st.composite
def documents(draw):
    document = draw(trees())
    for name in draw(st.lists(st.sampled_from(["cover", "村点", "s-1"]), max_size=2, unique=True)):
        table = {"kind": "max_coverage", "radius": draw(st.floats(0.1, 50)), "active": draw(st.booleans())}
        document.setdefault("studies", {})[name] = table
    overrides = draw(
        st.dictionaries(TEXTS | AWKWARD, trees(), max_size=2).filter(lambda d: all(k.strip() == k for k in d))
    )
    if overrides:
        document["overrides"] = {name: tree for name, tree in overrides.items() if name}
        document["overrides"]["加急"] = {"apply": ["x"], "studies": {"cover": {"active": False, "radius": 3}}}
    return document


@settings(max_examples=25, deadline=None)
@example({"overrides": {"#": {}, "# b": {"standard": {"visits_per_week": 3}}}}, "zh")
@given(documents(), st.sampled_from(["zh", "en"]))
def test_sheet_and_file_say_the_same(tmp_path_factory, document, lang):
    path = tmp_path_factory.mktemp("s") / "s.xlsx"
    write_sheets(document, path, lang)
    read = read_sheets(path.read_bytes(), path.name)
    assert read.problems == []
    assert flatten(read.document) == flatten(document)
    assert {k for k, v in read.document.get("overrides", {}).items()} == set(document.get("overrides", {}))
    assert check_file(read.document, "x") == check_file(document, "x")
    assert check_file(tomllib.loads(tomli_w.dumps(document)), "x") == check_file(read.document, "x")


@pytest.mark.parametrize("name", library_names())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_library_scenario_runs_alike_from_its_sheet(tmp_path, name, lang):
    sheet, back = tmp_path / f"{name}.xlsx", tmp_path / f"{name}.toml"
    export_scenario(name, sheet, lang)
    export_scenario(str(sheet), back, lang)
    assert tomllib.loads(back.read_text(encoding="utf-8")) == scenario_document(name)[0]
    whole = resolve_scenario(name)
    for path in (sheet, back):
        again = resolve_scenario(path)
        assert again.content_hash("c") == whole.content_hash("c")
        assert scenario_changes(whole, again) == ()


def test_paths_follow_the_file_into_another_folder(tmp_path):
    for folder in ("one/deep", "two"):
        (tmp_path / folder).mkdir(parents=True)
    write(tmp_path / "one" / "parent.toml", "[standard]\naccess_km = 4\n")
    file = write(
        tmp_path / "one" / "deep" / "s.toml",
        'extends = "../parent.toml"\n[county]\nsource = "c.xlsx"\n[overrides.o.county]\nsource = "d.xlsx"\n',
    )
    export_scenario(str(file), tmp_path / "two" / "s.xlsx", "zh")
    moved = resolve_scenario(tmp_path / "two" / "s.xlsx", overrides=["o"])
    assert moved.source_path == (tmp_path / "one" / "deep" / "d.xlsx").resolve()
    assert moved.standard.access_km == 4
    assert moved.content_hash("c") == resolve_scenario(file, overrides=["o"]).content_hash("c")
    with pytest.raises(InputError):
        export_scenario(str(file), tmp_path / "two" / "s.xlsx", "zh")
    with pytest.raises(UsageError, match=r"\.toml"):
        export_scenario("base", tmp_path / "s.csv", "en")


def test_a_sheet_is_extended_and_a_sheet_extends(tmp_path):
    export_scenario("base", tmp_path / "ours.xlsx", "zh")
    child = write(tmp_path / "c.toml", 'extends = "ours.xlsx"\napply = ["daily_service"]\n')
    assert resolve_scenario(child).display()["standard.visits_per_week"] == (7, "override daily_service (ours.xlsx)")


def sheet(path: Path, **sheets: list[list[Any]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
    return path


def problems_of(path: Path, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(path, **options)
    assert all(problem.text(lang) for problem in caught.value.problems for lang in ("zh", "en"))
    return [(problem.origin, problem.message.key) for problem in caught.value.problems]


HEAD = ["key", "value"]


def test_every_problem_names_sheet_and_cell_and_value(tmp_path):
    path = sheet(
        tmp_path / "bad.xlsx",
        设定=[
            ["参数名", "取值"],
            ["standard.acess_km", 2],
            ["standard.visits_per_week", 9],
            ["", 5],
            ["seed", "x"],
            ["seed", 2],
        ],
        parameters=[HEAD, ["stop_base_min", -1]],
        studies=[["study", *HEAD], ["", "kind", "land"]],
        overrides=[["override", *HEAD], ["cheap", "siting.centre_count", 0]],
        extra=[["something"]],
    )
    with pytest.raises(ScenarioError) as caught:
        resolve_scenario(path)
    found = {(p.origin, p.message.key) for p in caught.value.problems}
    assert found == {
        ("bad.xlsx 设定!B2", "scenario_unknown_key"),
        ("bad.xlsx 设定!B3", "scenario_expected_whole_between"),
        ("bad.xlsx 设定!A4", "sheet_value_alone"),
        ("bad.xlsx 设定!B5", "scenario_expected_whole_between"),
        ("bad.xlsx 设定!B6", "sheet_key_twice"),
        ("bad.xlsx parameters!B2", "scenario_expected_number_from"),
        ("bad.xlsx studies!A2", "sheet_value_alone"),
        ("bad.xlsx overrides!C2", "scenario_expected_whole_from"),
        ("bad.xlsx extra", "sheet_unknown"),
    }
    sentences = [p.text("en") for p in caught.value.problems]
    assert any("设定!B3" in s and "is 9" in s for s in sentences)


def test_problems_only_the_whole_shows_name_their_cell_too(tmp_path):
    path = sheet(
        tmp_path / "s.xlsx",
        settings=[HEAD, ["seed", 1]],
        studies=[["study", *HEAD], ["far", "kind", "max_coverage"], ["far", "radius", "wide"]],
        overrides=[["override", *HEAD], ["o", "studies.far.node_limit", 0]],
    )
    assert problems_of(path) == [("s.xlsx studies!C3", "scenario_expected_number_above")]
    fixed = openpyxl.load_workbook(path)
    fixed["studies"]["C3"] = 3
    fixed.save(path)
    assert resolve_scenario(path).value("studies.far.radius") == 3.0
    assert problems_of(path, overrides=["o"]) == [("s.xlsx overrides!C2", "scenario_expected_whole_from")]


def test_dates_excel_errors_and_lists_that_cannot_be_read(tmp_path):
    book = openpyxl.Workbook()
    page = book.active
    page.title = "settings"
    for row in (HEAD, ["title_en", dt.date(2024, 1, 2)], ["apply", "[x"], ["# seed", 7], ["seed", "=1/0"]):
        page.append(row)
    book.save(tmp_path / "d.xlsx")
    assert problems_of(tmp_path / "d.xlsx") == [
        ("d.xlsx settings!B5", "sheet_error_cell"),
        ("d.xlsx settings!B2", "sheet_bad_cell"),
        ("d.xlsx settings!B3", "sheet_bad_cell"),
    ]


def test_headings_missing_sheets_twice_and_keys_in_keys(tmp_path):
    assert problems_of(sheet(tmp_path / "h.xlsx", settings=[["standard.access_km", 2]])) == [
        ("h.xlsx settings", "sheet_no_headings")
    ]
    twice = sheet(tmp_path / "t.xlsx", settings=[HEAD], 设定=[HEAD])
    assert problems_of(twice) == [("t.xlsx 设定", "sheet_twice")]
    inner = sheet(tmp_path / "k.xlsx", settings=[HEAD, ["standard", 2], ["standard.access_km", 2]])
    assert ("k.xlsx settings!B3", "sheet_key_in_key") in problems_of(inner)


def test_what_is_no_scenario_workbook_says_what_to_do(tmp_path):
    (tmp_path / "broken.xlsx").write_bytes(b"PK no")
    with pytest.raises(UsageError, match="cannot be opened"):
        resolve_scenario(tmp_path / "broken.xlsx")
    with pytest.raises(UsageError, match="scenario export"):
        resolve_scenario(sheet(tmp_path / "county.xlsx", villages=[["village_code"], ["1"]]))
    with pytest.raises(InputError, match="longer"):
        write_sheets({"title_en": "x" * 40_000}, tmp_path / "long.xlsx", "en")


def test_the_same_scenario_gives_the_same_bytes(tmp_path):
    document = scenario_document("studies")[0]
    for name in ("a.xlsx", "b.xlsx"):
        write_sheets(document, tmp_path / name, "zh")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


# ---- words, schema, page


def test_every_key_has_its_words_in_both_languages():
    for key, spec in key_specs().items():
        for lang in ("zh", "en"):
            shown = words.help_of(key, lang, {})
            assert shown.meaning and shown.allowed and shown.default
        assert words.meaning(key, "zh", {}) != words.meaning(key, "en", {}), "add key_… to scenario_keys.csv"
        assert words.spec_of(key, {}) == spec
    assert words.help_of("no.key", "en", {}) == words.KeyHelp("", "", "", "")


def test_the_schema_takes_what_the_check_takes_and_refuses_what_it_refuses():
    validator = VALIDATOR
    validator.check_schema(VALIDATOR.schema)
    for name in library_names():
        assert list(validator.iter_errors(scenario_document(name)[0])) == [], name
    bad = [
        {"standard": {"acess_km": 2}},
        {"standard": {"visits_per_week": 9}},
        {"standard": {"access_km": 0}},
        {"siting": {"budget_cny": "much"}},
        {"siting": {"keep_existing": 1}},
        {"lang": "fr"},
        {"apply": "one"},
        {"parameters": {"stop_base_min": -1}},
        {"parameters": {"nonsense": 1}},
        {"studies": {"s": {"kind": "max_coverage", "radius": "x"}}},
        {"studies": {"s": {"kind": "nothing"}}},
        {"overrides": {"o": {"name": "x"}}},
        {"overrides": {"o": {"siting": {"centre_count": 0}}}},
    ]
    for document in bad:
        assert list(validator.iter_errors(document)), document
    assert list(validator.iter_errors({"siting": {"budget_cny": "none"}, "overrides": {"o": {"apply": ["p"]}}})) == []


@settings(max_examples=25, deadline=None)
@given(documents())
def test_what_passes_the_check_passes_the_schema(document):
    if not check_file(document, "x")[1]:
        assert list(VALIDATOR.iter_errors(document)) == []


def test_the_reference_page_is_up_to_date():
    page = reference_page(scenario_schema())
    written = (ROOT / "docs" / "scenario_reference.md").read_text(encoding="utf-8")
    assert written == page, "run: make docs"
    assert all(f"`{key}`" in page for key in key_specs())
    assert all(f"`parameters.{key}`" in page for key in default_parameters())


# ---- commands


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_diff_names_both_values_and_both_origins(tmp_path):
    result = invoke("scenario", "diff", "base", "mayang", "--json")
    assert result.exit_code == 0
    rows = {row["key"]: row for row in json.loads(result.stdout)["differences"]}
    assert rows["standard.population_share"] == {
        "key": "standard.population_share",
        "first": {"value": 0.95, "origin": "base.toml"},
        "second": {"value": 0.65, "origin": "mayang.toml"},
    }
    assert rows["county.townships"]["second"] is None
    shown = invoke(
        "scenario", "diff", "base", "--override", "daily_service", "--set", "siting.budget_cny=9", "--lang", "en"
    ).stdout
    assert "override daily_service (base.toml)" in shown
    assert '"none"' in shown
    assert "same settings" in invoke("scenario", "diff", "base", "--lang", "en").stdout
    assert invoke("scenario", "diff", "base", "nobody").exit_code == 2


def test_commands_write_sheet_schema_and_page(tmp_path):
    target = tmp_path / "s.xlsx"
    assert invoke("scenario", "export", "base", str(target)).exit_code == 0
    assert invoke("scenario", "show", str(target), "--origin").exit_code == 0
    assert invoke("scenario", "export", "base", str(target)).exit_code == 3
    assert invoke("scenario", "schema").stdout == json_text(scenario_schema())
    assert invoke("scenario", "reference", "--out", str(tmp_path / "r.md")).exit_code == 0
    assert (tmp_path / "r.md").read_text(encoding="utf-8") == reference_page(scenario_schema())


def test_a_batch_scenario_is_made_of_overrides_of_the_base(tmp_path):
    words_of = 'name = "b"\n[counties.a]\n[scenarios.x]\napply = ["daily_service", "keep_existing"]\n'
    found = {s.name: s.values for s in expand(read_batch(write(tmp_path / "b.toml", words_of)))}
    assert found["x"] == {"standard.visits_per_week": 7, "siting.keep_existing": True}
    clash = write(tmp_path / "c.toml", words_of + "standard.visits_per_week = 3\n")
    with pytest.raises(ScenarioError) as caught:
        expand(read_batch(clash))
    assert "daily_service" in caught.value.problems[0].text("en")
