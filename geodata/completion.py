"""Fill what a county's data lack by stated rules; every filling is an assumption that the report prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from geodata.county import TABLE_COLUMNS, County, Provenance
from geodata.default_sites import fill_facilities
from geodata.default_townships import fill_townships, place_at_seats
from geodata.default_vehicles import default_vehicles
from geodata.demand import default_demand, outbound_per_inbound
from geodata.frames import canonical_frame
from geodata.messages import Message

PlaceUnlocated = Literal["no", "township_seat"]
Filled = tuple[County, list[Message]]

#: Source named for tables that are filled as a whole.
ASSUMED = Provenance(source="xiangyou: parameters.csv", licence="Apache-2.0", kind="assumed")
JOINT_OPERATOR_ID = "joint"


def complete(
    county: County,
    *,
    seed: int = 1,
    township_cluster_count: int | None = None,
    place_unlocated: PlaceUnlocated = "no",
    county_population: float | None = None,
) -> County:
    """Return the county with everything a plan needs, and an assumption for each thing that was filled.

    Parameters
    ----------
    county
        County as read; its tables are not changed.
    seed
        Seed of the clusters that stand in for townships.
    township_cluster_count
        Number of these clusters; None: one for about twelve villages, at least two.
    place_unlocated
        ``no``: a village without a place stays without one and is later listed as unserved; ``township_seat``: it is
        put there, and says so.
    county_population
        Population of the county, shared over villages whose township gives no figure; None: not known.

    Returns
    -------
    County
        Population, township and demand for every village (township only where the village has a place or names one);
        at least the default candidates, fleet and operator; no missing cost figure at any site. Capacity NaN is no
        limit. Completing it again changes nothing.

    Notes
    -----
    A village's population is its equal share of what the township's (else the county's) figure leaves over for villages
    without one. Tables that were empty get provenance kind ``assumed``; tables filled in part keep their source.
    """
    given = _clean(county)
    was_empty = [name for name in TABLE_COLUMNS if given.table(name).empty]
    towns_are_real = len(given.townships) > 0 or _codes_name_townships(given)
    steps: list[Callable[[County], Filled]] = [
        lambda c: _populations(c, county_population),
        lambda c: fill_townships(c, seed=seed, cluster_count=township_cluster_count),
        lambda c: place_at_seats(c) if place_unlocated == "township_seat" else (c, []),
        _operators,
        _demand,
        _vehicles,
        lambda c: fill_facilities(c, towns_are_real=towns_are_real),
    ]
    filled, notes = given, list(given.assumptions)
    for step in steps:
        filled, more = step(filled)
        notes.extend(more)
    return filled.replace(assumptions=tuple(notes), provenance=_provenance(filled, was_empty))


def _clean(county: County) -> County:
    return county.replace(**{name: canonical_frame(county.table(name), name) for name in TABLE_COLUMNS})


def _codes_name_townships(county: County) -> bool:
    real = ~county.villages["village_code"].str.startswith("99") & county.villages["village_code"].str.startswith(
        county.county_code
    )
    return bool((real | (county.villages["township_code"] != "")).any())


def _provenance(county: County, was_empty: list[str]) -> Mapping[str, Provenance]:
    added = {name: ASSUMED for name in was_empty if len(county.table(name))}
    return {**county.provenance, **added}


def _populations(county: County, county_population: float | None) -> Filled:
    """Fill village populations: township figure, else county figure, else the default village."""
    notes: list[Message] = []
    villages = county.villages.copy()
    notes.extend(_share_townships(villages, county.townships))
    notes.extend(_share_county(villages, county_population))
    rows = villages.index[villages["population"].isna()]
    if len(rows):
        residents = county.parameters["unlisted_village_residents"]
        villages.loc[rows, "population"] = residents
        notes.append(Message("assumed_population_default", {"villages": len(rows), "residents": _whole(residents)}))
    return county.replace(villages=villages), notes


def _share_townships(villages: pd.DataFrame, townships: pd.DataFrame) -> list[Message]:
    """Share each township's figure equally over its villages without one, in place."""
    shared = crowded = towns = 0
    for code, population in zip(townships["township_code"], townships["population"], strict=True):
        members = villages[villages["township_code"] == code]
        rows = members.index[members["population"].isna()]
        if np.isnan(population) or rows.empty:
            continue
        left = population - members["population"].sum()
        if left > 0:
            villages.loc[rows, "population"] = left / len(rows)
            shared, towns = shared + len(rows), towns + 1
        elif len(rows) < len(members):
            villages.loc[rows, "population"] = members["population"].mean()
            crowded += len(rows)
    notes = []
    if shared:
        notes.append(Message("assumed_population_township", {"villages": shared, "townships": towns}))
    if crowded:
        notes.append(Message("assumed_population_mean", {"villages": crowded}))
    return notes


def _share_county(villages: pd.DataFrame, population: float | None) -> list[Message]:
    rows = villages.index[villages["population"].isna()]
    if population is None or rows.empty:
        return []
    left = population - villages["population"].sum()
    if left <= 0:
        return []
    villages.loc[rows, "population"] = left / len(rows)
    return [Message("assumed_population_county", {"villages": len(rows), "population": _whole(population)})]


def _operators(county: County) -> Filled:
    """Fill operators and their parcel shares: from demand if there is any, else one joint network or equal shares."""
    operators, demand = county.operators.copy(), county.demand
    if operators.empty and demand.empty:
        row = {"operator_id": JOINT_OPERATOR_ID, "name": "共配网络 joint network", "kind": "joint", "parcel_share": 1.0}
        return county.replace(operators=canonical_frame([row], "operators")), [Message("assumed_operator_single")]
    notes = []
    if operators.empty:
        ids = sorted(set(demand["operator_id"]))
        operators = canonical_frame([{"operator_id": i, "name": i, "kind": "courier"} for i in ids], "operators")
        notes.append(Message("assumed_operators_from_demand", {"operators": len(ids)}))
    if operators["parcel_share"].isna().any():
        operators["parcel_share"] = _shares(operators, demand)
        notes.append(Message("assumed_operator_shares", {"operators": len(operators)}))
    total = operators["parcel_share"].sum()
    if abs(total - 1.0) > 1e-9 and total > 0:  # noqa: PLR2004
        operators["parcel_share"] = operators["parcel_share"] / total
        notes.append(Message("assumed_operator_scaled", {"total": round(float(total), 4)}))
    return county.replace(operators=operators), notes


def _shares(operators: pd.DataFrame, demand: pd.DataFrame) -> pd.Series:
    """Return shares by inbound parcels where demand is given; else missing shares divide what the given ones leave."""
    parcels = operators["operator_id"].map(demand.groupby("operator_id")["inbound_parcels_per_day"].sum()).fillna(0.0)
    if parcels.sum() > 0:
        return parcels / parcels.sum()
    shares = operators["parcel_share"]
    left = 1.0 - shares.sum()
    share = left / shares.isna().sum() if left > 0 else shares.mean()
    return shares.fillna(share)


def _demand(county: County) -> Filled:
    """Fill missing flows, and all flows of villages without any demand row."""
    demand, parameters, notes = county.demand.copy(), county.parameters, []
    rate, share = parameters["village_inbound_parcels_per_resident_day"], parameters["village_outbound_share"]
    outbound = demand.index[demand["outbound_parcels_per_day"].isna() & demand["inbound_parcels_per_day"].notna()]
    if len(outbound):
        inbound = demand.loc[outbound, "inbound_parcels_per_day"]
        demand.loc[outbound, "outbound_parcels_per_day"] = inbound * outbound_per_inbound(parameters)
        notes.append(Message("assumed_outbound", {"rows": len(outbound), "share": share}))
    demand = demand[demand["inbound_parcels_per_day"].notna()]
    silent = county.villages[~county.villages["village_code"].isin(demand["village_code"])]
    if len(silent):
        added = default_demand(silent, county.operators, parameters)
        demand = pd.concat([demand, added], ignore_index=True) if len(demand) else added
        notes.append(Message("assumed_demand", {"villages": len(silent), "rate": rate, "share": share}))
    return county.replace(demand=demand.reset_index(drop=True)), notes


def _vehicles(county: County) -> Filled:
    """Add the default types of a tier nobody serves, and missing figures of listed types."""
    defaults = default_vehicles(county.parameters)
    vehicles = county.vehicles.copy()
    notes = _vehicle_figures(vehicles, defaults)
    served = set(vehicles["tier"])
    missing = [] if "both" in served else [t for t in ("county_township", "township_village") if t not in served]
    added = defaults[defaults["tier"].isin(missing)]
    if len(added):
        vehicles = pd.concat([vehicles, added], ignore_index=True) if len(vehicles) else added.reset_index(drop=True)
        notes.append(Message("assumed_vehicles", {"names": "、".join(added["name"])}))
    return county.replace(vehicles=vehicles), notes


def _vehicle_figures(vehicles: pd.DataFrame, defaults: pd.DataFrame) -> list[Message]:
    """Give listed types the figures they lack, from the default type of the nearest payload; in place."""
    columns = ("payload_kg", "volume_m3", "fixed_cny_per_day", "wear_cny_per_km", "energy_per_km", "shift_h")
    count = 0
    for index, vehicle in vehicles.iterrows():
        payload = vehicle["payload_kg"] if vehicle["payload_kg"] > 0 else defaults["payload_kg"].iloc[1]
        like = defaults.loc[(defaults["payload_kg"] - payload).abs().idxmin()]
        for column in columns:
            if np.isnan(vehicle[column]):
                vehicles.loc[index, column] = like[column]
                count += 1
        if vehicle["energy_kind"] == "":
            vehicles.loc[index, ["energy_kind", "energy_per_km"]] = [like["energy_kind"], like["energy_per_km"]]
            count += 1
    return [Message("assumed_vehicle_figures", {"count": count})] if count else []


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
