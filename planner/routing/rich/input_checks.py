"""What must be right in a `RoutingProblem` before it is solved; every problem is named with row, column and value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from geodata.errors import InputError, Problem, Severity
from geodata.messages import Message
from planner.problems.routing import RoutingProblem, Window
from planner.routing.rich.alone import obstacle
from planner.routing.rich.input_travel import check_travel

#: Excel row of the first record.
FIRST_ROW = 2


class _Notes:
    """Collects problems with the row they belong to."""

    def __init__(self, rows: Mapping[str, Sequence[int]]) -> None:
        self.rows = rows
        self.found: list[Problem] = []

    def error(self, code: str, at: tuple[str, int, str], value: object, **params: object) -> None:
        """Note an error at (table, index, column)."""
        self._note("error", code, at, value, params)

    def warn(self, code: str, at: tuple[str, int, str], value: object, **params: object) -> None:
        """Note a warning at (table, index, column)."""
        self._note("warning", code, at, value, params)

    def _note(
        self, severity: Severity, code: str, at: tuple[str, int, str], value: object, params: Mapping[str, object]
    ) -> None:
        table, index, column = at
        known = self.rows.get(table)
        row = known[index] if known is not None else index + FIRST_ROW
        text = f"{value:g}" if isinstance(value, float) else str(value)
        self.found.append(Problem(severity, code, table=table, row=row, column=column, value=text, params=params))


def check_input(problem: RoutingProblem, *, rows: Mapping[str, Sequence[int]] | None = None) -> tuple[Problem, ...]:
    """Return every problem of the input, errors and warnings.

    Parameters
    ----------
    problem
        The day to be planned.
    rows
        Row in the source of every entry of the tables ``stops``, ``vehicles`` and ``depots``; without it they are counted
        from 2, as in a sheet with one line of headings.
    """
    notes = _Notes(rows or {})
    _check_names(problem, notes)
    _check_places(problem, notes)
    _check_depots(problem, notes)
    _check_vehicles(problem, notes)
    _check_stops(problem, notes)
    travel = check_travel(problem)
    if not any(p.severity == "error" for p in (*notes.found, *travel)):
        _check_against_each_other(problem, notes)
    return (*notes.found, *travel)


def require_usable(problem: RoutingProblem, *, rows: Mapping[str, Sequence[int]] | None = None) -> tuple[Problem, ...]:
    """Return the warnings of the input.

    Raises
    ------
    InputError
        If the input has errors; it carries all of them.
    """
    found = check_input(problem, rows=rows)
    errors = [p for p in found if p.severity == "error"]
    if errors:
        raise InputError(Message("routing_input_refused", {"count": len(errors)}), errors)
    return found


def _check_names(problem: RoutingProblem, notes: _Notes) -> None:
    tables = {
        "stops": ("stop_id", [s.stop_id for s in problem.stops]),
        "vehicles": ("vehicle_type_id", [v.vehicle_type_id for v in problem.vehicles]),
        "depots": ("depot_id", [d.depot_id for d in problem.depots]),
    }
    for table, (column, names) in tables.items():
        count = Counter(names)
        for index, name in enumerate(names):
            if count[name] > 1 and names.index(name) != index:
                notes.error("routing_duplicate", (table, index, column), name)
    for table in ("vehicles", "depots"):
        if not tables[table][1]:
            notes.error("routing_none", (table, 0, tables[table][0]), "")


def _check_places(problem: RoutingProblem, notes: _Notes) -> None:
    most = len(problem.place_ids)
    tables = {
        "stops": [s.place for s in problem.stops],
        "depots": [d.place for d in problem.depots],
        "chargers": [c.place for c in problem.chargers],
    }
    for table, places in tables.items():
        for index, place in enumerate(places):
            if not 0 <= place < most:
                notes.error("routing_unknown_place", (table, index, "place"), place, count=most)


def _check_depots(problem: RoutingProblem, notes: _Notes) -> None:
    for index, depot in enumerate(problem.depots):
        if not depot.opens_min < depot.closes_min:
            notes.error(
                "routing_window_backwards", ("depots", index, "closes_min"), depot.closes_min, begin=depot.opens_min
            )
        if not depot.loading_min >= 0.0 or not math.isfinite(depot.loading_min):
            notes.error("routing_negative", ("depots", index, "loading_min"), depot.loading_min)


def _check_vehicles(problem: RoutingProblem, notes: _Notes) -> None:
    for index, v in enumerate(problem.vehicles):
        for column, value in (("start_depot", v.start_depot), ("end_depot", v.end_depot)):
            if not 0 <= value < len(problem.depots):
                notes.error("routing_unknown_depot", ("vehicles", index, column), value)
        if not 0 <= v.profile < len(problem.minutes):
            notes.error("routing_unknown_profile", ("vehicles", index, "profile"), v.profile)
        if len(v.capacity) != len(problem.dimensions):
            notes.error(
                "routing_dimensions", ("vehicles", index, "capacity"), len(v.capacity), count=len(problem.dimensions)
            )
        for column, figure in (
            *(("capacity", c) for c in v.capacity),
            ("fixed_cny", v.fixed_cny),
            ("cny_per_km", v.cny_per_km),
            ("cny_per_h", v.cny_per_h),
            ("range_km", v.range_km),
            ("longest_min", v.longest_min),
            ("available", 0.0 if v.available is None else float(v.available)),
        ):
            if not figure >= 0:
                notes.error("routing_negative", ("vehicles", index, column), figure)
        _check_day(problem, notes, index)
        known = {s.zone for s in problem.stops}
        for permit in v.permits:
            if permit.zone not in known:
                notes.error("routing_unknown_zone", ("vehicles", index, "permits"), permit.zone)
            _check_windows(notes, "vehicles", index, "permits", permit.windows)


def _check_day(problem: RoutingProblem, notes: _Notes, index: int) -> None:
    v = problem.vehicles[index]
    if not v.shift[0] < v.shift[1] or not math.isfinite(v.shift[0]):
        notes.error("routing_window_backwards", ("vehicles", index, "shift"), v.shift[1], begin=v.shift[0])
    if v.trips_most < 1:
        notes.error("routing_trips", ("vehicles", index, "trips_most"), v.trips_most)
    if v.trips_most > 1 and v.start_depot != v.end_depot:
        notes.error("routing_reload_elsewhere", ("vehicles", index, "end_depot"), v.end_depot)
    if v.break_rule is not None and not (v.break_rule.after_min > 0.0 and v.break_rule.minutes >= 0.0):
        notes.error("routing_break", ("vehicles", index, "break_rule"), v.break_rule.after_min)
    if v.battery is not None and not (
        v.battery.kwh > 0.0 and v.battery.kwh_per_km >= 0.0 and v.battery.min_per_kwh >= 0.0
    ):
        notes.error("routing_battery", ("vehicles", index, "battery"), v.battery.kwh)


def _check_stops(problem: RoutingProblem, notes: _Notes) -> None:
    kinds = {v.vehicle_type_id for v in problem.vehicles}
    for index, s in enumerate(problem.stops):
        for column, load in (("delivery", s.delivery), ("pickup", s.pickup)):
            if len(load) != len(problem.dimensions):
                notes.error("routing_dimensions", ("stops", index, column), len(load), count=len(problem.dimensions))
            for q in load:
                if not 0.0 <= q < math.inf:
                    notes.error("routing_negative", ("stops", index, column), q)
        if not 0.0 <= s.service_min < math.inf:
            notes.error("routing_negative", ("stops", index, "service_min"), s.service_min)
        if s.penalty_cny is not None and not s.penalty_cny >= 0.0:
            notes.error("routing_negative", ("stops", index, "penalty_cny"), s.penalty_cny)
        if not s.cold_max_min >= 0.0:
            notes.error("routing_negative", ("stops", index, "cold_max_min"), s.cold_max_min)
        for name in sorted((s.vehicle_types or frozenset()) - kinds):
            notes.error("routing_unknown_vehicle", ("stops", index, "vehicle_types"), name)
        _check_windows(notes, "stops", index, "windows", s.windows)


def _check_windows(notes: _Notes, table: str, index: int, column: str, windows: tuple[Window, ...]) -> None:
    for begin, end in windows:
        if not begin <= end:
            notes.error("routing_window_backwards", (table, index, column), end, begin=begin)
    for (_, end), (begin, _) in pairwise(windows):
        if not end < begin:
            notes.error("routing_windows_overlap", (table, index, column), begin, end=end)


def _check_against_each_other(problem: RoutingProblem, notes: _Notes) -> None:
    opens = min((d.opens_min for d in problem.depots), default=0.0)
    closes = max((d.closes_min for d in problem.depots), default=math.inf)
    for index, s in enumerate(problem.stops):
        before = [w for w in s.windows if w[1] < opens]
        after = [w for w in s.windows if w[0] > closes]
        for window in before:
            notes.error("routing_window_before_opening", ("stops", index, "windows"), window[1], opens=opens)
        for window in after:
            notes.error("routing_window_after_closing", ("stops", index, "windows"), window[0], closes=closes)
        if s.penalty_cny is None and not before and not after:
            found = obstacle(problem, index)
            if found is not None:
                column = _COLUMN.get(found.reason, "stop_id")
                notes.error(f"routing_alone_{found.reason}", ("stops", index, column), s.stop_id, **found.figures)
    _check_goods(problem, notes)


_COLUMN = {"capacity": "delivery", "vehicle_type": "vehicle_types", "permit": "zone", "window": "windows"}


def _check_goods(problem: RoutingProblem, notes: _Notes) -> None:
    known = {goods for s in problem.stops for goods in s.goods}
    for index, pair in enumerate(problem.incompatible):
        for goods in pair:
            if goods not in known:
                notes.warn("routing_unknown_goods", ("incompatible", index, "goods"), goods)
