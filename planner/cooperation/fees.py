"""What is paid a parcel: fees that carry out a division, the range in which a hand-over pays both sides, and the public deficit.

Fees are transfers between operators; recipients pay nothing. All money is CNY a day unless a name says ``_per_parcel``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Basis = Literal["avoided", "income"]


@dataclass(frozen=True, slots=True)
class TierUse:
    """A tier of which some parcels are carried by others than their own operator.

    Attributes
    ----------
    tier
        ``county_centre``, ``county_township``, ``township_station`` or ``township_village``.
    shared_cny_per_day
        What that carriage costs those who do it.
    parcels
        Parcels a day by player that are carried so.
    """

    tier: str
    shared_cny_per_day: float
    parcels: tuple[float, ...]

    @property
    def tariff_cny_per_parcel(self) -> float:
        """Return cost over parcels: what anybody who joins pays in this tier; 0 without parcels."""
        whole = sum(self.parcels)
        return self.shared_cny_per_day / whole if whole > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class TierFee:
    """What one player pays for a parcel in one tier."""

    tier: str
    parcels_per_day: float
    tariff_cny_per_parcel: float
    fee_cny_per_parcel: float


@dataclass(frozen=True, slots=True)
class Clearing:
    """How one player's share is carried out.

    Attributes
    ----------
    player
        Id.
    share
        Its part of the cost of all.
    spends
        What it spends itself in the joint plan (its own lines, and what it carries for others).
    fees
        By tier; fee × parcels sum to `due` where it is positive and parcels are shared.
    """

    player: str
    share: float
    spends: float
    fees: tuple[TierFee, ...]

    @property
    def due(self) -> float:
        """Return what it pays into the clearing; negative: what it is paid out."""
        return self.share - self.spends


def clearings(
    players: Sequence[str], shares: Sequence[float], spends: Sequence[float], uses: Sequence[TierUse]
) -> tuple[Clearing, ...]:
    """Turn shares into fees a parcel by tier.

    Parameters
    ----------
    players, shares, spends
        Ids, and by player its share and what it spends itself. ``Σ shares - Σ spends`` is what the joint company spends.
    uses
        Shared carriage by tier.

    Notes
    -----
    A tier's tariff is its shared cost over its shared parcels, the same for all (open entry). A player pays the tariffs times one
    factor ``due / Σ tariff·parcels``: so its payments are exactly what it owes. A player who is paid out pays no fees.
    """
    found = []
    for i, player in enumerate(players):
        due = shares[i] - spends[i]
        at_tariff = sum(use.tariff_cny_per_parcel * use.parcels[i] for use in uses)
        factor = due / at_tariff if due > 0.0 and at_tariff > 0.0 else 0.0
        fees = tuple(
            TierFee(use.tier, use.parcels[i], use.tariff_cny_per_parcel, use.tariff_cny_per_parcel * factor)
            for use in uses
            if use.parcels[i] > 0.0
        )
        found.append(Clearing(player, shares[i], spends[i], fees))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Deficit:
    """What a line costs beyond what its parcels earn.

    Attributes
    ----------
    public
        What serving at the public minimum of visits costs beyond the income: the price of reaching everybody.
    commercial
        The rest: what more frequent service than the minimum adds, a choice of the operators.
    """

    public: float
    commercial: float

    @property
    def total(self) -> float:
        """Return both parts."""
        return self.public + self.commercial


def split_deficit(
    visits_cny: float, parcels_cny: float, income: float, *, visits_per_week: float, minimum_visits: float
) -> Deficit:
    """Split a line's deficit into its public and its commercial part.

    Parameters
    ----------
    visits_cny, parcels_cny
        Cost that grows with visits, at `visits_per_week`, and cost that grows with parcels.
    income
        What the parcels earn.
    visits_per_week, minimum_visits
        Services a week given, and owed to everybody.

    Notes
    -----
    ``deficit(f) = max(0, visits_cny·f/visits_per_week + parcels_cny - income)``; public is ``deficit(min(minimum, given))``, commercial
    is ``deficit(given) - public``.
    """
    part = min(1.0, minimum_visits / visits_per_week) if visits_per_week > 0.0 else 1.0
    whole = max(0.0, visits_cny + parcels_cny - income)
    public = min(whole, max(0.0, visits_cny * part + parcels_cny - income))
    return Deficit(public, whole - public)


@dataclass(frozen=True, slots=True)
class Giver:
    """A courier that could hand its parcels for a village over.

    Attributes
    ----------
    operator_id
        Who.
    parcels_per_day
        How many.
    ceiling
        The most the hand-over is worth to it.
    basis
        ``avoided``: what it saves by not driving there itself; ``income``: it does not drive there today, so what its head office
        leaves for the village leg.
    """

    operator_id: str
    parcels_per_day: float
    ceiling: float
    basis: Basis


@dataclass(frozen=True, slots=True)
class VillageOffer:
    """The range of fees for one village.

    Attributes
    ----------
    village_id
        Where.
    givers
        Couriers with parcels for it.
    visits_cny, parcels_cny
        What carrying them costs the taker beyond what it does anyway: extra visits, and by parcel.
    deficit
        What is left uncovered where the range is empty.
    """

    village_id: str
    givers: tuple[Giver, ...]
    visits_cny: float
    parcels_cny: float
    deficit: Deficit

    @property
    def parcels_per_day(self) -> float:
        """Return all parcels a day."""
        return sum(giver.parcels_per_day for giver in self.givers)

    @property
    def floor(self) -> float:
        """Return the taker's marginal cost."""
        return self.visits_cny + self.parcels_cny

    @property
    def floor_cny_per_parcel(self) -> float:
        """Return the least fee that does not cost the taker money."""
        return self.floor / self.parcels_per_day

    @property
    def ceiling_cny_per_parcel(self) -> float:
        """Return the greatest fee that every courier gains by."""
        return min(giver.ceiling / giver.parcels_per_day for giver in self.givers)

    @property
    def together_cny_per_parcel(self) -> float:
        """Return the greatest mean fee that the couriers gain by together."""
        return sum(giver.ceiling for giver in self.givers) / self.parcels_per_day

    @property
    def is_empty(self) -> bool:
        """Tell whether no fee pays both sides, even with the couriers taken together."""
        return self.together_cny_per_parcel < self.floor_cny_per_parcel

    def fee(self, part: float = 0.5) -> float | None:
        """Return the fee that gives the taker `part` of the range; None where the range is empty.

        The range ends at the fee all couriers gain by, or, where that lies below the floor, at the mean they gain by together.
        """
        if self.is_empty:
            return None
        low, each = self.floor_cny_per_parcel, self.ceiling_cny_per_parcel
        return low + part * ((each if each >= low else self.together_cny_per_parcel) - low)


@dataclass(frozen=True, slots=True)
class PackageOffer:
    """One fee for several villages at once.

    Attributes
    ----------
    villages, parcels_per_day
        Villages and parcels in it.
    floor_cny_per_parcel, ceiling_cny_per_parcel
        Between these the taker and the couriers together gain over the whole package; empty where the first is greater.
    by_giver
        Courier → the greatest fee by which it gains over its own parcels of the package.
    """

    villages: int
    parcels_per_day: float
    floor_cny_per_parcel: float
    ceiling_cny_per_parcel: float
    by_giver: Mapping[str, float] = field(default_factory=dict)

    @property
    def each_cny_per_parcel(self) -> float:
        """Return the greatest fee by which every courier gains."""
        return min(self.by_giver.values(), default=self.ceiling_cny_per_parcel)

    def losers(self, fee_cny_per_parcel: float) -> tuple[str, ...]:
        """Return the couriers that would lose by a fee, sorted."""
        return tuple(sorted(name for name, most in self.by_giver.items() if most < fee_cny_per_parcel - 1e-9))

    @property
    def is_empty(self) -> bool:
        """Tell whether no single fee pays both sides."""
        return self.ceiling_cny_per_parcel < self.floor_cny_per_parcel

    def fee(self, part: float = 0.5) -> float | None:
        """Return the fee that gives the taker `part` of the range; None where it is empty.

        The range ends at the fee every courier gains by or, where that lies below the floor, at the mean they gain by together.
        """
        if self.is_empty:
            return None
        low, each = self.floor_cny_per_parcel, self.each_cny_per_parcel
        return low + part * ((each if each >= low else self.ceiling_cny_per_parcel) - low)


def package(offers: Sequence[VillageOffer]) -> PackageOffer | None:
    """Return the range of one fee for all villages together; None without parcels."""
    parcels = sum(offer.parcels_per_day for offer in offers)
    if parcels <= 0.0:
        return None
    givers = [giver for offer in offers for giver in offer.givers]
    ceiling = sum(giver.ceiling for giver in givers)
    by_giver = {
        name: sum(g.ceiling for g in givers if g.operator_id == name)
        / sum(g.parcels_per_day for g in givers if g.operator_id == name)
        for name in sorted({g.operator_id for g in givers})
    }
    floor = sum(offer.floor for offer in offers)
    return PackageOffer(len(offers), parcels, floor / parcels, ceiling / parcels, by_giver)


@dataclass(frozen=True, slots=True)
class FeeEffect:
    """What one fee a parcel does to both sides over several villages.

    Attributes
    ----------
    fee_cny_per_parcel
        The fee.
    taker_gain, giver_gain
        CNY a day by which the taker and the givers together are better off than without the hand-over; negative: worse.
    both_gain
        Villages in which neither side loses.
    villages
        All villages offered.
    """

    fee_cny_per_parcel: float
    taker_gain: float
    giver_gain: float
    both_gain: int
    villages: int


def at_fee(offers: Sequence[VillageOffer], fee_cny_per_parcel: float) -> FeeEffect:
    """Return what a given fee does: ``fee·q - floor`` to the taker and ``ceiling - fee·q`` to the givers, by village and summed."""
    taker = [fee_cny_per_parcel * offer.parcels_per_day - offer.floor for offer in offers]
    giver = [
        sum(giver.ceiling for giver in offer.givers) - fee_cny_per_parcel * offer.parcels_per_day for offer in offers
    ]
    both = sum(min(pair) >= 0.0 for pair in zip(taker, giver, strict=True))
    return FeeEffect(fee_cny_per_parcel, sum(taker), sum(giver), both, len(offers))
