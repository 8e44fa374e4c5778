"""Figures whose unit cannot be right: metres for kilometres, ten-thousands of yuan for yuan, longer than the Earth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geodata.errors import Problem
from planner.problems.siting import SitingProblem
from planner.siting.milp_cover import Options
from planner.siting.refusals_found import found

#: Half the Earth's circumference: no two places are farther apart.
_EARTH_M = 20_037_508.0
#: A radius this many times off all distances is in another unit.
_UNIT_FACTOR = 100.0
#: One 万元 in yuan.
_WAN = 10_000.0
_RADII = ("radius", "decay_end", "outer_radius", "backup_radius")


def unit_problems(problem: SitingProblem, options: Options) -> Iterator[Problem]:
    """Yield figures that can only be in another unit."""
    metres = problem.site_metres
    if metres is not None and metres.size and float(np.max(metres, initial=0.0, where=np.isfinite(metres))) > _EARTH_M:
        most = float(np.max(metres, where=np.isfinite(metres), initial=0.0))
        yield found("unit_earth", "sites", "site_metres", most, over=most - _EARTH_M)
    positive = problem.distance.data[problem.distance.data > 0]
    radii = {name: float(options[name]) for name in _RADII if options.get(name)}
    radii |= {"radii": max(options["radii"])} if options.get("radii") else {}
    for name, radius in radii.items():
        if positive.size and radius * _UNIT_FACTOR < positive.min():
            yield found("unit_radius_small", "settings", name, radius, nearest=float(positive.min()))
    yield from _budget_problems(problem)


def _budget_problems(problem: SitingProblem) -> Iterator[Problem]:
    prices = {"capex_budget_cny": problem.capex_cny[~problem.is_existing], "yearly_budget_cny": problem.yearly_cny}
    for name, price in prices.items():
        budget = getattr(problem.side, name)
        if not budget or not price.size or price.min() <= 0:
            continue
        if budget < price.min() / _UNIT_FACTOR and budget * _WAN >= price.min():
            yield found("unit_budget", "side_constraints", name, budget, cheapest=float(price.min()))
