"""The three-tier siting model as a mixed-integer programme (docs/model.md §2 and §3), strong and sparse.

Variables: centre x, station y, point z open; pair a (village to point), link b (point to station), link e (station to
centre); extra flow g over b beyond the own village's parcels; flow h over e where there is a choice of centres.
Where a thing has only one choice its link *is* the opening variable, so the programme stays small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from planner.engines.linear import LinearModel, Vector
from planner.siting.decision import Decision
from planner.siting.instance import Flags, Index, Instance, Sites
from planner.siting.prune import reachable_stations, useful_links, useful_pairs

#: What a diagnosis may relax: four shares of the standard, the budget, the capacities.
Family = Literal["persons", "own_points", "stations", "served", "budget", "capacity"]

Terms = list[tuple[int, float]]


@dataclass(slots=True)
class SitingModel:
    """The programme with the meaning of its columns.

    Attributes
    ----------
    linear
        The programme.
    centre, station, point
        Opening column of each site.
    pair
        Pair position → column; the own pair of a village with one own point is the point's opening column.
    point_link, station_link
        (station, point) and (centre, station) → column.
    extra_flow, trunk_flow
        The same keys → flow columns.
    base
        Point → parcels a day of its own village, carried whenever the point is open.
    own_village, served_township
        Village with several own points, township → counting column.
    slack
        Family → slack columns.
    """

    linear: LinearModel = field(default_factory=LinearModel)
    centre: list[int] = field(default_factory=list)
    station: list[int] = field(default_factory=list)
    point: list[int] = field(default_factory=list)
    pair: dict[int, int] = field(default_factory=dict)
    point_link: dict[tuple[int, int], int] = field(default_factory=dict)
    station_link: dict[tuple[int, int], int] = field(default_factory=dict)
    extra_flow: dict[tuple[int, int], int] = field(default_factory=dict)
    trunk_flow: dict[tuple[int, int], int] = field(default_factory=dict)
    base: dict[int, float] = field(default_factory=dict)
    own_village: dict[int, int] = field(default_factory=dict)
    served_township: dict[str, int] = field(default_factory=dict)
    slack: dict[Family, list[int]] = field(default_factory=dict)


def build_model(
    instance: Instance, *, relax: Mapping[Family, float] | None = None, links: Flags | None = None
) -> SitingModel:
    """Build the programme.

    Parameters
    ----------
    instance
        Arrays of the problem.
    relax
        Families to relax with the weight of each unit missed. If any is given the cost is left out and the weighted
        misses are minimised instead.
    links
        Station–point links to keep, shape (stations, points); all by default. A bound of a programme with fewer
        links does not hold for the whole.
    """
    return _Builder(instance, dict(relax or {}), links).build()


class _Builder:
    """Adds the parts of the programme in a fixed order."""

    def __init__(self, instance: Instance, relax: dict[Family, float], links: Flags | None) -> None:
        self.instance = instance
        self.relax = relax
        self.priced = 0.0 if relax else 1.0
        self.model = SitingModel()
        self.linear = self.model.linear
        self.links = useful_links(instance, are_stations_hard="stations" not in relax)
        if links is not None:
            self.links &= links
        self.useful = useful_pairs(instance, is_capacity_hard="capacity" not in relax)
        trunk = np.where(np.isfinite(instance.station_links.unit), instance.station_links.unit, np.inf)
        self.extra: dict[int, Terms] = {}
        self.cheapest_trunk = trunk.min(axis=0) if trunk.size else np.zeros(len(instance.stations))

    def build(self) -> SitingModel:
        self._sites()
        self._pairs()
        self._station_links()
        self._point_links()
        self._flows()
        self._capacities()
        self._standard()
        self._budget()
        return self.model

    # --- openings -----------------------------------------------------------------------------------------------

    def _sites(self) -> None:
        instance = self.instance
        self.linear.offset = self.priced * instance.shut_cny
        self.model.centre = self._open_columns(instance.centres, np.ones(len(instance.centres), dtype=bool))
        self.model.station = self._open_columns(instance.stations, reachable_stations(instance))
        self.model.point = self._open_columns(instance.points, np.asarray(self.links.any(axis=0)))
        count = float(instance.targets.centre_count)
        self.linear.row([(column, 1.0) for column in self.model.centre], lower=count, upper=count)

    def _open_columns(self, sites: Sites, usable: Flags) -> list[int]:
        columns = []
        for i in range(len(sites)):
            self.linear.offset += self.priced * float(sites.closed_cny[i])
            cost = self.priced * float(sites.open_cny[i] - sites.closed_cny[i])
            columns.append(
                self.linear.binary(cost, lower=float(sites.must_open[i]), upper=float(usable[i] or sites.must_open[i]))
            )
        return columns

    # --- allocation ---------------------------------------------------------------------------------------------

    def _pairs(self) -> None:
        instance, model, pairs = self.instance, self.model, self.instance.pairs
        parcels = instance.demand.parcels
        single = {own[0] for own in instance.own_pair.values() if len(own) == 1}
        by_village: dict[int, list[int]] = {}
        for i in map(int, np.nonzero(self.useful)[0]):
            village, point = int(pairs.village[i]), int(pairs.point[i])
            cost = self.priced * (
                float(instance.access_cny[i]) + instance.sorting_cny_per_parcel * float(parcels[village])
            )
            if i in single:
                model.pair[i] = model.point[point]
                model.base[point] = float(parcels[village])
                self.linear.costs[model.point[point]] += cost
            else:
                model.pair[i] = self.linear.binary(cost)
                self.linear.at_most(model.pair[i], 1.0, model.point[point])
            by_village.setdefault(village, []).append(model.pair[i])
        for columns in by_village.values():
            self.linear.row([(column, 1.0) for column in columns], upper=1.0)
        self._own_first()

    def _own_first(self) -> None:
        """Make a village with several own points use one of them as soon as one is open."""
        for own in self.instance.own_pair.values():
            if len(own) > 1:
                for i in own:
                    used = [(self.model.pair[j], 1.0) for j in own]
                    self.linear.row([*used, (self.model.point[int(self.instance.pairs.point[i])], -1.0)], lower=0.0)

    # --- links --------------------------------------------------------------------------------------------------

    def _station_links(self) -> None:
        fixed = self.instance.station_links.fixed
        for s in range(len(self.instance.stations)):
            choices = [c for c in range(len(self.instance.centres)) if np.isfinite(fixed[c, s])]
            columns = self._choose(self.model.station[s], [self.priced * float(fixed[c, s]) for c in choices])
            for c, column in zip(choices, columns, strict=True):
                self.model.station_link[c, s] = column
                self.linear.at_most(column, 1.0, self.model.centre[c])

    def _point_links(self) -> None:
        instance, fixed, unit = self.instance, self.instance.point_links.fixed, self.instance.point_links.unit
        for p in range(len(instance.points)):
            choices = [int(s) for s in np.nonzero(self.links[:, p])[0]]
            base = self.model.base.get(p, 0.0)
            costs = [self.priced * float(fixed[s, p] + base * (unit[s, p] + self.cheapest_trunk[s])) for s in choices]
            for s, column in zip(choices, self._choose(self.model.point[p], costs), strict=True):
                self.model.point_link[s, p] = column
                self.linear.at_most(column, 1.0, self.model.station[s])

    def _choose(self, opening: int, costs: list[float]) -> list[int]:
        """Return one column a choice, exactly one of which holds when `opening` does."""
        if len(costs) == 1:
            self.linear.costs[opening] += costs[0]
            return [opening]
        columns = [self.linear.binary(cost) for cost in costs]
        self.linear.row([*((column, 1.0) for column in columns), (opening, -1.0)], lower=0.0, upper=0.0)
        return columns

    # --- flows --------------------------------------------------------------------------------------------------

    def _flows(self) -> None:
        self.extra = self._extra_parcels()
        choices: dict[int, list[int]] = {}
        for s, p in self.model.point_link:
            choices.setdefault(p, []).append(s)
        for p, terms in sorted(self.extra.items()):
            self._extra_flow(p, terms, choices.get(p, []))
        if len(self.instance.centres) > 1:
            for s, load in sorted(self._station_loads().items()):
                self._trunk_flow(s, load)

    def _extra_parcels(self) -> dict[int, Terms]:
        """Return for each point the parcels of pairs beyond its own village."""
        terms: dict[int, Terms] = {}
        for i, column in self.model.pair.items():
            point = int(self.instance.pairs.point[i])
            if column != self.model.point[point]:
                parcels = float(self.instance.demand.parcels[self.instance.pairs.village[i]])
                terms.setdefault(point, []).append((column, parcels))
        return terms

    def _extra_flow(self, p: int, terms: Terms, choices: list[int]) -> None:
        most = sum(parcels for _, parcels in terms)
        if "capacity" not in self.relax:
            room = float(self.instance.points.capacity[p]) / self.instance.day_factor
            most = min(most, max(0.0, room - self.model.base.get(p, 0.0)))
        if most <= 0.0 or not choices:
            return
        for s in choices:
            unit = float(self.instance.point_links.unit[s, p] + self.cheapest_trunk[s])
            column = self.linear.continuous(self.priced * unit, upper=most)
            self.model.extra_flow[s, p] = column
            self.linear.at_most(column, most, self.model.point_link[s, p])
        flows = [(self.model.extra_flow[s, p], 1.0) for s in choices]
        self.linear.row([*flows, *((column, -parcels) for column, parcels in terms)], lower=0.0, upper=0.0)

    def _station_loads(self) -> dict[int, Terms]:
        """Return for each station the terms of the parcels a day through it."""
        loads: dict[int, Terms] = {}
        for (s, p), column in self.model.point_link.items():
            if p in self.model.base:
                loads.setdefault(s, []).append((column, self.model.base[p]))
        for (s, _), column in self.model.extra_flow.items():
            loads.setdefault(s, []).append((column, 1.0))
        return loads

    def _trunk_flow(self, s: int, load: Terms) -> None:
        choices = [c for c in range(len(self.instance.centres)) if (c, s) in self.model.station_link]
        most = float(self.instance.demand.parcels.sum())
        if "capacity" not in self.relax:
            most = min(most, float(self.instance.stations.capacity[s]) / self.instance.day_factor)
        for c in choices:
            dearer = float(self.instance.station_links.unit[c, s] - self.cheapest_trunk[s])
            column = self.linear.continuous(self.priced * dearer, upper=most)
            self.model.trunk_flow[c, s] = column
            self.linear.at_most(column, most, self.model.station_link[c, s])
        flows = [(self.model.trunk_flow[c, s], 1.0) for c in choices]
        self.linear.row([*flows, *((column, -parcels) for column, parcels in load)], lower=0.0, upper=0.0)

    # --- constraints --------------------------------------------------------------------------------------------

    def _capacities(self) -> None:
        instance, model = self.instance, self.model
        extra, loads = self.extra, self._station_loads()
        for p in range(len(instance.points)):
            own = [(model.point[p], model.base[p])] if p in model.base else []
            self._capacity(float(instance.points.capacity[p]), own + extra.get(p, []), model.point[p])
        for s, load in sorted(loads.items()):
            self._capacity(float(instance.stations.capacity[s]), load, model.station[s])
        for c in range(len(instance.centres)):
            if model.trunk_flow:
                load = [(column, 1.0) for (centre, _), column in model.trunk_flow.items() if centre == c]
            else:
                load = [term for _, terms in sorted(loads.items()) for term in terms]
            self._capacity(float(instance.centres.capacity[c]), load, model.centre[c])

    def _capacity(self, capacity: float, load: Terms, opening: int) -> None:
        if not math.isfinite(capacity) or not load:
            return
        terms = [(column, parcels * self.instance.day_factor) for column, parcels in load]
        self.linear.row([*terms, (opening, -capacity), *self._slack("capacity", -1.0)], upper=0.0)

    def _standard(self) -> None:
        targets, pairs, model = self.instance.targets, self.instance.pairs, self.model
        covered = [(column, float(pairs.covered[i])) for i, column in model.pair.items()]
        self.linear.row([*covered, *self._slack("persons", 1.0)], lower=targets.persons)
        self.linear.row([*self._own_points(), *self._slack("own_points", 1.0)], lower=float(targets.own_point_villages))
        self.linear.row([*self._townships(), *self._slack("stations", 1.0)], lower=float(targets.station_townships))
        self._served(targets.served_villages)

    def _served(self, villages: int) -> None:
        """Ask for so many villages sent anywhere; each has at most one pair."""
        if villages > 0:
            terms = [(column, 1.0) for column in self.model.pair.values()]
            self.linear.row([*terms, *self._slack("served", 1.0)], lower=float(villages))

    def _own_points(self) -> Terms:
        owners: dict[int, list[int]] = {}
        for p, village in enumerate(map(int, self.instance.points.village)):
            if village >= 0:
                owners.setdefault(village, []).append(self.model.point[p])
        terms = []
        for village, columns in owners.items():
            terms.append((self._any_of(columns), 1.0))
            if len(columns) > 1:
                self.model.own_village[village] = terms[-1][0]
        return terms

    def _townships(self) -> Terms:
        listed = sorted(str(code) for code in self.instance.problem.county.townships["township_code"])
        every = self.instance.targets.station_townships >= len(listed) and "stations" not in self.relax
        terms = []
        for township in listed:
            columns = [
                self.model.station[s] for s, code in enumerate(self.instance.stations.township) if code == township
            ]
            if columns:
                terms.append((self._any_of(columns), 1.0))
                if len(columns) > 1:
                    self.model.served_township[township] = terms[-1][0]
                if every:
                    self.linear.row([(column, 1.0) for column in columns], lower=1.0)
        return terms

    def _any_of(self, columns: list[int]) -> int:
        """Return a column that can be 1 only if one of `columns` is."""
        if len(columns) == 1:
            return columns[0]
        counted = self.linear.binary()
        self.linear.row([(counted, 1.0), *((column, -1.0) for column in columns)], upper=0.0)
        return counted

    def _budget(self) -> None:
        instance, model = self.instance, self.model
        if not math.isfinite(instance.targets.budget_cny):
            return
        terms: Terms = []
        fixed = instance.shut_investment_cny
        for sites, columns in (
            (instance.centres, model.centre),
            (instance.stations, model.station),
            (instance.points, model.point),
        ):
            fixed += float(sites.closed_investment_cny.sum())
            change = sites.open_investment_cny - sites.closed_investment_cny
            terms += [(column, float(change[i])) for i, column in enumerate(columns)]
        # In thousands, so that the solver's absolute tolerances mean the same for money as for parcels.
        scaled = [(column, amount / 1000.0) for column, amount in terms]
        limit = (instance.targets.budget_cny - fixed) / 1000.0
        self.linear.row([*scaled, *self._slack("budget", -1.0)], upper=limit)

    def _slack(self, family: Family, sign: float) -> Terms:
        if family not in self.relax:
            return []
        column = self.linear.continuous(self.relax[family])
        self.model.slack.setdefault(family, []).append(column)
        return [(column, sign)]


def read_decision(instance: Instance, model: SitingModel, values: Vector) -> Decision:
    """Turn column values into a decision."""
    pair = np.full(len(instance.demand.codes), -1, dtype=np.intp)
    for i, column in model.pair.items():
        if values[column] > 0.5:  # noqa: PLR2004 - a rounded binary
            pair[instance.pairs.village[i]] = i
    station = _chosen(model.point_link, model.point, values)
    centre = _chosen(model.station_link, model.station, values)
    is_open = np.array([values[column] > 0.5 for column in model.centre], dtype=bool)  # noqa: PLR2004
    return Decision(pair, station, centre, is_open)


def _chosen(links: dict[tuple[int, int], int], openings: list[int], values: Vector) -> Index:
    chosen = np.full(len(openings), -1, dtype=np.intp)
    for (above, below), column in links.items():
        if values[column] > 0.5:  # noqa: PLR2004
            chosen[below] = above
    return chosen
