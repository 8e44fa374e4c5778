"""Sources and units of figures in the reader's language; which table decides instead; gaps are rounded up."""

import csv
import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.completion import complete
from geodata.messages import Message, printed
from geodata.parameters import default_parameters
from geodata.reference import reference_county
from planner.reports import SolveReport
from scenarios.outputs.decided_by import decided_by_tables
from scenarios.outputs.studies_words import proof_line
from scenarios.outputs.terms import gap_text
from scenarios.progress import gap_text as progress_gap
from scenarios.rounding import up
from scenarios.studies.registry import study_kinds
from scenarios.studies.study import Study


def test_every_source_and_unit_of_a_default_has_chinese_words() -> None:
    entries = default_parameters().entries.values()
    said = {entry.source for entry in entries} | {entry.unit for entry in entries}
    english = [words for words in said if printed(words, "zh") == words and not re.fullmatch(r"S\d+[a-z]?", words)]
    assert english == []
    assert all(printed(words, "en") == words for words in said)
    rows = list(csv.DictReader((files("geodata") / "data" / "parameter_words.csv").read_text("utf-8").splitlines()))
    assert {row["en"] for row in rows} <= said
    assert len({row["en"] for row in rows}) == len(rows)


def test_a_chinese_source_keeps_every_figure_of_the_english_one() -> None:
    wrong = []
    for entry in default_parameters().entries.values():
        english = re.findall(r"S\d+[a-z]?", entry.source)
        if sorted(english) != sorted(re.findall(r"S\d+[a-z]?", printed(entry.source, "zh"))):
            wrong.append(entry.source)
    assert wrong == []


def test_the_refusal_of_a_parameter_names_its_unit_in_chinese() -> None:
    figures = {**default_parameters().entry("driver_cny_per_month").limits(), "value": -1}
    assert "元/月" in Message("parameter_impossible", figures).text("zh")
    assert "CNY/month" in Message("parameter_impossible", figures).text("en")


def test_figures_a_table_takes_the_place_of_are_named_with_the_table() -> None:
    county = complete(reference_county(townships=3, villages=12, seed=1), seed=1)
    stations = county.facilities["kind"] == "township_station"
    new = stations & (county.facilities["status"] == "candidate")
    facilities, vehicles = county.facilities.copy(), county.vehicles.copy()
    facilities.loc[new, "capex_cny"] = 12_345.0
    vehicles["payload_kg"] = 777.0
    changed = decided_by_tables(county.replace(facilities=facilities, vehicles=vehicles))
    assert changed["township_station_capex_cny"] == "facilities"
    first = str(vehicles["vehicle_type_id"].iloc[0])
    assert changed[f"{first}_payload_kg"] == "vehicles"
    usual = float(county.parameters["township_station_capex_cny"])
    facilities.loc[facilities.index[new][:1], "capex_cny"] = usual
    kept = decided_by_tables(county.replace(facilities=facilities))
    assert "township_station_capex_cny" not in kept


def test_a_county_filled_from_the_defaults_names_no_vehicle_or_demand_figure() -> None:
    bare = reference_county(townships=3, villages=12, seed=1)
    county = complete(bare.replace(vehicles=bare.vehicles.iloc[:0], demand=bare.demand.iloc[:0]), seed=1)
    assert set(decided_by_tables(county).values()) <= {"facilities"}


@pytest.mark.parametrize(
    ("gap", "shown"), [(0.00041, "0.05%"), (0.0041, "0.41%"), (0.004101, "0.42%"), (0.1, "10.00%")]
)
def test_gaps_are_rounded_up(gap: float, shown: str) -> None:
    assert gap_text(gap, "feasible") == shown
    assert progress_gap(gap) == shown


@given(st.floats(0.0, 1e6), st.integers(0, 4))
def test_up_is_never_below_and_less_than_a_step_above(value: float, digits: int) -> None:
    shown = up(value, digits)
    step = 10.0**-digits
    assert value - 2e-6 * step <= shown + 1e-9 * value
    assert shown - value <= step * (1 + 1e-6) + 1e-9 * value


def test_maximising_is_told_by_the_kind() -> None:
    assert {name for name, kind in study_kinds().items() if kind.is_maximising} == {
        "max_coverage",
        "backup_coverage",
        "p_dispersion",
    }
    report = SolveReport("feasible", -90.0, -100.0, "x", 1, {})
    lines: dict[str, Any] = {
        kind: proof_line(Study("a", kind, report, (), {}), "en") for kind in ("max_coverage", "p_median")
    }
    assert "-90" not in lines["max_coverage"].replace("−", "-")
    assert "90" in lines["p_median"]
