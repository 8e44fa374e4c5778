"""The county: every fact a plan is made from, in one frozen value.

Tables are pandas frames with canonical English columns (units in the names), one row a thing, index 0…n-1.
They are never changed in place: a change is a new `County` (see `County.replace`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from geodata.messages import Message
from geodata.parameters import Parameters

Datum = Literal["WGS84", "CGCS2000", "GCJ02", "BD09"]

#: Canonical columns of every table, in order; `geodata.schemas` gives type, unit, range and meaning of each.
TABLE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "villages": (
        "village_code",
        "name",
        "township_code",
        "population",
        "lon",
        "lat",
        "urban_rural_code",
        "location_note",
    ),
    "hamlets": ("hamlet_id", "village_code", "name", "population", "lon", "lat"),
    "townships": ("township_code", "name", "population", "lon", "lat"),
    "facilities": (
        "facility_id",
        "name",
        "kind",
        "status",
        "lock",
        "operator_id",
        "township_code",
        "village_code",
        "lon",
        "lat",
        "capacity_parcels_per_day",
        "capex_cny",
        "annual_cost_cny",
        "closing_cost_cny",
        "area_m2",
        "host",
    ),
    "operators": ("operator_id", "name", "kind", "parcel_share"),
    "demand": ("village_code", "operator_id", "inbound_parcels_per_day", "outbound_parcels_per_day"),
    "vehicles": (
        "vehicle_type_id",
        "name",
        "tier",
        "vehicle_count",
        "payload_kg",
        "volume_m3",
        "fixed_cny_per_day",
        "wear_cny_per_km",
        "energy_kind",
        "energy_per_km",
        "range_km",
        "max_speed_kmh",
        "shift_h",
    ),
    "bus_lines": ("line_id", "name", "operator_id", "spare_parcels_per_departure"),
    "bus_stops": (
        "line_id",
        "stop_sequence",
        "name",
        "lon",
        "lat",
        "minutes_from_start",
        "village_code",
        "luggage_outbound_parcels",
        "luggage_inbound_parcels",
    ),
    "bus_departures": ("line_id", "direction", "departure_time", "days", "spare_parcels", "passengers"),
    "produce": ("village_code", "product", "first_month", "last_month", "kg_per_day", "temperature_class"),
    "operator_terms": (
        "operator_id",
        "arrival_time",
        "deadline_h",
        "visits_per_week",
        "handling_cny_per_parcel",
        "outlet_cny_per_day",
        "known_cost_low_cny_per_parcel",
        "known_cost_high_cny_per_parcel",
        "known_cost_cny_per_km",
        "spare_line_parcels_per_day",
        "spare_round_parcels_per_day",
        "not_shared",
        "has_universal_duty",
    ),
    "operator_stations": (
        "station_id",
        "name",
        "operator_id",
        "functions",
        "township_code",
        "village_code",
        "lon",
        "lat",
        "area_m2",
        "shelf_m2",
        "opens_at",
        "closes_at",
        "keeper_h_per_day",
        "keeper_cny_per_month",
        "rent_cny_per_year",
        "parcels_per_day",
    ),
    "shop_trucks": (
        "operator_id",
        "village_code",
        "visits_per_week",
        "spare_parcels_per_visit",
        "departure_time",
        "arrival_time",
        "opens_at",
        "closes_at",
    ),
}
FACILITY_KINDS = ("county_centre", "township_station", "village_point")
FACILITY_STATUSES = ("existing", "candidate")
#: ``free``: the plan decides; ``open``: must be open; ``closed``: must not be used.
LOCKS = ("free", "open", "closed")
#: Tables a county may lack altogether; an empty one does not count in the identity of the input.
OPTIONAL_TABLES = ("operator_terms", "operator_stations", "shop_trucks")
OPERATOR_KINDS = ("post", "courier", "joint", "bus", "shop", "coop")
VEHICLE_TIERS = ("county_township", "township_village", "both")
ENERGY_KINDS = ("diesel", "petrol", "electric", "human")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a table comes from and under which terms.

    Attributes
    ----------
    source
        Who published it, and the file it was read from.
    licence
        Licence or terms as stated by the source; ``"unstated"`` when none is.
    attribution
        Text that must be printed wherever the data is shown (for example © OpenStreetMap contributors); may be empty.
    as_of
        Date or year the data speaks of, as text; may be empty.
    datum
        Coordinate system it was declared in, before the one conversion to WGS84; empty for tables without places.
    kind
        ``real`` (from a source), ``assumed`` (filled by defaults) or ``invented`` (the reference county).
    """

    source: str
    licence: str = "unstated"
    attribution: str = ""
    as_of: str = ""
    datum: str = ""
    kind: Literal["real", "assumed", "invented"] = "real"


@dataclass(frozen=True, slots=True, eq=False)
class County:
    """Everything known about one county.

    Coordinates are WGS84 degrees (EPSG:4326) in every table and layer. Codes and ids are text.
    A village without a known place has NaN `lon`/`lat`; it is carried along and later listed as unserved
    with that reason, never dropped.

    Attributes
    ----------
    county_code, name
        Six-digit code (synthetic codes start with 99) and name.
    village_list_id, village_list_date
        The dated list of villages that is the denominator of every coverage ratio.
    villages … produce
        Frames with the columns of `TABLE_COLUMNS`; an absent table is an empty frame with its columns.
    roads
        Lines with ``road_class, surface, is_oneway, speed_kmh, name, geometry`` in EPSG:4326, or None.
        `is_oneway` is -1 (against the line), 0 or 1; `speed_kmh` NaN where no limit is known.
    boundary
        Polygons with ``level, code, name, geometry`` (`level`: county or township), or None.
    water
        Rivers and lakes for the map, any geometry with ``name``, or None.
    parameters
        Every figure not in a table, each with range, unit, tag and source.
    provenance
        Table name → source and licence.
    assumptions
        What was assumed because the data lacked it; printed on the report's assumptions page.
    operator_terms, operator_stations, shop_trucks
        What operators promise and pay, their stations, and merchandise trucks (cooperation studies); usually empty.
    """

    county_code: str
    name: str
    village_list_id: str
    village_list_date: str
    villages: pd.DataFrame
    hamlets: pd.DataFrame
    townships: pd.DataFrame
    facilities: pd.DataFrame
    operators: pd.DataFrame
    demand: pd.DataFrame
    vehicles: pd.DataFrame
    bus_lines: pd.DataFrame
    bus_stops: pd.DataFrame
    bus_departures: pd.DataFrame
    produce: pd.DataFrame
    roads: gpd.GeoDataFrame | None
    boundary: gpd.GeoDataFrame | None
    water: gpd.GeoDataFrame | None
    parameters: Parameters
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    assumptions: tuple[Message, ...] = ()
    is_invented: bool = False
    operator_terms: pd.DataFrame = field(default_factory=lambda: empty_table("operator_terms"))
    operator_stations: pd.DataFrame = field(default_factory=lambda: empty_table("operator_stations"))
    shop_trucks: pd.DataFrame = field(default_factory=lambda: empty_table("shop_trucks"))

    def replace(self, **changes: Any) -> County:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by its canonical name; the frame must not be changed."""
        if name not in TABLE_COLUMNS:
            raise KeyError(name)
        frame: pd.DataFrame = getattr(self, name)
        return frame

    def content_hash(self) -> str:
        """Return a SHA-256 over all tables, layers and parameters (not over provenance): the identity of the input."""
        digest = hashlib.sha256()
        digest.update(f"{self.county_code}|{self.name}|{self.village_list_id}|{self.village_list_date}".encode())
        for name in TABLE_COLUMNS:
            if name in OPTIONAL_TABLES and self.table(name).empty:
                continue
            digest.update(name.encode())
            digest.update(self.table(name).to_csv(index=False, lineterminator="\n").encode())
        for layer in (self.roads, self.boundary, self.water):
            if layer is not None:
                digest.update(pd.DataFrame(layer.drop(columns="geometry")).to_csv(index=False).encode())
                digest.update(b"".join(layer.geometry.to_wkb()))
        digest.update(self.parameters.content_hash().encode())
        return digest.hexdigest()


def empty_table(name: str) -> pd.DataFrame:
    """Return an empty frame with the canonical columns of table `name`."""
    return pd.DataFrame({column: pd.Series(dtype=object) for column in TABLE_COLUMNS[name]})
