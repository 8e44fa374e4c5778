"""Finished runs side by side: exact steps, villages that win and lose, page and workbook, what is refused."""

import dataclasses
import json
import math
import re
import shutil
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from geodata.errors import InputError, UsageError
from scenarios.cli.app import app
from scenarios.comparison import outputs
from scenarios.comparison.falls import amount, steps
from scenarios.comparison.map_data import map_data
from scenarios.comparison.runs import FinishedRun, Village, read_runs
from scenarios.comparison.tables import comparison_tables
from scenarios.comparison.villages import village_changes, village_costs
from scenarios.comparison.waterfall import PARCELS, difference, exact_parts, kpi_falls, quotient, waterfalls, whole
from scenarios.runner import RunRequest, run_scenario

SMALL = ("county.townships=2", "county.villages=10")
LOOSE = (
    "standard.village_served_share=0.5",
    "standard.population_share=0.4",
    "standard.village_point_share=0.3",
    "standard.visits_per_week=3",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    sets = ((), LOOSE, ("changes.volume_factor=0.5",))
    return [
        run_scenario(RunRequest("reference", out=root / str(i), sets=(*SMALL, *more))) for i, more in enumerate(sets)
    ]


@pytest.fixture(scope="module")
def runs(folders: list[Path]) -> tuple[FinishedRun, ...]:
    return read_runs(folders, "en")


# ---- steps that sum exactly

AMOUNTS = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e7), max_size=6)


@given(AMOUNTS, AMOUNTS, st.sampled_from([Fraction(1, 100), Fraction(1), Fraction(1, 1000)]))
def test_printed_steps_add_up_to_the_last_digit(first, other, step):
    fall = difference("cost", "cny", step, first, other)
    assert fall.start + sum(fall.parts.values()) == fall.end
    assert fall.start == whole(sum(map(Fraction, first.values()), Fraction(0)) / step)
    for key, change in fall.parts.items():
        exact = (Fraction(other.get(key, 0.0)) - Fraction(first.get(key, 0.0))) / step
        assert abs(change - exact) < 3, "a step is its exact change but for rounding"
    assert (fall.parts == {}) or first != other
    printed = [
        int(re.sub(r"[,.+]", "", s.text).replace("−", "-"))
        for s in steps(difference("investment", "cny", step, {}, {}), ("a", "b"), "en")
    ]
    assert printed == [0, 0]


@given(AMOUNTS, AMOUNTS, st.floats(1, 1e5), st.floats(1, 1e5))
def test_a_quotient_splits_into_cost_and_parcels(first, other, p0, p1):
    fall = quotient("cny_per_parcel", Fraction(1, 1000), (first, p0), (other, p1))
    assert fall is not None
    assert fall.start + sum(fall.parts.values()) == fall.end
    assert fall.start == whole(sum(map(Fraction, first.values()), Fraction(0)) / Fraction(p0) * 1000)
    if p0 == p1:
        assert PARCELS not in fall.parts or abs(fall.parts[PARCELS]) <= 1


def test_a_quotient_by_hand_and_without_parcels():
    fall = quotient("cny_per_parcel", Fraction(1, 1000), ({"a": 100.0}, 100.0), ({"a": 100.0}, 50.0))
    assert fall is not None
    assert (fall.start, fall.end, fall.parts) == (1000, 2000, {PARCELS: 1000})
    both = quotient("cny_per_parcel", Fraction(1, 1000), ({"a": 100.0}, 100.0), ({"a": 60.0}, 50.0))
    assert both is not None
    assert both.parts == {"a": -600, PARCELS: 800}, "−40 · ½(1/100 + 1/50), 80 · (1/50 − 1/100)"
    assert quotient("x", Fraction(1), ({}, 0.0), ({}, 5.0)) is None


@given(st.dictionaries(st.integers(0, 9).map(str), st.fractions(-50, 50), min_size=1), st.integers(-5, 5))
def test_whole_parts_reach_any_near_total(changes, off):
    total = whole(sum(changes.values(), Fraction(0))) + off
    parts = exact_parts(changes, total)
    assert sum(parts.values()) == total
    assert set(parts) == set(changes)


def test_amounts_are_printed_to_the_last_digit():
    fall = difference("cost", "cny", Fraction(1, 100), {"village_point.site": 1234.5}, {"village_point.site": 1234.0})
    assert [step.text for step in steps(fall, ("x", "y"), "en")][::2] == ["1,234.50", "1,234.00"]
    assert amount(fall, -50, is_change=True) == "−0.50"
    assert amount(fall, 5, is_change=True) == "+0.05"


def test_steps_of_real_runs_end_at_the_plans_own_figures(runs):
    for other in runs[1:]:
        found = {fall.figure: fall for fall in waterfalls(runs[0], other)}
        assert set(found) == {"cost", "parcel_cost", "investment", "served"}
        for fall in (*found.values(), *kpi_falls(runs[0].plan, other.plan)):
            assert fall.start + sum(fall.parts.values()) == fall.end
        for run, end in ((runs[0], "start"), (other, "end")):
            assert getattr(found["cost"], end) == round(run.plan["cost_cny_per_day"] * 100)
            assert getattr(found["investment"], end) == round(run.plan["investment_cny"])
            assert getattr(found["served"], end) == len(run.villages) - len(run.plan["unserved"])
            k13 = next(r for r in run.plan["kpis"] if (r["kpi_id"], r["part"]) == ("K13", "total"))
            assert getattr(found["parcel_cost"], end) == round(k13["value"] * 1000)
    figures = {fall.figure: fall for fall in kpi_falls(runs[0].plan, runs[1].plan)}
    assert "K1 total" in figures
    assert not any(name.startswith("K7 p90") for name in figures), "a percentile is no quotient"


# ---- villages


def village(**more):
    plain = Village("1", "v", "t", 100.0, 10.0, True, True, "P", "p", "", 1.0, 5.0, "van", 109.0, 27.0)
    return dataclasses.replace(plain, **more)


def verdict_of(runs, before, after):
    first, other = (
        dataclasses.replace(run, villages={"1": v}, trips={}, sites={})
        for run, v in zip(runs[:2], (before, after), strict=True)
    )
    for run in (first, other):
        run.plan["siting"]["point_of_village"].setdefault("1", "P")
    change = village_changes(first, other)[0]
    return change.verdict, {key for key, sign in change.better.items() if sign and key != "cost"}


UNSERVED = {"is_served": False, "has_own_point": False, "point_id": "", "access_km": None, "services_per_week": 0.0}


@pytest.mark.parametrize(
    ("after", "verdict", "moved"),
    [
        ({}, "same", set()),
        (UNSERVED, "loses", {"service", "frequency"}),
        ({"services_per_week": 7.0}, "wins", {"frequency"}),
        ({"access_km": 2.0}, "loses", {"access"}),
        ({"access_km": 1.04}, "same", set()),
        ({"access_km": 0.5, "services_per_week": 3.0}, "mixed", {"access", "frequency"}),
        ({"has_own_point": False, "access_km": 1.0}, "loses", {"own_point"}),
    ],
)
def test_who_wins_and_who_loses(runs, after, verdict, moved):
    assert verdict_of(runs, village(), village(**after)) == (verdict, moved)
    turned = {"wins": "loses", "loses": "wins"}.get(verdict, verdict)
    assert verdict_of(runs, village(**after), village()) == (turned, moved)


def test_costs_of_villages_sum_to_the_plan(runs):
    for run in runs:
        costs = village_costs(run)
        assert set(costs) == {code for code, v in run.villages.items() if v.is_served}
        assert math.fsum(costs.values()) == pytest.approx(run.plan["cost_cny_per_day"], rel=1e-6)


def test_a_run_compared_with_itself_shows_no_difference(folders):
    pair = read_runs([folders[0], folders[0]], "en")
    assert pair[0].label != pair[1].label
    whole_thing = outputs.compare(pair, "en")
    assert all(table.different == 0 for table in whole_thing.tables)
    assert all(not fall.parts for fall in whole_thing.falls[0])
    assert {change.verdict for change in whole_thing.changes[0]} == {"same"}


# ---- tables, map, page, workbook


def test_tables_tell_what_differs(runs):
    tables = {table.key: table for table in comparison_tables(runs, "en")}
    assert list(tables) == ["kpis", "decisions", "sites", "trips", "settings", "inputs", "log"]
    changed = {row.heads[0] for row in tables["settings"].rows if row.is_different}
    assert changed == {
        "standard.village_served_share",
        "standard.population_share",
        "standard.village_point_share",
        "standard.visits_per_week",
        "changes.volume_factor",
    }
    visits = next(row for row in tables["settings"].rows if row.heads[0] == "standard.visits_per_week")
    assert visits.values == ("5", "3", "5")
    served = next(row for row in tables["decisions"].rows if row.heads[0] == "villages served")
    assert served.figures == tuple(float(sum(v.is_served for v in run.villages.values())) for run in runs)
    for table in tables.values():
        for row in table.rows:
            assert len(row.values) == 3
            assert len(row.heads) == len(table.heads)
            assert len(row.changes) == (2 if table.has_changes else 0)
    assert any("K1 " in row.heads[0] and "points" in row.changes[0] for row in tables["kpis"].rows)


def test_studies_stand_side_by_side_where_a_run_asks_any(runs):
    asked = {
        "name": "cover",
        "kind": "max_coverage",
        "answer": [{"key": "compare_lead_equal", "params": {}}],
        "report": {"status": "optimal"},
    }
    other = dataclasses.replace(runs[1], plan={**runs[1].plan, "studies": [asked]})
    table = next(t for t in comparison_tables((runs[0], other), "en") if t.key == "studies")
    assert [row.values for row in table.rows] == [("—", "the same"), ("—", "proved best")]
    assert all(row.is_different for row in table.rows)


def test_the_map_has_a_pane_a_run_and_every_placed_thing(runs):
    changes = [village_changes(runs[0], other) for other in runs[1:]]
    data = map_data(runs, changes, "zh")
    assert len(data["runs"]) == 3
    for run, pane in zip(runs, data["runs"], strict=True):
        assert len(pane["villages"]) == sum(v.lon is not None for v in run.villages.values())
        assert len(pane["sites_open"]) == len(run.plan["siting"]["open"])
        assert len(pane["line_haul"]) + len(pane["rounds"]) == len(run.plan["routing"]["routes"])
    assert all(not v["by"] for v in data["runs"][0]["villages"])
    by_name = {v["name"]: v for v in data["runs"][1]["villages"]}
    for change in changes[0]:
        shown = {"wins": "better", "loses": "worse", "mixed": "mixed", "same": ""}[change.verdict]
        assert by_name[change.village.name]["by"]["verdict"] == shown


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_loads_nothing_and_text_stays_text(runs, tmp_path, lang):
    evil = '<img src=x onerror=alert(1)>{{ 7*7 }}`"'
    villages = {code: dataclasses.replace(v, name=evil) for code, v in runs[0].villages.items()}
    tainted = (dataclasses.replace(runs[0], title=evil, villages=villages), *runs[1:])
    outputs.write_comparison_page(outputs.compare(tainted, lang), tmp_path / "p.html", lang)
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "{{ 7*7 }}" in page
    assert "49`" not in page
    ours = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", ours)
    assert "default-src &#39;none&#39;" in page
    block = re.search(r'<script type="application/json" id="xiangyou-compare">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    assert json.loads(block.group(1))["runs"][0]["villages"][0]["name"] == evil
    assert not re.search(
        r"\b(unit|kind|tier|decision|compare|kpi_part)_[a-z]", re.sub(r"\{.*\}", "", ours, flags=re.DOTALL)
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_workbook_holds_steps_that_sum_and_every_row(runs, tmp_path, lang):
    whole_thing = outputs.compare(runs, lang)
    outputs.write_comparison_workbook(whole_thing, tmp_path / "a.xlsx", lang)
    outputs.write_comparison_workbook(whole_thing, tmp_path / "b.xlsx", lang)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert len(book.sheetnames) == 3 + 7
    rows = list(book.worksheets[1].iter_rows(min_row=2, values_only=True))
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        groups.setdefault((row[0], row[1]), []).append(row[3])
    assert len(groups) >= 8
    for values in groups.values():
        assert values[0] + math.fsum(values[1:-1]) == pytest.approx(values[-1], abs=1e-9)
    assert book.worksheets[3].max_row - 1 == len(whole_thing.tables[0].rows)


# ---- what is refused


def test_what_cannot_be_compared_is_said_and_ends_with_3(folders, tmp_path):
    good = folders[0]
    unfinished = tmp_path / "unfinished"
    shutil.copytree(good, unfinished)
    (unfinished / "manifest.json").unlink()
    cut = tmp_path / "cut"
    shutil.copytree(good, cut)
    (cut / "plan.gpkg").unlink()
    other = tmp_path / "other"
    shutil.copytree(good, other)
    plan = json.loads((other / "plan.json").read_text(encoding="utf-8"))
    plan["county"] |= {"code": "123456", "name": "别县"}
    (other / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    broken = tmp_path / "broken"
    shutil.copytree(good, broken)
    (broken / "plan.gpkg").write_bytes(b"no")
    old = tmp_path / "old"
    shutil.copytree(good, old)
    (old / "plan.json").write_text(json.dumps({**plan, "schema_version": 0}), encoding="utf-8")
    for folder, code in (
        (tmp_path, "run_not_a_run_folder"),
        (unfinished, "compare_unfinished"),
        (cut, "compare_files_missing"),
        (other, "compare_other_county"),
        (broken, "run_file_unreadable"),
        (old, "compare_unknown_plan"),
    ):
        with pytest.raises(InputError) as caught:
            read_runs([good, folder], "en")
        assert caught.value.message.key == code
        assert all(caught.value.text(lang) for lang in ("zh", "en"))
    for folder in (tmp_path, unfinished, other):
        result = CliRunner().invoke(app, ["compare", str(good), str(folder), "--lang", "en"])
        assert result.exit_code == 3
    for count in (1, 5):
        with pytest.raises(UsageError):
            read_runs([good] * count, "en")
        assert CliRunner().invoke(app, ["compare", *[str(good)] * count]).exit_code == 2


def test_the_command_writes_page_workbook_and_table(folders, tmp_path):
    target = tmp_path / "side_by_side"
    arguments = ["compare", *map(str, folders[:2]), "--out", str(target), "--lang", "zh"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert sorted(p.name for p in target.iterdir()) == ["compare.csv", "compare.html", "compare.xlsx"]
    assert CliRunner().invoke(app, arguments).exit_code == 3, "nothing is written over"
    assert CliRunner().invoke(app, ["compare", *map(str, folders[:2]), "--out", str(tmp_path / "c.csv")]).exit_code == 0
    assert (tmp_path / "c.csv").read_bytes() == (target / "compare.csv").read_bytes()
