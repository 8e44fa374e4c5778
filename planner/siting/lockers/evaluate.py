"""What a given set of lockers takes, holds, costs and saves: the one definition of the locker objective.

Cost of a year (least is best), over open hosts j::

    Σ_j  annuity·(price(cells_j) + connection_j) + opex + rent_j  -  365·saving_j·λ_j·(1 - overflow_j)

plus the instalment of closing existing ones. λ_j follows from customer choice; cells from the sizing rule; overflow
over all days of the year. An existing host's connection is sunk; the set itself is always priced as new. Where the
host has no room for all who would come, the locker is offered only as many parcels as its largest set takes within
the rule; the others stay with door and counter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from planner.problems.siting import Bools, Floats
from planner.siting.lockers.choice import attraction, choice_shares
from planner.siting.lockers.days import DAYS_PER_YEAR, DayKind, DayVariation
from planner.siting.lockers.problem import LockerProblem
from planner.siting.lockers.sizing import LockerLoad, LockerSize, largest_mean, size_locker


@dataclass(frozen=True, slots=True)
class LockerSite:
    """One open locker.

    Attributes
    ----------
    host
        Index of the host.
    wanted_parcels_per_day
        What customers would send here.
    load
        What is offered to it: mean, dwell, variation (below `wanted_parcels_per_day` if there is no room).
    size
        Compartments, overflow, use.
    saving_cny_per_parcel
        Mean over its parcels.
    yearly_cost_cny, yearly_saving_cny
        Instalments, running and rent; what its parcels save.
    subsidy_cny_per_year
        Subsidy by the settings.
    """

    host: int
    wanted_parcels_per_day: float
    load: LockerLoad
    size: LockerSize
    saving_cny_per_parcel: float
    yearly_cost_cny: float
    yearly_saving_cny: float
    subsidy_cny_per_year: float

    @property
    def parcels_per_day(self) -> float:
        """Return the parcels it takes a day."""
        return self.load.parcels_per_day * (1.0 - self.size.overflow_year_share)

    @property
    def balance_cny_per_year(self) -> float:
        """Return savings less cost, without subsidy."""
        return self.yearly_saving_cny - self.yearly_cost_cny

    @property
    def balance_with_subsidy_cny_per_year(self) -> float:
        """Return savings and subsidy less cost."""
        return self.balance_cny_per_year + self.subsidy_cny_per_year


class LockerEvaluator:
    """Evaluates sets of open hosts; remembers sizes and sites already computed (by their exact load)."""

    def __init__(self, problem: LockerProblem) -> None:
        self.problem = problem
        self.metres: Floats = _dense(problem)
        self.attractions: Floats = attraction(self.metres, problem.settings.choice)
        self._sites: dict[tuple[int, bytes], LockerSite] = {}
        self._kind: DayKind = problem.places[0].days.kind if problem.places else "count"
        self._levels: Floats = _season_levels(problem)
        self._cv: Floats = np.array([place.days.cv for place in problem.places])
        self._dwell: Floats = np.array([place.dwell_h for place in problem.places])
        self._saving: Floats = np.array([place.saving_cny_per_parcel for place in problem.places])

    def mask(self, open_hosts: Iterable[int]) -> Bools:
        """Return the open hosts as a mask."""
        mask = np.zeros(self.problem.siting.site_count, dtype=np.bool_)
        mask[list(open_hosts)] = True
        return mask

    def shares(self, open_hosts: Iterable[int]) -> Floats:
        """Return the share of each place's lockable parcels that wants each host."""
        return choice_shares(self.attractions, self.mask(open_hosts), self.problem.settings.choice)

    def sites(self, open_hosts: Iterable[int]) -> tuple[LockerSite, ...]:
        """Return every open locker, by host."""
        chosen = sorted(set(open_hosts))
        flow = self.shares(chosen) * self.problem.lockable[:, None]
        return tuple(self._site(j, flow[:, j]) for j in chosen)

    def yearly_cny(self, open_hosts: Iterable[int]) -> float:
        """Return the objective: cost less savings a year, with the closing of existing lockers."""
        chosen = set(open_hosts)
        settings, siting = self.problem.settings, self.problem.siting
        total = 0.0
        for site in self.sites(chosen):
            total -= site.balance_with_subsidy_cny_per_year if settings.count_subsidy else site.balance_cny_per_year
        for j in np.flatnonzero(siting.is_existing):
            if int(j) not in chosen:
                total += float(siting.closing_cny[j]) * settings.prices.annuity_share
        return total

    def _site(self, host: int, flow: Floats) -> LockerSite:
        key = (host, flow.tobytes())
        if key not in self._sites:
            self._sites[key] = self._compute(host, flow)
        return self._sites[key]

    def _compute(self, host: int, flow: Floats) -> LockerSite:
        problem, settings = self.problem, self.problem.settings
        wanted = float(flow.sum())
        weight = flow / wanted if wanted > 0.0 else np.full(flow.size, 1.0 / max(flow.size, 1))
        # Rounded, so that places alike give loads alike to the last bit.
        days = DayVariation(
            cv=round(float(weight @ self._cv), 12), season=_season(weight @ self._levels), kind=self._kind
        )
        dwell = round(float(weight @ self._dwell), 12)
        load, size = self._fit(host, LockerLoad(wanted, dwell or 24.0, days, settings.mix, settings.rounds_per_day))
        price = settings.prices.price_cny(size.cells)
        connection = 0.0 if problem.siting.is_existing[host] else float(problem.siting.capex_cny[host])
        annuity = settings.prices.annuity_share
        cost = (
            annuity * (price + connection) + settings.prices.opex_cny_per_year + float(problem.siting.yearly_cny[host])
        )
        taken = DAYS_PER_YEAR * load.parcels_per_day * (1.0 - size.overflow_year_share)
        saving = float(weight @ self._saving)
        subsidy = (
            settings.subsidy_capex_share * annuity * (price + connection) + settings.subsidy_cny_per_parcel * taken
        )
        return LockerSite(host, wanted, load, size, saving, cost, saving * taken, subsidy)

    def _fit(self, host: int, load: LockerLoad) -> tuple[LockerLoad, LockerSize]:
        """Return the load and its size; the load is cut to what the largest set at the host takes within the rule."""
        room = self.problem.maximum_cells(host)
        size = self._size(load, room)
        if size is not None:
            return load, size
        settings = self.problem.settings
        rule = (settings.overflow_target_share, settings.design_quantile)
        most = largest_mean(load.days, load.dwell_h, load.mix, room, rule, load.rounds_per_day)
        cut = replace(load, parcels_per_day=min(most, load.parcels_per_day))
        fitted = self._size(cut, room)
        if fitted is None:  # cannot be: the cut load's design day is the largest that fits
            msg = f"host {host}: no set fits {room} compartments"
            raise ValueError(msg)
        return cut, fitted

    def _size(self, load: LockerLoad, room: int) -> LockerSize | None:
        settings = self.problem.settings
        return size_locker(
            load,
            settings.overflow_target_share,
            minimum_cells=min(settings.prices.minimum_cells, room),
            maximum_cells=room,
            quantile=settings.design_quantile,
        )


def _dense(problem: LockerProblem) -> Floats:
    """Return metres as a dense matrix, inf where a host is out of reach (a stored zero is a distance of zero)."""
    distance = problem.siting.distance.tocsr()
    metres = np.full(distance.shape, np.inf)
    rows = np.repeat(np.arange(distance.shape[0]), np.diff(distance.indptr))
    metres[rows, distance.indices] = distance.data
    return metres


def _season_levels(problem: LockerProblem) -> Floats:
    """Return levels by place and period; periods are as many as the least common multiple of all seasons."""
    lengths = {len(place.days.season) for place in problem.places} or {1}
    periods = math.lcm(*lengths)
    rows = [np.repeat(place.days.season, periods // len(place.days.season)) for place in problem.places]
    return np.array(rows, dtype=np.float64).reshape(len(problem.places), periods)


def _season(levels: Floats) -> tuple[float, ...]:
    whole = float(levels.sum())
    if whole <= 0.0 or np.ptp(levels) < 1e-12:  # noqa: PLR2004 - all alike
        return (1.0,)
    return tuple(float(v) for v in levels)
