"""A county as the sheets it is written to: canonical frames of tables, facts, figures, sources and assumptions."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from geodata.county import County
from geodata.messages import Lang
from geodata.parameters import default_parameters
from geodata.schema_types import canonical_frame
from geodata.schemas import INFO_SHEETS, LAYERS, SHEETS, SOURCE_SHEET, TABLES


def county_frames(county: County, lang: Lang) -> Mapping[str, pd.DataFrame]:
    """Return every sheet of a county that holds something, in the order they are written.

    Places are WGS84 and say so. Figures equal to the defaults are left out.

    Parameters
    ----------
    county
        County to write; layers are written apart.
    lang
        Language in which assumptions are spelt out for people; keys and figures are kept beside.
    """
    frames = {
        "county": _facts(county),
        **{name: canonical_frame(spec, county.table(name)) for name, spec in TABLES.items()},
        "parameters": _parameters(county),
        "sources": _sources(county),
        "assumptions": _assumptions(county, lang),
    }
    return {name: frames[name] for name in SHEETS if len(frames[name])}


def _info(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    spec = INFO_SHEETS[name]
    return canonical_frame(spec, pd.DataFrame(rows, columns=list(spec.column_names), dtype=object))


def _facts(county: County) -> pd.DataFrame:
    row: dict[str, object] = {
        "county_code": county.county_code,
        "county_name": county.name,
        "datum": "WGS84",
        "village_list_date": county.village_list_date,
        "village_list_id": county.village_list_id,
        "is_invented": "true" if county.is_invented else "false",
    }
    return _info("county", [row])


def _parameters(county: County) -> pd.DataFrame:
    defaults = default_parameters()
    rows: list[dict[str, object]] = [
        {"parameter_id": key, "value": value, "source": county.parameters.entry(key).source}
        for key, value in county.parameters.items()
        if key in defaults and value != defaults[key]
    ]
    return _info("parameters", rows)


def _sources(county: County) -> pd.DataFrame:
    known = SOURCE_SHEET.column("table").choices
    rows: list[dict[str, object]] = []
    for table in known:
        origin = county.provenance.get(table)
        if origin is None or (getattr(county, table) is None or len(getattr(county, table)) == 0):
            continue
        has_places = table in LAYERS or TABLES[table].has_places
        rows.append(
            {
                "table": table,
                "source": origin.source,
                "licence": origin.licence,
                "attribution": origin.attribution,
                "as_of": origin.as_of,
                "datum": "WGS84" if has_places else "",
                "provenance_kind": origin.kind,
            }
        )
    return _info("sources", rows)


def _assumptions(county: County, lang: Lang) -> pd.DataFrame:
    rows: list[dict[str, object]] = [
        {
            "message_key": message.key,
            "message_params": json.dumps(dict(message.params), ensure_ascii=False, sort_keys=True),
            "message_text": message.text(lang),
        }
        for message in county.assumptions
    ]
    return _info("assumptions", rows)
