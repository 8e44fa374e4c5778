"""Service straight from the county centres: their own counters as stations, and no township stations at all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geodata.county import County

#: Ending of the id of a centre's own counter, from which villages are served without a township station.
DIRECT = "-direct"


def with_direct_service(county: County) -> County:
    """Return the county with a counter for direct service at every centre: a station without cost at the centre's own place.

    A village point linked to it is served straight from the centre (two tiers); trunk trips do not go there. It belongs to no
    township, so that it never counts as a township's station.
    """
    facilities = county.facilities
    centres = facilities[
        (facilities["kind"] == "county_centre") & ~facilities["facility_id"].astype(str).str.endswith(DIRECT)
    ]
    known = set(facilities["facility_id"])
    rows = centres[~(centres["facility_id"] + DIRECT).isin(known)].copy()
    if rows.empty:
        return county
    rows = rows.assign(
        host=rows["facility_id"],
        facility_id=rows["facility_id"] + DIRECT,
        name=rows["name"].astype(str) + " 直配 direct",
        kind="township_station",
        status="existing",
        lock=np.where(rows["lock"] == "closed", "closed", "free"),
        operator_id="",
        township_code="",
        village_code="",
        capex_cny=0.0,
        annual_cost_cny=0.0,
        closing_cost_cny=0.0,
        area_m2=0.0,
    )
    return county.replace(facilities=pd.concat([facilities, rows], ignore_index=True))


def without_stations(facilities: pd.DataFrame) -> pd.DataFrame:
    """Return the facilities with every ordinary township station closed at no cost."""
    is_direct = facilities["facility_id"].astype(str).str.endswith(DIRECT)
    ordinary = (facilities["kind"] == "township_station") & ~is_direct
    closed = facilities.copy()
    closed.loc[ordinary, "lock"] = "closed"
    closed.loc[ordinary, "closing_cost_cny"] = 0.0
    return closed
