"""The answer of a siting model: open sites, who goes where, who is left out, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.reports import SolveReport


@dataclass(frozen=True, slots=True)
class SiteSelection:
    """Open sites and allocation; decisions only.

    Attributes
    ----------
    model
        Registry name of the model.
    open_sites
        Indices of open sites, ascending.
    allocation
        Demand index → ((site index, share of its demand), …); shares sum to 1 for an allocated demand point.
    unserved
        Demand index → reason code (`planner.siting.result.ReasonCode` vocabulary).
    report
        Status, bound and gap; for a maximisation objective and bound are negated (every report minimises).
    figures
        Further numbers of the model by name (``covered_weight``, ``worst_distance_m`` …).
    """

    model: str
    open_sites: tuple[int, ...]
    allocation: Mapping[int, tuple[tuple[int, float], ...]]
    unserved: Mapping[int, str]
    report: SolveReport
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SolveLimits:
    """Limits of a siting solve.

    Attributes
    ----------
    relative_gap
        Stop when the proved gap is at most this; 0 asks for proof.
    node_limit, iteration_limit
        Decide the result reproducibly.
    time_limit_s
        For people; a run cut by it says so.
    seed
        Seed of heuristics.
    """

    relative_gap: float = 0.0
    node_limit: int = 100_000
    iteration_limit: int = 1_000_000
    time_limit_s: float = 60.0
    seed: int = 1
