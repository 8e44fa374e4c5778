"""Rules of a rich round that OR-Tools needs extra constraints for: goods, rests, cold goods, balance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.routing.rich.ortools_model import OrToolsModel


def add_goods(model: OrToolsModel) -> None:
    """Keep stops with incompatible goods apart: a visit type for every set of goods, incompatible types on no trip."""
    problem, routing = model.problem, model.routing
    if not problem.incompatible:
        return
    goods = [frozenset(problem.stops[n.stop].goods) for n in model.nodes]
    kinds = sorted({g for g in goods if g}, key=sorted)
    number = {g: k for k, g in enumerate(kinds)}
    on_board = type(routing).TYPE_ADDED_TO_VEHICLE
    for g, index in zip(goods, model.index, strict=True):
        if g:
            routing.SetVisitType(index, number[g], on_board)
    for a in kinds:
        for b in kinds:
            if number[a] <= number[b] and any(
                (x in a and y in b) or (y in a and x in b) for x, y in problem.incompatible
            ):
                routing.AddHardTypeIncompatibility(number[a], number[b])


def add_rests(model: OrToolsModel) -> None:
    """Give every trip optional rests, none more than the rule's minutes apart."""
    problem = model.problem
    horizon = model.clock.CumulVar(model.routing.End(0)).Max() if model.slots else 0
    visits = [0] * model.routing.Size()
    for node, index in enumerate(model.index):
        visits[index] = model.service[len(problem.depots) + node]
    for v, slot in enumerate(model.slots):
        rule = problem.vehicles[slot.vehicle].break_rule
        if rule is None or not math.isfinite(rule.after_min):
            continue
        loading = problem.depots[problem.vehicles[slot.vehicle].start_depot].loading_min
        after = max(1, model.time.down(rule.after_min * model.rest_share - loading))
        minutes = model.time.up(rule.minutes)
        end = min(horizon, model.clock.CumulVar(model.routing.End(v)).Max())
        begin = model.clock.CumulVar(model.routing.Start(v)).Min()
        count = min(6, 1 + (end - begin) // (after + minutes))
        rests = [
            model.solver.FixedDurationIntervalVar(begin, max(begin, end - minutes), minutes, True, f"rest_{v}_{k}")
            for k in range(count)
        ]
        model.clock.SetBreakIntervalsOfVehicle(rests, v, visits)
        model.clock.SetBreakDistanceDurationOfVehicle(after, minutes, v)


def add_cold(model: OrToolsModel) -> None:
    """Bound the minutes between departure and delivery, and between pick-up and return, in vehicles without cooling."""
    problem, solver = model.problem, model.solver
    cold = [k for k, n in enumerate(model.nodes) if math.isfinite(problem.stops[n.stop].cold_max_min)]
    if not cold:
        return
    horizon = 2 * max(model.clock.CumulVar(model.routing.End(v)).Max() for v in range(len(model.slots)))
    plain = [not problem.vehicles[s.vehicle].is_refrigerated for s in model.slots]
    starts = [
        model.clock.CumulVar(model.routing.Start(v)) if warm else solver.IntConst(horizon)
        for v, warm in enumerate(plain)
    ]
    ends = [model.clock.CumulVar(model.routing.End(v)) if warm else solver.IntConst(0) for v, warm in enumerate(plain)]
    for k in cold:
        stop, index = problem.stops[model.nodes[k].stop], model.index[k]
        begin, place = model.clock.CumulVar(index), model.routing.VehicleVar(index) + 1
        limit = model.time.down(stop.cold_max_min)
        if max(stop.delivery, default=0.0) > 0.0:
            left = solver.Element([solver.IntConst(horizon), *starts], place.Var())
            solver.Add(begin - left <= limit)
        if max(stop.pickup, default=0.0) > 0.0:
            back = solver.Element([solver.IntConst(0), *ends], place.Var())
            solver.Add(back - begin <= limit + model.time.up(stop.service_min))


def add_balance(model: OrToolsModel) -> None:
    """Keep the longest and the shortest vehicle day within the minutes allowed.

    Days are measured without waiting (which the search could otherwise use to make a short day long); waiting that
    windows force is seen only afterwards, by the timetable.
    """
    problem, solver, routing = model.problem, model.solver, model.routing
    if problem.balance_min is None:
        return
    routing.AddDimensionWithVehicleTransits(model.minutes, 0, model.horizon, True, "work")
    work = routing.GetDimensionOrDie("work")
    longest, shortest = solver.IntVar(0, model.horizon, "longest"), solver.IntVar(0, model.horizon, "shortest")
    days: dict[tuple[int, int], list[int]] = {}
    for v, slot in enumerate(model.slots):
        days.setdefault((slot.vehicle, slot.day), []).append(v)
    for (k, _), trips in days.items():
        loading = model.time.up(problem.depots[problem.vehicles[k].start_depot].loading_min)
        parts = [work.CumulVar(routing.End(v)) + loading * routing.ActiveVehicleVar(v) for v in trips]
        minutes, is_idle = solver.Sum(parts), 1 - routing.ActiveVehicleVar(trips[0])
        solver.Add(minutes <= longest)
        solver.Add(minutes + model.horizon * is_idle >= shortest)
    solver.Add(longest - shortest <= model.time.down(problem.balance_min))
