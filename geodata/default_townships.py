"""The township tier where it is missing or has gaps: from village codes, seeded clusters, the nearest seat."""

from __future__ import annotations

import numpy as np

from geodata.clusters import default_cluster_count, nearest_member, weighted_clusters
from geodata.county import County
from geodata.frames import canonical_frame, haversine_km, is_placed, plane_km
from geodata.messages import Message

SYNTHETIC_PREFIX = "99"
_TOWNSHIP_DIGITS = 9
_NOTE_SEAT = "置于乡镇驻地 put at the township seat"

Filled = tuple[County, list[Message]]


def fill_townships(county: County, *, seed: int, cluster_count: int | None) -> Filled:
    """Give every placed village a township, and every township a place and a population where they can be derived."""
    notes: list[Message] = []
    for step in (
        _from_codes,
        _from_listed,
        lambda c: _from_clusters(c, seed, cluster_count),
        _nearest_seat,
        _places,
        _populations,
    ):
        county, more = step(county)
        notes.extend(more)
    return county, notes


def _from_codes(county: County) -> Filled:
    """List the townships that villages name (or carry in their twelve-digit codes) when no table of them is given."""
    if len(county.townships):
        return county, []
    villages = county.villages.copy()
    own = villages["village_code"].str.startswith(county.county_code) & ~villages["village_code"].str.startswith(
        SYNTHETIC_PREFIX
    )
    unnamed = (villages["township_code"] == "") & own
    villages.loc[unnamed, "township_code"] = villages.loc[unnamed, "village_code"].str[:_TOWNSHIP_DIGITS]
    codes = sorted(set(villages["township_code"]) - {""})
    if not codes:
        return county, []
    townships = canonical_frame([{"township_code": code, "name": code} for code in codes], "townships")
    note = Message("assumed_townships_from_codes", {"townships": len(codes)})
    return county.replace(villages=villages, townships=townships), [note]


def _from_listed(county: County) -> Filled:
    """Give villages without a township the listed one whose code their own begins with."""
    villages = county.villages.copy()
    prefix = villages["village_code"].str[:_TOWNSHIP_DIGITS]
    rows = (villages["township_code"] == "") & prefix.isin(set(county.townships["township_code"]) - {""})
    villages.loc[rows, "township_code"] = prefix[rows]
    return county.replace(villages=villages) if rows.any() else county, []


def _from_clusters(county: County, seed: int, cluster_count: int | None) -> Filled:
    placed = county.villages[is_placed(county.villages)]
    if len(county.townships) or placed.empty:
        return county, []
    points = plane_km(placed["lon"], placed["lat"], lat0=float(placed["lat"].mean()))
    distinct = len(np.unique(points, axis=0))
    count = min(cluster_count or default_cluster_count(len(placed)), distinct)
    weights = np.maximum(placed["population"].to_numpy(dtype=float), 1.0)
    labels, centres = weighted_clusters(points, weights, count, seed=seed)
    seats = placed.iloc[nearest_member(points, labels, centres)]
    codes = [f"{_synthetic_county(county.county_code)}{j + 1:03d}" for j in range(count)]
    townships = seats[["name", "lon", "lat"]].assign(township_code=codes, population=np.nan)
    villages = county.villages.copy()
    villages.loc[placed.index, "township_code"] = np.array(codes, dtype=object)[labels]
    note = Message("assumed_townships_clusters", {"townships": count, "villages": len(placed), "seed": seed})
    changed = county.replace(villages=villages, townships=canonical_frame(townships, "townships"))
    return changed, [note]


def _synthetic_county(county_code: str) -> str:
    return SYNTHETIC_PREFIX + county_code[2:] if len(county_code) == 6 else SYNTHETIC_PREFIX + "0000"  # noqa: PLR2004


def _nearest_seat(county: County) -> Filled:
    """Give placed villages without a township that of the nearest seat."""
    seats = county.townships[is_placed(county.townships)]
    open_rows = county.villages[(county.villages["township_code"] == "") & is_placed(county.villages)]
    if seats.empty or open_rows.empty:
        return county, []
    distance = haversine_km(
        open_rows["lon"].to_numpy()[:, None],
        open_rows["lat"].to_numpy()[:, None],
        seats["lon"].to_numpy()[None, :],
        seats["lat"].to_numpy()[None, :],
    )
    villages = county.villages.copy()
    villages.loc[open_rows.index, "township_code"] = seats["township_code"].to_numpy()[distance.argmin(axis=1)]
    return county.replace(villages=villages), [Message("assumed_nearest_township", {"villages": len(open_rows)})]


def _places(county: County) -> Filled:
    """Place a township without a seat point at the median of its placed villages."""
    placed = county.villages[is_placed(county.villages)]
    medians = placed.groupby("township_code")[["lon", "lat"]].median()
    townships = county.townships.copy()
    rows = townships.index[~is_placed(townships) & townships["township_code"].isin(medians.index)]
    if rows.empty:
        return county, []
    townships.loc[rows, ["lon", "lat"]] = medians.loc[townships.loc[rows, "township_code"]].to_numpy()
    names = "、".join(townships.loc[rows, "name"])
    note = Message("assumed_township_places", {"townships": len(rows), "names": names})
    return county.replace(townships=townships), [note]


def _populations(county: County) -> Filled:
    """Sum the villages of a township whose population is not given."""
    townships = county.townships.copy()
    rows = townships.index[townships["population"].isna()]
    if rows.empty:
        return county, []
    sums = county.villages.groupby("township_code")["population"].sum()
    townships.loc[rows, "population"] = sums.reindex(townships.loc[rows, "township_code"]).fillna(0.0).to_numpy()
    return county.replace(townships=townships), [Message("assumed_township_sums", {"townships": len(rows)})]


def place_at_seats(county: County) -> Filled:
    """Put villages without a place at their township's seat and say so at each."""
    seats = county.townships[is_placed(county.townships)].set_index("township_code")
    villages = county.villages.copy()
    rows = villages.index[~is_placed(villages) & villages["township_code"].isin(seats.index)]
    if rows.empty:
        return county, []
    villages.loc[rows, ["lon", "lat"]] = seats.loc[villages.loc[rows, "township_code"], ["lon", "lat"]].to_numpy()
    villages.loc[rows, "location_note"] = _NOTE_SEAT
    note = Message("assumed_unlocated_at_seat", {"villages": len(rows)})
    return county.replace(villages=villages), [note]
