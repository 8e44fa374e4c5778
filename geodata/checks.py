"""All checks of a county: values, links, places, coordinate system, and what the plan needs of each table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geodata.check_links import check_links
from geodata.check_places import check_coordinates, check_places
from geodata.check_values import check_values
from geodata.county import County
from geodata.datum_check import check_datum
from geodata.errors import Problem
from geodata.raw import Locations
from geodata.schemas import EXAMPLE_COUNTY_CODE, SHEETS, TABLES

#: More residents than this in one village, or in one township, are unlikely.
VILLAGE_RESIDENTS, TOWNSHIP_RESIDENTS = 30_000.0, 500_000.0
_SHARE_TOLERANCE = 0.005
_SUM_TOLERANCE = 0.3
_HAMLET_TOLERANCE = 0.2
#: A longer name does not fit a map.
NAME_LENGTH = 100
#: 万 as the unit shows in fractions of small numbers.
_WAN_LIMIT = 50.0
_WEEKDAYS = frozenset("1234567")
_DAY_MIN = 1440


def check_county(county: County, locations: Locations | None = None) -> tuple[Problem, ...]:
    """Return every problem of a county, errors first, then in the order of tables, rows and columns.

    Parameters
    ----------
    county
        County whose tables are canonical and whose places are WGS84.
    locations
        Where each table stands in the source; None for a county that was not read from a file.

    Notes
    -----
    A table named in `locations` was brought: an empty vehicles table then means no vehicles. Without it, it means that
    the default fleet is filled in later.
    """
    places = Locations() if locations is None else locations
    problems: list[Problem] = []
    for name, spec in TABLES.items():
        problems += check_values(spec, county.table(name), places)
    coordinates, usable = check_coordinates(county, places)
    problems += coordinates
    problems += check_links(county, places)
    problems += check_places(county, places, usable)
    problems += check_datum(county, places, usable)
    for check in (_villages, _populations, _hamlet_sums, _names, _facilities, _operators, _vehicles, _bus, _example):
        problems += check(county, places)
    return in_order(problems)


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return problems without repetitions, errors first, then by table, row, column and code."""
    tables = {name: i for i, name in enumerate((*SHEETS, "roads", "boundary", "water"))}

    def key(problem: Problem) -> tuple[object, ...]:
        row = -1 if problem.row is None else problem.row
        table = tables.get(problem.table, -1)
        return (problem.severity != "error", table, problem.file, row, problem.column, problem.code, problem.value)

    unique: dict[tuple[object, ...], Problem] = {}
    for problem in sorted(problems, key=key):
        unique.setdefault(key(problem), problem)
    return tuple(unique.values())


def _villages(county: County, locations: Locations) -> Iterator[Problem]:
    if county.villages.empty and (not locations or "villages" in locations):
        yield locations.problem("error", "no_villages", "villages")


def _populations(county: County, locations: Locations) -> Iterator[Problem]:
    for table, most in (("villages", VILLAGE_RESIDENTS), ("townships", TOWNSHIP_RESIDENTS)):
        people = county.table(table)["population"].to_numpy(float)
        known = people[np.isfinite(people) & (people > 0)]
        if len(known) and known.max() < _WAN_LIMIT and (known != np.floor(known)).mean() >= 0.5:  # noqa: PLR2004 (half)
            index = int(np.flatnonzero(people == known.max())[0])
            yield locations.problem(
                "error", "population_in_wan", table, index=index, column="population", value=float(known.max())
            )
            continue
        for index in np.flatnonzero(people == 0).tolist():
            yield locations.problem("warning", "population_zero", table, index=index, column="population", value=0)
        for index in np.flatnonzero(people > most).tolist():
            yield locations.problem(
                "warning",
                "population_implausible",
                table,
                index=index,
                column="population",
                value=float(people[index]),
                most=f"{most:,.0f}",
            )
    yield from _population_sums(county, locations)


def _population_sums(county: County, locations: Locations) -> Iterator[Problem]:
    """Compare a township's figure with the sum of its villages, where all of them have one."""
    sums = county.villages.groupby("township_code")["population"].agg(lambda s: s.sum(skipna=False))
    townships = county.townships
    for index, (code, people) in enumerate(zip(townships["township_code"], townships["population"], strict=True)):
        total = float(sums.get(code, np.nan))
        if people > 0 and abs(total - people) > _SUM_TOLERANCE * people:
            yield locations.problem(
                "warning",
                "population_sum_differs",
                "townships",
                index=index,
                column="population",
                value=people,
                total=f"{total:,.0f}",
            )


def _hamlet_sums(county: County, locations: Locations) -> Iterator[Problem]:
    """Compare a village's figure with the sum of its hamlets."""
    sums = county.hamlets.groupby("village_code")["population"].agg(lambda s: s.sum(skipna=False))
    villages = county.villages
    for index, (code, people) in enumerate(zip(villages["village_code"], villages["population"], strict=True)):
        total = float(sums.get(code, np.nan))
        if people > 0 and abs(total - people) > _HAMLET_TOLERANCE * people:
            yield locations.problem(
                "warning",
                "hamlet_sum_differs",
                "villages",
                index=index,
                column="population",
                value=people,
                total=f"{total:,.0f}",
            )


def _names(county: County, locations: Locations) -> Iterator[Problem]:
    """Find names too long for a map."""
    for table, spec in TABLES.items():
        for index, name in enumerate(county.table(table)["name"] if "name" in spec.column_names else ()):
            if len(name) > NAME_LENGTH:
                figures = {"count": len(name), "most": NAME_LENGTH}
                yield locations.problem(
                    "warning", "name_too_long", table, index=index, column="name", value=f"{name[:20]}…", **figures
                )


def _facilities(county: County, locations: Locations) -> Iterator[Problem]:
    for index, row in enumerate(county.facilities.to_dict("records")):

        def tell(severity: str, code: str, column: str, index: int = index, row: dict[str, object] = row) -> Problem:
            return locations.problem(
                "error" if severity == "error" else "warning",
                code,
                "facilities",
                index=index,
                column=column,
                value=row[column],
            )

        if np.isnan(row["lon"]) and np.isnan(row["lat"]) and not row["village_code"] and not row["township_code"]:
            yield tell("error", "facility_without_place", "lon")
        if row["status"] == "candidate" and row["lock"] == "closed":
            yield tell("warning", "candidate_closed", "lock")
        if row["status"] == "candidate" and row["closing_cost_cny"] > 0:
            yield tell("warning", "candidate_closing_cost", "closing_cost_cny")
        if row["capacity_parcels_per_day"] == 0 and row["lock"] == "open":
            yield tell("warning", "open_without_capacity", "capacity_parcels_per_day")


def _operators(county: County, locations: Locations) -> Iterator[Problem]:
    shares = county.operators["parcel_share"]
    total = float(shares.sum())
    if len(shares) and shares.notna().all() and abs(total - 1.0) > _SHARE_TOLERANCE:
        yield locations.problem("warning", "shares_not_one", "operators", column="parcel_share", total=round(total, 4))


def _vehicles(county: County, locations: Locations) -> Iterator[Problem]:
    counts = county.vehicles["vehicle_count"]
    if counts.empty:
        if "vehicles" in locations:
            yield locations.problem("error", "no_vehicles", "vehicles")
    elif (counts == 0).all():
        yield locations.problem("error", "no_vehicles", "vehicles", index=0, column="vehicle_count", value=0)
    else:
        yield from _tiers_without_vehicles(county, locations)


def _tiers_without_vehicles(county: County, locations: Locations) -> Iterator[Problem]:
    """Find a tier all of whose types have the count zero."""
    vehicles = county.vehicles
    for tier in ("county_township", "township_village"):
        mine = vehicles[vehicles["tier"].isin((tier, "both"))]
        if len(mine) and (mine["vehicle_count"] == 0).all():
            spec = TABLES["vehicles"].column("tier")
            name = f"{spec.choice_label(tier, 'zh')} ({tier})"
            yield locations.problem(
                "error",
                "no_vehicles_for_tier",
                "vehicles",
                index=int(mine.index[0]),
                column="vehicle_count",
                value=0,
                tier=name,
            )


def _bus(county: County, locations: Locations) -> Iterator[Problem]:
    stops = county.bus_stops
    for line, group in stops.groupby("line_id", sort=True):
        ordered = group.sort_values("stop_sequence", kind="stable")
        minutes = ordered["minutes_from_start"]
        late = minutes.dropna().diff() < 0
        for index in late.index[late]:
            yield locations.problem(
                "error",
                "bus_stop_order",
                "bus_stops",
                index=int(index),
                column="minutes_from_start",
                value=minutes[index],
                line=line,
            )
        if len(group) == 1:
            yield locations.problem(
                "warning", "bus_line_one_stop", "bus_stops", index=int(group.index[0]), column="line_id", value=line
            )
    if len(stops):
        for index, line in enumerate(county.bus_lines["line_id"]):
            if line and line not in set(stops["line_id"]):
                yield locations.problem(
                    "warning", "bus_line_without_stops", "bus_lines", index=index, column="line_id", value=line
                )
    yield from _overnight(county, locations)
    for index, days in enumerate(county.bus_departures["days"]):
        if days and (set(days) - _WEEKDAYS or len(set(days)) != len(days)):
            yield locations.problem("error", "bad_days", "bus_departures", index=index, column="days", value=days)


def _overnight(county: County, locations: Locations) -> Iterator[Problem]:
    """Tell departures that are on the road at midnight: often a mistyped hour, and nobody hands parcels over then."""
    length = county.bus_stops.groupby("line_id")["minutes_from_start"].max()
    departures = county.bus_departures
    for index, (line, time) in enumerate(zip(departures["line_id"], departures["departure_time"], strict=True)):
        hours, _, minutes = str(time).partition(":")
        ride = float(length.get(line, np.nan))
        if not (hours.isdigit() and minutes.isdigit() and np.isfinite(ride)):
            continue
        end = 60 * int(hours) + int(minutes) + round(ride)
        if end >= _DAY_MIN:
            last = f"{end // 60:02d}:{end % 60:02d}"
            yield locations.problem(
                "warning", "bus_overnight", "bus_departures", index=index, column="departure_time", value=time, end=last
            )


def _example(county: County, locations: Locations) -> Iterator[Problem]:
    if county.county_code == EXAMPLE_COUNTY_CODE and "county" in locations:
        yield locations.problem(
            "warning", "example_left", "county", index=0, column="county_code", value=county.county_code
        )
