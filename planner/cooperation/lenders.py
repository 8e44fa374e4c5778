"""Room that buses and merchandise trucks lend: read from the county's timetable and truck sheets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from geodata.county import County
from planner.cooperation.operators import BUS_PLAYER, clock_minutes
from planner.problems.cooperation import DAYS_PER_WEEK, BusCall, BusReturn, BusRun, Operator, ShopCall

Buses = tuple[tuple[BusRun, ...], tuple[BusCall, ...], tuple[BusReturn, ...]]


def buses_of(county: County, operators: Sequence[Operator], village_index: Mapping[str, int]) -> Buses:
    """Return runs, calls at villages and room back of every bus line that leaves the county seat.

    Stops and minutes are those of the timetable: no detour. A line whose company is not among the operators lends nothing. Room on a
    segment is the departure's (else the line's) spare luggage, less what the stops' own figures leave.
    """
    index = {operator.operator_id: i for i, operator in enumerate(operators)}
    runs: list[BusRun] = []
    calls: list[BusCall] = []
    returns: list[BusReturn] = []
    for _, line in county.bus_lines.sort_values("line_id", kind="stable").iterrows():
        owner = index.get(str(line["operator_id"]) or BUS_PLAYER)
        stops = county.bus_stops[county.bus_stops["line_id"] == line["line_id"]].sort_values("stop_sequence")
        if owner is None or len(stops) < 2 or operators[owner].kind != "bus":  # noqa: PLR2004 - a line has two ends
            continue
        out, back = _departures(county, str(line["line_id"]))
        for number, departure in enumerate(out):
            room = _room(line, departure, stops, "luggage_outbound_parcels", county)
            run = _run(county, line, departure, owner, room, number)
            calls += _calls(stops, village_index, len(runs))
            runs.append(run)
        if out and back:
            rooms = [_room(line, departure, stops, "luggage_inbound_parcels", county) for departure in back]
            weights = [len(str(departure["days"]) or "1234567") / DAYS_PER_WEEK for departure in back]
            total = [sum(w * room[k] for w, room in zip(weights, rooms, strict=True)) for k in range(len(stops) - 1)]
            returns.append(BusReturn(str(line["line_id"]), tuple(total)))
    return tuple(runs), tuple(calls), tuple(returns)


def _departures(county: County, line: str) -> tuple[list[pd.Series], list[pd.Series]]:
    mine = county.bus_departures[county.bus_departures["line_id"] == line].sort_values("departure_time", kind="stable")
    out = [row for _, row in mine.iterrows() if str(row["direction"]) != "inbound"]
    back = [row for _, row in mine.iterrows() if str(row["direction"]) == "inbound"]
    return out, back


def _number(row: pd.Series, column: str) -> float:
    """Return a figure of an optional column; NaN where it is absent."""
    value = row.get(column)
    return math.nan if value is None or value == "" else float(value)


def _room(line: pd.Series, departure: pd.Series, stops: pd.DataFrame, column: str, county: County) -> tuple[float, ...]:
    spare = _number(departure, "spare_parcels")
    if math.isnan(spare):
        spare = _number(line, "spare_parcels_per_departure")
    if math.isnan(spare):
        spare = county.parameters["bus_spare_parcels_per_departure"]
    own = [_number(row, column) for _, row in stops.iterrows()][:-1]
    return tuple(spare if math.isnan(room) else min(spare, room) for room in own)


def _run(
    county: County, line: pd.Series, departure: pd.Series, owner: int, room: tuple[float, ...], number: int
) -> BusRun:
    passengers = _number(departure, "passengers")
    if math.isnan(passengers):
        passengers = county.parameters["bus_passengers_per_trip"]
    leaves = clock_minutes(str(departure["departure_time"])) or 0.0
    days = len(str(departure["days"]) or "1234567")
    return BusRun(f"{line['line_id']}-{number + 1}", str(line["line_id"]), owner, leaves, float(days), room, passengers)


def _calls(stops: pd.DataFrame, village_index: Mapping[str, int], run: int) -> list[BusCall]:
    start = _number(stops.iloc[0], "minutes_from_start")
    seen: set[int] = set()
    found = []
    for position, (_, stop) in enumerate(stops.iterrows()):
        village = village_index.get(str(stop["village_code"]))
        minutes = _number(stop, "minutes_from_start") - (0.0 if math.isnan(start) else start)
        if position and village is not None and village not in seen and not math.isnan(minutes):
            seen.add(village)
            found.append(BusCall(run, village, position, minutes))
    return found


def shops_of(county: County, operators: Sequence[Operator], village_index: Mapping[str, int]) -> tuple[ShopCall, ...]:
    """Return the merchandise trucks at village shops; a truck that comes while the shop is shut lends nothing."""
    index = {operator.operator_id: i for i, operator in enumerate(operators)}
    parameters = county.parameters
    found = []
    for _, row in county.shop_trucks.sort_values(["village_code", "operator_id"], kind="stable").iterrows():
        owner, village = index.get(str(row["operator_id"])), village_index.get(str(row["village_code"]))
        arrival = clock_minutes(str(row["arrival_time"]))
        arrival = 600.0 if arrival is None else arrival
        leaves = clock_minutes(str(row["departure_time"]))
        opens, closes = clock_minutes(str(row["opens_at"])), clock_minutes(str(row["closes_at"]))
        is_open = (opens is None or arrival >= opens) and (closes is None or arrival <= closes)
        if owner is None or village is None or not is_open:
            continue
        often = float(row["visits_per_week"])
        room = float(row["spare_parcels_per_visit"])
        found.append(
            ShopCall(
                village,
                owner,
                parameters["shop_truck_visits_per_week"] if math.isnan(often) else often,
                parameters["shop_truck_parcels_per_visit"] if math.isnan(room) else room,
                arrival - 120.0 if leaves is None else leaves,
                arrival,
            )
        )
    return tuple(found)
