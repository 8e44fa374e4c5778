"""What each function of a village station needs: counter, shelf, keeper's time, opening hours; and who may host it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from geodata.parameters import Parameters

FUNCTIONS = ("post_office", "courier", "bus_stop", "shop", "info")
#: Figures of every function among the parameters: ``merge_<function>_<need>``.
NEEDS = ("counter_m2", "shelf_m2", "keeper_h", "open_h")
#: Functions that belong to one operator each and take parcels; the others are for everybody.
OWN = frozenset({"post_office", "courier"})
#: Function at the host → the way of sharing that a guest's head office must allow.
_WAY = {"post_office": "post", "courier": "joint", "bus_stop": "bus", "shop": "shop", "info": "shop"}


@dataclass(frozen=True, slots=True)
class FunctionNeed:
    """What one function takes at one station.

    Attributes
    ----------
    counter_m2, shelf_m2
        Floor for counter and customers, and for shelves.
    keeper_h
        Keeper's time a day.
    open_h
        Hours a day the station must be open.
    """

    counter_m2: float
    shelf_m2: float
    keeper_h: float
    open_h: float

    @property
    def floor_m2(self) -> float:
        """Return counter and shelf together."""
        return self.counter_m2 + self.shelf_m2


def word_of(label: str) -> str:
    """Return the function of a label such as ``courier:zto``."""
    return label.partition(":")[0]


def operator_of(label: str) -> str:
    """Return the operator of a label such as ``courier:zto``; empty for functions for everybody."""
    return label.partition(":")[2]


def function_need(parameters: Parameters, label: str, parcels_per_day: float) -> FunctionNeed:
    """Return what a function needs at a station that handles so many parcels of it.

    Notes
    -----
    Shelf: the function's own ``merge_<function>_shelf_m2`` and, for parcels, ``q · point_hold_days · parcel_volume_m3 /
    shelf_m3_per_m2``. Keeper: ``merge_<function>_keeper_h`` and ``q · merge_keeper_min_per_parcel / 60``.
    """
    word = word_of(label)
    stored = parcels_per_day * parameters["point_hold_days"] * parameters["parcel_volume_m3"]
    return FunctionNeed(
        parameters[f"merge_{word}_counter_m2"],
        parameters[f"merge_{word}_shelf_m2"] + stored / parameters["shelf_m3_per_m2"],
        parameters[f"merge_{word}_keeper_h"] + parcels_per_day * parameters["merge_keeper_min_per_parcel"] / 60.0,
        parameters[f"merge_{word}_open_h"],
    )


def forbidden_ways(terms: pd.DataFrame) -> Mapping[str, frozenset[str]]:
    """Return operator → ways of sharing its head office does not allow (sheet ``operator_terms``)."""
    return {
        str(row["operator_id"]): frozenset(
            word.strip() for word in str(row["not_shared"]).replace("；", ";").split(";") if word.strip()
        )
        for _, row in terms.iterrows()
    }


def may_be_guest(label: str, at_host: Collection[str], forbidden: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a function may move in with those that are at a station: one of them must be a partner it is allowed."""
    banned = forbidden.get(operator_of(label), frozenset())
    return not banned or any(_WAY[word_of(host)] not in banned for host in at_host)
