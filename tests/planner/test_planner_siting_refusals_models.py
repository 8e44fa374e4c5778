"""Every siting model refuses figures that cannot be right, by its own door and by the common one, before anything is built."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from geodata.errors import InputError
from planner.problems.siting import SideConstraints, distances_from_matrix, make_problem
from planner.siting.registry import solve_model

MODELS = ("uncapacitated", "facility_location", "capacitated_p_median")
#: Column, value, the only problem found.
BAD = [
    ("weight", np.nan, "number"),
    ("weight", -1.0, "number"),
    ("demand", np.inf, "number"),
    ("fixed_cost", np.nan, "number"),
    ("fixed_cost", np.inf, "number"),
    ("fixed_cost", -5.0, "number"),
    ("capacity", np.nan, "number"),
    ("capacity", -1.0, "number"),
    ("capex_cny", -1.0, "number"),
    ("locked", 2, "lock_value"),
]


def _problem(model):
    metres = np.array([[100.0, 900.0], [400.0, 300.0], [900.0, 100.0]])
    return make_problem(
        np.array([3.0, 2.0, 1.0]),
        distances_from_matrix(metres),
        p=1 if model == "capacitated_p_median" else None,
        fixed_cost=np.array([500.0, 700.0]),
        capacity=np.array([6.0, 6.0]),
        capex_cny=np.array([50_000.0, 60_000.0]),
    )


def _doors(model):
    return (import_module(f"planner.siting.models.{model}").solve, lambda problem: solve_model(model, problem))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("column", "value", "code"), BAD)
def test_a_figure_that_cannot_be_right_is_refused_with_its_place(model, column, value, code):
    problem = _problem(model)
    figures = getattr(problem, column).copy()
    figures[1] = value
    for door in _doors(model):
        with pytest.raises(InputError) as error:
            door(replace(problem, **{column: figures}))
        (found,) = error.value.problems
        assert (found.code, found.column) == (f"siting_models_{code}", column)
        assert all(found.text(lang) for lang in ("en", "zh"))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_a_distance_that_cannot_be_right_is_refused_with_its_pair(model, value):
    problem = _problem(model)
    distance = problem.distance.copy()
    distance.data[0] = value
    for door in _doors(model):
        with pytest.raises(InputError) as error:
            door(replace(problem, distance=distance))
        (found,) = error.value.problems
        assert (found.code, found.params["id"]) == (
            "siting_models_number",
            f"{problem.demand_ids[0]} → {problem.site_ids[0]}",
        )


@pytest.mark.parametrize("model", MODELS)
def test_a_budget_in_ten_thousands_of_yuan_is_refused(model):
    problem = replace(_problem(model), side=SideConstraints(capex_budget_cny=6.0))
    with pytest.raises(InputError) as error:
        solve_model(model, problem)
    assert [found.code for found in error.value.problems] == ["siting_models_unit_budget"]
