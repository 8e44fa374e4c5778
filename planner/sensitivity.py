"""Which assumption moves the cost of a plan most: each uncertain figure swung through its range, one at a time."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import get_args

from geodata.parameters import Parameter, Tag
from planner.plan import Plan, PlanProblem
from planner.verify import recompute_costs

#: Figures the cost of a fixed plan is computed from.
COST_PARAMETERS = (
    "diesel_cny_per_l",
    "discount_rate_share",
    "driver_cny_per_month",
    "electricity_cny_per_kwh",
    "petrol_cny_per_l",
    "site_life_years",
    "social_insurance_share",
    "sorting_cny_per_parcel",
    "stop_base_min",
    "stop_s_per_parcel",
)
#: Tags of figures nobody has published or given for this county.
UNCERTAIN_TAGS: tuple[Tag, ...] = tuple(tag for tag in get_args(Tag) if tag not in ("A", "U"))


@dataclass(frozen=True, slots=True)
class Swing:
    """What one figure does to the daily cost of the plan.

    Attributes
    ----------
    parameter_id, tag
        The figure and how sure it is.
    low, high
        Ends of its range.
    low_cny_per_day, high_cny_per_day
        Cost of the plan with the figure at either end, everything else as it is.
    """

    parameter_id: str
    tag: Tag
    low: float
    high: float
    low_cny_per_day: float
    high_cny_per_day: float

    @property
    def swing_cny_per_day(self) -> float:
        """How far the cost moves between the two ends."""
        return abs(self.high_cny_per_day - self.low_cny_per_day)


def cost_swings(problem: PlanProblem, plan: Plan) -> tuple[Swing, ...]:
    """Swing every uncertain figure of the cost formulas, with the decisions of `plan` held.

    Sites, trips and loads stay as they are and only the money is recomputed, so a swing shows what the figure does to
    the bill of this plan, not to the choice of a plan: with dearer drivers another plan might be cheaper, and with
    slower stops a trip might not fit its shift. Figures that became table values before planning (a keeper's wage in
    `annual_cost_cny`, a vehicle's price in `fixed_cny_per_day`, parcels a resident in `demand`) are not swung here.

    Parameters
    ----------
    problem, plan
        Input and decisions.

    Returns
    -------
    tuple of Swing
        Figures that have a range, are neither official nor the user's own, and change the cost; widest swing first.
    """
    entries = [problem.county.parameters.entry(parameter_id) for parameter_id in COST_PARAMETERS]
    swings = [_swing(problem, plan, entry) for entry in entries if entry.tag in UNCERTAIN_TAGS]
    moving = [swing for swing in swings if swing is not None and swing.swing_cny_per_day > 0.0]
    return tuple(sorted(moving, key=lambda swing: (-swing.swing_cny_per_day, swing.parameter_id)))


def assumption_that_moves_most(problem: PlanProblem, plan: Plan) -> Swing | None:
    """Return the first of `cost_swings`; None if no uncertain figure moves the cost."""
    return next(iter(cost_swings(problem, plan)), None)


def _swing(problem: PlanProblem, plan: Plan, entry: Parameter) -> Swing | None:
    if entry.low is None or entry.high is None:
        return None
    return Swing(
        parameter_id=entry.parameter_id,
        tag=entry.tag,
        low=entry.low,
        high=entry.high,
        low_cny_per_day=_cost_at(problem, plan, entry.parameter_id, entry.low),
        high_cny_per_day=_cost_at(problem, plan, entry.parameter_id, entry.high),
    )


def _cost_at(problem: PlanProblem, plan: Plan, parameter_id: str, value: float) -> float:
    parameters = problem.county.parameters.with_values({parameter_id: value}, "sensitivity")
    moved = dataclasses.replace(problem, county=problem.county.replace(parameters=parameters))
    return math.fsum(line.cny_per_day for line in recompute_costs(moved, plan))
