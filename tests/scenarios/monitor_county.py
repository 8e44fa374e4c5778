"""A plan of a few villages and a return of it, for the tests of monitoring; loaded by path, for tests are no package."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from scenarios.monitor.quarter import Quarter
from scenarios.monitor.returns import Returns, read_returns
from scenarios.monitor.run_facts import PlannedSite, PlannedVillage, RunFacts
from scenarios.monitor.template import return_frames, write_returns

QUARTER = Quarter(2026, 1)
AS_OF = dt.date(2026, 4, 15)


def plan(villages: int = 6, townships: int = 2) -> RunFacts:
    """Return a plan: every second village's point is new, one old point closes."""
    codes = (
        [f"9900011012{i:02}" for i in range(villages)]
        if villages < 100
        else [f"{990001101000 + i}" for i in range(villages)]
    )
    names = {f"99000110{t + 1}": f"镇{t + 1}" for t in range(townships)}
    towns = list(names)
    found = {
        code: PlannedVillage(code, f"村{i}", towns[i % townships], names[towns[i % townships]], i % 2 == 0)
        for i, code in enumerate(codes)
    }
    sites = [PlannedSite("C1", "centre", "county_centre", "镇1", is_open=True, is_existing=True)]
    sites += [PlannedSite(f"S{t}", t, "township_station", names[t], is_open=True, is_existing=True) for t in towns]
    sites += [
        PlannedSite(
            f"P{v.village_code}", v.name, "village_point", v.township, is_open=True, is_existing=not v.is_changed
        )
        for v in found.values()
    ]
    sites.append(PlannedSite("Pold", "old", "village_point", "镇1", is_open=False, is_existing=True))
    targets = {("K1", "total"): 1.0, ("K4", "total"): 0.9, ("K8", "visits_ge_5"): 1.0}
    return RunFacts(
        "abcd1234",
        "small",
        "990001",
        "示例县",
        "villages 990001@2024-01-01",
        found,
        names,
        {site.facility_id: site for site in sites},
        targets,
        is_invented=True,
    )


def filled(run: RunFacts) -> dict[str, pd.DataFrame]:
    """Return the sheets of a return with good figures for every village."""
    frames = return_frames(run, QUARTER, Quarter(2026, 1))
    villages = frames["return_villages"]
    count = len(villages)
    whole: dict[str, Any] = {
        "has_sign": "true",
        "is_active": "true",
        "has_bus": "false",
        "visits_per_week": 5.0,
        "quarter_parcels": 1000.0,
        "village_parcels": 800.0,
        "on_time_parcels": 900.0,
        "excused_parcels": 50.0,
        "cartons_received": 100.0,
        "cartons_recovered": 40.0,
        "complaints": 0.0,
        "baseline_cny_per_parcel": [3.0 + 0.1 * (i % 3) for i in range(count)],
        "now_cny_per_parcel": [2.0 if i % 2 == 0 else 3.0 for i in range(count)],
        "data_source": "scan_system",
    }
    frames["return_villages"] = villages.assign(**whole)
    frames["return_townships"] = frames["return_townships"].assign(
        quarter_parcels=1000.0 * count,
        nodes=10.0,
        online_share=0.9,
        records=1000.0,
        records_complete=990.0,
        interface_calls=200.0,
        interface_ok=200.0,
        accidents=0.0,
        data_source="register",
    )
    projects = frames["return_projects"]
    first = projects.index == 0
    frames["return_projects"] = projects.assign(
        project_status=["done" if is_first else "running" for is_first in first],
        done_quarter=["2026Q1" if is_first else "" for is_first in first],
        data_source="register",
    )
    return frames


def returned(run: RunFacts, frames: dict[str, pd.DataFrame]) -> Returns:
    """Return checked sheets without writing a file."""
    return Returns(QUARTER, frames["return_villages"], frames["return_townships"], frames["return_projects"])


def through_file(run: RunFacts, frames: dict[str, pd.DataFrame], path: Path, lang: str = "en") -> Returns:
    """Write sheets as a workbook and read it."""
    write_returns(path, frames, lang)  # type: ignore[arg-type]
    return read_returns(path, run, as_of=AS_OF)
