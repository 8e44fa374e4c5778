"""A thousand siting runs under random limits: nothing unproved may be called optimal, no bound may pass the true optimum.

Every registered model and each of its engines; most instances are small enough for brute force (`oracle`), the others are solved long
without limits by the general engine. Checked: status, bound, the value of the returned decision by definition, infeasibility.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from bench import Case, Options, Row

from geodata.errors import InputError, NoSolutionError, UsageError
from planner.siting.milp import solve_milp
from planner.siting.registry import checked_options, models, solve_model
from planner.siting.selection import SolveLimits
from siting_families import oracle
from siting_families.instances import random_case

SECONDS = 60.0
QUICK = 3
_RUNS = 1000
#: Relative error of values and bounds, that of the solvers' own tolerances.
_TOLERANCE = 1e-5
#: Share of small runs with tight capacities and unusual options, sites up to which modules are enumerated, and the models that can have capacities.
_HARDER, _FEW = 0.5, 4
_ROOMY = ("facility_location", "capacitated_p_median", "p_median", "p_center", "set_coverage", "max_coverage")


@dataclass
class _Tally:
    """What went wrong, by kind; and how runs ended."""

    runs: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, list[int]] = field(
        default_factory=lambda: {
            "false optimal": [],
            "bound beyond": [],
            "value": [],
            "false infeasible": [],
            "better than best": [],
        }
    )


def cases(_data: Path) -> list[Case]:
    """Return one case a model; together a thousand runs."""
    names = sorted(models())
    share, rest = divmod(_RUNS, len(names))
    return [Case(name, float(k), {"runs": share + (k < rest), "model": name}) for k, name in enumerate(names)]


def run(case: Case, options: Options) -> Iterator[Row]:
    """Run one model under random limits."""
    tally, model = _Tally(), str(case.detail["model"])
    for number in range(int(str(case.detail["runs"]))):
        check_run(tally, model, number, options.seconds)
    for kind, numbers in tally.wrong.items():
        status = "" if not numbers else "seeds " + ", ".join(map(str, numbers[:10]))
        yield Row(case.name, kind, float(len(numbers)), "runs", bound=0.0, status=status, ok=not numbers)
    ended = ", ".join(f"{count} {status}" for status, count in sorted(tally.ended.items()))
    yield Row(case.name, "runs", float(tally.runs), "runs", status=ended)


def check_run(tally: _Tally, model: str, number: int, seconds: float) -> None:
    """Make one instance, solve it under random limits, and compare with the truth."""
    rng = np.random.default_rng([number, *model.encode()])
    is_small = rng.random() < 0.75
    n, m = (int(rng.integers(4, 9)), int(rng.integers(4, 8))) if is_small else (int(rng.integers(20, 32)), 12)
    problem, options = random_case(rng, model, n, m, with_side=bool(rng.random() < 0.5))
    if is_small and rng.random() < _HARDER:
        problem, options = _harder(rng, model, problem, options)
    limits = SolveLimits(
        relative_gap=float(rng.choice([0.0, 0.0, 0.001, 0.05])),
        node_limit=int(rng.choice([1, 2, 5, 50, 100_000])),
        iteration_limit=int(rng.choice([1, 10, 100, 1_000_000])),
        time_limit_s=float(rng.choice([0.001, 0.01, 0.05, 0.3, seconds])),
        seed=int(rng.integers(1, 100)),
    )
    engine = str(rng.choice(["auto", "fast", "milp"]))
    tally.runs += 1
    try:
        found = solve_model(model, problem, engine=engine, limits=limits, **options)
    except UsageError:
        found = solve_model(model, problem, limits=limits, **options)
    except NoSolutionError:
        tally.ended["no answer"] = tally.ended.get("no answer", 0) + 1
        return
    except InputError as refusal:
        tally.ended["refused"] = tally.ended.get("refused", 0) + 1
        allowed = any(problem.code == "siting_models_requires_conflict" for problem in refusal.problems)
        if is_small and not allowed and oracle.best(model, problem, options) is not None:
            tally.wrong["false infeasible"].append(number)
        return
    tally.ended[found.report.status] = tally.ended.get(found.report.status, 0) + 1
    _compare(tally, number, found, _truth(model, problem, options, small=is_small), (model, problem, options))


def _harder(rng, model, problem, options):
    """Return the case with tight capacities and the less usual options of the model."""
    n, m, total = problem.demand_count, problem.site_count, float(problem.demand.sum())
    if model in _ROOMY:
        count = problem.p or 3
        room = np.ceil(rng.uniform(0.9, 1.4, m) * total * 1.05 / count)
        problem = replace(problem, capacity=np.where(rng.random(m) < 0.15, np.inf, room))
        options = {**options, "single_source": bool(rng.random() < 0.5)}
    if model in ("facility_location", "uncapacitated"):
        fixed = np.where(rng.random(m) < 0.2, 0.0, problem.fixed_cost * rng.choice([0.1, 1.0, 3.0]))
        problem = replace(problem, fixed_cost=fixed)
    if model == "facility_location" and m <= _FEW and rng.random() < 0.3:
        options["modules"] = ((math.ceil(total / 3), 20_000.0), (math.ceil(total * 0.6), 45_000.0))
    if model == "set_coverage" and rng.random() < 0.4:
        options["times"] = 2
    if model == "backup_coverage":
        options = {**options, "mandatory": bool(rng.random() < 0.3), "first_share": float(rng.choice([0.2, 0.7, 1.0]))}
    if model == "max_coverage" and rng.random() < 0.5:
        problem = replace(problem, capacity=np.full(m, np.inf))
        floors = {"demand_groups": {"west": tuple(range(n // 2))}, "floors": {"west": float(rng.uniform(0.2, 0.8))}}
        steps = {"radii": (2000.0, 5000.0), "radius_shares": (1.0, 0.4)}
        options = {"radius": options["radius"], **floors} if rng.random() < 0.5 else steps
    return problem, options


def _truth(model, problem, options, *, small: bool):
    """Return (lower, upper) around the true optimum; (inf, inf) when nothing is feasible."""
    if small:
        best = oracle.best(model, problem, options)
        return (math.inf, math.inf) if best is None else (best, best)
    long = solve_milp(model, problem, checked_options(model, options), limits=SolveLimits(time_limit_s=60.0)).report
    if long.status == "infeasible":
        return math.inf, math.inf
    upper = math.inf if long.objective is None else long.objective
    return (-math.inf if long.bound is None else long.bound), upper


def _compare(tally: _Tally, number: int, found, truth, asked) -> None:
    low, high = truth
    model, problem, options = asked
    report = found.report
    slack = _TOLERANCE * max(1.0, abs(high) if math.isfinite(high) else 1.0)
    if report.bound is not None and report.bound > high + slack:
        tally.wrong["bound beyond"].append(number)
    if report.status == "optimal" and report.objective > high + slack:
        tally.wrong["false optimal"].append(number)
    if report.status == "infeasible" and math.isfinite(high):
        tally.wrong["false infeasible"].append(number)
    if report.objective is None:
        return
    if report.objective < low - slack:
        tally.wrong["better than best"].append(number)
    # The decision itself: its sites must be allowed, and they cannot be worth more than their best use.
    value = (
        oracle.value(model, problem, found.open_sites, options) if oracle.allowed(problem, found.open_sites) else None
    )
    if value is None or report.objective < value - slack:
        tally.wrong["value"].append(number)
