"""A valid county of two townships and five villages as plain grids of cells, to be broken one cell at a time."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

Grids = dict[str, list[list[Any]]]


def _grids() -> Grids:
    return {
        "county": [
            ["item", "entry"],
            ["county_code", "990101"],
            ["county_name", "Testing county"],
            ["datum", "WGS84"],
            ["village_list_date", "2024-01-01"],
        ],
        "townships": [
            ["township_code", "name", "population", "lon", "lat"],
            ["990101001", "North", 3000, 110.00, 28.10],
            ["990101002", "South", 2000, 110.00, 28.00],
        ],
        "villages": [
            ["village_code", "name", "township_code", "population", "lon", "lat"],
            ["990101001201", "Ash", "990101001", 1000, 110.00, 28.11],
            ["990101001202", "Birch", "990101001", 1000, 110.01, 28.12],
            ["990101001203", "Cedar", "990101001", 1000, 109.99, 28.13],
            ["990101002201", "Elm", "990101002", 1200, 110.00, 28.01],
            ["990101002202", "Fir", "990101002", 800, 110.02, 28.00],
        ],
        "operators": [
            ["operator_id", "name", "kind", "parcel_share"],
            ["post", "Post", "post", 0.6],
            ["fast", "Fast", "courier", 0.4],
        ],
        "demand": [
            ["village_code", "operator_id", "inbound_parcels_per_day", "outbound_parcels_per_day"],
            ["990101001201", "post", 24, 4],
            ["990101001201", "fast", 16, 3],
        ],
        "facilities": [
            [
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
            ],
            ["C", "Centre", "county_centre", "existing", "free", "post", "990101001", "", 110.0, 28.1, 5000],
            ["P", "Point", "village_point", "candidate", "free", "", "990101001", "990101001201", 110.0, 28.11, 100],
        ],
        "vehicles": [
            ["vehicle_type_id", "tier", "vehicle_count", "payload_kg", "volume_m3"],
            ["truck", "county_township", 2, 1500, 16],
            ["van", "township_village", 3, 800, 4.5],
        ],
        "bus_lines": [["line_id", "name"], ["L1", "Line 1"]],
        "bus_stops": [
            ["line_id", "stop_sequence", "lon", "lat", "minutes_from_start"],
            ["L1", 1, 110.0, 28.1, 0],
            ["L1", 2, 110.0, 28.0, 30],
        ],
        "bus_departures": [
            ["line_id", "direction", "departure_time", "days"],
            ["L1", "outbound", "07:30", "12345"],
        ],
        "produce": [
            ["village_code", "product", "first_month", "last_month", "kg_per_day"],
            ["990101001201", "Oranges", 11, 2, 300],
        ],
    }


@pytest.fixture
def grids() -> Grids:
    """Sheet name → rows of cells, headings first; a county without any problem."""
    return _grids()


@pytest.fixture
def book(tmp_path: Path):
    """Write grids as a workbook and return its path."""

    def write(grids: Grids, name: str = "county.xlsx") -> Path:
        path = tmp_path / name
        with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as workbook:
            date = workbook.add_format({"num_format": "yyyy-mm-dd"})
            time = workbook.add_format({"num_format": "hh:mm"})
            for sheet_name, rows in grids.items():
                sheet = workbook.add_worksheet(sheet_name)
                for r, row in enumerate(rows):
                    for c, cell in enumerate(row):
                        if isinstance(cell, (dt.date, dt.time)):
                            sheet.write_datetime(r, c, cell, time if isinstance(cell, dt.time) else date)
                        elif cell is not None and cell != "":
                            sheet.write(r, c, cell)
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path):
    """Write grids as a folder of CSV files and return its path."""

    def write(grids: Grids, encoding: str = "utf-8") -> Path:
        path = tmp_path / "county"
        path.mkdir()
        for name, rows in grids.items():
            with (path / f"{name}.csv").open("w", encoding=encoding, newline="") as stream:
                csv.writer(stream).writerows(rows)
        return path

    return write
