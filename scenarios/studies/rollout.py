"""Which points, stations and vehicles open in which year: options, input checks and the answer of the roll-out study."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import cast

from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.plan import PlanProblem
from planner.progress import ProgressListener
from planner.rollout.aims import even_aims, standard_aim
from planner.rollout.check import verify_rollout
from planner.rollout.operate import YearRounds, roll_out
from planner.rollout.problem import Existing, Need, Objective, RolloutLimits, RolloutProblem, YearAim
from planner.rollout.solve import solve_rollout
from scenarios.studies.options import Options
from scenarios.studies.rollout_told import Told
from scenarios.studies.study import Study, StudyInput, StudyKind, StudyOption

_SHARES = tuple(part.name for part in fields(YearAim))
#: Nodes of each solve at the most, whatever the study's own limit: years are many.
_NODES = 100


def answer_rollout(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer which site opens when, what that costs against each year's own best, and when each village is reached."""
    options = Options(given.options)
    labels = _years(options)
    asked = _asked(given, options, len(labels))
    rounds: tuple[YearRounds, ...] = ()
    if options.switch("rounds"):
        rollout, rounds = roll_out(asked, listener=listener)
    else:
        rollout = solve_rollout(asked, listener=listener)
    verify_rollout(rollout)
    return Told(given, rollout, rounds, labels).study()


def _years(options: Options) -> tuple[int, ...]:
    """Return the years' names, or refuse lists that do not fit each other."""
    years, budgets = options.numbers("years"), options.numbers("budgets_cny")
    problems = list(_wrong_years(years, budgets))
    for key in ("volume_factors", *(f"{name}s" for name in _SHARES)):
        count = len(options.numbers(key))
        if count not in (0, len(years)):
            figures = {"years": len(years), "count": count}
            problems.append(Problem("error", "rollout_other_length", column=key, value=str(count), params=figures))
    problems += list(_wrong_prices(options))
    if problems:
        raise InputError(Message("rollout_refused", {"count": len(problems)}), problems)
    return tuple(int(year) for year in years)


def _wrong_years(years: tuple[float, ...], budgets: tuple[float, ...]) -> Iterator[Problem]:
    shown = ", ".join(f"{year:g}" for year in years)
    if not years:
        yield Problem("error", "rollout_no_years", column="years", value="[]")
    elif any(b - a != 1.0 for a, b in itertools.pairwise(years)) or any(y != int(y) for y in years):
        yield Problem("error", "rollout_years_out_of_order", column="years", value=shown)
    if budgets and len(budgets) != len(years):
        figures = {"years": len(years), "count": len(budgets)}
        yield Problem("error", "rollout_other_length", column="budgets_cny", value=str(len(budgets)), params=figures)


def _wrong_prices(options: Options) -> Iterator[Problem]:
    for entry in options.names("vehicle_prices"):
        if _price(entry) is None:
            yield Problem("error", "rollout_price_form", column="vehicle_prices", value=entry)


def _price(entry: str) -> tuple[str, float] | None:
    name, _, figure = entry.partition(";")
    try:
        return name.strip(), float(figure)
    except ValueError:
        return None


def _asked(given: StudyInput, options: Options, count: int) -> RolloutProblem:
    base, objective = given.problem, options.text("objective")
    growth = 1.0 + options.figure("growth_share")
    rate = options.number("discount_rate")
    prices = (_price(entry) for entry in options.names("vehicle_prices"))
    return RolloutProblem(
        base=replace(base, siting=replace(base.siting, budget_cny=None)),
        budgets_cny=options.numbers("budgets_cny") or (given.verified.investment_cny / count,) * count,
        volume=options.numbers("volume_factors") or tuple(growth**t for t in range(count)),
        aims=_aims(base, options, count),
        objective=cast("Objective", objective),
        need=cast("Need", options.text("need")),
        carries_over=options.switch("carry_over"),
        existing=cast("Existing", options.text("existing")),
        discount_rate=base.county.parameters["discount_rate_share"] if rate is None else rate,
        vehicle_prices_cny=dict(pair for pair in prices if pair is not None),
        limits=RolloutLimits(
            relative_gap=max(given.limits.relative_gap, options.figure("gap")),
            node_limit=min(given.limits.node_limit, _NODES),
            time_limit_s=given.limits.time_limit_s,
            seed=given.limits.seed,
        ),
    )


def _aims(base: PlanProblem, options: Options, count: int) -> tuple[YearAim, ...]:
    """Return each year's aims: shares given year by year, else in steps, at the end only, or none."""
    way = options.text("aims")
    if way == "auto":
        way = "even" if options.text("objective") == "cost" else "none"
    aims = [YearAim()] * count
    if way == "even":
        aims = list(even_aims(base, count))
    elif way == "last_year":
        aims[-1] = standard_aim(base)
    for name in _SHARES:
        shares = options.numbers(f"{name}s")
        if shares:
            aims = [replace(aim, **{name: share}) for aim, share in zip(aims, shares, strict=True)]
    return tuple(aims)


_SHARE_LISTS = tuple(
    StudyOption(f"{name}s", "numbers", (), low=0, high=1, meaning="study_option_rollout_shares") for name in _SHARES
)
KINDS = (
    StudyKind(
        "rollout",
        (
            StudyOption("years", "numbers", (1, 2, 3), low=0, meaning="study_option_rollout_years"),
            StudyOption("budgets_cny", "numbers", (), low=0, meaning="study_option_rollout_budgets"),
            StudyOption("carry_over", "switch", True),
            StudyOption(
                "objective", "choice", "cost", choices=("cost", "served"), meaning="study_option_rollout_objective"
            ),
            StudyOption(
                "need", "choice", "persons", choices=("persons", "parcels"), meaning="study_option_rollout_need"
            ),
            StudyOption("aims", "choice", "auto", choices=("auto", "even", "last_year", "none")),
            *_SHARE_LISTS,
            StudyOption("growth_share", "number", 0.0, above=-1, high=5),
            StudyOption("volume_factors", "numbers", (), above=0),
            StudyOption(
                "existing", "choice", "stations_may_close", choices=("stay", "stations_may_close", "may_close")
            ),
            StudyOption("discount_rate", "number", None, low=0, high=1, is_optional=True),
            StudyOption("vehicle_prices", "names", ()),
            StudyOption("rounds", "switch", True, meaning="study_option_rollout_rounds"),
            StudyOption("gap", "number", 0.01, low=0, high=1, meaning="study_option_rollout_gap"),
        ),
        answer_rollout,
    ),
)
