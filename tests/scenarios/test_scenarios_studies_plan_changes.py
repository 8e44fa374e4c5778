"""Studies that solve the three-tier plan again: what they say when no plan is found, and what is proved about it."""

from dataclasses import replace
from typing import Any

import pytest

from geodata.errors import InputError, NoSolutionError
from geodata.messages import LANGS, Message
from loading import load
from planner.progress import no_progress
from planner.siting.three_tier import Tried, find_three_tier, solve_three_tier
from scenarios.studies import plan_changes, plan_shadow
from scenarios.studies.plan_changes import reference_plan, solved, with_budget, with_locks

COUNTY = load("scenarios/studies_county.py")


def keys(study: Any) -> list[str]:
    return [message.key for message in study.answer]


def test_no_plan_is_proved_only_where_the_search_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = COUNTY.small().problem
    assert find_three_tier(with_budget(problem, 1.0)) == Tried(None, is_none_proved=True)

    def fails(*_: Any, **__: Any) -> Tried:
        raise NoSolutionError(Message("siting_no_solution"))

    def refuses(*_: Any, **__: Any) -> Tried:
        raise InputError(Message("siting_input_refused", {"count": 1}), [])

    monkeypatch.setattr(plan_changes, "find_three_tier", fails)
    assert not solved(problem, no_progress).is_none_proved
    monkeypatch.setattr(plan_changes, "find_three_tier", refuses)
    assert solved(problem, no_progress).is_none_proved


@pytest.mark.parametrize("is_proved", [True, False])
def test_a_step_without_a_plan_says_whether_that_is_proved(monkeypatch: pytest.MonkeyPatch, *, is_proved: bool) -> None:
    monkeypatch.setattr(plan_shadow, "solved", lambda *_: Tried(None, is_none_proved=is_proved))
    study = COUNTY.small().ask("plan_shadow")
    ending = "_none_proved" if is_proved else "_none"
    assert [key for key in keys(study)[1:] if "_none" in key]
    assert all(key.endswith(ending) for key in keys(study) if "_none" in key)
    assert f"shadow{ending}" in {row[-1] for row in study.tables[0].rows}
    COUNTY.check_words(study)
    words = {"en": "not proved", "zh": "未证明"}
    for message in study.answer:
        if "_none" in message.key:
            assert all((words[lang] in message.text(lang)) is not is_proved for lang in LANGS)


@pytest.mark.parametrize("is_proved", [True, False])
def test_a_site_is_called_needed_only_if_that_is_proved(monkeypatch: pytest.MonkeyPatch, *, is_proved: bool) -> None:
    monkeypatch.setattr("scenarios.studies.plan_importance.solved", lambda *_: Tried(None, is_none_proved=is_proved))
    study = COUNTY.small().ask("plan_importance", sites_count=2)
    assert {row[-1] for row in study.tables[0].rows} == {"importance_needed" if is_proved else "importance_unknown"}
    assert study.figures["sites_needed"] == (2 if is_proved else 0)
    assert keys(study)[0] == "study_answer_plan_importance_" + ("needed" if is_proved else "unknown")
    COUNTY.check_words(study)


def test_money_buys_nothing_where_all_villages_are_served_already() -> None:
    study = COUNTY.small().ask("plan_shadow")
    count = len(COUNTY.small().problem.county.villages)
    bought = [row for row in study.tables[0].rows if row[0].key == "study_shadow_budget"]  # type: ignore[union-attr]
    assert len(bought) == 2
    assert (keys(study)[0] == "study_shadow_all_served") == (bought[0][4] == count)


def test_most_villages_for_a_budget_is_the_largest_number_that_has_a_plan() -> None:
    problem = COUNTY.small().problem
    exact = replace(
        problem,
        standard=replace(problem.standard, population_share=0.3, village_point_share=0.0, township_station_share=0.0),
        siting=replace(problem.siting, relative_gap=0.0),
    )
    base = find_three_tier(exact).plan
    assert base is not None
    spent = plan_shadow.plan_investment(exact, base)
    count = len(exact.county.villages)

    def has_plan(villages: int, budget: float) -> bool:
        asked = replace(exact.standard, village_served_share=villages / count)
        return find_three_tier(with_budget(replace(exact, standard=asked), budget)).plan is not None

    for budget in (spent, spent + 15_000.0):
        found, is_none_proved = plan_shadow._most_villages(with_budget(exact, budget), base, no_progress)
        assert found is not None
        assert not is_none_proved
        most = max(n for n in range(count + 1) if has_plan(n, budget))
        assert len(found.point_of_village) == most
        assert plan_shadow.plan_investment(exact, found) <= budget * (1 + 1e-6)


def test_the_plan_in_hand_is_solved_again_only_if_it_is_not_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = COUNTY.small().problem
    known = solve_three_tier(problem)
    calls: list[int] = []

    def counted(*_: Any, **__: Any) -> Tried:
        calls.append(1)
        return Tried(known, is_none_proved=False)

    monkeypatch.setattr(plan_changes, "find_three_tier", counted)
    rough = replace(problem, siting=replace(problem.siting, relative_gap=0.5))
    assert reference_plan(rough, known, no_progress) is known
    assert not calls
    loose = replace(
        known, report=replace(known.report, status="feasible", bound=0.4 * float(known.report.objective or 0))
    )
    assert reference_plan(rough, loose, no_progress) is known or calls == [1]
    assert calls == [1]


def test_closed_by_lock_means_not_open() -> None:
    problem = COUNTY.small().problem
    plan = solve_three_tier(problem)
    name = min(plan.station_of_point.values())
    without = solved(with_locks(problem, {name: "closed"}), no_progress)
    assert without.is_none_proved or (without.plan is not None and name not in without.plan.open_ids)
