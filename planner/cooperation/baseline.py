"""Today's separate networks from the same cost model: what every saving is measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.problems.cooperation import (
    DAYS_PER_WEEK,
    LINE_VISITS_PER_WEEK,
    SHARED_MODES,
    Bools,
    CooperationProblem,
    Floats,
    Operator,
)

#: Least factor a calibration may put on trips.
LEAST_SCALE = 0.05
ITEMS = ("line_haul", "outlet", "rounds", "handling")


@dataclass(frozen=True, slots=True, eq=False)
class SeparateNetwork:
    """What one operator alone costs a day.

    Attributes
    ----------
    operator_id
        Whose.
    parcels
        Parcels a day it carries.
    villages
        Villages it drives to.
    costs
        CNY a day by item: ``line_haul``, ``outlet``, ``rounds``, ``handling``.
    """

    operator_id: str
    parcels: float
    villages: int
    costs: Mapping[str, float]

    @property
    def cny_per_day(self) -> float:
        """Return the sum of all items."""
        return sum(self.costs.values())


def separate_networks(problem: CooperationProblem, *, only_reached: bool = False) -> tuple[SeparateNetwork, ...]:
    """Return every operator's own network: its township stations and its thin rounds.

    Parameters
    ----------
    problem
        The question.
    only_reached
        Count only villages an operator drives to today; parcels for the others end at no village and cost nothing here. Otherwise all
        villages it has parcels for: the same service as any plan, so that savings compare like with like.

    Notes
    -----
    Cost of operator b: ``Σ_t [line_visit · 7/7 · k + outlet] + Σ_v round_visit · f_b/7 · k + Σ_v (unit_line + unit_round + handling) ·
    parcels`` over its townships t and villages v, with k its calibration. The post goes to every village if it has the universal duty.
    """
    found = []
    for i, operator in enumerate(problem.operators):
        if not operator.has_parcels:
            continue
        visited = problem.goes_to(i)
        if only_reached and operator.kind == "courier":
            visited = visited & problem.reached[i]
        found.append(SeparateNetwork(operator.operator_id, *_network(problem, i, visited)))
    return tuple(found)


def _network(problem: CooperationProblem, i: int, visited: Bools) -> tuple[float, int, dict[str, float]]:
    operator, town = problem.operators[i], problem.village_township
    towns = np.unique(town[visited])
    parcels = np.where(visited, problem.parcels[i], 0.0)
    per_week = operator.visits_per_week / DAYS_PER_WEEK
    line = operator.line_scale * problem.line_visit_cny[towns].sum() * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK
    rounds = operator.round_scale * problem.round_visit_cny[visited].sum() * per_week
    costs = {
        "line_haul": float(line + problem.line_unit_cny[town] @ parcels),
        "outlet": operator.outlet_cny_per_day * len(towns),
        "rounds": float(rounds + problem.round_unit_cny @ parcels),
        "handling": float(operator.handling_cny_per_parcel * parcels.sum()),
    }
    return float(parcels.sum()), int(visited.sum()), costs


def separate_cny(problem: CooperationProblem, *, only_reached: bool = False) -> float:
    """Return the daily cost of all separate networks together."""
    return sum(network.cny_per_day for network in separate_networks(problem, only_reached=only_reached))


def lines_per_village(problem: CooperationProblem) -> Floats:
    """Return how many operators have parcels for each village (the post, with its duty, always counts)."""
    rows = [problem.goes_to(i) for i, o in enumerate(problem.operators) if o.has_parcels]
    found: Floats = np.array(rows).sum(axis=0).astype(np.float64)
    return found


def cost_with_lines(problem: CooperationProblem, lines: float) -> float:
    """Return the cost of the separate networks if at most `lines` of them ran to any township or village today.

    Trunk trips, outlets and visits above that number are taken off, each at the mean of the township's or village's own; what a
    parcel costs stays. For the question which assumption moves a saving: surveys find fewer networks than there are brands.
    """
    towns = len(problem.township_ids)
    number, money = np.zeros(towns), np.zeros(towns)
    visits = np.zeros(len(problem.village_ids))
    for i, operator in enumerate(problem.operators):
        if not operator.has_parcels:
            continue
        goes = problem.goes_to(i)
        visits += goes * operator.round_scale * operator.visits_per_week / DAYS_PER_WEEK
        there = np.bincount(problem.village_township, weights=goes, minlength=towns) > 0
        number += there
        trip = operator.line_scale * problem.line_visit_cny * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK
        money += there * (trip + operator.outlet_cny_per_day)
    in_village = lines_per_village(problem)
    less_village = np.maximum(0.0, in_village - lines) / np.maximum(in_village, 1.0)
    less_town = np.maximum(0.0, number - lines) / np.maximum(number, 1.0)
    return separate_cny(problem) - float((visits * problem.round_visit_cny) @ less_village + money @ less_town)


def lines_for_saving(problem: CooperationProblem, plan_cny: float, saving: float) -> float:
    """Return how many separate networks would have to run today for a plan's cost to be a saving of `saving` (by bisection)."""
    low, high = 0.0, float(lines_per_village(problem).max(initial=1.0))
    goal = plan_cny / (1.0 - saving)
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if cost_with_lines(problem, middle) < goal else (low, middle)
    return high


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factor on an operator's trips that brings its modelled cost a parcel into the band the county knows."""

    operator_id: str
    low_cny: float
    high_cny: float
    modelled_cny: float
    scale: float


@dataclass(frozen=True, slots=True)
class KmCalibration:
    """Factors on an operator's trips from what a kilometre costs it: known over modelled, tier by tier."""

    operator_id: str
    known_cny_per_km: float
    line_cny_per_km: float
    round_cny_per_km: float

    @property
    def line_scale(self) -> float:
        """Return the factor on its trunk trips."""
        return self.known_cny_per_km / self.line_cny_per_km

    @property
    def round_scale(self) -> float:
        """Return the factor on its rounds."""
        return self.known_cny_per_km / self.round_cny_per_km


def calibrated_by_km(
    operators: Sequence[Operator], known: Mapping[str, float], *, line_cny_per_km: float, round_cny_per_km: float
) -> tuple[tuple[Operator, ...], tuple[KmCalibration, ...]]:
    """Return the operators with their trips scaled to what a kilometre costs them.

    Parameters
    ----------
    operators
        Players.
    known
        Operator id → CNY a vehicle kilometre, driver included.
    line_cny_per_km, round_cny_per_km
        The same in the model (`planner.cooperation.build.cny_per_km`).

    Notes
    -----
    A visit costs kilometres, hours and a stop; the factor is put on all of it, for nothing tells which part is dearer. A band of costs
    a parcel, if it is known too, is applied afterwards (`calibrated`).
    """
    scales = {
        o.operator_id: KmCalibration(o.operator_id, known[o.operator_id], line_cny_per_km, round_cny_per_km)
        for o in operators
        if o.has_parcels and known.get(o.operator_id, 0.0) > 0.0
    }
    found = [
        replace(o, line_scale=o.line_scale * s.line_scale, round_scale=o.round_scale * s.round_scale)
        if (s := scales.get(o.operator_id)) is not None
        else o
        for o in operators
    ]
    return tuple(found), tuple(scales.values())


def calibrated(
    problem: CooperationProblem, bands: Mapping[str, tuple[float, float]]
) -> tuple[CooperationProblem, tuple[Calibration, ...]]:
    """Return the problem with each operator's trips scaled so that its cost a parcel lies in its known band.

    Parameters
    ----------
    problem
        The question.
    bands
        Operator id → lowest and highest known cost of a parcel from the county centre to the village, CNY. Inside the band nothing is
        changed; outside, trunk trips and rounds get one factor (the same for both tiers, because a band does not tell them apart),
        at least `LEAST_SCALE`.
    """
    today = {network.operator_id: network for network in separate_networks(problem, only_reached=True)}
    found, operators = [], list(problem.operators)
    for i, operator in enumerate(problem.operators):
        network = today.get(operator.operator_id)
        if operator.operator_id not in bands or network is None or network.parcels <= 0.0:
            continue
        low, high = bands[operator.operator_id]
        modelled = network.cny_per_day / network.parcels
        scale = 1.0
        if not low <= modelled <= high:
            goal = (low if modelled < low else high) * network.parcels
            town = problem.village_township
            goes = problem.goes_to(i)
            goes = goes & problem.reached[i] if operator.kind == "courier" else goes
            trips = float(problem.line_visit_cny[np.unique(town[goes])].sum()) * operator.line_scale
            trips += (
                float(problem.round_visit_cny[goes].sum())
                * operator.round_scale
                * operator.visits_per_week
                / DAYS_PER_WEEK
            )
            scale = max(LEAST_SCALE, 1.0 + (goal - network.cny_per_day) / max(trips, 1e-9))
        operators[i] = replace(
            operator, line_scale=operator.line_scale * scale, round_scale=operator.round_scale * scale
        )
        found.append(Calibration(operator.operator_id, low, high, modelled, scale))
    return replace(problem, operators=tuple(operators)), tuple(found)


def restricted(problem: CooperationProblem, allowed: frozenset[str]) -> CooperationProblem:
    """Return the problem in which nobody may use shared modes but those `allowed`."""
    banned = frozenset(SHARED_MODES) - allowed
    operators = tuple(replace(o, not_shared=o.not_shared | banned) for o in problem.operators)
    return replace(problem, operators=operators)
