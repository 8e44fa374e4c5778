"""Every siting model by name: its options, what it needs, its engines, and the one door through which all are solved."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from types import MappingProxyType
from typing import Any, Literal

from geodata.errors import InputError, Problem, UsageError
from geodata.messages import Message
from planner.engines.mathopt import ENGINE
from planner.problems.siting import SitingProblem
from planner.progress import ProgressListener, no_progress
from planner.siting.capabilities import ALL_FEATURES, Engine, Feature, choose, needed_features
from planner.siting.clock import left_of
from planner.siting.coverage_engine.checks import check_coverage, with_own_radii
from planner.siting.milp import solve_milp
from planner.siting.refusals import Needs, check_problem
from planner.siting.registry_options import OPTIONS, OptionSpec, option_features
from planner.siting.selection import SiteSelection, SolveLimits
from planner.siting.side import without_near

Solve = Callable[..., SiteSelection]
MILP = "milp"
_OWN_RADII = ("site_radius", "demand_radius")
Why = Literal["fast", "milp", "only", "asked"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One siting model.

    Attributes
    ----------
    name, title_key
        Registry name and glossary key ``study_<name>``.
    options
        Option name → type, default and range.
    needs
        What the input must bring.
    relevant
        Features of a problem that mean something to the model; others do not enter it (a fixed cost in p-center).
    engines
        Fast engines first, ``milp`` last.
    module
        Where the fast engine's ``solve`` is, or empty.
    """

    name: str
    options: Mapping[str, OptionSpec]
    needs: Needs
    relevant: frozenset[Feature]
    engines: tuple[Engine, ...]
    module: str = ""

    @property
    def title_key(self) -> str:
        """Return the glossary key of the model's name."""
        return f"study_{self.name}"


_SIDE: frozenset[Feature] = frozenset({"locks", "near", "budget", "groups", "conflicts", "requires"})
_NEAREST: frozenset[Feature] = frozenset({"locks", "near"})
_CHOICE = Needs(p=True, serves_all=True)


def _spec(
    name: str,
    needs: Needs,
    relevant: tuple[Feature, ...] = (),
    *,
    fast: tuple[Feature, ...] | None = None,
    milp_lacks: tuple[Feature, ...] = (),
) -> ModelSpec:
    """Return a model with its MILP engine and, if its module is there, its fast engine (which keeps locks besides `fast`)."""
    module = f"planner.siting.models.{name}"
    engines = [Engine(MILP, ALL_FEATURES - frozenset(milp_lacks))]
    if fast is not None and find_spec(module) is not None:
        engines.insert(0, Engine("fast", _NEAREST | frozenset(fast)))
    return ModelSpec(name, OPTIONS[name], needs, _SIDE | frozenset(relevant), tuple(engines), module)


@cache
def models() -> Mapping[str, ModelSpec]:
    """Return every model by name."""
    specs = (
        _spec(
            "set_coverage", Needs(serves_all=True, single_source=True), ("capacity", "fixed_cost"), fast=("fixed_cost",)
        ),
        _spec("max_coverage", Needs(), ("capacity",), fast=("decay", "budget")),
        _spec("backup_coverage", Needs(), ("capacity",), fast=(), milp_lacks=("capacity",)),
        _spec("p_median", replace(_CHOICE, single_source=True), ("capacity", "fixed_cost"), fast=("fixed_cost",)),
        _spec("p_center", replace(_CHOICE, single_source=True), ("capacity",), fast=()),
        _spec("p_dispersion", Needs(p=True, site_metres=True), fast=("conflicts",)),
        _spec("uncapacitated", Needs(serves_all=True), ("fixed_cost",), fast=("fixed_cost",)),
        _spec(
            "facility_location",
            Needs(serves_all=True),
            ("capacity", "fixed_cost"),
            fast=("capacity", "fixed_cost", "single_source"),
        ),
        _spec(
            "capacitated_p_median",
            replace(_CHOICE, single_source=True),
            ("capacity", "fixed_cost"),
            fast=("capacity", "fixed_cost", "single_source"),
        ),
        _spec("equity", replace(_CHOICE, single_source=True, weight=True), ("capacity",)),
    )
    return MappingProxyType({spec.name: spec for spec in specs})


def model_spec(name: str) -> ModelSpec:
    """Return the model called `name`.

    Raises
    ------
    UsageError
        If there is none; the message names the nearest.
    """
    found = models().get(name)
    if found is None:
        raise UsageError(Message("siting_models_model_unknown", {"model": name, **_nearest(name, models())}))
    return found


def _nearest(name: str, known: Mapping[str, object]) -> dict[str, str]:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return {"nearest": close[0] if close else "", "known": ", ".join(sorted(known))}


def checked_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a model with its defaults filled in.

    Raises
    ------
    UsageError
        If an option is unknown.
    InputError
        If values are out of range; every one of them.
    """
    known = model_spec(name).options
    for option in given:
        if option not in known:
            params = {"model": name, "option": option, **_nearest(option, known)}
            raise UsageError(Message("siting_models_option_unknown", params))
    values = {option: given.get(option, spec.default) for option, spec in known.items()}
    problems = [
        Problem(
            "error",
            "siting_models_option_range",
            table="settings",
            column=option,
            value=str(value),
            params={"wanted": known[option].wanted},
        )
        for option, value in values.items()
        if not known[option].accepts(value)
    ]
    problems += _joint_problems(values)
    if problems:
        raise InputError(Message("siting_models_refused", {"count": len(problems)}), problems)
    return values


def _joint_problems(values: Mapping[str, Any]) -> list[Problem]:
    """Return options that do not fit each other."""
    radii, shares = values.get("radii") or (), values.get("radius_shares") or ()
    falling = list(shares) == sorted(shares, reverse=True) and list(radii) == sorted(radii)
    groups, floors = values.get("demand_groups") or {}, values.get("floors") or {}
    end, radius = values.get("decay_end"), values.get("radius")
    wrong = {
        "radius_shares": ("one falling share for each rising radius", len(radii) != len(shares) or not falling),
        "floors": ("only groups of demand_groups", bool(set(floors) - set(groups))),
        "decay_end": (
            "farther than radius, which must be given",
            end is not None and (radius is None or end <= radius),
        ),
        "bound": ("given for the Gini measure", values.get("measure") == "gini" and values.get("bound") is None),
    }
    return [
        Problem(
            "error",
            "siting_models_option_range",
            "settings",
            column=name,
            value=str(values.get(name)),
            params={"wanted": w},
        )
        for name, (w, is_wrong) in wrong.items()
        if is_wrong and name in values
    ]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine taken and why: ``fast`` (it keeps everything), ``milp`` (the fast one does not), ``only``, ``asked``."""

    engine: Engine
    why: Why


def choose_engine(name: str, problem: SitingProblem, options: Mapping[str, Any], engine: str = "auto") -> EngineChoice:
    """Return the engine for a problem before anything is built.

    Raises
    ------
    UsageError
        If the engine asked for is unknown or cannot keep what is asked, or if none can.
    """
    spec = model_spec(name)
    needed = needed_features(problem, relevant=spec.relevant) | option_features(options)
    if options.get("measure") == "gini" and "capacity" in needed:
        raise UsageError(Message("siting_models_no_engine", {"model": name, "features": "capacity"}))
    if all(candidate.lacks(needed) for candidate in spec.engines):
        missing = ", ".join(spec.engines[-1].lacks(needed))
        raise UsageError(Message("siting_models_no_engine", {"model": name, "features": missing}))
    taken = choose(spec.engines, needed, model=name, asked=engine)
    if engine != "auto":
        return EngineChoice(taken, "asked")
    if taken.name != MILP:
        return EngineChoice(taken, "fast")
    return EngineChoice(taken, "milp" if len(spec.engines) > 1 else "only")


def solve_model(
    name: str,
    problem: SitingProblem,
    *,
    engine: str = "auto",
    limits: SolveLimits = SolveLimits(),
    listener: ProgressListener = no_progress,
    **options: Any,
) -> SiteSelection:
    """Solve a siting model by name.

    Parameters
    ----------
    name
        Name in `models`.
    problem
        Demand, sites, distances and side constraints.
    engine
        ``auto`` (the fast engine where it keeps everything asked, else the MILP), ``fast`` or ``milp``.
    limits, listener
        When to stop; who is told.
    options
        Options of the model.

    Returns
    -------
    SiteSelection
        Its report's note says which engine was taken and why.

    Raises
    ------
    UsageError
        For an unknown model, option or engine, or an engine that cannot keep what is asked.
    InputError
        For bad or contradictory input, with every problem found.
    """
    spec, stop = model_spec(name), time.monotonic() + limits.time_limit_s
    values: Mapping[str, Any] = checked_options(name, options)
    problem, values = prepared(name, problem, values)
    check_problem(problem, spec.needs, values)
    choice = choose_engine(name, problem, values, engine)
    if choice.engine.name == MILP:
        found = solve_milp(name, problem, values, limits=left_of(limits, stop), listener=listener)
    else:
        found = _solve_fast(spec, without_near(problem), values, (left_of(limits, stop), listener))
    return _with_note(_with_limit(found, limits), choice)


def prepared(name: str, problem: SitingProblem, values: Mapping[str, Any]) -> tuple[SitingProblem, Mapping[str, Any]]:
    """Return the problem without the pairs that radii of single sites or demand points rule out, and the options left.

    Raises
    ------
    InputError
        If there are such radii, and not one a site or demand point.
    """
    own = {key: values.get(key) or () for key in _OWN_RADII}
    if not any(own.values()):
        return problem, values
    check_coverage(name, problem, values, site_radius=own["site_radius"], demand_radius=own["demand_radius"])
    bounded = with_own_radii(problem, own["site_radius"], own["demand_radius"])
    return bounded, {**values, **dict.fromkeys(_OWN_RADII, ())}


def _solve_fast(
    spec: ModelSpec, problem: SitingProblem, values: Mapping[str, Any], run: tuple[SolveLimits, ProgressListener]
) -> SiteSelection:
    """Call the model's own ``solve`` with the options it has; options it lacks stand at their defaults (`option_features`)."""
    solve: Solve = import_module(spec.module).solve
    known = signature(solve).parameters
    return solve(
        problem, limits=run[0], listener=run[1], **{name: value for name, value in values.items() if name in known}
    )


def _with_limit(found: SiteSelection, limits: SolveLimits) -> SiteSelection:
    """Return the answer with the time limit asked for, not what the engine was left with."""
    told = {**found.report.limits, "time_limit_s": limits.time_limit_s}
    return replace(found, report=replace(found.report, limits=told))


def _with_note(found: SiteSelection, choice: EngineChoice) -> SiteSelection:
    """Return the answer with a note on the engine; a fast engine may itself have handed over to the MILP."""
    report = found.report
    if report.status not in ("optimal", "feasible") or report.note_key == "siting_note_time":
        return found
    why = "milp" if choice.why == "fast" and report.engine == ENGINE else choice.why
    return replace(found, report=replace(report, note_key=f"siting_models_note_{why}_{report.status}"))
