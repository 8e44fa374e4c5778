"""A county as a cooperation question: visits priced by the siting model's link costs, room lent by post, buses and trucks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geodata.brands import with_brands
from geodata.county import County
from geodata.errors import InputError
from geodata.frames import is_placed
from geodata.messages import Message
from planner.cooperation.baseline import KmCalibration, calibrated_by_km
from planner.cooperation.lenders import buses_of, shops_of
from planner.cooperation.operators import operators_of
from planner.costs import DAYS_PER_YEAR, vehicle_cny_per_h, vehicle_cny_per_km
from planner.plan import PlanProblem
from planner.problems.cooperation import DAYS_PER_WEEK, Bools, CooperationProblem, CooperationSettings, Floats, Operator
from planner.routing.result import RouteTier
from planner.siting.coverage import travel_block
from planner.siting.links import LinkCosts, full_vehicle_parcels, link_costs, usable_vehicles, visits_per_week

_MONTHS = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class CooperationCase:
    """A cooperation question with the county it was made from.

    Attributes
    ----------
    problem
        The question.
    county
        The county with its operators (split into brands where it had none).
    centre_id
        County centre everything starts from.
    hub_ids
        Station taken as the middle of each township.
    point_ids
        Point taken for each village.
    assumptions
        What was assumed for this question.
    km_scales
        Operators whose trips are scaled to their known cost of a kilometre.
    """

    problem: CooperationProblem
    county: County
    centre_id: str
    hub_ids: tuple[str, ...]
    point_ids: tuple[str, ...]
    assumptions: tuple[Message, ...]
    km_scales: tuple[KmCalibration, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    centre: str
    towns: list[str]
    hubs: list[str]
    villages: list[str]
    points: list[str]
    town_of: list[int]
    left_out: dict[str, str]


def build_cooperation(
    problem: PlanProblem, *, centre_id: str = "", visits: float | None = None, maximum_waves: int = 2
) -> CooperationCase:
    """Make the cooperation question of a county.

    Parameters
    ----------
    problem
        Completed county with travel matrices of the vehicles.
    centre_id
        County centre all operators start from; empty: the first existing one, else the first.
    visits
        Frequency couriers promise unless their terms say otherwise; None: the standard's.
    maximum_waves
        Joint departures a township and day at most.

    Raises
    ------
    InputError
        If there is no centre or no village can be reached, or operators' terms are wrong.

    Notes
    -----
    A visit costs what the siting model's link costs (docs/model.md §3): a trunk visit ``line_haul_share`` of the way there and back
    plus the stop, a village's visit ``round_share`` of it plus the stop. Every operator's visit costs the same before calibration:
    the vehicles are alike.
    """
    county, notes = with_brands(problem.county)
    problem = replace(problem, county=county)
    often = float(problem.standard.visits_per_week) if visits is None else visits
    operators, more = operators_of(county, visits_per_week=often)
    operators, km_scales = _by_known_km(problem, operators)
    places = _places(problem, centre_id)
    line, rounds, line_min, round_min = _links(problem, places)
    keep = [
        i
        for i in range(len(places.villages))
        if math.isfinite(rounds[0][i]) and math.isfinite(line[0][places.town_of[i]])
    ]
    for i in sorted(set(range(len(places.villages))) - set(keep)):
        places.left_out[places.villages[i]] = "cooperation_left_no_way"
    if not keep:
        raise InputError(Message("cooperation_no_village"))
    villages = [places.villages[i] for i in keep]
    town_of = np.array([places.town_of[i] for i in keep], dtype=np.intp)
    index = {code: i for i, code in enumerate(villages)}
    inbound, outbound = _flows(county, operators, index)
    runs, calls, returns = buses_of(county, operators, index)
    post = next((o for o in operators if o.kind == "post"), None)
    own = inbound + outbound
    post_parcels = own[operators.index(post)] if post is not None else np.zeros(len(villages))
    own_by_town = np.bincount(town_of, weights=post_parcels, minlength=len(places.towns)).astype(np.float64)
    trunk_room, round_room = _post_room(problem, post, own_by_town)
    question = CooperationProblem(
        operators=operators,
        township_ids=tuple(places.towns),
        village_ids=tuple(villages),
        village_township=town_of,
        inbound=inbound,
        outbound=outbound,
        reached=_reached(county, operators, villages, [places.towns[t] for t in town_of]),
        line_visit_cny=np.where(np.isfinite(line[0]), line[0], 0.0),
        line_unit_cny=np.where(np.isfinite(line[1]), line[1], 0.0),
        line_min=np.where(np.isfinite(line_min), line_min, 0.0),
        round_visit_cny=rounds[0][keep],
        round_unit_cny=rounds[1][keep],
        round_min=round_min[keep],
        joint_station_cny=np.full(len(places.towns), _joint_station_cny(county)),
        post_line_room=trunk_room,
        post_round_room=round_room,
        bus_runs=runs,
        bus_calls=calls,
        bus_returns=returns,
        shop_calls=shops_of(county, operators, index),
        settings=_settings(county, often, maximum_waves),
        left_out=places.left_out,
    )
    points = tuple(places.points[i] for i in keep)
    told = (*notes, *more, Message("cooperation_assumed_visits"))
    return CooperationCase(question, county, places.centre, tuple(places.hubs), points, told, km_scales)


def _by_known_km(
    problem: PlanProblem, operators: tuple[Operator, ...]
) -> tuple[tuple[Operator, ...], tuple[KmCalibration, ...]]:
    """Return the operators calibrated to the known costs of a kilometre in their terms."""
    terms = problem.county.operator_terms
    told = zip(terms["operator_id"].astype(str), terms["known_cost_cny_per_km"].astype(float), strict=True)
    known = {name: cost for name, cost in told if math.isfinite(cost)}
    return calibrated_by_km(
        operators,
        known,
        line_cny_per_km=cny_per_km(problem, "county_township"),
        round_cny_per_km=cny_per_km(problem, "township_village"),
    )


def _settings(county: County, visits: float, maximum_waves: int) -> CooperationSettings:
    parameters = county.parameters
    return CooperationSettings(
        joint_handling_cny_per_parcel=parameters["sorting_cny_per_parcel"],
        joint_sort_parcels_per_h=parameters["joint_sort_parcels_per_h"],
        joint_visits_per_week=visits,
        handover_cny_per_parcel=parameters["handover_cny_per_parcel"],
        bus_bag_min=parameters["bus_bag_min"],
        bus_dwell_min=parameters["bus_dwell_min"],
        bus_cny_per_h=parameters["bus_cny_per_h"],
        transfer_min=parameters["transfer_min"],
        day_end_min=parameters["day_end_min"],
        maximum_waves=maximum_waves,
    )


def _joint_station_cny(county: County) -> float:
    """Return a joint station a day: rent and full-time staff of the usual township station; its building is not counted."""
    parameters = county.parameters
    rent = _MONTHS * parameters["rent_township_cny_per_m2_month"] * parameters["township_station_area_m2"]
    wage = parameters["driver_cny_per_month"] * (1.0 + parameters["social_insurance_share"]) * _MONTHS
    return (rent + parameters["township_station_staff_count"] * wage) / DAYS_PER_YEAR


def _places(problem: PlanProblem, centre_id: str) -> _Places:
    """Return centre, one station a township, one point a village; townships and villages sorted by code."""
    sites = problem.county.facilities[is_placed(problem.county.facilities)]
    sites = sites.assign(rank=(sites["status"] != "existing").astype(int)).sort_values(
        ["rank", "facility_id"], kind="stable"
    )
    centres = sites[sites["kind"] == "county_centre"]
    if centres.empty:
        raise InputError(Message("cooperation_no_centre"))
    centre = centre_id or str(centres["facility_id"].iloc[0])
    stations = sites[sites["kind"] == "township_station"]
    hubs = stations.drop_duplicates("township_code").set_index("township_code")["facility_id"]
    points = sites[(sites["kind"] == "village_point") & (sites["village_code"] != "")]
    own = points.drop_duplicates("village_code").set_index("village_code")["facility_id"]
    found = _Places(centre, [], [], [], [], [], {})
    villages = problem.county.villages.sort_values(["township_code", "village_code"], kind="stable")
    towns: dict[str, int] = {}
    for code, town in zip(villages["village_code"].astype(str), villages["township_code"].astype(str), strict=True):
        if code not in own.index:
            found.left_out[code] = "cooperation_left_no_point"
        elif town not in hubs.index:
            found.left_out[code] = "cooperation_left_no_station"
        else:
            if town not in towns:
                towns[town] = len(towns)
                found.towns.append(town)
                found.hubs.append(str(hubs[town]))
            found.villages.append(code)
            found.points.append(str(own[code]))
            found.town_of.append(towns[town])
    return found


def _links(
    problem: PlanProblem, places: _Places
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats], Floats, Floats]:
    """Return cost a visit and a parcel of both tiers, and the minutes there."""
    flows = problem.county.demand[["inbound_parcels_per_day", "outbound_parcels_per_day"]].astype(float).to_numpy()
    brands = max(1, problem.county.demand["operator_id"].nunique())
    total = float(np.nansum(flows)) / brands
    line = link_costs(
        problem, "county_township", [places.centre], places.hubs, mean_parcels=total / max(1, len(places.hubs))
    )
    line_min = _minutes(problem, "county_township", places.centre, places.hubs)
    fixed, unit = np.full(len(places.points), np.inf), np.full(len(places.points), np.inf)
    minutes = np.full(len(places.points), np.inf)
    scale = DAYS_PER_WEEK / visits_per_week(problem, "township_village")
    for t, hub in enumerate(places.hubs):
        rows = [i for i, town in enumerate(places.town_of) if town == t]
        stops = [places.points[i] for i in rows]
        cost: LinkCosts = link_costs(
            problem, "township_village", [hub], stops, mean_parcels=total / max(1, len(places.points))
        )
        fixed[rows], unit[rows] = cost.fixed[0] * scale, cost.unit[0]
        minutes[rows] = _minutes(problem, "township_village", hub, stops)
    return (line.fixed[0], line.unit[0]), (fixed, unit), line_min, minutes


def _minutes(problem: PlanProblem, tier: RouteTier, depot: str, stops: Sequence[str]) -> Floats:
    best = np.full(len(stops), np.inf)
    for _, vehicle in usable_vehicles(problem.county.vehicles, tier).iterrows():
        found = travel_block(problem.travel[str(vehicle["vehicle_type_id"])], [depot], stops)[0][0]
        best = np.minimum(best, found)
    return best


def _flows(county: County, operators: Sequence[Operator], index: dict[str, int]) -> tuple[Floats, Floats]:
    rows = {operator.operator_id: i for i, operator in enumerate(operators) if operator.has_parcels}
    inbound, outbound = np.zeros((len(operators), len(index))), np.zeros((len(operators), len(index)))
    demand = county.demand
    o = demand["operator_id"].map(rows)
    v = demand["village_code"].map(index)
    known = (o.notna() & v.notna()).to_numpy()
    at = (o[known].to_numpy(dtype=np.intp), v[known].to_numpy(dtype=np.intp))
    np.add.at(inbound, at, demand["inbound_parcels_per_day"].to_numpy(dtype=float)[known])
    np.add.at(outbound, at, np.nan_to_num(demand["outbound_parcels_per_day"].to_numpy(dtype=float))[known])
    return inbound, outbound


def _reached(county: County, operators: Sequence[Operator], villages: Sequence[str], towns: Sequence[str]) -> Bools:
    """Return where each operator drives today: villages it lists stations for, else townships with a station of its own, else all."""
    listed = county.operator_stations
    sites = county.facilities[(county.facilities["status"] == "existing") & (county.facilities["operator_id"] != "")]
    reached = np.ones((len(operators), len(villages)), dtype=np.bool_)
    for i, operator in enumerate(operators):
        if operator.kind != "courier":
            continue
        mine = pd.concat(
            [
                listed.loc[listed["operator_id"] == operator.operator_id, ["village_code", "township_code"]],
                sites.loc[sites["operator_id"] == operator.operator_id, ["village_code", "township_code"]],
            ]
        )
        own_villages, own_towns = set(mine["village_code"]) - {""}, set(mine["township_code"]) - {""}
        if own_villages:
            reached[i] = [code in own_villages for code in villages]
        elif own_towns:
            reached[i] = [town in own_towns for town in towns]
    return reached


def _post_room(problem: PlanProblem, post: Operator | None, own: Floats) -> tuple[Floats, Floats]:
    """Return the room of the post's trunk and round vehicles by township after mail and its own parcels.

    One vehicle of the largest type of each tier a township; what the post's terms say takes precedence.
    """
    if post is None:
        return np.zeros_like(own), np.zeros_like(own)
    county = problem.county
    terms = county.operator_terms[county.operator_terms["operator_id"] == post.operator_id]
    rooms = []
    tiers: tuple[tuple[RouteTier, str], ...] = (
        ("county_township", "spare_line_parcels_per_day"),
        ("township_village", "spare_round_parcels_per_day"),
    )
    for tier, column in tiers:
        told = float(terms[column].iloc[0]) if len(terms) else math.nan
        if math.isfinite(told):
            rooms.append(np.full_like(own, told))
            continue
        sizes = [full_vehicle_parcels(row, problem) for _, row in usable_vehicles(county.vehicles, tier).iterrows()]
        often = DAYS_PER_WEEK if tier == "county_township" else post.visits_per_week
        free = max(sizes, default=0.0) * (1.0 - county.parameters["post_mail_share"]) * often / DAYS_PER_WEEK
        rooms.append(np.maximum(0.0, free - own))
    return rooms[0], rooms[1]


def cny_per_km(problem: PlanProblem, tier: RouteTier) -> float:
    """Return what a driven kilometre of a tier costs in the model, driver's time at ``speed_county_road_kmh`` included."""
    speed = problem.county.parameters["speed_county_road_kmh"]
    costs = [
        vehicle_cny_per_km(row, problem.county.parameters) + vehicle_cny_per_h(row, problem.county.parameters) / speed
        for _, row in usable_vehicles(problem.county.vehicles, tier).iterrows()
    ]
    return min(costs, default=math.nan)
