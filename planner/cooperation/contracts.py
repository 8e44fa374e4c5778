"""Modes as contracts on (tier, link, parties): what is shared, who may charge what to whom, what binds, where parcels change hands.

No contract names who must be appointed: any operator that keeps the same terms may take the carrier's part.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from geodata.messages import Message
from planner.cooperation.modes import Carriage, ModePlan
from planner.problems.cooperation import CooperationProblem

#: Path → (mode, tier) of each contract it needs; the operator's own trips need none.
_NEEDS = {
    "own": (),
    "own_post": (("post", "township_village"),),
    "post": (("post", "county_township"), ("post", "township_village")),
    "joint": (("joint", "county_township"), ("joint", "township_village")),
    "joint_post": (("joint", "county_township"), ("post", "township_village")),
    "bus": (("bus", "county_village"),),
    "shop": (("shop", "county_village"),),
}
_RESOURCES = {
    "joint": ("sorting_line", "vehicles", "station"),
    "post": ("mail_trips", "post_office"),
    "bus": ("luggage_space", "bus_stop"),
    "shop": ("truck_space", "shop_counter"),
}
_PRICES = {
    "joint": "per_parcel_by_tier",
    "post": "per_parcel_handover",
    "bus": "per_line_day_or_parcel",
    "shop": "per_parcel_commission",
}
_BINDS = {
    "joint": ("last_truck", "promise", "head_office"),
    "post": ("mail_first", "post_frequency", "promise"),
    "bus": ("passengers_first", "timetable", "sealed_bags", "dwell", "no_detour"),
    "shop": ("shop_hours", "goods_first", "food_apart"),
}
_HANDOVER = {
    ("joint", "county_township"): "handover_county_centre",
    ("joint", "township_village"): "handover_township_station",
    ("post", "county_township"): "handover_county_centre",
    ("post", "township_village"): "handover_township_station",
    ("bus", "county_village"): "handover_bus_station",
    ("shop", "county_village"): "handover_distributor",
}


@dataclass(frozen=True, slots=True)
class Contract:
    """One agreement.

    Attributes
    ----------
    mode, tier
        ``joint``, ``post``, ``bus`` or ``shop``; ``county_township``, ``township_village`` or ``county_village``.
    link
        Township id or bus line id it holds for.
    carrier
        Operator that carries; empty: the joint company of the parties.
    parties
        Operators that hand over, sorted.
    villages
        Villages it reaches, sorted.
    parcels_per_day
        In and out.
    resources, price_rule, constraints, handover
        Keys of what is shared, how the price is formed, what binds, where the scan changes liability.
    """

    mode: str
    tier: str
    link: str
    carrier: str
    parties: tuple[str, ...]
    villages: tuple[str, ...]
    parcels_per_day: float
    resources: tuple[str, ...]
    price_rule: str
    constraints: tuple[str, ...]
    handover: str


def contracts_of(plan: ModePlan) -> tuple[Contract, ...]:
    """Return every agreement a plan needs, sorted by mode, tier and link."""
    problem = plan.problem
    operator = {o.operator_id: i for i, o in enumerate(problem.operators)}
    village = {v: i for i, v in enumerate(problem.village_ids)}
    grouped: dict[tuple[str, str, str, str], list[Carriage]] = defaultdict(list)
    for item in plan.carriages:
        for mode, tier in _NEEDS[item.kind]:
            link, carrier = _link(problem, item, mode, village[item.village_id])
            grouped[mode, tier, link, carrier].append(item)
    found = []
    for (mode, tier, link, carrier), items in sorted(grouped.items()):
        parcels = sum(float(problem.parcels[operator[i.operator_id], village[i.village_id]]) for i in items)
        found.append(
            Contract(
                mode,
                tier,
                link,
                carrier,
                tuple(sorted({i.operator_id for i in items})),
                tuple(sorted({i.village_id for i in items})),
                parcels,
                _RESOURCES[mode],
                _PRICES[mode],
                _BINDS[mode],
                _HANDOVER[mode, tier],
            )
        )
    return tuple(found)


def _link(problem: CooperationProblem, item: Carriage, mode: str, v: int) -> tuple[str, str]:
    town = problem.township_ids[int(problem.village_township[v])]
    if mode == "bus":
        run = problem.bus_runs[problem.bus_calls[item.bus_call].run]
        return run.line_id, problem.operators[run.operator].operator_id
    if mode == "shop":
        owner = next(c.operator for c in reversed(problem.shop_calls) if c.village == v)
        return town, problem.operators[owner].operator_id
    if mode == "post" and problem.post is not None:
        return town, problem.operators[problem.post].operator_id
    return town, ""


@dataclass(frozen=True, slots=True)
class BusSaving:
    """What carrying on buses saves, never without what passengers pay for it in time.

    Attributes
    ----------
    saving_cny_per_day
        Against the best plan without buses.
    passenger_min_per_day
        Minutes a day that passengers together wait while bags are handed over; not priced in the plan.
    """

    saving_cny_per_day: float
    passenger_min_per_day: float

    def __post_init__(self) -> None:
        if not self.passenger_min_per_day >= 0.0:
            msg = "a saving by bus is not printed without the minutes its passengers wait"
            raise ValueError(msg)

    def message(self) -> Message:
        """Return the one sentence in which the saving may stand."""
        figures = {"cny": round(self.saving_cny_per_day), "minutes": round(self.passenger_min_per_day, 1)}
        return Message("cooperation_answer_bus", figures)
