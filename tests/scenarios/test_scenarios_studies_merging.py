"""The merging study: tables that name everybody, sums that are exact, lines on the map, words in both languages."""

from functools import cache
from typing import Any

import pytest

from geodata.messages import LANGS
from loading import load
from scenarios.outputs.studies_words import LISTS, cell_text, fact_text
from scenarios.studies.study import Study

COUNTY = load("scenarios/studies_county.py")


@cache
def merged() -> Study:
    study: Study = COUNTY.small().ask("merge_stations")
    return study


def table(study: Study, key: str) -> list[dict[str, Any]]:
    found = next(t for t in study.tables if t.key == key)
    return [dict(zip([c.key for c in found.columns], row, strict=True)) for row in found.rows]


def test_everything_has_its_words() -> None:
    COUNTY.check_words(merged())
    for lang in LANGS:
        for shown in merged().tables:
            for row in shown.rows:
                for cell, column in zip(row, shown.columns, strict=True):
                    assert "function_" not in cell_text(cell, column, lang)
        for place in merged().places:
            told = fact_text("functions_today", place.facts["functions_today"], lang)
            assert told
            assert "function_" not in told
    assert "function_told" in LISTS


def test_blocks_sum_to_the_saving_and_shares_to_the_cost() -> None:
    study = merged()
    blocks = table(study, "table_study_merge_blocks")
    assert [row["block"] for row in blocks] == [
        "block_merge_today",
        "block_merge_rent",
        "block_merge_keeper",
        "block_merge_hosting",
    ]
    assert sum(row["change_cny_per_day"] for row in blocks) == pytest.approx(blocks[-1]["total_cny_per_day"])
    assert study.report is not None
    assert blocks[-1]["total_cny_per_day"] == pytest.approx(study.report.objective)
    saved = float(str(study.figures["saving_cny_per_day"]))
    assert blocks[0]["total_cny_per_day"] - blocks[-1]["total_cny_per_day"] == pytest.approx(saved)
    assert sum(row["pays_cny_per_day"] for row in table(study, "table_study_merge_shares")) == pytest.approx(
        study.report.objective
    )


def test_whoever_closes_is_hosted_or_nobody_came() -> None:
    study = merged()
    stations = {row["station_id"]: row for row in table(study, "table_study_merged")}
    closed = {name for name, row in stations.items() if row["decision"] == "decision_closed"}
    moves = table(study, "table_study_hosting")
    assert closed
    assert closed <= {row["leaves_station"] for row in moves}
    for row in moves:
        if row["host_station"]:
            host = stations[row["host_station"]]
            assert host["decision"] == "decision_kept"
            assert row["function_told"] in host["functions_after"].split(", ")
    for row in stations.values():
        if row["functions_after"] != row["functions_today"] and row["functions_after"]:
            assert row["used_floor_m2"] <= row["area_m2"] + 1e-9
            assert row["used_keeper_h"] <= row["keeper_there_h"] + 1e-9
    assert {line.name.split(" → ")[0] for line in study.lines} <= {row["name"] for row in stations.values()}
    assert len(study.lines) == len({(m["leaves_station"], m["host_station"]) for m in moves if m["host_station"]})


def test_the_answer_says_who_hosts_and_who_lost_sight() -> None:
    keys = [message.key for message in merged().answer]
    assert keys[:2] == ["merge_answer", "merge_standard"]
    assert ("merge_lost_sight" in keys) == (float(str(merged().figures["lost_sight_share"])) > 0.0)
    assert ("merge_shorter_hours" in keys) == (float(str(merged().figures["shorter_hours_share"])) > 0.0)
    assert "merge_assumed_road" in [note.key for note in merged().assumptions]
