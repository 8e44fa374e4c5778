"""Small and large counties on a plane for the siting tests; loaded by path, because tests are no package."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geodata.county import TABLE_COLUMNS, County, empty_table
from geodata.parameters import default_parameters
from networks.matrix import TravelMatrix
from planner.plan import PlanProblem
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings

TIERS = {"c": "county_centre", "s": "township_station", "p": "village_point"}


@dataclass
class Draft:
    """Places in kilometres on a plane; every way is straight, at 30 km/h."""

    places: dict = field(default_factory=dict)
    villages: list = field(default_factory=list)
    hamlets: list = field(default_factory=list)
    townships: list = field(default_factory=list)
    facilities: list = field(default_factory=list)
    demand: list = field(default_factory=list)
    cut: set = field(default_factory=set)
    vehicles: list = field(default_factory=list)

    def township(self, code: str) -> Draft:
        self.townships.append({"township_code": code, "name": code, "population": 0.0, "lon": 0.0, "lat": 0.0})
        return self

    def village(self, code: str, at=None, people=100.0, parcels=10.0, township="T1") -> Draft:
        lon, lat = (np.nan, np.nan) if at is None else at
        if at is not None:
            self.places[code] = at
        self.villages.append(
            {
                "village_code": code,
                "name": code,
                "township_code": township,
                "population": people,
                "lon": lon,
                "lat": lat,
                "urban_rural_code": "",
                "location_note": "",
            }
        )
        self.demand.append(
            {
                "village_code": code,
                "operator_id": "o1",
                "inbound_parcels_per_day": parcels * 0.8,
                "outbound_parcels_per_day": parcels * 0.2,
            }
        )
        return self

    def hamlet(self, label: str, village: str, at, people: float) -> Draft:
        self.places[label] = at
        self.hamlets.append(
            {
                "hamlet_id": label,
                "village_code": village,
                "name": label,
                "population": people,
                "lon": at[0],
                "lat": at[1],
            }
        )
        return self

    def site(self, label: str, at, **columns) -> Draft:
        """Add a facility; the first letter of its id tells the tier."""
        row = {
            "facility_id": label,
            "name": label,
            "kind": TIERS[label[0]],
            "status": "candidate",
            "lock": "free",
            "operator_id": "o1",
            "township_code": "T1",
            "village_code": "",
            "lon": np.nan if at is None else at[0],
            "lat": np.nan if at is None else at[1],
            "capacity_parcels_per_day": np.nan,
            "capex_cny": 1000.0,
            "annual_cost_cny": 3650.0,
            "closing_cost_cny": 500.0,
            "area_m2": 10.0,
            "host": "",
        }
        assert set(columns) <= set(row)
        self.facilities.append({**row, **columns})
        if at is not None:
            self.places[label] = at
        return self

    def problem(self, standard=None, siting=None, **parameters) -> PlanProblem:
        labels = tuple(self.places)
        xy = np.array([self.places[label] for label in labels])
        metres = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1)) * 1000.0
        for label in self.cut:
            i = labels.index(label)
            metres[i, :], metres[:, i] = np.inf, np.inf
            metres[i, i] = 0.0
        travel = {
            profile: TravelMatrix(labels, labels, metres / 500.0, metres.copy(), profile, "test")
            for profile in ("access", "van", *(row["vehicle_type_id"] for row in self.vehicles))
        }
        return PlanProblem(
            self.county(**parameters),
            travel,
            standard or ServiceStandard(),
            siting or SitingSettings(),
            RoutingSettings(),
        )

    def county(self, **parameters) -> County:
        tables = {name: empty_table(name) for name in TABLE_COLUMNS}
        for name in ("villages", "hamlets", "townships", "facilities", "demand"):
            if rows := getattr(self, name):
                tables[name] = pd.DataFrame(rows)[list(TABLE_COLUMNS[name])]
        tables["operators"] = pd.DataFrame([{"operator_id": "o1", "name": "O", "kind": "joint", "parcel_share": 1.0}])
        tables["vehicles"] = pd.DataFrame(self.vehicles or [VAN])[list(TABLE_COLUMNS["vehicles"])]
        return County(
            county_code="990001",
            name="Test",
            village_list_id="villages 990001@2024",
            village_list_date="2024",
            **tables,
            roads=None,
            boundary=None,
            water=None,
            parameters=default_parameters().with_values(parameters, "test"),
            is_invented=True,
        )


VAN = {
    "vehicle_type_id": "van",
    "name": "van",
    "tier": "both",
    "vehicle_count": np.nan,
    "payload_kg": 800.0,
    "volume_m3": 4.5,
    "fixed_cny_per_day": 40.0,
    "wear_cny_per_km": 0.25,
    "energy_kind": "electric",
    "energy_per_km": 0.25,
    "range_km": np.nan,
    "max_speed_kmh": 80.0,
    "shift_h": 8.0,
}


def random_draft(seed: int, *, villages=4, stations=2, centres=2, span=6.0, capacities=True) -> Draft:
    """A few places at random, with existing and new sites, some with a capacity."""
    rng = np.random.default_rng(seed)
    at = lambda: tuple(np.round(rng.uniform(0, span, 2), 3))  # noqa: E731
    money = lambda low, high: float(np.round(rng.uniform(low, high), 2))  # noqa: E731
    capacity = lambda low, high: float(rng.integers(low, high)) if capacities and rng.random() < 0.5 else np.nan  # noqa: E731
    status = lambda: "existing" if rng.random() < 0.3 else "candidate"  # noqa: E731
    draft = Draft().township("T1").township("T2")
    for i in range(villages):
        place, township = at(), f"T{1 + i % 2}"
        draft.village(f"v{i}", place, float(rng.integers(50, 400)), float(rng.integers(5, 40)), township)
        draft.site(
            f"p{i}", place, status=status(), village_code=f"v{i}", township_code=township,
            capex_cny=money(500, 5000), annual_cost_cny=money(500, 9000), capacity_parcels_per_day=capacity(20, 80),
        )  # fmt: skip
    for i in range(stations):
        draft.site(
            f"s{i}", at(), status=status(), township_code=f"T{1 + i % 2}",
            capex_cny=money(5000, 20000), annual_cost_cny=money(5000, 20000), capacity_parcels_per_day=capacity(40, 160),
        )  # fmt: skip
    for i in range(centres):
        draft.site(
            f"c{i}", at(), status=status(), capex_cny=money(1e4, 1e5), annual_cost_cny=money(1e4, 5e4),
            capacity_parcels_per_day=capacity(60, 200),
        )  # fmt: skip
    return draft


def large_draft(
    seed: int, *, townships: int, villages: int, stations_each=3, centres=3, span=50.0, capacity=np.nan
) -> Draft:
    """A county of villages around township seats, for measurements."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    seats = rng.uniform(0, span, (townships, 2))
    for t in range(townships):
        draft.township(f"T{t:02d}")
    for t in range(townships):
        for k in range(stations_each):
            draft.site(
                f"s{t:02d}{k}", tuple(seats[t] + rng.normal(0, 0.7, 2)), township_code=f"T{t:02d}",
                status="existing" if k == 0 else "candidate", capex_cny=20000.0,
                annual_cost_cny=float(rng.uniform(15000, 40000)), capacity_parcels_per_day=capacity,
            )  # fmt: skip
    for i in range(villages):
        t = i % townships
        at = tuple(seats[t] + rng.normal(0, 3.0, 2))
        people = float(np.round(rng.lognormal(7.0, 0.4)))
        draft.village(f"v{i:03d}", at, people, people * 0.047, f"T{t:02d}")
        draft.site(
            f"p{i:03d}", at, village_code=f"v{i:03d}", township_code=f"T{t:02d}", capex_cny=5000.0,
            annual_cost_cny=5600.0, status="existing" if rng.random() < 0.2 else "candidate",
        )  # fmt: skip
    for c in range(centres):
        draft.site(f"c{c}", tuple(seats[c]), capex_cny=4e6, annual_cost_cny=5e5 + 1e4 * c, township_code=f"T{c:02d}")
    return draft
