"""Units written behind a column name, such as 人口（万人）: what to multiply by to get the unit of the schema."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_DAYS_PER_MONTH = 365.0 / 12.0
_BRACKETS = re.compile(r"[\(\[【〔{]([^()\[\]【】〔〕{}]*)[\)\]】〕}]\s*$")

#: Schema unit → unit as written → factor to the schema unit.
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "people": {"人": 1.0, "千人": 1e3, "万人": 1e4, "people": 1.0, "persons": 1.0, "thousand": 1e3},
    "km": {"km": 1.0, "公里": 1.0, "千米": 1.0, "m": 1e-3, "米": 1e-3},
    "kmh": {"km/h": 1.0, "公里/小时": 1.0, "千米/小时": 1.0, "m/s": 3.6, "米/秒": 3.6},
    "m2": {"m2": 1.0, "平方米": 1.0, "㎡": 1.0, "亩": 2000.0 / 3.0, "公顷": 1e4, "ha": 1e4},
    "m3": {"m3": 1.0, "立方米": 1.0, "升": 1e-3, "l": 1e-3, "方": 1.0},
    "kg": {"kg": 1.0, "公斤": 1.0, "千克": 1.0, "t": 1e3, "吨": 1e3, "斤": 0.5},
    "cny": {"元": 1.0, "cny": 1.0, "yuan": 1.0, "rmb": 1.0, "千元": 1e3, "万元": 1e4, "万": 1e4},
    "h": {"h": 1.0, "小时": 1.0, "时": 1.0, "min": 1 / 60, "分钟": 1 / 60},
    "min": {"min": 1.0, "分钟": 1.0, "分": 1.0, "h": 60.0, "小时": 60.0, "s": 1 / 60, "秒": 1 / 60},
    "parcels": {"件": 1.0, "parcels": 1.0, "票": 1.0, "万件": 1e4},
    "vehicles": {"辆": 1.0, "台": 1.0, "vehicles": 1.0},
    "share": {"%": 1e-2, "百分比": 1e-2, "share0-1": 1.0, "占比0-1": 1.0},
    "degree": {"度": 1.0, "°": 1.0, "degree": 1.0, "degrees": 1.0, "deg": 1.0},
    "month": {"月": 1.0, "month": 1.0, "month1-12": 1.0, "月份1-12": 1.0},
    "energy_per_km": {
        "lorkwhperkm": 1.0,
        "升或千瓦时/公里": 1.0,
        "l/100km": 1e-2,
        "升/百公里": 1e-2,
        "kwh/100km": 1e-2,
    },
}
_PERIODS: Mapping[str, Mapping[str, float]] = {
    "per_day": {"日": 1.0, "天": 1.0, "day": 1.0, "d": 1.0, "月": 1 / _DAYS_PER_MONTH, "month": 1 / _DAYS_PER_MONTH}
    | {"年": 1 / 365.0, "year": 1 / 365.0, "周": 1 / 7, "week": 1 / 7},
    "per_year": {"年": 1.0, "year": 1.0, "yr": 1.0, "月": 12.0, "month": 12.0, "日": 365.0, "天": 365.0, "day": 365.0},
    "per_month": {"月": 1.0, "month": 1.0, "年": 1 / 12, "year": 1 / 12},
    "per_parcel": {"件": 1.0, "票": 1.0, "parcel": 1.0},
    "per_km": {"公里": 1.0, "千米": 1.0, "km": 1.0, "百公里": 1e-2, "100km": 1e-2},
}


def unit_in_header(header: str) -> str:
    """Return the unit written in brackets at the end of a column name, or ``""``."""
    match = _BRACKETS.search(unicodedata.normalize("NFKC", header))
    return match.group(1).strip() if match else ""


def unit_factor(unit: str, written: str) -> float | None:
    """Return what a value in `written` is multiplied by to be in the schema's `unit`; None if `written` is unknown.

    Parameters
    ----------
    unit
        Unit of the schema (``kg_per_day``).
    written
        Unit as the planner wrote it (``吨/月``).
    """
    said = _plain(written)
    direct = _FACTORS.get(unit, {})
    if said in direct:
        return direct[said]
    for period, factors in _PERIODS.items():
        if not unit.endswith(f"_{period}") or "/" not in said:
            continue
        base, _, per = said.partition("/")
        amount = _FACTORS.get(unit.removesuffix(f"_{period}"), {}).get(base)
        every = factors.get(per)
        return amount * every if amount is not None and every is not None else None
    return None


def _plain(written: str) -> str:
    text = unicodedata.normalize("NFKC", written).lower().replace("–", "-").replace("—", "-").replace("每", "/")
    text = re.sub(r"\s+per\s+", "/", text) if "or" not in text else text
    return re.sub(r"\s+", "", text)
