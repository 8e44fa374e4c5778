"""The cooperation question behind a settlement, and the costs of its coalitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.cooperation.build import CooperationCase
from planner.cooperation.coalition_cost import CoalitionSolution, coalition_cost, solve_coalition
from planner.cooperation.game import CostGame, tabulate
from planner.cooperation.subsidy import PayTier
from planner.engines.mathopt import EngineLimits
from planner.problems.cooperation import CooperationProblem
from planner.progress import ProgressListener
from scenarios.studies.cooperation_case import cooperation_question
from scenarios.studies.options import Options
from scenarios.studies.study import StudyInput

#: Price steps, branch-and-bound nodes and clock of one component of a coalition.
_ITERATIONS, _NODES, _SECONDS = 15, 1000, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class SettlementCase:
    """The question, who is a player, and what was assumed."""

    case: CooperationCase
    assumptions: tuple[Message, ...]

    @property
    def problem(self) -> CooperationProblem:
        """The cooperation question."""
        return self.case.problem

    @property
    def players(self) -> tuple[str, ...]:
        """All operators, in the problem's order."""
        return self.problem.player_ids

    @property
    def volumes(self) -> list[float]:
        """Parcels a day by player."""
        return [float(row) for row in self.problem.parcels.sum(axis=1)]


def settlement_case(given: StudyInput, options: Options) -> SettlementCase:
    """Make the question from the county, as the study of cooperation does."""
    question = cooperation_question(given, options)
    return SettlementCase(question.case, question.assumptions)


def coalition_costs(problem: CooperationProblem, *, gap: float, workers: int, listener: ProgressListener) -> CostGame:
    """Work out what every coalition costs; see `planner.cooperation.game.tabulate`."""
    cost_of = partial(coalition_cost, problem, relative_gap=gap, iterations=_ITERATIONS, node_limit=_NODES)
    return tabulate(problem.player_ids, cost_of, workers=workers, listener=listener)


def joint_plan(problem: CooperationProblem, *, gap: float) -> CoalitionSolution:
    """Return the plan of all together, with its decision."""
    limits = EngineLimits(gap, _NODES, _SECONDS, 1)
    return solve_coalition(problem, problem.player_ids, relative_gap=gap, iterations=_ITERATIONS, exact=limits)


def weights_of(entries: Sequence[str], players: Sequence[str]) -> list[float] | None:
    """Read ``operator;weight`` lines; operators not named weigh 1. None without lines.

    Raises
    ------
    InputError
        With every line that cannot be read or names no operator.
    """
    if not entries:
        return None
    found, problems = dict.fromkeys(players, 1.0), []
    for entry in entries:
        name, _, text = (part.strip() for part in entry.replace("；", ";").partition(";"))
        value = _figure(text)
        if name not in found or value is None or value <= 0.0:
            problems.append(_problem("settlement_weight_bad", "weights", entry, ", ".join(players)))
        else:
            found[name] = value
    _refuse(problems)
    return [found[name] for name in players]


def pay_tiers(entries: Sequence[str]) -> tuple[PayTier, ...]:
    """Read ``up_to;cny`` lines of pay by parcel; ``none`` as the first part is all further parcels."""
    found, problems, last = [], [], 0.0
    for entry in entries:
        upper, _, text = (part.strip() for part in entry.replace("；", ";").partition(";"))
        up_to = float("inf") if upper == "none" else _figure(upper)
        value = _figure(text)
        if up_to is None or value is None or value < 0.0 or up_to <= last:
            problems.append(_problem("settlement_tier_bad", "performance", entry))
        else:
            found.append(PayTier(up_to, value))
            last = up_to
    _refuse(problems)
    return tuple(found)


def chosen_villages(options: Options, case: SettlementCase) -> tuple[str, ...]:
    """Return the villages asked about; all of the question where none are named.

    Raises
    ------
    InputError
        If a village is not part of the question, with the reason where one is known.
    """
    named = options.names("villages")
    known = set(case.problem.village_ids)
    _refuse([_problem("settlement_village_unknown", "villages", code) for code in named if code not in known])
    return named or case.problem.village_ids


def _figure(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) < 1e15 else None  # noqa: PLR0124, PLR2004 - NaN, and no infinite figure


def _problem(code: str, column: str, value: str, known: str = "") -> Problem:
    return Problem("error", code, column=column, value=value, params={"known": known})


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
