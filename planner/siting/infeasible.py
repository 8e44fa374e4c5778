"""No plan meets what is asked: find out why, and the smallest changes that would do — each proved by a plan.

Elastic relaxation: what is asked may be missed at a price, one family (share of the standard, budget, capacities) at
a time; the least miss is the fix. A change is only proposed when a plan that keeps everything else was found with it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from geodata.errors import InfeasibleError
from geodata.messages import Message
from planner.engines.mathopt import EngineAnswer, EngineLimits, solve_linear
from planner.siting.decision import (
    Decision,
    broken,
    covered_persons,
    investment,
    loads,
    own_point_villages,
    served,
    site_loads,
    station_townships,
)
from planner.siting.explain import facility_name, out_of_reach, unplaced_villages, without_link
from planner.siting.instance import Flags, Instance, Sites, Vector, count_target, own_pairs
from planner.siting.model import Family, SitingModel, build_model, read_decision
from planner.siting.prune import reachable_stations
from planner.siting.result import ReasonCode

_SHARES: tuple[Family, ...] = ("persons", "own_points", "stations", "served")
#: Shares are proposed in steps of 0.01 %.
_SHARE_STEPS = 1e4
#: Relative gap of the diagnosis: the least miss is meant to this precision.
_GAP = 1e-4
#: Any plan will do where only its existence is asked.
_ANY_GAP = 0.99
_NAMES_MAX = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Fix:
    """An instance that has a plan, and the changes that led to it as sentences."""

    instance: Instance
    messages: tuple[Message, ...]


def diagnose(instance: Instance) -> InfeasibleError:
    """Return the error that says why no plan exists and which changes are enough.

    If the standard cannot be reached even without budget and capacity limits, all of `fixes` together are enough;
    otherwise each of them is enough by itself.
    """
    free = _unlimited(instance)
    if _run(free, build_model(free), _ANY_GAP).outcome == "infeasible":
        return _standard_unreachable(instance, free)
    budget, capacity = _relax_one(instance, "budget"), _relax_one(instance, "capacity")
    shares = [_relax_one(instance, family) for family in _SHARES]
    both = _relax_both(instance) if budget is None and capacity is None else None
    fixes = [message for fix in (budget, capacity, both, *shares) if fix is not None for message in fix.messages]
    if budget is not None:
        return InfeasibleError(_budget_cause(instance, budget.instance), fixes)
    if capacity is not None:
        short = _added_capacity(instance, capacity.instance)
        return InfeasibleError(Message("siting_capacity_short", {"parcels_per_day": short}), fixes)
    return InfeasibleError(Message("siting_budget_and_capacity"), fixes)


def _standard_unreachable(instance: Instance, free: Instance) -> InfeasibleError:
    """Lower the shares to what can be reached without limits; then see whether budget and capacities allow that."""
    lowered = _relax(free, dict.fromkeys(_SHARES, 1.0))
    if lowered is None:
        return _locks_contradict(instance)
    asked = replace(
        lowered.instance.targets, budget_cny=instance.targets.budget_cny, centre_count=instance.targets.centre_count
    )
    within = replace(instance, targets=asked)
    messages = list(lowered.messages)
    if _run(within, build_model(within), _ANY_GAP).outcome == "infeasible":
        more = _relax_one(within, "budget") or _relax_one(within, "capacity") or _relax_both(within)
        messages += more.messages if more is not None else ()
    return InfeasibleError(_unreachable_cause(instance, lowered.instance), messages)


def _locks_contradict(instance: Instance) -> InfeasibleError:
    """Say that the sites that must be open cannot be, and whether unlocking them all would do."""
    locked = [tier.ids[i] for tier in instance.tiers for i in np.nonzero(tier.must_open)[0]]
    points, stations, centres = (replace(tier, must_open=np.zeros(len(tier), dtype=bool)) for tier in instance.tiers)
    loose = instance.with_tiers(points, stations, centres)
    params = {"count": len(locked), "facilities": _some(locked)}
    helps = _run(loose, build_model(loose), _ANY_GAP).values is not None
    fixes = [Message("fix_siting_unlock", params)] if helps and locked else []
    return InfeasibleError(Message("siting_locks_contradict", params), fixes)


# --- relaxations ----------------------------------------------------------------------------------------------------


def _relax_one(instance: Instance, family: Family) -> _Fix | None:
    """Return the least change of one family that is enough, or None."""
    if family == "budget" and not math.isfinite(instance.targets.budget_cny):
        return None
    return _relax(instance, {family: 1.0})


def _relax_both(instance: Instance) -> _Fix | None:
    """Return the least additional capacity, and the least budget with it."""
    if not math.isfinite(instance.targets.budget_cny):
        return None
    rich = replace(instance, targets=replace(instance.targets, budget_cny=math.inf))
    roomy = _relax(rich, {"capacity": 1.0})
    if roomy is None:
        return None
    asked = replace(roomy.instance, targets=instance.targets)
    budget = _relax_one(asked, "budget")
    if budget is None:
        return None
    return _Fix(budget.instance, (Message("fix_siting_both"), *roomy.messages, *budget.messages))


def _relax(instance: Instance, weights: dict[Family, float]) -> _Fix | None:
    """Minimise the weighted miss of some families; return the instance changed to what was reached."""
    villages = float(len(instance.demand.codes))
    scale = {"persons": float(instance.demand.population.sum()), "own_points": villages, "served": villages}
    scaled = {family: weight / max(1.0, scale.get(family, 1.0)) for family, weight in weights.items()}
    model = build_model(instance, relax=scaled if len(weights) > 1 else weights)
    answer = _run(instance, model, _GAP)
    if answer.values is None:
        return None
    decision = read_decision(instance, model, answer.values)
    changed, messages = instance, []
    for family in weights:
        changed, message = _reached(changed, decision, family)
        messages += [message] if message is not None else []
    if broken(changed, decision):
        check = _run(changed, build_model(changed), _ANY_GAP)
        if check.values is None:
            return None
    return _Fix(changed, tuple(messages))


def _run(instance: Instance, model: SitingModel, gap: float) -> EngineAnswer:
    siting = instance.problem.siting
    return solve_linear(model.linear, EngineLimits(gap, siting.node_limit, siting.time_limit_s, siting.seed))


def _reached(instance: Instance, decision: Decision, family: Family) -> tuple[Instance, Message | None]:
    """Return the instance with the family's limit set to what the decision keeps, and the sentence; None if kept."""
    targets = instance.targets
    villages, townships = len(instance.demand.codes), len(instance.problem.county.townships)
    if family == "budget":
        budget = math.ceil(investment(instance, decision) - 1e-6)
        more = budget - targets.budget_cny
        message = Message("fix_siting_budget", {"budget_cny": budget, "more_cny": round(more, 2)})
        return replace(instance, targets=replace(targets, budget_cny=float(budget))), message if more > 0 else None
    if family == "capacity":
        return _with_capacity(instance, decision)
    total = float(instance.demand.population.sum())
    reached = {
        "persons": covered_persons(instance, decision) / total if total > 0.0 else 1.0,
        "own_points": own_point_villages(instance, decision) / max(1, villages),
        "stations": station_townships(instance, decision) / max(1, townships),
        "served": served(decision).size / max(1, villages),
    }[family]
    share = math.floor(reached * _SHARE_STEPS + 1e-7) / _SHARE_STEPS
    lowered = {
        "persons": replace(targets, persons=min(targets.persons, share * total)),
        "own_points": replace(
            targets, own_point_villages=min(targets.own_point_villages, count_target(share, villages))
        ),
        "stations": replace(targets, station_townships=min(targets.station_townships, count_target(share, townships))),
        "served": replace(targets, served_villages=min(targets.served_villages, count_target(share, villages))),
    }[family]
    if lowered == targets:
        return instance, None
    return replace(instance, targets=lowered), Message(f"fix_siting_{family}", {"percent": round(100.0 * share, 2)})


def _with_capacity(instance: Instance, decision: Decision) -> tuple[Instance, Message | None]:
    """Return the instance with every overfull site enlarged to what it carries."""
    grown: list[Sites] = []
    named: list[str] = []
    total = 0
    for load, tier in site_loads(instance, loads(instance, decision)):
        carried = load * instance.day_factor
        over = carried > tier.capacity + 1e-6
        need = np.where(over, np.ceil(carried - 1e-6), tier.capacity)
        grown.append(replace(tier, capacity=need))
        for i in np.nonzero(over)[0]:
            named.append(f"{facility_name(instance, tier.ids[i])} {need[i]:.0f}")
            total += math.ceil(need[i] - tier.capacity[i])
    if not named:
        return instance, None
    points, stations, centres = grown
    bigger = instance.with_tiers(points, stations, centres)
    parcels = instance.demand.parcels * instance.day_factor
    bigger = replace(bigger, own_pair=own_pairs(bigger.pairs, bigger.points, parcels))
    return bigger, Message("fix_siting_capacity", {"parcels_per_day": total, "facilities": ", ".join(named)})


def _unlimited(instance: Instance) -> Instance:
    """Return the instance without budget and capacities."""
    points, stations, centres = (replace(tier, capacity=np.full(len(tier), np.inf)) for tier in instance.tiers)
    rich = replace(instance, targets=replace(instance.targets, budget_cny=math.inf))
    return rich.with_tiers(points, stations, centres)


# --- sentences ------------------------------------------------------------------------------------------------------


def _budget_cause(instance: Instance, enough: Instance) -> Message:
    budget, needed = instance.targets.budget_cny, enough.targets.budget_cny
    return Message(
        "siting_budget_too_small",
        {"budget_cny": round(budget, 2), "needed_cny": round(needed, 2), "short_cny": round(needed - budget, 2)},
    )


def _added_capacity(instance: Instance, enough: Instance) -> int:
    def added(old: Vector, new: Vector) -> float:
        limited = np.isfinite(old)
        return float(np.ceil(new[limited] - old[limited]).sum())

    pairs = zip(instance.tiers, enough.tiers, strict=True)
    return int(sum(added(old.capacity, new.capacity) for old, new in pairs))


def _unreachable_cause(instance: Instance, reachable: Instance) -> Message:
    """Say which shares can be reached at best, and which villages stand in the way."""
    total = max(1e-12, float(instance.demand.population.sum()))
    blocking = _blocking(instance)
    counts = Counter(blocking.values())
    return Message(
        "siting_standard_unreachable",
        {
            "population_percent": round(100.0 * reachable.targets.persons / total, 2),
            "own_point_villages": reachable.targets.own_point_villages,
            "station_townships": reachable.targets.station_townships,
            "served_villages": reachable.targets.served_villages,
            "no_location": counts["no_location"],
            "off_road": counts["off_road"],
            "out_of_reach": counts["no_site_in_reach"],
            "no_vehicle": counts["no_vehicle"],
            "villages": _some([instance.demand.codes[v] for v in blocking]),
        },
    )


def _blocking(instance: Instance) -> dict[int, ReasonCode]:
    """Return the villages no plan can serve, sorted, with the reason."""
    pairs = instance.pairs
    links = np.isfinite(instance.point_links.fixed) & reachable_stations(instance)[:, None]
    has_link: Flags = np.asarray(links.any(axis=0))
    near, linked = set(map(int, pairs.village)), set(map(int, pairs.village[has_link[pairs.point]]))
    unplaced = set(unplaced_villages(instance))
    reasons: dict[int, ReasonCode] = {}
    for v in sorted({*range(len(instance.demand.codes))} - (linked - unplaced)):
        if v in unplaced:
            reasons[v] = "no_location"
        else:
            reasons[v] = (without_link if v in near else out_of_reach)(instance, v).reason
    return reasons


def _some(labels: list[str]) -> str:
    """Return the first few labels, and dots if there are more."""
    shown = ", ".join(labels[:_NAMES_MAX])
    return shown + (" …" if len(labels) > _NAMES_MAX else "") if labels else "–"
