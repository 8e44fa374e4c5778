"""Who spends what in the joint plan: the cost of a coalition's decision by tier and by the one who spends it, and by village line.

The parts sum to the cost the optimiser states; if they do not, the decision is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from geodata.errors import VerificationError
from geodata.messages import Message
from planner.cooperation.coalition_cost import CoalitionSolution
from planner.cooperation.fees import TierUse
from planner.cooperation.paths import PathKind
from planner.problems.cooperation import DAYS_PER_WEEK, LINE_VISITS_PER_WEEK, CooperationProblem, Floats

TIERS = ("county_centre", "county_township", "township_station", "township_village")
CENTRE, LINE, STATION, ROUND = range(4)
#: The joint company, which spends what joint lines cost; and the owner of costs that no single operator's parcels cause.
JOINT, NOBODY = -1, -2
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class VillageLine:
    """What service of one village costs in the joint plan and would not without it; the post's mail visits run anyway.

    Attributes
    ----------
    village_id, parcels_per_day
        Village, and all parcels but the post's own.
    visits_cny, parcels_cny
        Cost of visits and of parcels, CNY a day.
    visits_per_week
        Most frequent service.
    """

    village_id: str
    parcels_per_day: float
    visits_cny: float
    parcels_cny: float
    visits_per_week: float


@dataclass(frozen=True, slots=True, eq=False)
class PlanCosts:
    """The cost of a decision in parts.

    Attributes
    ----------
    spends
        CNY a day by operator of the problem.
    joint
        What the joint company spends.
    uses
        Shared carriage by tier.
    lines
        By village with parcels of couriers.
    """

    spends: Floats
    joint: float
    uses: tuple[TierUse, ...]
    lines: tuple[VillageLine, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One cost: its tier, who spends it, whose parcels cause it, how many, and the village (-1: none)."""

    tier: int
    spender: int
    owner: int
    cny: float
    parcels: float = 0.0
    village: int = -1
    is_visit: bool = False


def plan_costs(problem: CooperationProblem, solution: CoalitionSolution) -> PlanCosts:
    """Take the cost of a decision apart.

    Raises
    ------
    VerificationError
        If the parts do not sum to the stated cost.
    """
    entries = list(_entries(problem, solution))
    whole = sum(entry.cny for entry in entries)
    if abs(whole - solution.cost.value) > _EXACT * max(1.0, solution.cost.value):
        figures = {"sum": round(whole, 4), "stated": round(solution.cost.value, 4)}
        raise VerificationError(Message("settlement_parts_differ", figures))
    spends = np.zeros(len(problem.operators))
    for entry in entries:
        if entry.spender != JOINT:
            spends[entry.spender] += entry.cny
    joint = sum(entry.cny for entry in entries if entry.spender == JOINT)
    return PlanCosts(spends, joint, _uses(problem, entries), _lines(problem, solution, entries))


def _entries(problem: CooperationProblem, solution: CoalitionSolution) -> Iterator[_Entry]:
    yield from _post_network(problem, solution)
    yield from _fixed(problem, solution)
    table, decision = solution.table, solution.decision
    for o, v in zip(*np.nonzero(decision.choice >= 0), strict=True):
        path = table.paths[int(decision.choice[o, v])]
        yield from _item(problem, solution, path.kind, (table.carriers[int(o)], int(v), path.rank))


def _post_network(problem: CooperationProblem, solution: CoalitionSolution) -> Iterator[_Entry]:
    post = problem.post
    if post is None or post not in solution.table.members:
        return
    operator, parcels, town = problem.operators[post], problem.parcels[post], problem.village_township
    goes = problem.goes_to(post)
    towns = np.unique(town[goes])
    line = operator.line_scale * problem.line_visit_cny[towns].sum() * LINE_VISITS_PER_WEEK / DAYS_PER_WEEK
    rounds = operator.round_scale * problem.round_visit_cny[goes].sum() * operator.visits_per_week / DAYS_PER_WEEK
    yield _Entry(CENTRE, post, post, operator.handling_cny_per_parcel * float(parcels.sum()))
    yield _Entry(LINE, post, post, float(line + problem.line_unit_cny[town] @ parcels))
    yield _Entry(STATION, post, post, operator.outlet_cny_per_day * len(towns))
    yield _Entry(ROUND, post, post, float(rounds + problem.round_unit_cny @ parcels))


def _fixed(problem: CooperationProblem, solution: CoalitionSolution) -> Iterator[_Entry]:
    table, decision = solution.table, solution.decision
    for o, t in zip(*np.nonzero(decision.own_lines), strict=True):
        owner = table.carriers[int(o)]
        outlet = problem.operators[owner].outlet_cny_per_day
        yield _Entry(LINE, owner, owner, float(table.own_fixed[o, t]) - outlet)
        yield _Entry(STATION, owner, owner, outlet)
    for t in np.flatnonzero(decision.waves.any(axis=0)):
        yield _Entry(LINE, JOINT, NOBODY, float(decision.waves[:, t].sum() * table.wave_fixed[t]))
        yield _Entry(STATION, JOINT, NOBODY, float(table.station_fixed[t]))
    for v in np.flatnonzero(decision.visits.any(axis=0)):
        cost = float(decision.visits[:, v].sum() * table.visit_fixed[v])
        yield _Entry(ROUND, JOINT, NOBODY, cost, village=int(v), is_visit=True)


def _item(
    problem: CooperationProblem, solution: CoalitionSolution, kind: PathKind, item: tuple[int, int, int]
) -> Iterator[_Entry]:
    owner, v, rank = item
    operator, settings = problem.operators[owner], problem.settings
    parcels = float(problem.parcels[owner, v])
    line = float(problem.line_unit_cny[problem.village_township[v]])
    post = problem.post if problem.post is not None else JOINT
    #: Who sorts, hauls and delivers.
    sorts, hauls, delivers = {
        "own": (owner, owner, owner),
        "own_post": (owner, owner, post),
        "post": (owner, post, post),
        "joint": (JOINT, JOINT, JOINT),
        "joint_post": (JOINT, JOINT, post),
        "bus": (owner, owner, owner),
        "shop": (owner, owner, owner),
    }[kind]
    handling = settings.joint_handling_cny_per_parcel if sorts == JOINT else operator.handling_cny_per_parcel
    yield _Entry(CENTRE, sorts, owner, handling * parcels, parcels, v)
    taker = _taker(problem, kind, v, rank, solution)
    if taker is not None:
        yield _Entry(CENTRE, taker, owner, settings.handover_cny_per_parcel * parcels, parcels, v)
    if kind in ("bus", "shop"):
        if kind == "bus" and taker is not None:
            yield _Entry(ROUND, taker, owner, _bag_cny(problem, solution, v, rank), parcels, v, is_visit=True)
        return
    yield _Entry(LINE, hauls, owner, line * parcels, parcels, v)
    yield _Entry(ROUND, delivers, owner, float(problem.round_unit_cny[v]) * parcels, parcels, v)
    if kind == "own":
        visit = operator.round_scale * float(problem.round_visit_cny[v]) * operator.visits_per_week / DAYS_PER_WEEK
        yield _Entry(ROUND, owner, owner, visit, parcels, v, is_visit=True)


def _taker(problem: CooperationProblem, kind: PathKind, v: int, rank: int, solution: CoalitionSolution) -> int | None:
    """Return who takes parcels over from their operator and scans them."""
    if kind in ("own_post", "post", "joint_post"):
        return problem.post
    if kind == "bus":
        return problem.bus_runs[_call(problem, solution, v, rank)].operator
    if kind == "shop":
        members = solution.table.members
        return next(call.operator for call in problem.shop_calls if call.village == v and call.operator in members)
    return None


def _call(problem: CooperationProblem, solution: CoalitionSolution, v: int, rank: int) -> int:
    """Return the run of the bus call of a village by its rank among the calls the coalition has there."""
    runs = [
        call.run
        for call in problem.bus_calls
        if call.village == v and problem.bus_runs[call.run].operator in solution.table.members
    ]
    return runs[rank]


def _bag_cny(problem: CooperationProblem, solution: CoalitionSolution, v: int, rank: int) -> float:
    settings, run = problem.settings, problem.bus_runs[_call(problem, solution, v, rank)]
    return settings.bus_bag_min / 60.0 * settings.bus_cny_per_h * run.visits_per_week / DAYS_PER_WEEK


def _uses(problem: CooperationProblem, entries: list[_Entry]) -> tuple[TierUse, ...]:
    """Return by tier what is spent on parcels by others than their operator, and whose parcels those are."""
    found = []
    for tier, name in enumerate(TIERS):
        shared = [e for e in entries if e.tier == tier and e.spender != e.owner]
        parcels = np.zeros(len(problem.operators))
        seen: set[tuple[int, int]] = set()
        for entry in shared:
            if entry.owner >= 0 and (entry.owner, entry.village) not in seen:
                seen.add((entry.owner, entry.village))
                parcels[entry.owner] += entry.parcels
        found.append((name, sum(e.cny for e in shared), parcels))
    joined = _joined(problem, entries)
    return tuple(
        TierUse(name, cost, tuple(float(p) for p in (joined if name == TIERS[STATION] else parcels)))
        for name, cost, parcels in found
    )


def _joined(problem: CooperationProblem, entries: list[_Entry]) -> Floats:
    """Return parcels a day by operator that pass a joint station: those the joint company hauls."""
    parcels = np.zeros(len(problem.operators))
    for entry in entries:
        if entry.tier == LINE and entry.spender == JOINT and entry.owner >= 0:
            parcels[entry.owner] += entry.parcels
    return parcels


def _lines(problem: CooperationProblem, solution: CoalitionSolution, entries: list[_Entry]) -> tuple[VillageLine, ...]:
    count = len(problem.village_ids)
    visits, by_parcel = np.zeros(count), np.zeros(count)
    for entry in entries:
        if entry.village >= 0:
            (visits if entry.is_visit else by_parcel)[entry.village] += entry.cny
    couriers = list(solution.table.carriers)
    parcels = problem.parcels[couriers].sum(axis=0)
    often = _often(problem, solution)
    return tuple(
        VillageLine(code, float(parcels[v]), float(visits[v]), float(by_parcel[v]), float(often[v]))
        for v, code in enumerate(problem.village_ids)
        if parcels[v] > 0.0
    )


def _often(problem: CooperationProblem, solution: CoalitionSolution) -> Floats:
    """Return the most frequent service of every village, visits a week."""
    often = np.zeros(len(problem.village_ids))
    table, decision = solution.table, solution.decision
    for o, v in zip(*np.nonzero(decision.choice >= 0), strict=True):
        often[v] = max(often[v], problem.operators[table.carriers[int(o)]].visits_per_week)
    often[decision.visits.any(axis=0)] = np.maximum(
        often[decision.visits.any(axis=0)], problem.settings.joint_visits_per_week
    )
    return often
