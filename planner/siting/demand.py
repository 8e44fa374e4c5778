"""Parcels and persons a village, in the order the siting model uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geodata.county import County

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class VillageDemand:
    """Demand of every village on the list.

    Attributes
    ----------
    codes
        Village codes, sorted; the other arrays follow them.
    population
        Residents.
    inbound, outbound
        Mean parcels a day over all operators.
    """

    codes: tuple[str, ...]
    population: Vector
    inbound: Vector
    outbound: Vector

    @property
    def parcels(self) -> Vector:
        """Return inbound plus outbound parcels a day."""
        return self.inbound + self.outbound


def village_demand(county: County) -> VillageDemand:
    """Return demand by village; villages without a row in the demand table send and receive nothing."""
    villages = county.villages.sort_values("village_code", kind="stable")
    codes = tuple(str(code) for code in villages["village_code"])
    sums = county.demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    sums = sums.astype(float).reindex(codes, fill_value=0.0)
    return VillageDemand(
        codes,
        _numbers(villages["population"]),
        _numbers(sums["inbound_parcels_per_day"]),
        _numbers(sums["outbound_parcels_per_day"]),
    )


def mean_parcel_kg(county: County) -> float:
    """Return the weight of a parcel, inbound and outbound weighted by their numbers."""
    demand = village_demand(county)
    inbound, outbound = float(demand.inbound.sum()), float(demand.outbound.sum())
    parameters = county.parameters
    if inbound + outbound == 0.0:
        return parameters["inbound_parcel_kg"]
    weight = inbound * parameters["inbound_parcel_kg"] + outbound * parameters["outbound_parcel_kg"]
    return weight / (inbound + outbound)


def _numbers(column: pd.Series) -> Vector:
    return np.asarray(column.to_numpy(dtype=np.float64))
