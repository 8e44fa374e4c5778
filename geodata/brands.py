"""The stand-in brands of a county that knows only its total parcels: shares of national order of size, to be replaced."""

from __future__ import annotations

import pandas as pd

from geodata.county import County
from geodata.frames import canonical_frame
from geodata.messages import Message

#: The share of each is the parameter ``brand_share_<brand>``; the post is one of them.
BRANDS = ("zto", "yto", "yunda", "sto", "jt", "sf", "china_post", "others")
POST = "china_post"
_FLOWS = ["inbound_parcels_per_day", "outbound_parcels_per_day"]


def with_brands(county: County) -> tuple[County, list[Message]]:
    """Return a county whose one joint operator is split into the stand-in brands, and the sentence that says so.

    A county with only one joint network, as completion makes it, cannot cooperate and no brand can leave it. Its parcels are divided by
    the shares ``brand_share_*`` (tag K), scaled to a sum of 1, so that no parcel is lost when one is replaced. A county with operators of
    its own stays as it is.
    """
    if len(county.operators) != 1 or str(county.operators["kind"].iloc[0]) != "joint":
        return county, []
    parameters = county.parameters
    total = sum(parameters[f"brand_share_{brand}"] for brand in BRANDS)
    shares = {brand: parameters[f"brand_share_{brand}"] / total for brand in BRANDS}
    rows = [
        {
            "operator_id": brand,
            "name": parameters.entry(f"brand_share_{brand}").label_zh.split("：")[-1],
            "kind": "post" if brand == POST else "courier",
            "parcel_share": share,
        }
        for brand, share in shares.items()
    ]
    parts = []
    for brand, share in shares.items():
        part = county.demand.assign(operator_id=brand)
        part[_FLOWS] = part[_FLOWS].astype(float) * share
        parts.append(part)
    demand = pd.concat(parts).sort_values("village_code", kind="stable").reset_index(drop=True)
    split = county.replace(operators=canonical_frame(rows, "operators"), demand=demand)
    return split, [Message("assumed_brands", {"count": len(rows)})]
