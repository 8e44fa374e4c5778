"""The list of sites a third party visits: shares of the acceptance scheme, seeded, stratified by township.

Each level draws ``ceil(share × sites)`` sites without replacement; of township stations and village points every
township gives its proportional part, rounded by largest remainders, so that none is left to chance alone. The default
shares are those of the Henan scheme 2025–28 (parameters ``acceptance_…``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geodata.parameters import Parameters
from scenarios.monitor.run_facts import PlannedSite

#: Who accepts, and the tiers with the word of their parameter.
LEVELS = ("city", "province")
TIERS: Mapping[str, str] = {"county_centre": "county", "township_station": "township", "village_point": "village"}
_EPS = 1e-9


@dataclass(frozen=True, slots=True)
class SampledSite:
    """A site on the list."""

    level: str
    site: PlannedSite


@dataclass(frozen=True, slots=True)
class SampleCount:
    """How many sites a level draws of a tier."""

    level: str
    tier: str
    share: float
    sites: int
    drawn: int


def draw_sample(
    sites: Sequence[PlannedSite], parameters: Parameters, *, seed: int
) -> tuple[tuple[SampledSite, ...], tuple[SampleCount, ...]]:
    """Draw the sites to be visited; the same sites and seed give the same list, whatever the order of `sites`.

    Parameters
    ----------
    sites
        Sites of the plan; closed ones are left out.
    parameters
        Shares ``acceptance_<level>_<tier>_share``.
    seed
        Seed, published with the list.
    """
    drawn: list[SampledSite] = []
    counts: list[SampleCount] = []
    for i, level in enumerate(LEVELS):
        for j, (tier, word) in enumerate(TIERS.items()):
            own = sorted((s for s in sites if s.is_open and s.kind == tier), key=lambda s: s.facility_id)
            share = parameters[f"acceptance_{level}_{word}_share"]
            rng = np.random.Generator(np.random.PCG64([seed, i, j]))
            chosen = _stratified(own, math.ceil(share * len(own) - _EPS), rng)
            drawn += [SampledSite(level, site) for site in chosen]
            counts.append(SampleCount(level, tier, share, len(own), len(chosen)))
    return tuple(drawn), tuple(counts)


def _stratified(sites: Sequence[PlannedSite], count: int, rng: np.random.Generator) -> list[PlannedSite]:
    strata: dict[str, list[PlannedSite]] = {}
    for site in sites:
        strata.setdefault(site.township, []).append(site)
    names = sorted(strata)
    chosen: list[PlannedSite] = []
    for name, quota in zip(names, _quotas([len(strata[n]) for n in names], count, rng), strict=True):
        own = strata[name]
        chosen += [own[k] for k in sorted(rng.choice(len(own), size=quota, replace=False))]
    return sorted(chosen, key=lambda s: s.facility_id)


def _quotas(sizes: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """Share `count` among strata in proportion; equal remainders are decided by lot."""
    whole = sum(sizes)
    if not whole:
        return []
    exact = [count * size / whole for size in sizes]
    quotas = [math.floor(part + _EPS) for part in exact]
    lots = rng.random(len(sizes))
    order = sorted(range(len(sizes)), key=lambda k: (-round(exact[k] - quotas[k], 9), lots[k]))
    for k in order[: count - sum(quotas)]:
        quotas[k] += 1
    return quotas
