"""One kind of study for every model of the siting registry: cover, median, centre, dispersion, fixed charge, equity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.progress import ProgressListener
from planner.siting.registry import solve_model
from planner.siting.registry_options import OPTIONS
from planner.siting.selection import SiteSelection, SolveLimits
from scenarios.studies.county_demand import Place
from scenarios.studies.county_problem import CountyProblem, county_problem
from scenarios.studies.options import COST_OPTIONS, PLACE_OPTIONS, SIDE_OPTIONS, Options, with_defaults, without
from scenarios.studies.relax import infeasible_error
from scenarios.studies.shown import (
    distance_chart,
    map_places,
    nearest_open,
    percent,
    rounded,
    site_table,
    status_message,
    unserved_table,
)
from scenarios.studies.study import Cell, Study, StudyInput, StudyKind, StudyOption

COVERAGE = ("max_coverage", "set_coverage", "backup_coverage")
#: Models whose objective grows with what is good; their reports hold it negated.
MAXIMISING = (*COVERAGE[::2], "p_dispersion")
#: Models that count in CNY a day: distances are priced, weights are parcels.
MONEY = ("uncapacitated", "facility_location")
_FORCED_MONEY: Mapping[str, object] = {"weight": "parcels", "unit": "km", "fixed_cost": "day", "demand": "villages"}
_RADIUS = StudyOption("radius", "number", 3.0, above=0)
_ENGINE = StudyOption("engine", "choice", "auto", choices=("auto", "fast", "milp"))
_SINGLE = StudyOption("single_source", "switch", True)
_PLAIN = (*PLACE_OPTIONS, *SIDE_OPTIONS, _ENGINE)
_ROOM = tuple(o for o in COST_OPTIONS if o.key in ("use_capacity", "capacity_factor"))
_PRICED = (*without(PLACE_OPTIONS, "weight", "unit", "demand"), *SIDE_OPTIONS, _ENGINE)
_CNY_KM = tuple(o for o in COST_OPTIONS if o.key == "cny_per_km")


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A question with its answer."""

    name: str
    model: str
    county: CountyProblem
    options: Mapping[str, Any]
    found: SiteSelection


def model_options(model: str, county: CountyProblem, given: Mapping[str, object]) -> dict[str, Any]:
    """Return the options of the registry's model from those of the study."""
    options = Options(given)
    chosen = {key: given[key] for key in OPTIONS[model] if given.get(key) is not None}
    share = options.number("township_floor_share")
    if share is not None:
        groups: dict[str, list[int]] = {}
        for i, place in enumerate(county.demand):
            groups.setdefault(place.township_code or "-", []).append(i)
        chosen |= {"demand_groups": groups, "floors": dict.fromkeys(groups, share)}
    parcels, money = options.numbers("module_parcels"), options.numbers("module_cny_per_day")
    if parcels:
        chosen["modules"] = tuple(zip(parcels, money, strict=False))
    return chosen


def model_county(given: StudyInput, model: str) -> CountyProblem:
    """Return the siting problem of a model's study."""
    forced: dict[str, object] = dict(_FORCED_MONEY) if model in MONEY else {}
    if model == "set_coverage":
        forced["cutoff"] = given.options["radius"]
    return county_problem(given.problem, {**given.options, **forced})


def solve_study(
    name: str,
    model: str,
    county: CountyProblem,
    given: Mapping[str, object],
    *,
    limits: SolveLimits,
    listener: ProgressListener,
) -> Solved:
    """Solve a model over a county.

    Raises
    ------
    InfeasibleError
        If it is proved that nothing keeps all that is asked; names every single change that is enough.
    NoSolutionError
        If nothing was found within the limits.
    """
    options = model_options(model, county, given)
    engine = Options(given).text("engine", "auto")
    found = solve_model(model, county.siting, engine=engine, limits=limits, listener=listener, **options)
    if found.report.status == "infeasible":
        raise infeasible_error(model, county.siting, options, limits)
    if found.report.objective is None:
        raise NoSolutionError(Message("siting_no_solution"), [Message("study_fix_limits")])
    return Solved(name, model, county, options, found)


def answer_model(model: str, given: StudyInput, listener: ProgressListener) -> Study:
    """Answer a study of one registry model."""
    county = model_county(given, model)
    solved = solve_study(given.name, model, county, given.options, limits=given.limits, listener=listener)
    unserved, reasons = unserved_places(solved)
    answer = [*_headline(solved), status_message(solved.found.report), *_money(solved)]
    if unserved:
        weight = sum(place.weight for place in unserved)
        answer.append(Message(f"study_unserved_{county.weight}", {"count": len(unserved), "weight": rounded(weight)}))
    tables = [site_table(county, solved.found)]
    if unserved:
        tables.append(unserved_table(county, unserved, reasons))
    charts = () if model == "p_dispersion" else (distance_chart(county, solved.found.open_sites),)
    if model in MONEY:
        charts = ()
    return Study(
        name=given.name,
        kind=model,
        report=solved.found.report,
        answer=tuple(answer),
        reasons=reasons,
        figures=_figures(solved),
        tables=tuple(tables),
        charts=charts,
        places=map_places(county, solved.found, unserved),
        assumptions=_assumptions(solved),
    )


def covered_weight(solved: Solved) -> float:
    """Return the weight that is served."""
    figures = solved.found.figures
    if "covered_weight" in figures:
        return float(figures["covered_weight"])
    return float(sum(solved.county.siting.weight[i] for i in solved.found.allocation))


def unserved_places(solved: Solved) -> tuple[list[Place], dict[str, Message]]:
    """Return demand points without service, and the reason of each with its figures."""
    county, found = solved.county, solved.found
    if solved.model == "p_dispersion":
        return [], {}
    places, reasons = list(county.left_out), dict(county.reasons)
    near = nearest_open(county, found.open_sites)
    for i, code in sorted(found.unserved.items()):
        place = county.demand[i]
        places.append(place)
        reasons[place.place_id] = _reason(solved, i, code, float(near[i]))
    return places, reasons


def _reason(solved: Solved, i: int, code: str, nearest: float) -> Message:
    """Return why a demand point is not served; the site that would do was really added and counted."""
    county, siting = solved.county, solved.county.siting
    row = siting.distance[[i], :]
    usable = siting.locked[row.indices] >= 0
    ways, sites = row.data[usable], row.indices[usable]
    if ways.size == 0:
        return Message("study_reason_off_road")
    best, radius = float(ways.min()), _radius(solved)
    at = county.sites[int(sites[ways.argmin()])]
    figures: dict[str, object] = {"site": at.name, "nearest": rounded(best), "unit": county.unit}
    if best > radius:
        return Message("study_reason_beyond_radius", {**figures, "radius": rounded(radius)})
    if code == "capacity":
        return Message("study_reason_capacity", {**figures, "open": rounded(nearest)})
    gain, price, j = _counterfactual(solved, i, sites[ways <= radius])
    told = {"site": county.sites[j].name, "weight": rounded(gain), "cny": rounded(price)}
    return Message(f"study_reason_not_chosen_{county.weight}", told)


def _radius(solved: Solved) -> float:
    options = solved.options
    if options.get("radii"):
        return float(max(options["radii"]))
    radius = options.get("radius")
    return float("inf") if radius is None else float(max(radius, options.get("decay_end") or radius))


def _counterfactual(solved: Solved, i: int, sites: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    """Return what opening one more site would add, what it costs, and which: the one that adds most."""
    siting, radius = solved.county.siting, _radius(solved)
    unserved = np.zeros(siting.demand_count, dtype=np.bool_)
    unserved[list(solved.found.unserved)] = True
    best: tuple[float, float, int] | None = None
    columns = siting.distance.tocsc()
    for j in map(int, np.sort(sites)):
        part = slice(columns.indptr[j], columns.indptr[j + 1])
        rows = columns.indices[part][columns.data[part] <= radius]
        gain = float(siting.weight[rows[unserved[rows]]].sum())
        price = 0.0 if siting.is_existing[j] else float(siting.capex_cny[j])
        if best is None or (gain, -price) > (best[0], -best[1]):
            best = gain, price, j
    if best is None:
        return float(siting.weight[i]), 0.0, 0
    return best


def _headline(solved: Solved) -> list[Message]:
    """Return the first sentences: what the model decided, in its own terms."""
    county, found, figures = solved.county, solved.found, solved.found.figures
    told: dict[str, object] = {"sites": len(found.open_sites), "unit": county.unit}
    new = sum(1 for j in found.open_sites if not county.siting.is_existing[j])
    told["new"] = new
    total = max(county.total_weight, 1e-12)
    if solved.model in COVERAGE:
        covered = covered_weight(solved)
        told |= {"radius": rounded(_radius(solved)), "covered": rounded(covered), "total": rounded(total)}
        told["percent"] = percent(covered / total)
    elif solved.model == "p_dispersion":
        return [Message("study_answer_p_dispersion", {**told, "least": rounded(figures["least_distance"] / 1000.0)})]
    elif solved.model in MONEY:
        told["cost"] = rounded(float(found.report.objective or 0.0))
        return [Message(f"study_answer_{solved.model}", told)]
    else:
        near = nearest_open(county, found.open_sites)
        mean = figures.get("mean_distance", float(county.siting.weight @ near) / max(county.siting.weight.sum(), 1e-12))
        worst = figures.get("worst_distance", float(near.max()))
        told |= {"mean": rounded(mean), "worst": rounded(worst)}
        told["worst_tenth"] = rounded(figures.get("worst_tenth_distance", worst))
        told["gini"] = round(figures.get("gini", 0.0), 3)
    return [Message(f"study_answer_{solved.model}_{county.weight}", told)]


def _money(solved: Solved) -> list[Message]:
    """Say what the choice costs once and a year, and which existing sites close."""
    once, yearly, closed = site_money(solved.county, solved.found)
    told = {"once": round(once), "yearly": round(yearly), "closed": closed}
    return [Message("study_money", told)]


def site_money(county: CountyProblem, found: SiteSelection) -> tuple[float, float, int]:
    """Return capex with closings, the yearly cost of open sites, and how many existing sites close."""
    siting = county.siting
    is_open = np.zeros(siting.site_count, dtype=np.bool_)
    is_open[list(found.open_sites)] = True
    shut = siting.is_existing & ~is_open
    once = siting.capex_cny[is_open & ~siting.is_existing].sum() + siting.closing_cny[shut].sum()
    return float(once), float(siting.yearly_cny[is_open].sum()), int(shut.sum())


def _figures(solved: Solved) -> dict[str, Cell]:
    county, found = solved.county, solved.found
    once, yearly, closed = site_money(county, found)
    figures: dict[str, Cell] = {
        "open_sites": len(found.open_sites),
        "closed_sites": closed,
        "investment_cny": once,
        "yearly_cny": yearly,
        f"total_{county.weight}": county.total_weight,
    }
    if solved.model != "p_dispersion":
        figures[f"served_{county.weight}"] = covered_weight(solved)
        figures["served_share"] = covered_weight(solved) / max(county.total_weight, 1e-12)
    for key, value in sorted(found.figures.items()):
        if key in ("mean_distance", "worst_distance", "worst_tenth_distance"):
            if solved.model not in MONEY:
                figures[f"{key}_{county.unit}"] = value
        elif key == "gini":
            figures["gini_distance"] = value
    return figures


def _assumptions(solved: Solved) -> tuple[Message, ...]:
    told = [Message(f"study_assumption_weight_{solved.county.weight}")]
    if solved.model == "p_dispersion" or solved.county.siting.side.exclusion_m > 0.0:
        told.append(Message("study_assumption_straight"))
    if solved.model in MONEY:
        told.append(Message("study_assumption_money"))
    return tuple(told)


def _kind(model: str, *options: StudyOption) -> StudyKind:
    return StudyKind(model, options, partial(answer_model, model), is_maximising=model in MAXIMISING)


KINDS = (
    _kind(
        "max_coverage",
        _RADIUS,
        *_PLAIN,
        *_ROOM,
        _SINGLE,
        StudyOption("decay_end", "number", None, above=0, is_optional=True),
        StudyOption("radii", "numbers", (), low=0),
        StudyOption("radius_shares", "numbers", (), low=0, high=1),
        StudyOption("township_floor_share", "number", None, low=0, high=1, is_optional=True),
    ),
    _kind(
        "set_coverage",
        _RADIUS,
        *without(_PLAIN, "cutoff"),
        *_ROOM,
        _SINGLE,
        StudyOption("fixed_cost", "choice", "none", choices=("none", "day")),
        StudyOption("times", "whole", 1, low=1),
    ),
    _kind(
        "backup_coverage",
        _RADIUS,
        *_PLAIN,
        StudyOption("first_share", "number", 0.5, low=0, high=1),
        StudyOption("mandatory", "switch", False),
    ),
    _kind("p_median", *_PLAIN, *_ROOM, _SINGLE),
    _kind("p_center", *_PLAIN, *_ROOM, _SINGLE),
    _kind("p_dispersion", *without(_PLAIN, "weight", "travel", "unit", "cutoff", "demand")),
    _kind("uncapacitated", *_PRICED, *_CNY_KM),
    _kind(
        "facility_location",
        *with_defaults((*_PRICED, *_CNY_KM, *_ROOM), use_capacity=True),
        StudyOption("single_source", "switch", False),
        StudyOption("module_parcels", "numbers", (), above=0),
        StudyOption("module_cny_per_day", "numbers", (), low=0),
    ),
    _kind("capacitated_p_median", *with_defaults((*_PLAIN, *_ROOM), use_capacity=True, demand="villages"), _SINGLE),
    _kind(
        "equity",
        *_PLAIN,
        *_ROOM,
        _SINGLE,
        StudyOption("measure", "choice", "worst_share", choices=("worst_share", "gini")),
        StudyOption("share", "number", 0.1, above=0, high=1),
        StudyOption("bound", "number", None, above=0, is_optional=True),
    ),
)
