"""What a day has to say: route sheets, vehicles, charging, permits, a Gantt chart, lines and stops on the map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from geodata.messages import Message
from networks.timetable import clock_text
from planner.plan import Kpi
from planner.routing.day.build import DayRound
from planner.routing.day.settings import DaySettings
from planner.routing.day.solve import DayPlan, VehicleRun
from planner.routing.rich.loads import trip_energy
from planner.routing.rich.schedule import TripTimes
from scenarios.studies.shown import percent, rounded
from scenarios.studies.study import (
    Cell,
    GanttBar,
    GanttRow,
    StudyColumn,
    StudyGantt,
    StudyInput,
    StudyLine,
    StudyPlace,
    StudyTable,
)

_SHEETS = (
    StudyColumn("vehicle_day"),
    StudyColumn("trip", "count"),
    StudyColumn("stop_order", "count"),
    StudyColumn("arrives"),
    StudyColumn("begins"),
    StudyColumn("leaves"),
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("loading_spot"),
    StudyColumn("delivery_parcels", "number"),
    StudyColumn("bags", "count"),
    StudyColumn("pickup_parcels", "number"),
    StudyColumn("produce_kg", "number"),
    StudyColumn("load_after_kg", "number"),
    StudyColumn("load_after_m3", "number"),
)
_VEHICLES = (
    StudyColumn("vehicle_day"),
    StudyColumn("depot"),
    StudyColumn("arrival_wave", "count"),
    StudyColumn("starts"),
    StudyColumn("back"),
    StudyColumn("duty_h", "number"),
    StudyColumn("trips", "count"),
    StudyColumn("stops", "count"),
    StudyColumn("route_km", "km"),
    StudyColumn("bags", "count"),
    StudyColumn("cost_cny", "cny"),
)
_CHARGING = (
    StudyColumn("vehicle_day"),
    StudyColumn("depot"),
    StudyColumn("used_kwh", "number"),
    StudyColumn("battery_kwh", "number"),
    StudyColumn("lowest_charge_share", "share"),
    StudyColumn("charging_h", "number"),
)
_PERMITS = (
    StudyColumn("access_zone"),
    StudyColumn("vehicle_type"),
    StudyColumn("permit_times"),
    StudyColumn("stops", "count"),
    StudyColumn("stop_names"),
)
_UNSERVED = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("reason", "message"),
    StudyColumn("smallest_change", "message"),
)
_GANTT_ROWS = 40


class ToldDay:
    """What a day has to say."""

    def __init__(
        self, given: StudyInput, settings: DaySettings, day: DayPlan, kpis: Sequence[Kpi], *, bag_parcels: float
    ) -> None:
        self.given, self.settings, self.day, self.kpis, self.bag_parcels = given, settings, day, kpis, bag_parcels
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.runs = sorted(day.runs, key=lambda run: (self.vehicle(run), run.times.start_min))

    def made(self, run: VehicleRun) -> DayRound:
        """Return the round a vehicle works in."""
        return self.day.rounds[run.round]

    def vehicle(self, run: VehicleRun) -> str:
        """Return the vehicle's name: type and number."""
        return f"{self.made(run).problem.vehicles[run.day.vehicle].vehicle_type_id} {run.number:02d}"

    def name(self, facility_id: str) -> str:
        """Return a facility's name."""
        return str(self.facilities.loc[facility_id]["name"]) or facility_id

    def bags(self, parcels: float) -> int:
        """Return the bags so many parcels fill."""
        return math.ceil(parcels / self.bag_parcels - 1e-9)

    def visits(self, run: VehicleRun, trip: TripTimes) -> Iterator[tuple[int, int]]:
        """Yield (position in the trip, stop) of the visits that are no charging."""
        for position, visit in enumerate(trip.visits):
            if visit.index < len(self.made(run).loads):
                yield position, visit.index

    def kpi(self, kpi_id: str, part: str) -> float | None:
        """Return a figure of the study's KPIs."""
        return next((k.value for k in self.kpis if (k.kpi_id, k.part) == (kpi_id, part)), None)

    def sentences(self) -> tuple[Message, ...]:
        """Say how many vehicles drive how far, how fast parcels are there, and what is left out."""
        trips = [trip for run in self.runs for trip in run.times.trips]
        figures = {
            "vehicles": len({self.vehicle(run) for run in self.runs}),
            "trips": len(trips),
            "km": rounded(math.fsum(trip.km for trip in trips)),
            "stops": sum(len(list(self.visits(run, trip))) for run in self.runs for trip in run.times.trips),
            "cny": rounded(self.cost()),
        }
        said = [Message("study_answer_day_rounds", figures)]
        share, mean = self.kpi("K9", "within_24h"), self.kpi("K9", "mean")
        if share is not None and mean is not None:
            told = {"percent": percent(share), "mean": round(mean, 1), "p90": round(self.kpi("K9", "p90") or 0.0, 1)}
            said.append(Message("study_day_time", told))
        electric = self.kpi("K25", "km")
        if electric is not None:
            said.append(Message("study_day_electric", {"percent": percent(electric)}))
        cold = self.kpi("K23", "total")
        if cold is not None:
            said.append(Message("study_day_cold", {"percent": percent(cold)}))
        if self.day.unserved:
            said.append(Message("study_day_unserved", {"count": len(self.day.unserved)}))
        missing = self.missing_vehicles()
        said += [Message("study_day_vehicles_missing", m) for m in missing]
        return tuple(said)

    def cost(self) -> float:
        """Return the day's cost without what leaving stops out counts."""
        left = (
            made.problem.stops[i].penalty_cny or 0.0
            for made, answer in zip(self.day.rounds, self.day.answers, strict=True)
            for i in (answer.decision.left_out if answer.decision is not None else ())
        )
        return (self.day.report.objective or 0.0) - math.fsum(left)

    def missing_vehicles(self) -> list[dict[str, object]]:
        """Return types of which the day uses more than the county has."""
        used: dict[str, int] = {}
        for run in self.runs:
            kind = self.made(run).problem.vehicles[run.day.vehicle].vehicle_type_id
            used[kind] = max(used.get(kind, 0), run.number)
        counts = self.given.problem.county.vehicles.set_index("vehicle_type_id")["vehicle_count"]
        return [
            {"vehicle": kind, "used": n, "count": int(counts[kind])}
            for kind, n in sorted(used.items())
            if math.isfinite(float(counts[kind])) and n > float(counts[kind])
        ]

    def figures(self) -> dict[str, Cell]:
        """Return single figures."""
        return {
            "vehicles_used": len({self.vehicle(run) for run in self.runs}),
            "trips": sum(len(run.times.trips) for run in self.runs),
            "route_km": math.fsum(run.times.km for run in self.runs),
            "rounds_of_the_day_cny": self.cost(),
            "within_24h_share": self.kpi("K9", "within_24h"),
            "mean_in_county_h": self.kpi("K9", "mean"),
            "p90_in_county_h": self.kpi("K9", "p90"),
            "electric_km_share": self.kpi("K25", "km"),
        }

    def assumptions(self) -> tuple[Message, ...]:
        """Say what the day rests on."""
        said = [Message("study_assumption_day"), Message("study_assumption_day_bound")]
        if self.settings.has_batteries:
            said.append(Message("study_assumption_day_battery", {"kw": self.settings.charger_kw}))
        if self.day.produce:
            told = {"month": self.settings.month or 0, "factor": self.settings.harvest_factor}
            said.append(Message("study_assumption_day_produce", told))
        return tuple(said)

    def tables(self) -> tuple[StudyTable, ...]:
        """Return route sheets, vehicles, charging, permits and what is not served."""
        changes = self.day.changes
        unserved = tuple((f, self.name(f), why, changes.get(f)) for f, why in self.day.unserved.items())
        made = (
            StudyTable("table_study_route_sheets", _SHEETS, tuple(self._sheets())),
            StudyTable("table_study_day_vehicles", _VEHICLES, tuple(self._vehicles())),
            StudyTable("table_study_day_charging", _CHARGING, tuple(self._charging())),
            StudyTable("table_study_day_permits", _PERMITS, tuple(self._permits())),
            StudyTable("table_study_day_unserved", _UNSERVED, unserved),
        )
        return tuple(table for table in made if table.rows)

    def _sheets(self) -> Iterator[tuple[Cell, ...]]:
        for run in self.runs:
            made = self.made(run)
            for number, trip in enumerate(run.times.trips, start=1):
                own = [i for _, i in self.visits(run, trip)]
                kg, m3 = (sum(made.problem.stops[i].delivery[d] for i in own) for d in (0, 1))
                parcels = sum(made.loads[i].delivery_parcels for i in own)
                head = self.vehicle(run), number
                depot = made.depot_id, self.name(made.depot_id), self.spot(made.depot_id)
                times = None, clock_text(trip.loading_min), clock_text(trip.departure_min)
                bags = sum(self.bags(made.loads[i].delivery_parcels) for i in own)
                yield (*head, 0, *times, *depot, parcels, bags, None, None, kg, m3)
                for order, visit in enumerate(trip.visits, start=1):
                    if visit.index >= len(made.loads):
                        continue
                    stop, load = made.problem.stops[visit.index], made.loads[visit.index]
                    kg += stop.pickup[0] - stop.delivery[0]
                    m3 += stop.pickup[1] - stop.delivery[1]
                    yield (
                        *head,
                        order,
                        *(clock_text(t) for t in (visit.arrival_min, visit.begin_min, visit.end_min)),
                        load.facility_id,
                        self.name(load.facility_id),
                        self.spot(load.facility_id),
                        load.delivery_parcels,
                        self.bags(load.delivery_parcels),
                        load.pickup_parcels,
                        load.produce_kg or None,
                        max(kg, 0.0),
                        max(m3, 0.0),
                    )
                back = clock_text(trip.return_min), None, None
                yield (*head, len(trip.visits) + 1, *back, *depot, None, None, None, None, max(kg, 0.0), max(m3, 0.0))

    def spot(self, facility_id: str) -> str:
        """Return the loading spot of a facility."""
        return self.settings.spot_of.get(facility_id, "")

    def _vehicles(self) -> Iterator[tuple[Cell, ...]]:
        for run in self.runs:
            made, times = self.made(run), run.times
            vehicle = made.problem.vehicles[run.day.vehicle]
            stops = [i for trip in times.trips for _, i in self.visits(run, trip)]
            yield (
                self.vehicle(run),
                self.name(made.depot_id),
                made.wave + 1,
                clock_text(times.start_min),
                clock_text(times.end_min),
                times.duty_min / 60.0,
                len(times.trips),
                len(stops),
                times.km,
                sum(self.bags(made.loads[i].delivery_parcels) for i in stops),
                vehicle.fixed_cny + times.km * vehicle.cny_per_km + times.duty_min / 60.0 * vehicle.cny_per_h,
            )

    def _charging(self) -> Iterator[tuple[Cell, ...]]:
        """Energy of every electric vehicle; what it used is filled up at its depot."""
        for run in self.runs:
            made = self.made(run)
            vehicle = made.problem.vehicles[run.day.vehicle]
            if vehicle.battery is None:
                continue
            trips = [trip_energy(made.problem, vehicle, trip) for trip in run.day.trips]
            used = run.times.km * vehicle.battery.kwh_per_km
            lowest = min(energy.least_kwh for energy in trips) / vehicle.battery.kwh
            depot, hours = self.name(made.depot_id), used * vehicle.battery.min_per_kwh / 60.0
            yield (self.vehicle(run), depot, used, vehicle.battery.kwh, lowest, hours)

    def _permits(self) -> Iterator[tuple[Cell, ...]]:
        """Permits the day uses: zone and type, when, for which stops."""
        used: dict[tuple[str, str], list[str]] = {}
        for run in self.runs:
            made = self.made(run)
            kind = made.problem.vehicles[run.day.vehicle].vehicle_type_id
            for trip in run.times.trips:
                for _, i in self.visits(run, trip):
                    if made.problem.stops[i].zone:
                        used.setdefault((made.problem.stops[i].zone, kind), []).append(made.loads[i].facility_id)
        for (zone, kind), facilities in sorted(used.items()):
            times = [w for p in self.settings.permits.get(kind, ()) if p.zone == zone for w in p.windows]
            said = ", ".join(f"{clock_text(a)}–{clock_text(b)}" for a, b in times) or "00:00–24:00"
            names = "、".join(dict.fromkeys(self.name(f) for f in facilities))
            yield (zone, kind, said, len(facilities), names)

    def gantts(self) -> tuple[StudyGantt, ...]:
        """Return who drives, stands and rests when; the first vehicles if there are many."""
        rows: dict[str, list[GanttBar]] = {}
        for run in self.runs:
            bars = rows.setdefault(self.vehicle(run), [])
            for trip in run.times.trips:
                bars.append(GanttBar(trip.loading_min, trip.departure_min, "gantt_loading"))
                clock = trip.departure_min
                for visit in trip.visits:
                    bars.append(GanttBar(clock, visit.begin_min, "gantt_driving"))
                    bars.append(GanttBar(visit.begin_min, visit.end_min, "gantt_stop"))
                    clock = visit.end_min
                bars.append(GanttBar(clock, trip.return_min, "gantt_driving"))
            bars += [GanttBar(rest.from_min, rest.to_min, "gantt_rest") for rest in run.times.rests]
        shown = [GanttRow(name, tuple(bars)) for name, bars in list(rows.items())[:_GANTT_ROWS]]
        return (StudyGantt("gantt_day", tuple(shown)),) if shown else ()

    def lines(self) -> tuple[StudyLine, ...]:
        """Return every trip as a line from stop to stop."""
        found = []
        for run in self.runs:
            made = self.made(run)
            for number, trip in enumerate(run.times.trips, start=1):
                own = [i for _, i in self.visits(run, trip)]
                ids = [made.depot_id, *(made.loads[i].facility_id for i in own), made.depot_id]
                facts: dict[str, Cell] = {
                    "depot": self.name(made.depot_id),
                    "stop_names": " → ".join(self.name(made.loads[i].facility_id) for i in own),
                    "starts": clock_text(trip.loading_min),
                    "back": clock_text(trip.return_min),
                    "route_km": trip.km,
                    "delivery_parcels": sum(made.loads[i].delivery_parcels for i in own),
                    "pickup_parcels": sum(made.loads[i].pickup_parcels for i in own),
                }
                path = tuple(self.position(i) for i in ids)
                colour = 0 if made.tier == "county_township" else 1
                kind = made.problem.vehicles[run.day.vehicle].vehicle_type_id
                found.append(StudyLine(f"{self.vehicle(run)} · {number}", path, colour, facts, kind, tuple(ids)))
        return tuple(found)

    def position(self, facility_id: str) -> tuple[float, float]:
        """Return longitude and latitude of a facility."""
        row = self.facilities.loc[facility_id]
        return float(row["lon"]), float(row["lat"])

    def places(self) -> tuple[StudyPlace, ...]:
        """Return the stops in the order they are visited, with time and load, and those not served."""
        shown: dict[str, StudyPlace] = {}
        for row in self._sheets():
            values = dict(zip((column.key for column in _SHEETS), row, strict=True))
            facility, order = str(values["facility_id"]), values["stop_order"]
            if order == 0 or values["begins"] is None or facility in shown:
                continue
            facts: dict[str, Cell] = {
                key: values[key]
                for key in (
                    "vehicle_day",
                    "trip",
                    "stop_order",
                    "arrives",
                    "leaves",
                    "delivery_parcels",
                    "pickup_parcels",
                    "load_after_kg",
                )
            }
            shown[facility] = StudyPlace(facility, self.name(facility), *self.position(facility), "served", facts)
        for facility in self.day.unserved:
            shown[facility] = StudyPlace(facility, self.name(facility), *self.position(facility), "unserved", {})
        return tuple(shown.values())
