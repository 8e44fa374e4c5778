"""What follows when no vehicle comes to a site: its villages are unserved, and the site is given up if it may be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from geodata.messages import Message
from planner.costs import site_investment_cny
from planner.plan import Plan, PlanProblem
from planner.reports import SolveReport
from planner.siting.result import ReasonCode, SitingResult, Unserved
from planner.verify import missed_parts

_OFF_ROAD = "reason_off_road_stop"
_CUT_OFF = "reason_station_cut_off_stop"
_NO_VEHICLE = "reason_no_vehicle_stop"


def settle(problem: PlanProblem, plan: Plan) -> Plan:
    """Return the plan without the sites that its rounds had to leave out.

    Villages of a left-out point become unserved with the reason. The point is closed (a candidate is not built), and
    so is a left-out station with no point left, unless a lock, `keep_existing` or the budget forbids it; what must
    stay open stays, without villages, and a warning says so.
    """
    dropped = plan.routing.dropped
    if not dropped:
        return plan
    siting = plan.siting
    lost = tuple(
        Unserved(code, *_reason(plan, point)) for code, point in siting.point_of_village.items() if point in dropped
    )
    given_up = _given_up(problem, plan)
    still_open = [site for site in siting.open_ids if site not in given_up]
    settled = SitingResult(
        open_ids=tuple(still_open),
        closed_ids=tuple(sorted({*siting.closed_ids, *(given_up & _existing(problem))})),
        point_of_village={v: p for v, p in siting.point_of_village.items() if p not in dropped},
        station_of_point={p: s for p, s in siting.station_of_point.items() if p not in given_up},
        centre_of_station={s: c for s, c in siting.centre_of_station.items() if s not in given_up},
        unserved=tuple(sorted((*siting.unserved, *lost), key=lambda entry: entry.village_code)),
        report=_changed(siting.report),
    )
    warnings = _warnings(len(lost), [site for site in still_open if site in dropped])
    return Plan(settled, plan.routing, (*plan.warnings, *warnings))


def would_meet_with_more_vehicles(problem: PlanProblem, plan: Plan) -> bool:
    """Tell whether the standard would be met if every site left out for want of a free vehicle were served."""
    dropped = plan.routing.dropped
    hopeless = {site: key for site, key in dropped.items() if _root_cause(plan, site) != _NO_VEHICLE}
    routing = dataclasses.replace(plan.routing, dropped=hopeless)
    return len(hopeless) < len(dropped) and not missed_parts(problem, settle(problem, Plan(plan.siting, routing)))


def _root_cause(plan: Plan, site: str) -> str:
    """Return the message key of the reason; for a point cut off with its station, that of the station."""
    key = plan.routing.dropped[site]
    station = plan.siting.station_of_point.get(site, "")
    return plan.routing.dropped.get(station, key) if key == _CUT_OFF else key


def _reason(plan: Plan, point: str) -> tuple[ReasonCode, Mapping[str, float | str]]:
    code: ReasonCode = "off_road" if _root_cause(plan, point) == _OFF_ROAD else "no_vehicle"
    return code, {"facility_id": point}


def _existing(problem: PlanProblem) -> frozenset[str]:
    facilities = problem.county.facilities
    return frozenset(str(key) for key in facilities.loc[facilities["status"] == "existing", "facility_id"])


def _given_up(problem: PlanProblem, plan: Plan) -> frozenset[str]:
    """Left-out points that may close, then left-out stations that may and have no open point left."""
    may_close = [site for site in sorted(plan.routing.dropped) if _may_close(problem, site)]
    station_of_point = plan.siting.station_of_point
    points = _within_budget(problem, plan, [site for site in may_close if site in station_of_point], frozenset())
    busy = {station for point, station in station_of_point.items() if point not in points}
    stations = [site for site in may_close if site in plan.siting.centre_of_station and site not in busy]
    return _within_budget(problem, plan, stations, points)


def _may_close(problem: PlanProblem, site: str) -> bool:
    row = _row(problem, site)
    is_kept = problem.siting.keep_existing and row["status"] == "existing"
    return bool(row["lock"] == "free" and not is_kept)


def _row(problem: PlanProblem, site: str) -> Mapping[str, object]:
    facilities = problem.county.facilities
    row: dict[str, object] = facilities[facilities["facility_id"] == site].iloc[0].to_dict()
    return row


def _within_budget(problem: PlanProblem, plan: Plan, sites: Sequence[str], given_up: frozenset[str]) -> frozenset[str]:
    """Add the sites whose closing the budget allows, those that free most money first."""
    budget = math.inf if problem.siting.budget_cny is None else problem.siting.budget_cny
    gain = {site: _closing_gain_cny(problem, site) for site in sites}
    spent = _invested_cny(problem, plan.siting) - math.fsum(_closing_gain_cny(problem, s) for s in sorted(given_up))
    closed = set(given_up)
    for site in sorted(sites, key=lambda s: (-gain[s], s)):
        if gain[site] >= 0.0 or spent - gain[site] <= budget:
            spent -= gain[site]
            closed.add(site)
    return frozenset(closed)


def _closing_gain_cny(problem: PlanProblem, site: str) -> float:
    row = _row(problem, site)
    return site_investment_cny(row, is_open=True) - site_investment_cny(row, is_open=False)


def _invested_cny(problem: PlanProblem, siting: SitingResult) -> float:
    is_open, is_closed = set(siting.open_ids), set(siting.closed_ids)
    return math.fsum(
        site_investment_cny(row, is_open=row["facility_id"] in is_open)
        for row in problem.county.facilities.to_dict("records")
        if row["facility_id"] in is_open or row["facility_id"] in is_closed
    )


def _changed(report: SolveReport) -> SolveReport:
    """Return the report of a siting that was changed afterwards: its proof no longer holds."""
    return dataclasses.replace(report, status="feasible", bound=None, note_key="siting_changed_by_rounds")


def _warnings(lost_villages: int, idle_sites: Iterable[str]) -> tuple[Message, ...]:
    villages = (Message("warning_dropped_villages", {"count": lost_villages}),) if lost_villages else ()
    return (*villages, *(Message("warning_dropped_site", {"site": site}) for site in idle_sites))
