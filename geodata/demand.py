"""Demand of villages: parcels a day in and out by operator, from population where no counts are known."""

from __future__ import annotations

import pandas as pd

from geodata.county import TABLE_COLUMNS
from geodata.parameters import Parameters

_COLUMNS = list(TABLE_COLUMNS["demand"])
_FLOWS = ["inbound_parcels_per_day", "outbound_parcels_per_day"]


def default_inbound_parcels_per_day(population: float, parameters: Parameters) -> float:
    """Return a village's inbound parcels: ``village_inbound_parcels_per_resident_day × population``."""
    return population * parameters["village_inbound_parcels_per_resident_day"]


def outbound_per_inbound(parameters: Parameters) -> float:
    """Return outbound parcels for each inbound one: ``s / (1 - s)``, with s the outbound share of the total flow."""
    share = parameters["village_outbound_share"]
    return share / (1.0 - share)


def default_demand(villages: pd.DataFrame, operators: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the demand of every village by every operator, from population and the operators' shares.

    Parameters
    ----------
    villages
        Rows of the county's villages; `population` must be known in each.
    operators
        Rows of the county's operators; `parcel_share` sums to 1. Operators with a share of 0 get no row.
    parameters
        Figures in force.

    Returns
    -------
    pandas.DataFrame
        Demand table in the order of `villages`, then of `operators`.

    Notes
    -----
    ``inbound = rate × population``, ``total = inbound / (1 - outbound share)``, ``outbound = total - inbound``.
    """
    carrying = operators.loc[operators["parcel_share"] > 0, ["operator_id", "parcel_share"]]
    pairs = villages[["village_code", "population"]].merge(carrying, how="cross")
    inbound = (
        pairs["population"].astype(float)
        * parameters["village_inbound_parcels_per_resident_day"]
        * pairs["parcel_share"].astype(float)
    )
    return pairs.assign(
        inbound_parcels_per_day=inbound,
        outbound_parcels_per_day=inbound * outbound_per_inbound(parameters),
    )[_COLUMNS]


def scaled_demand(demand: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Return the demand with every flow multiplied by `factor` (growth, a peak day).

    Raises
    ------
    ValueError
        If `factor` is negative or not finite.
    """
    if not 0.0 <= factor < float("inf"):
        msg = f"a demand factor must be finite and not negative, not {factor}"
        raise ValueError(msg)
    return demand.assign(**{column: demand[column] * factor for column in _FLOWS})


def village_parcels(demand: pd.DataFrame) -> pd.DataFrame:
    """Return inbound and outbound parcels a day by village, summed over operators, indexed by `village_code`."""
    return demand.groupby("village_code", sort=True)[_FLOWS].sum()
