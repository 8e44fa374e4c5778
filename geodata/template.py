"""The workbook a county starts from: guide, every sheet with headings, lists and a tiny invented example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from geodata.messages import Lang, text
from geodata.schema_types import TableSpec, canonical_frame
from geodata.schemas import EXAMPLE_COUNTY_CODE, SHEETS
from geodata.workbook import write_frames

_GUIDE = ("title", "purpose", "required", "notes", "example", "codes", "datum", "places", "layers", "privacy", "sheets")
_VILLAGE = f"{EXAMPLE_COUNTY_CODE}101201"
#: Rows after the first one, as changes to it; the first row is made of the schemas' examples.
_MORE_ROWS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "facilities": (
        {
            "facility_id": "S1",
            "kind": "township_station",
            "lon": 109.73,
            "lat": 27.83,
            "capacity_parcels_per_day": 800.0,
            "annual_cost_cny": 48000.0,
            "closing_cost_cny": 5000.0,
            "area_m2": 120.0,
            "host": "",
        },
        {
            "facility_id": "P1",
            "kind": "village_point",
            "status": "candidate",
            "village_code": _VILLAGE,
            "lon": 109.715,
            "lat": 27.835,
            "capacity_parcels_per_day": 200.0,
            "capex_cny": 5000.0,
            "annual_cost_cny": 5400.0,
            "closing_cost_cny": None,
            "area_m2": 15.0,
        },
    ),
    "bus_stops": (
        {"stop_sequence": 2.0, "lon": 109.715, "lat": 27.835, "minutes_from_start": 25.0, "village_code": _VILLAGE},
    ),
    "bus_departures": ({"direction": "inbound", "departure_time": "17:10"},),
}
#: Sheets the program fills; nobody starts with them.
_NOT_IN_TEMPLATE = frozenset({"assumptions"})


def write_template(path: Path, lang: Lang) -> None:
    """Write the template workbook.

    The example rows together are a small valid county, so the fresh template passes the check (with a warning that it
    is still the example).

    Parameters
    ----------
    path
        ``.xlsx`` file to write.
    lang
        Language of sheet names, headings, choices and notes; both are understood when it is read.
    """
    frames = {name: example_frame(spec, lang) for name, spec in SHEETS.items() if name not in _NOT_IN_TEMPLATE}
    lines = [text(f"guide_{key}", lang, {"file": Path(path).stem}) for key in _GUIDE]
    lines += [f"  {spec.label(lang)}" for name, spec in SHEETS.items() if name not in _NOT_IN_TEMPLATE]
    write_frames(Path(path), frames, lang, guide=lines)


def example_frame(spec: TableSpec, lang: Lang) -> pd.DataFrame:
    """Return the example rows of a sheet as a canonical frame."""
    first = {column.name: _example(spec, column.name, lang) for column in spec.columns}
    rows = [first]
    for number, changes in enumerate(_MORE_ROWS.get(spec.name, ()), start=2):
        texts = {
            c: text(f"example_{spec.name}_{c}_{number}", lang)
            for c in spec.column_names
            if _has_text(f"example_{spec.name}_{c}_{number}")
        }
        rows.append({**first, **changes, **texts})
    return canonical_frame(spec, pd.DataFrame(rows, dtype=object))


def _example(spec: TableSpec, column: str, lang: Lang) -> object:
    key = f"example_{spec.name}_{column}"
    if _has_text(key):
        return text(key, lang)
    example = spec.column(column).example
    if spec.column(column).is_numeric:
        return float(example) if example else None
    return example


def _has_text(key: str) -> bool:
    try:
        text(key, "en")
    except KeyError:
        return False
    return True
