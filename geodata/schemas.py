"""The schemas themselves: every table and column a county may bring, with unit, range, default and example."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from geodata.county import (
    ENERGY_KINDS,
    FACILITY_KINDS,
    FACILITY_STATUSES,
    LOCKS,
    OPERATOR_KINDS,
    TABLE_COLUMNS,
    VEHICLE_TIERS,
    Datum,
)
from geodata.schema_types import ColumnSpec, TableSpec

DATUMS: tuple[str, ...] = get_args(Datum)
#: ``outbound`` runs in the order of the stops, ``inbound`` against it.
DIRECTIONS = ("outbound", "inbound")
TEMPERATURE_CLASSES = ("ambient", "chilled", "frozen")
PROVENANCE_KINDS = ("real", "assumed", "invented")
LAYERS = ("roads", "boundary", "water")
#: Six-digit code of the county in the template; no real province begins with 99.
EXAMPLE_COUNTY_CODE = "999901"
_VILLAGE = f"{EXAMPLE_COUNTY_CODE}101201"
_TOWNSHIP = f"{EXAMPLE_COUNTY_CODE}101"


def _id(name: str, example: str = "", **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "id", example=example, **options)


def _key(name: str, example: str, **options: Any) -> ColumnSpec:
    return _id(name, example, is_required=True, is_nullable=False, **options)


def _code(name: str, digits: int, example: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "code", digits=digits, example=example, **options)


def _choice(name: str, choices: tuple[str, ...], example: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "choice", choices=choices, example=example, **options)


def _number(name: str, unit: str, example: str = "", **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "number", unit=unit, example=example, **{"low": 0.0, **options})


def _count(name: str, unit: str, example: str = "", **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "integer", unit=unit, example=example, **{"low": 0.0, **options})


def _place(lon: str, lat: str, *, is_required: bool = False, is_nullable: bool = True) -> tuple[ColumnSpec, ColumnSpec]:
    need = {"is_required": is_required, "is_nullable": is_nullable}
    return (
        _number("lon", "degree", lon, **{"low": -180.0, "high": 180.0, **need}),
        _number("lat", "degree", lat, **{"low": -90.0, "high": 90.0, **need}),
    )


_FILLED: Mapping[str, Any] = {"is_required": True, "is_nullable": False}
_VILLAGE_REF: Mapping[str, Any] = {**_FILLED, "refers_to": "villages"}

_VILLAGES = TableSpec(
    "villages",
    (
        _code("village_code", 12, _VILLAGE, **_FILLED),
        ColumnSpec("name", **_FILLED),
        _code("township_code", 9, _TOWNSHIP, refers_to="townships"),
        _number("population", "people", "1250", high=200_000.0),
        *_place("109.7150", "27.8350", is_required=True),
        _code("urban_rural_code", 3, "220"),
        ColumnSpec("location_note"),
    ),
    key=("village_code",),
    is_required=True,
)
_HAMLETS = TableSpec(
    "hamlets",
    (
        _key("hamlet_id", f"{_VILLAGE}-1"),
        _code("village_code", 12, _VILLAGE, **_VILLAGE_REF),
        ColumnSpec("name"),
        _number("population", "people", "1250", high=100_000.0, **_FILLED),
        *_place("109.7170", "27.8340", is_required=True, is_nullable=False),
    ),
    key=("hamlet_id",),
)
_TOWNSHIPS = TableSpec(
    "townships",
    (
        _code("township_code", 9, _TOWNSHIP, **_FILLED),
        ColumnSpec("name", **_FILLED),
        _number("population", "people", "1250", high=2_000_000.0),
        *_place("109.7300", "27.8300"),
    ),
    key=("township_code",),
)
_FACILITIES = TableSpec(
    "facilities",
    (
        _key("facility_id", "C1"),
        ColumnSpec("name"),
        _choice("kind", FACILITY_KINDS, "county_centre", **_FILLED),
        _choice("status", FACILITY_STATUSES, "existing", **_FILLED),
        _choice("lock", LOCKS, "free"),
        _id("operator_id", "post", refers_to="operators"),
        _code("township_code", 9, _TOWNSHIP, refers_to="townships"),
        _code("village_code", 12, "", refers_to="villages"),
        *_place("109.7800", "27.8600"),
        _number("capacity_parcels_per_day", "parcels_per_day", "5000", high=5e6),
        _number("capex_cny", "cny", "0", high=1e10, default="village_point_setup_cny"),
        _number("annual_cost_cny", "cny_per_year", "180000", high=1e9),
        _number("closing_cost_cny", "cny", "20000", high=1e9),
        _number("area_m2", "m2", "800", high=1e6, default="village_point_area_m2"),
        ColumnSpec("host"),
    ),
    key=("facility_id",),
)
_OPERATORS = TableSpec(
    "operators",
    (
        _key("operator_id", "post"),
        ColumnSpec("name", **_FILLED),
        _choice("kind", OPERATOR_KINDS, "post"),
        _number("parcel_share", "share", "1", high=1.0),
    ),
    key=("operator_id",),
)
_DEMAND = TableSpec(
    "demand",
    (
        _code("village_code", 12, _VILLAGE, **_VILLAGE_REF),
        _id("operator_id", "post", refers_to="operators", **_FILLED),
        _number(
            "inbound_parcels_per_day",
            "parcels_per_day",
            "42",
            high=100_000.0,
            **_FILLED,
        ),
        _number("outbound_parcels_per_day", "parcels_per_day", "7.5", high=100_000.0, default="village_outbound_share"),
    ),
    key=("village_code", "operator_id"),
)
_VEHICLES = TableSpec(
    "vehicles",
    (
        _key("vehicle_type_id", "minivan"),
        ColumnSpec("name"),
        _choice("tier", VEHICLE_TIERS, "both", **_FILLED),
        _count("vehicle_count", "vehicles", "3", high=10_000.0),
        _number("payload_kg", "kg", "800", is_low_open=True, high=60_000.0, default="minivan_payload_kg"),
        _number("volume_m3", "m3", "4.5", is_low_open=True, high=200.0, default="minivan_volume_m3"),
        _number("fixed_cny_per_day", "cny_per_day", "40", high=10_000.0),
        _number("wear_cny_per_km", "cny_per_km", "0.25", high=100.0, default="minivan_wear_cny_per_km"),
        _choice("energy_kind", ENERGY_KINDS, "electric"),
        _number("energy_per_km", "energy_per_km", "0.25", high=10.0, default="minivan_kwh_per_km"),
        _number("range_km", "km", "150", is_low_open=True, high=3_000.0),
        _number("max_speed_kmh", "kmh", "80", is_low_open=True, high=150.0),
        _number("shift_h", "h", "8", is_low_open=True, high=24.0, default="driver_hours_per_day"),
    ),
    key=("vehicle_type_id",),
)
_BUS_LINES = TableSpec(
    "bus_lines",
    (
        _key("line_id", "L1"),
        ColumnSpec("name"),
        _id("operator_id", "", refers_to="operators"),
        _number(
            "spare_parcels_per_departure", "parcels", "80", high=10_000.0, default="bus_spare_parcels_per_departure"
        ),
    ),
    key=("line_id",),
)
_BUS_STOPS = TableSpec(
    "bus_stops",
    (
        _key("line_id", "L1", refers_to="bus_lines"),
        _count("stop_sequence", "", "1", **_FILLED),
        ColumnSpec("name"),
        *_place("109.7800", "27.8600", is_required=True, is_nullable=False),
        _number("minutes_from_start", "min", "0", high=1_440.0),
        _code("village_code", 12, "", refers_to="villages"),
        _number("luggage_outbound_parcels", "parcels", high=10_000.0),
        _number("luggage_inbound_parcels", "parcels", high=10_000.0),
    ),
    key=("line_id", "stop_sequence"),
)
_BUS_DEPARTURES = TableSpec(
    "bus_departures",
    (
        _key("line_id", "L1", refers_to="bus_lines"),
        _choice("direction", DIRECTIONS, "outbound"),
        ColumnSpec("departure_time", "time", example="07:30", **_FILLED),
        _id("days", "1234567"),
        _number("spare_parcels", "parcels", high=10_000.0),
        _number("passengers", "people", high=1_000.0),
    ),
    key=("line_id", "direction", "departure_time", "days"),
)
_PRODUCE = TableSpec(
    "produce",
    (
        _code("village_code", 12, _VILLAGE, **_VILLAGE_REF),
        ColumnSpec("product", **_FILLED),
        _count("first_month", "month", "10", low=1.0, high=12.0, **_FILLED),
        _count("last_month", "month", "12", low=1.0, high=12.0, **_FILLED),
        _number("kg_per_day", "kg_per_day", "300", high=1e7, **_FILLED),
        _choice("temperature_class", TEMPERATURE_CLASSES, "ambient"),
    ),
    key=("village_code", "product", "first_month"),
)

_OPERATOR_TERMS = TableSpec(
    "operator_terms",
    (
        _key("operator_id", "post", refers_to="operators"),
        ColumnSpec("arrival_time", "time", example="07:00"),
        _number("deadline_h", "h", "24", is_low_open=True, high=240.0),
        _number("visits_per_week", "", "5", is_low_open=True, high=7.0),
        _number("handling_cny_per_parcel", "cny_per_parcel", "0.2", high=100.0, default="own_handling_cny_per_parcel"),
        _number("outlet_cny_per_day", "cny_per_day", "50", high=100_000.0),
        _number("known_cost_low_cny_per_parcel", "cny_per_parcel", high=1_000.0),
        _number("known_cost_high_cny_per_parcel", "cny_per_parcel", high=1_000.0),
        _number("known_cost_cny_per_km", "cny_per_km", high=1_000.0),
        _number("spare_line_parcels_per_day", "parcels_per_day", high=1e6),
        _number("spare_round_parcels_per_day", "parcels_per_day", high=1e6),
        ColumnSpec("not_shared", example=""),
        ColumnSpec("has_universal_duty", "boolean", example="true"),
    ),
    key=("operator_id",),
)
_OPERATOR_STATIONS = TableSpec(
    "operator_stations",
    (
        _key("station_id", "Z1"),
        ColumnSpec("name"),
        _id("operator_id", "post", refers_to="operators"),
        ColumnSpec("functions", example="post_office"),
        _code("township_code", 9, _TOWNSHIP, refers_to="townships"),
        _code("village_code", 12, "", refers_to="villages"),
        *_place("109.7300", "27.8300", is_required=True, is_nullable=False),
        _number("area_m2", "m2", "60", high=1e6),
        _number("shelf_m2", "m2", "10", high=1e6),
        ColumnSpec("opens_at", "time", example="08:30"),
        ColumnSpec("closes_at", "time", example="17:30"),
        _number("keeper_h_per_day", "h", "8", high=24.0),
        _number("keeper_cny_per_month", "cny_per_month", "3000", high=1e6),
        _number("rent_cny_per_year", "cny_per_year", "6000", high=1e8),
        _number("parcels_per_day", "parcels_per_day", "80", high=1e6),
    ),
    key=("station_id",),
)
_SHOP_TRUCKS = TableSpec(
    "shop_trucks",
    (
        _key("operator_id", "post", refers_to="operators"),
        _code("village_code", 12, _VILLAGE, **_VILLAGE_REF),
        _number("visits_per_week", "", "3", is_low_open=True, high=7.0),
        _number("spare_parcels_per_visit", "parcels", "30", high=10_000.0),
        ColumnSpec("departure_time", "time", example="08:00"),
        ColumnSpec("arrival_time", "time", example="10:00"),
        ColumnSpec("opens_at", "time", example="08:00"),
        ColumnSpec("closes_at", "time", example="20:00"),
    ),
    key=("operator_id", "village_code"),
)

#: All county tables in order.
TABLES: Mapping[str, TableSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _VILLAGES,
            _HAMLETS,
            _TOWNSHIPS,
            _FACILITIES,
            _OPERATORS,
            _DEMAND,
            _VEHICLES,
            _BUS_LINES,
            _BUS_STOPS,
            _BUS_DEPARTURES,
            _PRODUCE,
            _OPERATOR_TERMS,
            _OPERATOR_STATIONS,
            _SHOP_TRUCKS,
        )
    }
)

#: Facts about the county as a whole: one item a row (or one row with one item a column).
COUNTY_SHEET = TableSpec(
    "county",
    (
        _code("county_code", 6, EXAMPLE_COUNTY_CODE, **_FILLED),
        ColumnSpec("county_name", **_FILLED),
        _choice("datum", DATUMS, "WGS84"),
        ColumnSpec("village_list_date", example="2023-06-30"),
        _id("village_list_id"),
        ColumnSpec("source"),
        ColumnSpec("licence"),
        ColumnSpec("attribution"),
        ColumnSpec("as_of", example="2023"),
        ColumnSpec("is_invented", "boolean", example="true"),
        ColumnSpec("roads"),
        ColumnSpec("boundary"),
        ColumnSpec("water"),
    ),
    is_required=True,
)
#: Figures that replace the defaults.
PARAMETER_SHEET = TableSpec(
    "parameters",
    (
        _key("parameter_id", "village_inbound_parcels_per_resident_day"),
        ColumnSpec("value", "number", example="0.04", **_FILLED),
        ColumnSpec("source"),
    ),
    key=("parameter_id",),
)
#: Source, licence and coordinate system of single tables, where they differ from the county's.
SOURCE_SHEET = TableSpec(
    "sources",
    (
        _choice("table", (*TABLE_COLUMNS, *LAYERS), "villages", **_FILLED),
        ColumnSpec("source"),
        ColumnSpec("licence"),
        ColumnSpec("attribution"),
        ColumnSpec("as_of", example="2023"),
        _choice("datum", DATUMS, "WGS84"),
        _choice("provenance_kind", PROVENANCE_KINDS, "invented"),
    ),
    key=("table",),
)
#: What was assumed when the county was made; carried along so that it is not taken for fact later.
ASSUMPTION_SHEET = TableSpec(
    "assumptions",
    (_key("message_key", ""), ColumnSpec("message_params"), ColumnSpec("message_text")),
)
#: Sheets that are no county table, by name.
INFO_SHEETS: Mapping[str, TableSpec] = MappingProxyType(
    {spec.name: spec for spec in (COUNTY_SHEET, PARAMETER_SHEET, SOURCE_SHEET, ASSUMPTION_SHEET)}
)
#: Every sheet in the order it is written.
SHEETS: Mapping[str, TableSpec] = MappingProxyType(
    {"county": COUNTY_SHEET, **TABLES, **{n: s for n, s in INFO_SHEETS.items() if n != "county"}}
)
