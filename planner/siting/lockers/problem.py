"""The locker question: places with parcels, hosts for lockers, customer choice, prices, what is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.problems.siting import Floats, SitingProblem
from planner.siting.lockers.choice import ChoiceModel
from planner.siting.lockers.days import EVERY_DAY_ALIKE, DayVariation
from planner.siting.lockers.sizing import LockerPrices, Mix

DEFAULT_CHOICE = ChoiceModel()
#: Kinds of places; glossary keys ``place_<kind>``.
PlaceKind = Literal["community", "campus", "town_seat", "village"]
PLACE_KINDS: tuple[PlaceKind, ...] = get_args(PlaceKind)
#: Kinds of hosts; glossary keys ``host_<kind>``.
HostKind = Literal["property_management", "shop", "campus", "facility", "village_office", "other"]
HOST_KINDS: tuple[HostKind, ...] = get_args(HostKind)


@dataclass(frozen=True, slots=True)
class LockerPlace:
    """A place whose people receive parcels; the parcels a day stand in `SitingProblem.weight`.

    Attributes
    ----------
    kind
        Kind of place.
    consent_share
        Residents who allow delivery to a locker: a cap the law sets on the locker share.
    fit_share
        Parcels that fit into a compartment.
    dwell_h
        Mean hours until a parcel is collected.
    saving_cny_per_parcel
        What a parcel in a locker saves against door or counter.
    days
        Variation of days and months.
    households
        Households, for the ratio of compartments to households; 0: not known.
    """

    kind: PlaceKind
    consent_share: float
    fit_share: float
    dwell_h: float
    saving_cny_per_parcel: float
    days: DayVariation = EVERY_DAY_ALIKE
    households: float = 0.0

    @property
    def lockable_share(self) -> float:
        """Return the share of the parcels that may go to a locker: consent × fit (taken as independent)."""
        return self.consent_share * self.fit_share


@dataclass(frozen=True, slots=True)
class LockerHost:
    """A site for a locker; its rent and connection stand in `SitingProblem.yearly_cny` and `capex_cny`.

    Attributes
    ----------
    kind
        Who hosts it.
    maximum_cells
        Compartments there is room for; None: the largest set on the market.
    """

    kind: HostKind = "other"
    maximum_cells: int | None = None


@dataclass(frozen=True, slots=True)
class LockerSettings:
    """What is asked of the plan.

    Attributes
    ----------
    prices, mix, choice
        Prices, parcel sizes, customer choice.
    rounds_per_day
        Rounds in which couriers fill a locker (1, 2 …); None: parcels come one by one (M/M/k), which asks for fewer
        compartments.
    overflow_target_share, design_quantile
        Every size of parcel overflows at most this share on the design day.
    coverage_share, coverage_kinds
        Least share of the lockable parcels of places of these kinds within reach of an open locker; 0 (the default)
        asks for none, so no locker at all is an allowed answer.
    minimum_lockers, maximum_lockers
        Least and most lockers (a target such as the county's part of 4,000); None: no limit.
    subsidy_capex_share, subsidy_cny_per_parcel
        Subsidies; shown beside the balance. They decide only if `count_subsidy`.
    count_subsidy
        Let subsidies decide where lockers pay.
    """

    prices: LockerPrices
    mix: Mix = (0.5, 0.35, 0.15)
    choice: ChoiceModel = DEFAULT_CHOICE
    overflow_target_share: float = 0.05
    design_quantile: float = 0.95
    coverage_share: float = 0.0
    coverage_kinds: tuple[PlaceKind, ...] = ("community", "campus", "town_seat")
    minimum_lockers: int = 0
    maximum_lockers: int | None = None
    subsidy_capex_share: float = 0.0
    subsidy_cny_per_parcel: float = 0.0
    count_subsidy: bool = False
    rounds_per_day: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LockerProblem:
    """The whole question.

    Attributes
    ----------
    siting
        Places (weight = mean parcels a day delivered to them), hosts, metres within reach, money, locks and side
        constraints. Its `capacity` must be infinite: room at a host is `LockerHost.maximum_cells`.
    places, hosts
        In the order of the siting problem.
    settings
        What is asked.
    """

    siting: SitingProblem
    places: tuple[LockerPlace, ...]
    hosts: tuple[LockerHost, ...]
    settings: LockerSettings
    lockable: Floats = field(init=False)

    def __post_init__(self) -> None:
        check_lockers(self.siting, self.places, self.hosts, self.settings)
        share = np.array([place.lockable_share for place in self.places], dtype=np.float64)
        object.__setattr__(self, "lockable", self.siting.weight * share)

    def maximum_cells(self, host: int) -> int:
        """Return the compartments there is room for at a host."""
        room, market = self.hosts[host].maximum_cells, self.settings.prices.maximum_cells
        return market if room is None else min(room, market)

    def counts_for_coverage(self) -> Floats:
        """Return the lockable parcels that count for coverage."""
        kinds = self.settings.coverage_kinds
        counted: Floats = np.where([place.kind in kinds for place in self.places], self.lockable, 0.0)
        return counted


def check_lockers(
    siting: SitingProblem, places: Sequence[LockerPlace], hosts: Sequence[LockerHost], settings: LockerSettings
) -> None:
    """Refuse figures that cannot be; every problem is collected first.

    Raises
    ------
    InputError
        With one located problem a bad figure.
    """
    if (
        len(places) != siting.demand_count
        or len(hosts) != siting.site_count
        or siting.distance.shape != (len(places), len(hosts))
    ):
        raise InputError(
            Message("locker_input_refused", {"count": 1}), [Problem("error", "locker_counts_differ", table="lockers")]
        )
    problems = [*_place_problems(siting, places), *_host_problems(siting, hosts), *_setting_problems(settings)]
    if problems:
        raise InputError(Message("locker_input_refused", {"count": len(problems)}), problems)


def _bad(table: str, identity: str, column: str, value: object) -> Problem:
    return Problem("error", "locker_bad_number", table=table, column=column, value=str(value), params={"id": identity})


def _place_problems(siting: SitingProblem, places: Sequence[LockerPlace]) -> Iterator[Problem]:
    for identity, place, weight in zip(siting.demand_ids, places, siting.weight, strict=True):
        figures = {
            "parcels_per_day": (float(weight), math.inf),
            "consent_share": (place.consent_share, 1.0),
            "fit_share": (place.fit_share, 1.0),
            "saving_cny_per_parcel": (place.saving_cny_per_parcel, math.inf),
            "households": (place.households, math.inf),
            "dwell_h": (place.dwell_h, 24.0 * 60),
        }
        for column, (value, most) in figures.items():
            if not (math.isfinite(value) and 0.0 <= value <= most) or (column == "dwell_h" and value == 0.0):
                yield _bad("locker_places", identity, column, value)
        if place.kind not in PLACE_KINDS:
            yield _bad("locker_places", identity, "kind", place.kind)


def _host_problems(siting: SitingProblem, hosts: Sequence[LockerHost]) -> Iterator[Problem]:
    for j, (identity, host) in enumerate(zip(siting.site_ids, hosts, strict=True)):
        money = {
            "capex_cny": siting.capex_cny[j],
            "yearly_cny": siting.yearly_cny[j],
            "closing_cny": siting.closing_cny[j],
        }
        for column, value in money.items():
            if not (math.isfinite(value) and value >= 0.0):
                yield _bad("locker_hosts", identity, column, value)
        if host.maximum_cells is not None and host.maximum_cells < 1:
            yield _bad("locker_hosts", identity, "maximum_cells", host.maximum_cells)
        if host.kind not in HOST_KINDS:
            yield _bad("locker_hosts", identity, "kind", host.kind)
        if np.isfinite(siting.capacity[j]):
            yield Problem("error", "locker_capacity_given", table="locker_hosts", params={"id": identity})
    if siting.distance.data.size and not (
        np.isfinite(siting.distance.data).all() and (siting.distance.data >= 0.0).all()
    ):
        yield _bad("locker_hosts", "", "metres", "NaN/negative")


def _setting_problems(settings: LockerSettings) -> Iterator[Problem]:
    prices = settings.prices
    shares = {
        "overflow_target_share": settings.overflow_target_share,
        "design_quantile": settings.design_quantile,
        "coverage_share": settings.coverage_share,
        "subsidy_capex_share": settings.subsidy_capex_share,
        **{f"mix_{i}": share for i, share in enumerate(settings.mix)},
    }
    for column, value in shares.items():
        is_open = column in ("overflow_target_share", "design_quantile")
        if not 0.0 <= value <= 1.0 or (is_open and value in (0.0, 1.0)):
            yield _bad("settings", "", column, value)
    if abs(sum(settings.mix) - 1.0) > 1e-6:  # noqa: PLR2004 - shares typed by hand
        yield _bad("settings", "", "mix", settings.mix)
    money = (
        prices.control_cny,
        *prices.cell_cny,
        prices.opex_cny_per_year,
        prices.annuity_share,
        settings.subsidy_cny_per_parcel,
    )
    if not all(math.isfinite(v) and v >= 0.0 for v in money):
        yield _bad("settings", "", "prices", money)
    if not 0 <= prices.minimum_cells <= prices.maximum_cells or prices.maximum_cells < 1:
        yield _bad("settings", "", "maximum_cells", prices.maximum_cells)
    if settings.rounds_per_day is not None and settings.rounds_per_day < 1:
        yield _bad("settings", "", "rounds_per_day", settings.rounds_per_day)
    most = settings.maximum_lockers
    if settings.minimum_lockers < 0 or (most is not None and most < settings.minimum_lockers):
        yield _bad("settings", "", "minimum_lockers", settings.minimum_lockers)
