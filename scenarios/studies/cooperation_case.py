"""The cooperation question of a county, the same for every study that asks one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from geodata.brands import with_brands
from geodata.county import County
from geodata.errors import InputError
from geodata.messages import Message
from planner.cooperation.assumed import with_assumed_buses, with_assumed_shops
from planner.cooperation.baseline import Calibration, calibrated, restricted
from planner.cooperation.build import CooperationCase, build_cooperation
from planner.problems.cooperation import SHARED_MODES
from scenarios.studies.options import Options
from scenarios.studies.study import StudyInput


@dataclass(frozen=True, slots=True, eq=False)
class CooperationQuestion:
    """The question, calibrated to the cost bands the county knows, and what was assumed."""

    case: CooperationCase
    assumptions: tuple[Message, ...]
    scales: tuple[Calibration, ...]


def cooperation_question(
    given: StudyInput, options: Options, *, modes: Sequence[str] = SHARED_MODES, maximum_waves: int = 2
) -> CooperationQuestion:
    """Make the question: brands where the county has one joint operator, buses and shops only where asked for.

    Parameters
    ----------
    given, options
        The study; options ``assume_buses``, ``assume_shops`` and ``visits_per_week``.
    modes
        Ways of sharing that may be chosen.
    maximum_waves
        Joint departures a township and day at most.

    Raises
    ------
    InputError
        If a mode is unknown, or the operators' sheets are wrong.
    """
    unknown = sorted(set(modes) - set(SHARED_MODES))
    if unknown:
        figures = {"value": ", ".join(unknown), "known": ", ".join(SHARED_MODES)}
        raise InputError(Message("cooperation_mode_option", figures))
    county, notes = with_brands(given.problem.county)
    if options.switch("assume_buses"):
        county, more = with_assumed_buses(county)
        notes += more
    if options.switch("assume_shops"):
        county, more = with_assumed_shops(county)
        notes += more
    sites = county.facilities
    centres = set(sites.loc[sites["kind"] == "county_centre", "facility_id"].astype(str))
    chosen = sorted(centres & set(given.verified.plan.siting.open_ids))
    case = build_cooperation(
        replace(given.problem, county=county),
        centre_id=chosen[0] if chosen else "",
        visits=options.number("visits_per_week"),
        maximum_waves=maximum_waves,
    )
    problem, scales = calibrated(restricted(case.problem, frozenset(modes)), known_bands(county))
    return CooperationQuestion(replace(case, problem=problem), (*notes, *case.assumptions), scales)


def known_bands(county: County) -> dict[str, tuple[float, float]]:
    """Return the known cost bands of the terms sheet; one end alone counts as both."""
    found = {}
    for _, row in county.operator_terms.iterrows():
        ends = [float(row[c]) for c in ("known_cost_low_cny_per_parcel", "known_cost_high_cny_per_parcel")]
        known = [end for end in ends if end == end]  # noqa: PLR0124 (NaN)
        if known:
            found[str(row["operator_id"])] = (min(known), max(known))
    return found
