"""The whole line: sites, rounds, the consequences of what no vehicle can serve, and the independent check."""

from __future__ import annotations

from geodata.errors import InfeasibleError, NoSolutionError
from geodata.messages import Message
from planner.design_fleet import fleet_too_small
from planner.design_settle import settle, would_meet_with_more_vehicles
from planner.plan import Plan, PlanProblem, VerifiedPlan
from planner.progress import ProgressEvent, ProgressListener, no_progress
from planner.reuse import PartKeeper
from planner.routing.result import RoutingResult
from planner.routing.rounds import solve_rounds
from planner.siting.three_tier import solve_three_tier
from planner.verify import missed_parts, verify


def design_plan(
    problem: PlanProblem, *, listener: ProgressListener = no_progress, keeper: PartKeeper | None = None
) -> VerifiedPlan:
    """Design, check and score the plan of a county.

    Sites are chosen first, then the rounds are built. Where the vehicles cannot come to a site, its villages are
    listed as unserved with that reason and the site is given up unless it is locked; if the plan then still meets the
    service standard it is returned with a warning.

    Parameters
    ----------
    problem
        Completed county, travel times, standard and settings.
    listener
        Told of every stage.
    keeper
        Keeps sitings and rounds that were solved before; the plan is the same with and without it.

    Returns
    -------
    VerifiedPlan
        The plan with recomputed costs and KPIs.

    Raises
    ------
    InfeasibleError
        If it is proved that no plan meets the standard; carries the smallest changes that would do.
    NoSolutionError
        If the plan found misses the standard for want of vehicles and nothing is proved; says how many more would do.
    VerificationError
        If the result does not pass the checker.
    """
    siting = solve_three_tier(problem, listener=listener, keeper=keeper)
    routing = solve_rounds(problem, siting, listener=listener, keeper=keeper)
    chosen = Plan(siting, routing)
    plan = settle(problem, chosen)
    missed = missed_parts(problem, plan)
    if missed:
        _refuse(problem, chosen, missed)
    listener(ProgressEvent("verify"))
    return verify(problem, plan)


def _refuse(problem: PlanProblem, chosen: Plan, missed: tuple[Message, ...]) -> None:
    """Say that the standard is missed, whether that is proved, and what would do."""
    fixes = [Message(message.key.replace("check_", "fix_lower_", 1), message.params) for message in missed]
    if would_meet_with_more_vehicles(problem, chosen):
        fixes = [*vehicle_fixes(problem, chosen.routing), *fixes]
    proof = fleet_too_small(problem)
    if proof is not None:
        raise InfeasibleError(proof, fixes)
    raise NoSolutionError(Message("standard_missed_by_rounds"), fixes)


def vehicle_fixes(problem: PlanProblem, routing: RoutingResult) -> tuple[Message, ...]:
    """Return, for every vehicle type the rounds would use more of than there are, how many more would do."""
    counts = problem.county.vehicles.set_index("vehicle_type_id")["vehicle_count"]
    missing = {
        str(type_id): routing.vehicles_needed.get(str(type_id), 0) - int(count)
        for type_id, count in counts.dropna().items()
    }
    return tuple(
        Message("fix_more_vehicles", {"vehicle": type_id, "count": count})
        for type_id, count in sorted(missing.items())
        if count > 0
    )
