"""The stand-in brands of a county that knows only its total parcels: shares of national order of size, to be replaced."""

from __future__ import annotations

import pandas as pd

from geodata.county import County
from geodata.frames import canonical_frame

#: Brand → name, kind; the share is the parameter ``brand_share_<brand>``.
BRANDS = {
    "china_post": ("中国邮政 China Post", "post"),
    "zto": ("中通 ZTO", "courier"),
    "yto": ("圆通 YTO", "courier"),
    "yunda": ("韵达 Yunda", "courier"),
    "sto": ("申通 STO", "courier"),
    "jt": ("极兔 J&T", "courier"),
    "sf": ("顺丰 SF", "courier"),
    "others": ("其他 others", "courier"),
}


def with_brands(county: County) -> County | None:
    """Return the county with its one joint operator's parcels shared over the stand-in brands; None if it has operators of its own."""
    if len(county.operators) != 1 or str(county.operators["kind"].iloc[0]) != "joint":
        return None
    shares = {brand: county.parameters[f"brand_share_{brand}"] for brand in BRANDS}
    total = sum(shares.values())
    rows = [
        {"operator_id": brand, "name": name, "kind": kind, "parcel_share": shares[brand] / total}
        for brand, (name, kind) in BRANDS.items()
    ]
    flows = ["inbound_parcels_per_day", "outbound_parcels_per_day"]
    parts = []
    for row in rows:
        part = county.demand.assign(operator_id=row["operator_id"])
        part[flows] = part[flows].astype(float) * float(row["parcel_share"])  # type: ignore[arg-type]
        parts.append(part)
    demand = pd.concat(parts).sort_values("village_code", kind="stable").reset_index(drop=True)
    return county.replace(operators=canonical_frame(rows, "operators"), demand=demand)
