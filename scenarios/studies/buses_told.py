"""What a bus plan has to say: the saving only beside the passengers' delay, bags per departure, points, departures, rounds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from geodata.messages import Message
from networks.timetable import BusRun, Timetable, clock_text
from planner.plan import Kpi
from planner.problems.buses import BusLoad, BusSide, SavingWithoutDelayError, hours_until
from planner.routing.buses.solve import BusPlan
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import Cell, StudyColumn, StudyInput, StudyPlace, StudyTable

_POINTS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("served_by", "label"),
    StudyColumn("bus_origin"),
    StudyColumn("delivery_parcels", "number"),
    StudyColumn("pickup_parcels", "number"),
    StudyColumn("bags", "count"),
    StudyColumn("departures", "count"),
    StudyColumn("ready_to_stop_h", "number"),
)
_LOADS = (
    StudyColumn("line"),
    StudyColumn("departure_time"),
    StudyColumn("board_stop"),
    StudyColumn("board_time"),
    StudyColumn("alight_stop"),
    StudyColumn("alight_time"),
    StudyColumn("name"),
    StudyColumn("bus_kind", "label"),
    StudyColumn("parcels", "number"),
    StudyColumn("bags", "count"),
)
_RUNS = (
    StudyColumn("line"),
    StudyColumn("direction", "label"),
    StudyColumn("departure_time"),
    StudyColumn("room_parcels", "number"),
    StudyColumn("most_parcels", "number"),
    StudyColumn("bags", "count"),
    StudyColumn("delay_min", "number"),
    StudyColumn("passengers", "number"),
    StudyColumn("reason", "message"),
)
_ROUNDS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("stops_before", "count"),
    StudyColumn("stops_after", "count"),
    StudyColumn("rounds_before_cny_per_day", "cny"),
    StudyColumn("rounds_after_cny_per_day", "cny"),
)


class ToldBuses:
    """What a bus plan has to say."""

    def __init__(self, given: StudyInput, side: BusSide, timetable: Timetable, plan: BusPlan) -> None:
        self.given, self.side, self.timetable, self.plan = given, side, timetable, plan
        self.runs = {run.run_id: run for run in side.runs}
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.loads_of: dict[str, list[BusLoad]] = {}
        for load in plan.decision.loads:
            self.loads_of.setdefault(load.point_id, []).append(load)
        self.ready = {origin.origin_id: origin.ready_min for origin in side.origins}

    def sentences(self) -> tuple[Message, ...]:
        """Say what rides, and the saving only together with the passengers' delay."""
        decision, plan = self.plan.decision, self.plan
        if not self.side.points:
            return (Message("study_answer_buses_no_stop"),)
        if not decision.loads:
            return (Message("study_answer_buses_none", {"points": len(self.side.points)}), status_message(plan.report))
        said = [Message("study_answer_buses", self._carried())]
        try:
            saving = plan.saving
        except SavingWithoutDelayError:
            said.append(Message("study_buses_no_saving", {"minutes": round(plan.delay.worst_min, 1)}))
        else:
            before = plan.trucks_only_cny_per_day
            figures = {
                "saving": rounded(saving.cny_per_day),
                "percent": percent(saving.cny_per_day / before) if before else 0.0,
                "passenger_min": rounded(saving.delay.passenger_min or 0.0),
                "worst_min": round(saving.delay.worst_min, 1),
            }
            said.append(Message("study_buses_saving", figures))
        return (*said, status_message(plan.report))

    def _carried(self) -> Mapping[str, object]:
        loads = self.plan.decision.loads
        return {
            "points": len(self.plan.decision.origin_of_point),
            "all": len(self.side.points),
            "parcels": round(math.fsum(load.parcels for load in loads)),
            "bags": sum(load.bags for load in loads),
            "runs": len({load.run_id for load in loads}),
        }

    def figures(self) -> dict[str, Cell]:
        """Return single figures; saving and delay stand together or both are left out."""
        loads, plan = self.plan.decision.loads, self.plan
        found: dict[str, Cell] = {
            "bus_points": len(plan.decision.origin_of_point),
            "points_at_stops": len(self.side.points),
            "bus_parcels": math.fsum(load.parcels for load in loads),
            "bags": sum(load.bags for load in loads),
            "bus_departures_used": len({load.run_id for load in loads}),
            "worst_delay_min": plan.delay.worst_min,
        }
        if plan.delay.passenger_min is not None:
            saving = plan.saving
            found |= {
                "rounds_before_cny_per_day": plan.trucks_only_cny_per_day,
                "rounds_and_buses_cny_per_day": plan.cny_per_day,
                "bus_saving_cny_per_day": saving.cny_per_day,
                "passenger_delay_min": saving.delay.passenger_min,
            }
        return found

    def tables(self) -> tuple[StudyTable, ...]:
        """Return points, bags per departure, departures and rounds."""
        made = [
            StudyTable("table_study_bus_points", _POINTS, self._points()),
            StudyTable("table_study_bus_loads", _LOADS, self._loads()),
            StudyTable("table_study_bus_runs", _RUNS, self._runs()),
        ]
        if self.plan.delay.passenger_min is not None:
            made.append(StudyTable("table_study_bus_rounds", _ROUNDS, self._rounds()))
        return tuple(table for table in made if table.rows)

    def _points(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for point in self.side.points:
            loads = self.loads_of.get(point.point_id, [])
            facility = self.facilities.loc[point.point_id]
            rides = point.point_id in self.plan.decision.origin_of_point
            hours = [self._hours(load) for load in loads if load.kind == "delivery"]
            rows.append(
                (
                    point.point_id,
                    str(facility["name"]),
                    str(facility["township_code"]),
                    "served_by_bus" if rides else "served_by_round",
                    self.plan.decision.origin_of_point.get(point.point_id, ""),
                    point.delivery_parcels,
                    point.pickup_parcels,
                    sum(load.bags for load in loads) if rides else None,
                    len({load.run_id for load in loads}) if rides else None,
                    max(hours) if hours else None,
                )
            )
        return tuple(rows)

    def _hours(self, load: BusLoad) -> float:
        calls = self.runs[load.run_id].calls
        on, off = calls[load.board].departure_min, calls[load.alight].arrival_min
        return hours_until(self.ready[load.origin_id], on, off)

    def _loads(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for load in self.plan.decision.loads:
            run = self.runs[load.run_id]
            on, off = run.calls[load.board], run.calls[load.alight]
            rows.append(
                (
                    self._line(run),
                    clock_text(run.start_min),
                    self._stop(on.stop_id),
                    clock_text(on.departure_min),
                    self._stop(off.stop_id),
                    clock_text(off.arrival_min),
                    str(self.facilities.loc[load.point_id]["name"]),
                    f"bus_{load.kind}",
                    load.parcels,
                    load.bags,
                )
            )
        return tuple(rows)

    def _runs(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for run in self.side.runs:
            loads = [load for load in self.plan.decision.loads if load.run_id == run.run_id]
            on_board = [
                math.fsum(load.parcels for load in loads if load.board <= s < load.alight)
                for s in range(len(run.spare_parcels))
            ]
            reason = self.plan.reasons.get(run.run_id)
            rows.append(
                (
                    self._line(run),
                    f"direction_{run.direction}",
                    clock_text(run.start_min),
                    max(run.spare_parcels),
                    max(on_board),
                    sum(load.bags for load in loads),
                    self.plan.delay.minutes_of_run.get(run.run_id, 0.0),
                    self.side.rules.passengers_of(run),
                    reason if reason or loads else Message("bus_reason_not_needed"),
                )
            )
        return tuple(rows)

    def _rounds(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for depot_id, before in sorted(self.plan.before.items()):
            after = self.plan.trucks[depot_id]
            stops = [len(cost.outcome.problem.stops) for cost in (before, after)]
            name = str(self.facilities.loc[depot_id]["name"])
            rows.append((depot_id, name, *stops, before.objective, after.objective))
        return tuple(rows)

    def _line(self, run: BusRun) -> str:
        name = self.timetable.names.get(run.line_id, "")
        return f"{run.line_id} {name}".strip()

    def _stop(self, stop_id: str) -> str:
        stop = self.timetable.stops.get(stop_id)
        return stop_id if stop is None else stop.name or stop_id

    def places(self) -> tuple[StudyPlace, ...]:
        """Return the points at stops: served by bus, or kept on the rounds."""
        shown = []
        for point in self.side.points:
            row, loads = self.facilities.loc[point.point_id], self.loads_of.get(point.point_id, [])
            rides = point.point_id in self.plan.decision.origin_of_point
            facts: dict[str, Cell] = {
                "served_by": Message("study_served_by_bus" if rides else "study_served_by_round"),
                "delivery_parcels": point.delivery_parcels,
                "pickup_parcels": point.pickup_parcels,
            }
            if loads:
                used = sorted({self.runs[load.run_id] for load in loads}, key=lambda run: (run.line_id, run.start_min))
                facts["bags"] = sum(load.bags for load in loads)
                facts["departures"] = ", ".join(f"{run.line_id} {clock_text(run.start_min)}" for run in used)
            at = point.point_id, str(row["name"]), float(row["lon"]), float(row["lat"])
            shown.append(StudyPlace(*at, "served" if rides else "candidate", facts))
        return tuple(shown)

    def kpis(self) -> tuple[Kpi, ...]:
        """Return K5: villages whose parcels ride on a bus in this study."""
        county, plan = self.given.problem.county, self.given.verified.plan
        rides = {v for v, p in plan.siting.point_of_village.items() if p in self.plan.decision.origin_of_point}
        count, listed = float(len(rides)), float(len(county.villages))
        list_id = f"{county.village_list_id}"
        return (Kpi("K5", "bus_study", count / listed, "share", count, listed, list_id, "kpi_note_k5_bus_study"),)
