"""Sentences about a hand-over to the post and about public money, the same for the settlement and for the hand-over alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geodata.messages import Message
from planner.cooperation.fees import FeeEffect, VillageOffer, package
from planner.cooperation.subsidy import Grant, Relapse
from planner.costs import DAYS_PER_YEAR
from scenarios.rounding import up
from scenarios.studies.shown import rounded

_NAMED = 8


def offer_sentences(offers: Sequence[VillageOffer], part: float, in_force: FeeEffect) -> list[Message]:
    """Say what to offer the post, where no fee pays both sides, and what the fee in force does."""
    whole = package(offers)
    if whole is None:
        return []
    fee = whole.fee(part)
    told: dict[str, object] = {
        "villages": whole.villages,
        "low": up(whole.floor_cny_per_parcel, 2),
        "each": _down(whole.each_cny_per_parcel),
        "high": _down(whole.ceiling_cny_per_parcel),
    }
    empty = [offer for offer in offers if offer.is_empty]
    said = [
        Message("settlement_offer_none", told)
        if fee is None
        else Message("settlement_offer", {**told, "fee": round(fee, 2)})
    ]
    losers = () if fee is None else whole.losers(fee)
    if losers:
        said.append(Message("settlement_offer_losers", {"count": len(losers), "names": ", ".join(losers)}))
    if empty:
        names = ", ".join(offer.village_id for offer in empty[:_NAMED]) + ("…" if len(empty) > _NAMED else "")
        lost = sum(offer.deficit.total for offer in empty)
        said.append(Message("settlement_offer_empty", {"count": len(empty), "names": names, "cny": rounded(lost)}))
    figures = {
        "fee": round(in_force.fee_cny_per_parcel, 2),
        "post": round(in_force.taker_gain),
        "couriers": round(in_force.giver_gain),
        "both": in_force.both_gain,
        "villages": in_force.villages,
    }
    return [*said, Message("settlement_fee_in_force", figures)]


def _down(value: float) -> float:
    """Round a most down, so that it is never promised too much."""
    return math.floor(value * 100.0) / 100.0


def public_sentences(
    fates: Sequence[Relapse],
    names: Mapping[str, str],
    grants: Sequence[Grant] | None,
    *,
    has_ended: bool,
) -> list[Message]:
    """Say what the public pays, which lines live on it, and what is lost when it ends, or was lost since it has.

    Parameters
    ----------
    fates
        Village lines.
    names
        Village code → name.
    grants
        Grants of the adopted scheme; None: none is adopted.
    has_ended
        Whether the scenario is one in which subsidies have ended.
    """
    kept = [entry for entry in fates if entry.fate == "relapses"]
    never = [entry for entry in fates if entry.fate == "never"]
    lost = [entry for entry in fates if entry.fate != "holds"]
    told = []
    figures: dict[str, object]
    if lost:
        figures = {
            "count": len(lost),
            "all": len(fates),
            "public": rounded(sum(entry.line.deficit.public for entry in lost)),
            "commercial": rounded(sum(entry.line.deficit.commercial for entry in lost)),
        }
        told.append(Message("settlement_deficit", figures))
    else:
        told.append(Message("settlement_no_deficit", {"all": len(fates)}))
    if kept:
        first = min(kept, key=lambda entry: entry.rank)
        paid = sum(entry.subsidy for entry in kept) * DAYS_PER_YEAR
        figures = {"count": len(kept), "cny": round(paid), "name": names[first.line.line_id]}
        told.append(Message("settlement_relapse", figures))
    if never and has_ended:
        first = min(never, key=lambda entry: entry.rank)
        parcels = sum(entry.line.parcels_per_day for entry in never)
        figures = {"count": len(never), "parcels": round(parcels), "name": names[first.line.line_id]}
        told.append(Message("settlement_ended", figures))
    elif never:
        told.append(Message("settlement_not_reached", {"count": len(never)}))
    if grants is not None:
        figures = {"count": len(grants), "cny": round(sum(grant.paid_cny for grant in grants))}
        told.append(Message("settlement_grants", figures))
    return told
