"""OR-Tools MathOpt with HiGHS: our options in, our statuses and errors out.

HiGHS answers the same model with the same limits alike every time as long as nodes and gap decide; the wall-clock
limit is for people. MathOpt offers no callback for HiGHS, so progress is read from its log lines.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.engines.linear import LinearModel, Vector

ENGINE = f"OR-Tools MathOpt {version('ortools')} / HiGHS"

Outcome = Literal["optimal", "feasible", "infeasible", "unknown"]
#: What ended the search early: nothing, the node limit or the clock.
Cut = Literal["", "nodes", "time"]
#: Called with (objective, bound) whenever either improves; None where not known yet.
BoundListener = Callable[[float | None, float | None], None]

#: Errors MathOpt is known to raise: refused options, broken status translation, solver failures.
_FOREIGN = (RuntimeError, ValueError, AttributeError, TypeError, ArithmeticError, MemoryError)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """When to stop.

    Attributes
    ----------
    relative_gap
        Proved relative gap that is good enough.
    node_limit
        Branch-and-bound nodes.
    time_limit_s
        Wall clock, for people.
    seed
        Seed of the solver.
    """

    relative_gap: float
    node_limit: int
    time_limit_s: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class EngineAnswer:
    """What the solver says.

    Attributes
    ----------
    outcome
        ``optimal`` (within the gap asked for), ``feasible``, ``infeasible`` (proved) or ``unknown``.
    values
        One value a variable, integers rounded; None without a solution.
    objective, bound
        Value of `values` and the proved lower bound (None: none).
    cut
        Which limit ended the search.
    """

    outcome: Outcome
    values: Vector | None
    objective: float | None
    bound: float | None
    cut: Cut


def solve_linear(
    model: LinearModel,
    limits: EngineLimits,
    *,
    hint: Vector | None = None,
    listener: BoundListener | None = None,
) -> EngineAnswer:
    """Solve `model` by HiGHS through MathOpt.

    Parameters
    ----------
    model
        The minimisation.
    limits
        When to stop.
    hint
        A first solution; the solver checks it and starts from it.
    listener
        Told every improvement. An error it raises is raised again when the solver has returned.

    Raises
    ------
    NoSolutionError
        If the solver itself fails.
    """
    log, began = _Log(model.offset, listener), time.monotonic()
    try:
        native = mathopt.Model.from_model_proto(_proto(model))
        result = mathopt.solve(
            native,
            mathopt.SolverType.HIGHS,
            params=_parameters(limits, time.monotonic() - began),
            model_params=_model_parameters(native, hint),
            msg_cb=log.read if listener else None,
        )
    except _FOREIGN as error:
        raise NoSolutionError(Message("siting_engine_failed", {"engine": ENGINE, "detail": str(error)})) from error
    if log.error is not None:
        raise log.error
    return _answer(model, native, result)


def _proto(model: LinearModel) -> Any:
    proto = model_pb2.ModelProto()
    count = len(model.costs)
    proto.variables.ids.extend(range(count))
    proto.variables.lower_bounds.extend(model.lower)
    proto.variables.upper_bounds.extend(model.upper)
    proto.variables.integers.extend(model.is_integer)
    priced = [i for i in range(count) if model.costs[i] != 0.0]
    proto.objective.linear_coefficients.ids.extend(priced)
    proto.objective.linear_coefficients.values.extend(model.costs[i] for i in priced)
    proto.linear_constraints.ids.extend(range(len(model.row_lower)))
    proto.linear_constraints.lower_bounds.extend(model.row_lower)
    proto.linear_constraints.upper_bounds.extend(model.row_upper)
    proto.linear_constraint_matrix.row_ids.extend(model.row_index)
    proto.linear_constraint_matrix.column_ids.extend(model.column_index)
    proto.linear_constraint_matrix.coefficients.extend(model.coefficients)
    return proto


def _parameters(limits: EngineLimits, spent_s: float) -> Any:
    # `threads` is left alone: MathOpt refuses it for HiGHS.
    return mathopt.SolveParameters(
        time_limit=dt.timedelta(seconds=max(limits.time_limit_s - spent_s, 0.01)),
        node_limit=limits.node_limit,
        relative_gap_tolerance=max(limits.relative_gap, 0.0),
        absolute_gap_tolerance=1e-9,
        random_seed=limits.seed,
    )


def _model_parameters(native: Any, hint: Vector | None) -> Any:
    # Duals and reduced costs are never read; leaving them out saves their translation.
    parameters = mathopt.ModelSolveParameters(
        dual_values_filter=mathopt.LinearConstraintFilter(filtered_items=()),
        reduced_costs_filter=mathopt.VariableFilter(filtered_items=()),
    )
    if hint is not None:
        values = {variable: float(hint[variable.id]) for variable in native.variables()}
        parameters.solution_hints.append(mathopt.SolutionHint(variable_values=values))
    return parameters


def _answer(model: LinearModel, native: Any, result: Any) -> EngineAnswer:
    reason, termination = result.termination.reason, result.termination
    if reason in (mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED):
        # All variables with a negative cost are bounded above, so "or unbounded" cannot be.
        return EngineAnswer("infeasible", None, None, None, "")
    bound = termination.objective_bounds.dual_bound
    lower = bound + model.offset if math.isfinite(bound) else None
    cut = _cut(termination.limit)
    if not result.solutions or result.solutions[0].primal_solution is None:
        return EngineAnswer("unknown", None, None, lower, cut)
    found = result.variable_values()
    values = np.array([found[variable] for variable in native.variables()])
    whole = np.array(model.is_integer, dtype=bool)
    values[whole] = np.round(values[whole])
    outcome: Outcome = "optimal" if reason == mathopt.TerminationReason.OPTIMAL else "feasible"
    return EngineAnswer(outcome, values, model.objective(values), lower, cut)


def _cut(limit: Any) -> Cut:
    if limit is None:
        return ""
    return "time" if limit == mathopt.Limit.TIME else "nodes"


class _Log:
    """Reads objective and bound from HiGHS's table of log lines."""

    def __init__(self, offset: float, listener: BoundListener | None) -> None:
        self.offset = offset
        self.listener = listener
        self.last: tuple[float | None, float | None] = (None, None)
        self.error: Exception | None = None

    def read(self, lines: Sequence[str]) -> None:
        for line in lines:
            pair = parse_log_line(line)
            if pair is None or self.listener is None or self.error is not None:
                continue
            objective, bound = (None if value is None else value + self.offset for value in pair)
            if (objective, bound) == self.last:
                continue
            self.last = (objective, bound)
            try:
                self.listener(objective, bound)
            except Exception as error:  # noqa: BLE001 - kept and raised again outside the solver's thread
                self.error = error


def parse_log_line(line: str) -> tuple[float | None, float | None] | None:
    """Return (objective, bound) of one line of HiGHS's branch-and-bound table, or None for any other line.

    The columns are ``[source] processed in-queue leaves explored% best-bound best-solution gap …``.
    """
    words = line.split()
    explored = next((i for i, word in enumerate(words) if word.endswith("%")), None)
    if explored is None or explored not in (3, 4) or len(words) < explored + 4 or not words[-1].endswith("s"):
        return None
    try:
        bound, objective = float(words[explored + 1]), float(words[explored + 2])
    except ValueError:
        return None
    return (objective if math.isfinite(objective) else None, bound if math.isfinite(bound) else None)
