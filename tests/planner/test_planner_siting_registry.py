"""Registry: engines by capability, options, and one broken input for every refusal."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geodata.errors import InputError, UsageError
from geodata.messages import has_label
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.capabilities import FEATURES
from planner.siting.registry import checked_options, choose_engine, model_spec, models, solve_model

LINE = np.abs(np.arange(4)[:, None] - np.arange(4)[None, :]) * 1000.0


NO_SIDE = SideConstraints()


def _line(side=NO_SIDE, **fields):
    base = {"p": 2, "site_metres": LINE, "groups": {"west": (0, 1), "east": (2, 3)}}
    return make_problem(np.ones(4), distances_from_matrix(LINE), side=side, **{**base, **fields})


def _locked(*values):
    return np.array(values, dtype=np.int8)


def test_every_model_solves_the_line():
    for name in models():
        options = {"radius": 1000.0} if "coverage" in name else {}
        found = solve_model(name, _line(fixed_cost=np.full(4, 10.0), capacity=_room(name)), **options)
        assert found.report.status == "optimal", name
        assert found.model == name


def _room(name):
    return np.full(4, np.inf if name in ("backup_coverage", "p_dispersion", "uncapacitated") else 3.0)


def test_auto_takes_the_fast_engine_and_says_so():
    found = solve_model("p_median", _line())
    assert found.report.note_key == "siting_models_note_fast_optimal"
    assert "HiGHS" not in found.report.engine


def test_auto_takes_the_milp_where_the_fast_engine_cannot():
    side = SideConstraints(group_minimum={"west": 2})
    found = solve_model("p_median", _line(side))
    assert found.report.note_key == "siting_models_note_milp_optimal"
    assert found.open_sites == (0, 1)


def test_only_and_asked_are_told_apart():
    assert solve_model("equity", _line()).report.note_key == "siting_models_note_only_optimal"
    assert solve_model("p_median", _line(), engine="milp").report.note_key == "siting_models_note_asked_optimal"


def test_an_engine_that_cannot_is_refused_by_name():
    side = SideConstraints(requires=((0, 1),))
    with pytest.raises(UsageError) as refusal:
        solve_model("p_median", _line(side), engine="fast")
    text = refusal.value.text("en")
    assert "requires" in text and "milp" in text
    assert refusal.value.text("zh") != text


def test_what_no_engine_keeps_is_refused():
    with pytest.raises(UsageError, match="capacity"):
        solve_model("backup_coverage", _line(capacity=np.full(4, 2.0)), radius=1000.0)
    with pytest.raises(UsageError, match="capacity"):
        solve_model("equity", _line(capacity=np.full(4, 2.0)), measure="gini", bound=0.2)


def test_near_becomes_a_lock_for_fast_engines():
    problem = _line(SideConstraints(near_sites=(0,), near_m=1000.0))
    assert choose_engine("p_median", problem, {}).why == "fast"
    assert solve_model("p_median", problem).open_sites == (0, 1)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("max_coverage", lambda: solve_model("max_covrage", _line())),
        ("radius", lambda: solve_model("max_coverage", _line(), radios=3.0)),
        ("milp", lambda: solve_model("p_median", _line(), engine="cplex")),
    ],
)
def test_unknown_names_get_the_nearest(name, call):
    with pytest.raises(UsageError, match=name):
        call()


@pytest.mark.parametrize(
    ("model", "options", "column"),
    [
        ("max_coverage", {"radius": -1.0}, "radius"),
        ("max_coverage", {"radius": float("nan")}, "radius"),
        ("max_coverage", {"radii": (1.0, 2.0), "radius_shares": (0.5,)}, "radius_shares"),
        ("max_coverage", {"radii": (1.0, 2.0), "radius_shares": (0.5, 0.9)}, "radius_shares"),
        ("max_coverage", {"floors": {"x": 0.5}}, "floors"),
        ("max_coverage", {"radius": 5.0, "decay_end": 4.0}, "decay_end"),
        ("set_coverage", {"times": 1.5}, "times"),
        ("equity", {"share": 1.5}, "share"),
        ("equity", {"measure": "envy"}, "measure"),
        ("equity", {"measure": "gini"}, "bound"),
        ("facility_location", {"modules": ((1.0,),)}, "modules"),
        ("p_median", {"single_source": 1}, "single_source"),
    ],
)
def test_options_out_of_range(model, options, column):
    with pytest.raises(InputError) as refusal:
        checked_options(model, options)
    assert {problem.column for problem in refusal.value.problems} == {column}
    assert all(problem.text(lang) for problem in refusal.value.problems for lang in ("en", "zh"))


def test_defaults_are_filled_in():
    assert checked_options("facility_location", {})["single_source"] is False
    assert checked_options("capacitated_p_median", {})["single_source"] is True


@pytest.mark.parametrize("name", sorted(models()))
def test_every_model_has_a_title(name):
    assert has_label(model_spec(name).title_key)


def test_the_page_has_the_table_of_engines():
    page = (Path(__file__).parents[2] / "docs" / "siting_models.md").read_text(encoding="utf-8")
    for name, spec in models().items():
        fast = [e for e in spec.engines if e.name == "fast"]
        kept = ", ".join(f"`{f}`" for f in FEATURES if fast and f in fast[0].features) or "none"
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` | fast"))
        assert row.split("|")[2].removeprefix(" fast: ").strip() == kept


def _keys(pattern):
    return re.findall(pattern, (Path(__file__).parents[2] / "docs" / "siting_models.md").read_text(encoding="utf-8"))


def test_the_page_names_every_option():
    told = set(_keys(r"`(\w+)`"))
    assert {option for spec in models().values() for option in spec.options} <= told


def _bad(**fields):
    return replace(_line(), **fields)


def _side(**fields):
    return _line(SideConstraints(**fields), capex_cny=np.full(4, 1000.0))


FAR = distances_from_matrix(np.vstack((LINE[:3], LINE[3:] + 5000.0)), cutoff=4000.0)

BROKEN = {
    "no_demand": _bad(
        demand_ids=(), weight=np.zeros(0), demand=np.zeros(0), distance=distances_from_matrix(np.zeros((0, 4)))
    ),
    "no_sites": make_problem(np.ones(2), distances_from_matrix(np.zeros((2, 0))), p=1),
    "duplicate": _bad(site_ids=("a", "a", "b", "c")),
    "shape": _bad(fixed_cost=np.zeros(3)),
    "number": _bad(weight=np.array([1.0, np.nan, -1.0, np.inf])),
    "lock_value": _bad(locked=_locked(2, 0, 0, 0)),
    "all_closed": _bad(locked=_locked(-1, -1, -1, -1), p=None),
    "p_missing": _bad(p=None),
    "p_low": _bad(p=0),
    "p_high": _bad(p=5),
    "p_locked": _bad(locked=_locked(1, 1, 1, 0)),
    "no_site_metres": _line(SideConstraints(exclusion_m=5.0), site_metres=None),
    "stranded": _bad(distance=FAR),
    "capacity_short": _bad(capacity=np.full(4, 1.5)),
    "too_large": _bad(capacity=np.full(4, 3.0), demand=np.array([3.5, 0.5, 0.5, 0.5])),
    "pair_unknown": _side(requires=((0, 9),)),
    "site_unknown": _side(near_sites=(7,), near_m=5.0),
    "group_unknown": _side(group_minimum={"north": 1}),
    "group_site": _line(groups={"west": (0, 9)}),
    "amount": _side(capex_budget_cny=-5.0),
    "lock_near": replace(_side(near_sites=(0,), near_m=500.0), locked=_locked(0, 0, 1, 0)),
    "lock_conflict": replace(_side(conflicts=((0, 1),)), locked=_locked(1, 1, 0, 0)),
    "lock_requires": replace(_side(requires=((0, 1),)), locked=_locked(1, -1, 0, 0)),
    "requires_conflict": _side(requires=((0, 1),), conflicts=((0, 1),)),
    "group_range": _side(group_minimum={"west": 2}, group_maximum={"west": 1}),
    "group_short": replace(_side(group_minimum={"west": 2}), locked=_locked(-1, 0, 0, 0)),
    "group_locked": replace(_side(group_maximum={"west": 1}), locked=_locked(1, 1, 0, 0)),
    "groups_over_p": _side(group_minimum={"west": 2, "east": 1}),
    "budget_locked": replace(_side(capex_budget_cny=1500.0), locked=_locked(1, 1, 0, 0)),
    "unit_earth": _bad(site_metres=LINE * 1e6),
    "unit_budget": _side(capex_budget_cny=5.0),
}


@pytest.mark.parametrize("code", BROKEN)
def test_each_broken_input_is_refused(code):
    with pytest.raises(InputError) as refusal:
        solve_model("p_median", BROKEN[code])
    codes = [problem.code for problem in refusal.value.problems]
    assert f"siting_models_{code}" in codes
    for problem in refusal.value.problems:
        for lang in ("en", "zh"):
            assert "{" not in problem.text(lang)
            assert problem.where(lang)
    assert refusal.value.text("zh")


def test_all_bad_numbers_are_told_at_once():
    with pytest.raises(InputError) as refusal:
        solve_model("p_median", BROKEN["number"])
    assert [problem.params["id"] for problem in refusal.value.problems] == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("p_high", {"available": 4, "over": 1}),
        ("p_locked", {"locked": 3, "under": 1}),
        ("capacity_short", {"demand": 4, "short": 1}),
        ("too_large", {"short": 0.5}),
        ("budget_locked", {"over": 500, "needed": 2000}),
        ("lock_near", {"nearest": 2000, "over": 1500}),
        ("groups_over_p", {"over": 1}),
    ],
)
def test_refusals_say_by_how_much(code, params):
    with pytest.raises(InputError) as refusal:
        solve_model("p_median", BROKEN[code])
    found = next(p for p in refusal.value.problems if p.code == f"siting_models_{code}")
    assert {key: found.params[key] for key in params} == params


def test_radius_that_strands_says_how_far():
    with pytest.raises(InputError) as refusal:
        solve_model("set_coverage", _line(locked=_locked(0, 0, 0, -1), p=None), radius=700.0)
    problem = refusal.value.problems[0]
    assert (problem.code, problem.value) == ("siting_models_beyond_radius", "d3")
    assert problem.params == {"nearest": 1000, "over": 300}


def test_radius_in_kilometres_is_refused():
    with pytest.raises(InputError) as refusal:
        solve_model("max_coverage", _line(), radius=3.0)
    assert [p.code for p in refusal.value.problems] == ["siting_models_unit_radius_small"]


def test_too_few_sites_for_twice():
    with pytest.raises(InputError) as refusal:
        solve_model("set_coverage", _line(p=None), radius=1000.0, times=3)
    assert {p.code for p in refusal.value.problems} == {"siting_models_too_few_near"}


def test_dispersion_needs_two():
    with pytest.raises(InputError) as refusal:
        solve_model("p_dispersion", _line(p=1))
    assert [p.code for p in refusal.value.problems] == ["siting_models_p_pair"]
