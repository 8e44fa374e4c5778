"""An independent check of a mix of modes: every rule and the cost, recomputed item by item from the decisions alone."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from planner.cooperation.modes import Carriage, ModePlan
from planner.problems.cooperation import CooperationProblem

_DAY = 1440.0
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a plan breaks, and where."""

    rule: str
    place: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CooperationCheck:
    """What the checker found.

    Attributes
    ----------
    violations
        Empty for a plan that keeps every rule.
    cny_per_day
        Cost recomputed.
    passenger_min_per_day
        Minutes a day that all bus passengers together wait while bags are handed over.
    bus_parcels_per_day
        Line id → parcels a day, both directions.
    """

    violations: tuple[Violation, ...]
    cny_per_day: float
    passenger_min_per_day: float
    bus_parcels_per_day: dict[str, float]


def check_cooperation(plan: ModePlan, *, tolerance: float = 1e-6) -> CooperationCheck:
    """Recompute a plan.

    Parameters
    ----------
    plan
        Decisions and the cost they claim.
    tolerance
        Relative difference of the claimed cost that is still called equal.
    """
    checker = _Checker(plan)
    checker.completeness()
    for carriage in plan.carriages:
        checker.carriage(carriage)
    checker.lines()
    checker.room()
    cost = checker.cost()
    if abs(cost - plan.cny_per_day) > tolerance * max(1.0, cost):
        checker.tell("cost", "plan", f"{plan.cny_per_day} != {cost}")
    bound = plan.report.bound
    if bound is not None and bound > plan.cny_per_day * (1.0 + tolerance):
        checker.tell("bound", "plan", f"{bound} > {plan.cny_per_day}")
    return CooperationCheck(tuple(checker.found), cost, checker.passenger_min, dict(checker.bus_parcels))


class _Checker:
    def __init__(self, plan: ModePlan) -> None:
        self.plan, self.problem = plan, plan.problem
        problem: CooperationProblem = plan.problem
        self.found: list[Violation] = []
        self.operator = {o.operator_id: i for i, o in enumerate(problem.operators)}
        self.village = {v: i for i, v in enumerate(problem.village_ids)}
        self.inside = {self.operator[name] for name in plan.members}
        self.waves = set(plan.waves)
        self.visits = set(plan.visits)
        self.money = 0.0
        self.passenger_min = 0.0
        self.bus_parcels: dict[str, float] = defaultdict(float)
        self.bags: dict[int, int] = defaultdict(int)
        self.load: dict[tuple[str, int, int], float] = defaultdict(float)
        self.line_number = {run.line_id: k for k, run in enumerate(problem.bus_runs)}

    def tell(self, rule: str, place: str, detail: str = "") -> None:
        self.found.append(Violation(rule, place, detail))

    def completeness(self) -> None:
        wanted = {
            (o.operator_id, problem_village)
            for i, o in enumerate(self.problem.operators)
            if i in self.inside and o.kind == "courier"
            for v, problem_village in enumerate(self.problem.village_ids)
            if self.problem.inbound[i, v] + self.problem.outbound[i, v] > 0.0
        }
        seen: set[tuple[str, str]] = set()
        for carriage in self.plan.carriages:
            key = (carriage.operator_id, carriage.village_id)
            if key in seen or key not in wanted:
                self.tell("one_way_each", "/".join(key))
            seen.add(key)
        for key in sorted(wanted - seen):
            self.tell("nobody_left_out", "/".join(key))

    def carriage(self, item: Carriage) -> None:
        """Hold one item to permission, frequency and promise, price it, and add up the room it uses."""
        problem = self.problem
        o, v = self.operator[item.operator_id], self.village[item.village_id]
        operator = problem.operators[o]
        where = f"{item.operator_id}/{item.village_id}"
        alone: set[str] = set()
        modes = {"own_post": {"post"}, "joint_post": {"joint", "post"}, "own": alone}.get(item.kind, {item.kind})
        if modes & operator.not_shared:
            self.tell("not_shared", where, item.kind)
        often, there = self._service(item, o, v)
        if item.kind != "own":
            if often < operator.visits_per_week - _SLACK:
                self.tell("frequency", where, f"{often} < {operator.visits_per_week}")
            if there - operator.arrival_min > 60.0 * operator.deadline_h + _SLACK:
                self.tell("promise", where, f"{(there - operator.arrival_min) / 60.0:.2f} h")
        if "joint" in modes:
            self._wave(item, int(problem.village_township[v]), where)
        self._price(item, o, v)
        self._room_used(item, o, v, often)

    def _price(self, item: Carriage, o: int, v: int) -> None:
        problem, settings = self.problem, self.problem.settings
        operator, town = problem.operators[o], int(problem.village_township[v])
        handling = operator.handling_cny_per_parcel
        if item.kind in ("joint", "joint_post"):
            handling = settings.joint_handling_cny_per_parcel
        if item.kind not in ("own", "joint"):
            handling += settings.handover_cny_per_parcel
        drive = (
            float(problem.line_unit_cny[town] + problem.round_unit_cny[v]) if item.kind not in ("bus", "shop") else 0.0
        )
        self.money += (drive + handling) * float(problem.inbound[o, v] + problem.outbound[o, v])
        if item.kind == "own":
            self.money += operator.round_scale * operator.visits_per_week / 7.0 * float(problem.round_visit_cny[v])

    def _room_used(self, item: Carriage, o: int, v: int, often: float) -> None:
        inbound, outbound = float(self.problem.inbound[o, v]), float(self.problem.outbound[o, v])
        town = int(self.problem.village_township[v])
        if item.kind in ("post", "own_post", "joint_post"):
            self.load["post round", town, 0] += inbound + outbound
        if item.kind == "post":
            self.load["post line", town, 0] += inbound + outbound
        if item.kind == "bus":
            self._bus(item, inbound, outbound)
        if item.kind == "shop":
            self.load["shop", v, 0] += (inbound + outbound) * 7.0 / often

    def _service(self, item: Carriage, o: int, v: int) -> tuple[float, float]:
        """Return visits a week and the minute (of the day the truck came) at which the parcels are in the village."""
        problem, settings = self.problem, self.problem.settings
        operator = problem.operators[o]
        ready = operator.arrival_min + 60.0 * float(problem.volume[o]) / operator.sort_parcels_per_h
        if item.kind == "own":
            return operator.visits_per_week, self._road(ready + settings.loading_min, v)
        if item.kind == "joint":
            return settings.joint_visits_per_week, self._road(item.leaves_min, v)
        if item.kind == "bus":
            call = problem.bus_calls[item.bus_call]
            run = problem.bus_runs[call.run]
            if call.village != v:
                self.tell("bus_stop", f"{item.operator_id}/{item.village_id}")
            if run.operator not in self.inside:
                self.tell("outsider", f"{item.operator_id}/{item.village_id}", "bus")
            missed = ready + settings.loading_min > run.departure_min
            return run.visits_per_week, run.departure_min + call.minutes + (_DAY if missed else 0.0)
        if item.kind == "shop":
            calls = [c for c in problem.shop_calls if c.village == v and c.operator in self.inside]
            if not calls:
                self.tell("outsider", f"{item.operator_id}/{item.village_id}", "shop")
                return 7.0, math.inf
            last = calls[-1]
            missed = ready + settings.loading_min > last.departure_min
            return last.visits_per_week, last.arrival_min + (_DAY if missed else 0.0)
        return self._post_service(item, v, ready)

    def _post_service(self, item: Carriage, v: int, ready: float) -> tuple[float, float]:
        """Return visits a week of the post, and when parcels given to it are in the village."""
        problem, settings = self.problem, self.problem.settings
        post = problem.post
        if post is None or post not in self.inside:
            self.tell("outsider", f"{item.operator_id}/{item.village_id}", "post")
            return 7.0, math.inf
        mail = problem.operators[post]
        leaves = mail.arrival_min + 60.0 * float(problem.volume[post]) / mail.sort_parcels_per_h + settings.loading_min
        line = float(problem.line_min[int(problem.village_township[v])])
        in_town = {
            "post": ready <= leaves,
            "own_post": ready + settings.loading_min + line <= leaves + line + _SLACK,
            "joint_post": item.leaves_min <= leaves + _SLACK,
        }[item.kind]
        there = self._road(leaves % _DAY, v) + (0.0 if in_town else _DAY) + (leaves // _DAY) * _DAY
        return mail.visits_per_week, there

    def _road(self, leaves: float, v: int) -> float:
        problem, settings = self.problem, self.problem.settings
        town = int(problem.village_township[v])
        there = leaves + float(problem.line_min[town]) + settings.transfer_min + float(problem.round_min[v])
        if there > settings.day_end_min:
            there = max(there, _DAY + settings.day_start_min + float(problem.round_min[v]))
        return there

    def _wave(self, item: Carriage, town: int, where: str) -> None:
        if (self.problem.township_ids[town], item.leaves_min) not in self.waves:
            self.tell("no_wave", where)
        if item.kind == "joint" and (item.village_id, item.leaves_min) not in self.visits:
            self.tell("no_visit", where)
        operator = self.problem.operators[self.operator[item.operator_id]]
        if operator.arrival_min + self.problem.settings.loading_min > item.leaves_min + _SLACK:
            self.tell("leaves_before_truck", where)

    def _bus(self, item: Carriage, inbound: float, outbound: float) -> None:
        problem, settings = self.problem, self.problem.settings
        call = problem.bus_calls[item.bus_call]
        run = problem.bus_runs[call.run]
        per_day = run.visits_per_week / 7.0
        self.money += settings.bus_bag_min / 60.0 * settings.bus_cny_per_h * per_day
        self.passenger_min += settings.bus_bag_min * run.passengers * per_day
        self.bus_parcels[run.line_id] += inbound + outbound
        self.bags[item.bus_call] += 1
        for segment in range(call.stop):
            self.load["bus out", call.run, segment] += inbound / per_day
            self.load["bus in", self.line_number[run.line_id], segment] += outbound

    def lines(self) -> None:
        """Price lines that run, and hold joint departures to their number."""
        problem, settings = self.problem, self.problem.settings
        towns = {name: t for t, name in enumerate(problem.township_ids)}
        own = {
            (self.operator[c.operator_id], int(problem.village_township[self.village[c.village_id]]))
            for c in self.plan.carriages
            if c.kind in ("own", "own_post")
        }
        for o, t in own:
            operator = problem.operators[o]
            self.money += operator.line_scale * float(problem.line_visit_cny[t]) + operator.outlet_cny_per_day
        number: dict[str, int] = defaultdict(int)
        for name, _ in self.waves:
            number[name] += 1
            self.money += float(problem.line_visit_cny[towns[name]])
        for name, count in number.items():
            self.money += float(problem.joint_station_cny[towns[name]])
            if count > settings.maximum_waves:
                self.tell("too_many_waves", name, str(count))
        for name, minute in self.visits:
            v = self.village[name]
            self.money += float(problem.round_visit_cny[v]) * settings.joint_visits_per_week / 7.0
            if (problem.township_ids[int(problem.village_township[v])], minute) not in self.waves:
                self.tell("no_wave", name)
        post = problem.post
        if post is not None and post in self.inside:
            self._post(post)

    def _post(self, post: int) -> None:
        """Price the post's network: with its duty it runs to every village with its mail, whatever else is decided."""
        problem, operator = self.problem, self.problem.operators[post]
        own = problem.inbound[post] + problem.outbound[post]
        runs = [operator.has_universal_duty or own[v] > 0.0 for v in range(len(problem.village_ids))]
        for item in self.plan.carriages:
            if item.kind in ("post", "own_post", "joint_post") and not runs[self.village[item.village_id]]:
                self.tell("post_does_not_run", f"{item.operator_id}/{item.village_id}")
        for t in {int(t) for t, there in zip(problem.village_township, runs, strict=True) if there}:
            self.money += operator.line_scale * float(problem.line_visit_cny[t]) + operator.outlet_cny_per_day
        for v in range(len(problem.village_ids)):
            t = int(problem.village_township[v])
            unit = float(problem.line_unit_cny[t] + problem.round_unit_cny[v]) + operator.handling_cny_per_parcel
            self.money += unit * float(problem.inbound[post, v] + problem.outbound[post, v])
            if runs[v]:
                self.money += operator.round_scale * operator.visits_per_week / 7.0 * float(problem.round_visit_cny[v])

    def room(self) -> None:
        settings = self.problem.settings
        for (kind, place, segment), load in self.load.items():
            room = self._room_there(kind, place, segment)
            if load > room + _SLACK:
                self.tell("room", f"{kind} {place} {segment}", f"{load:.3f} > {room:.3f}")
        for number, count in self.bags.items():
            if count * settings.bus_bag_min > settings.bus_dwell_min + _SLACK:
                self.tell("dwell", self.problem.village_ids[self.problem.bus_calls[number].village], str(count))

    def _room_there(self, kind: str, place: int, segment: int) -> float:
        problem = self.problem
        if kind == "post round":
            return float(problem.post_round_room[place])
        if kind == "post line":
            return float(problem.post_line_room[place])
        if kind == "shop":
            return max(call.parcels_per_visit for call in problem.shop_calls if call.village == place)
        if kind == "bus out":
            return problem.bus_runs[place].room_out[segment]
        line = problem.bus_runs[place].line_id
        return next((entry.room_in[segment] for entry in problem.bus_returns if entry.line_id == line), math.inf)

    def cost(self) -> float:
        return self.money
