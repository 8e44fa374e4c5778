"""Checks a roll-out on a path of its own: from the facilities table and the decisions, sharing no code with the search."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from geodata.errors import VerificationError
from geodata.messages import Message
from planner.rollout.result import Rollout

_TOLERANCE = 1e-6


def verify_rollout(rollout: Rollout) -> None:
    """Check everything that ties years together.

    Raises
    ------
    VerificationError
        With every rule broken.
    """
    broken = tuple(violations(rollout))
    if broken:
        raise VerificationError(Message("rollout_does_not_add_up", {"count": len(broken)}), broken)


def violations(rollout: Rollout) -> Iterator[Message]:
    """Yield a message for every rule that is broken."""
    yield from _monotone(rollout)
    yield from _money(rollout)
    yield from _service(rollout)
    yield from _figures(rollout)


def _facilities(rollout: Rollout) -> Mapping[str, Mapping[str, object]]:
    return {str(row["facility_id"]): row for row in rollout.asked.base.county.facilities.to_dict("records")}


def _monotone(rollout: Rollout) -> Iterator[Message]:
    """Hold open sites and closed ones against the year before: each opens or closes once."""
    facilities = _facilities(rollout)
    was_open = {name for name, row in facilities.items() if row["status"] == "existing"}
    for number, year in enumerate(rollout.years, start=1):
        is_open = set(year.siting.open_ids)
        for name in sorted(was_open - is_open):
            if facilities[name]["status"] != "existing":
                yield Message("check_rollout_closed_again", {"site": name, "year": number})
        for name in sorted(is_open - was_open):
            if facilities[name]["status"] == "existing":
                yield Message("check_rollout_opened_again", {"site": name, "year": number})
        if is_open - was_open != set(year.opened) or was_open - is_open != set(year.closed):
            yield Message("check_rollout_list", {"year": number})
        was_open = is_open


def _price(row: Mapping[str, object], column: str) -> float:
    value = row[column]
    return 0.0 if pd.isna(value) else float(value)  # type: ignore[arg-type]


def _money(rollout: Rollout) -> Iterator[Message]:
    facilities = _facilities(rollout)
    left = 0.0
    for number, (year, budget) in enumerate(zip(rollout.years, rollout.asked.budgets_cny, strict=True), start=1):
        spent = math.fsum(_price(facilities[name], "capex_cny") for name in year.opened)
        spent += math.fsum(_price(facilities[name], "closing_cost_cny") for name in year.closed)
        if abs(spent - year.spent_cny) > _TOLERANCE * max(1.0, spent):
            yield Message("check_rollout_spent", {"year": number, "told": year.spent_cny, "found": spent})
        money = budget + (left if rollout.asked.carries_over else 0.0)
        spent += year.vehicles_cny
        if spent > money + _TOLERANCE * max(1.0, money):
            yield Message("check_rollout_budget", {"year": number, "spent": spent, "money": money})
        left = money - spent


def _service(rollout: Rollout) -> Iterator[Message]:
    """Look for villages that are no longer served, and count every year's aims again."""
    county = rollout.asked.base.county
    villages = {str(code) for code in county.villages["village_code"]}
    townships = {str(code) for code in county.townships["township_code"]}
    facilities = _facilities(rollout)
    served: set[str] = set()
    for number, (year, aim) in enumerate(zip(rollout.years, rollout.asked.aims, strict=True), start=1):
        now = set(year.siting.point_of_village)
        for code in sorted(served - now):
            yield Message("check_rollout_relapse", {"village": code, "year": number})
        served = now
        is_open = [facilities[name] for name in year.siting.open_ids]
        own = {str(row["village_code"]) for row in is_open if row["kind"] == "village_point"} & villages
        stations = {str(row["township_code"]) for row in is_open if row["kind"] == "township_station"} & townships
        reached = (
            ("village_served_share", len(now), len(villages), aim.village_served_share),
            ("village_point_share", len(own), len(villages), aim.village_point_share),
            ("township_station_share", len(stations), len(townships), aim.township_station_share),
        )
        for name, count, total, share in reached:
            if count < share * total - _TOLERANCE:
                yield Message("check_rollout_aim", {"year": number, "aim": name, "count": count, "total": total})


def _figures(rollout: Rollout) -> Iterator[Message]:
    """Add the years up again, and hold bounds and regret against them."""
    asked, report = rollout.asked, rollout.report
    rates = [1.0 / (1.0 + asked.discount_rate) ** t for t in range(len(rollout.years))]
    if asked.objective == "cost":
        total = 365.0 * math.fsum(r * y.cost_cny_per_day for r, y in zip(rates, rollout.years, strict=True))
    else:
        total = -math.fsum(r * y.need for r, y in zip(rates, rollout.years, strict=True))
    told = float(report.objective or 0.0)
    if abs(total - told) > _TOLERANCE * max(1.0, abs(total)):
        yield Message("check_rollout_total", {"told": told, "found": total})
    if report.bound is not None and report.bound > told + _TOLERANCE * max(1.0, abs(told)):
        yield Message("check_rollout_bound", {"bound": report.bound, "value": told})
    for number, year in enumerate(rollout.years, start=1):
        sign, value = (1.0, year.cost_cny_per_day) if asked.objective == "cost" else (-1.0, year.need)
        slack = _TOLERANCE * max(1.0, abs(value))
        if sign * year.alone.value > sign * value + slack or sign * year.alone.bound > sign * year.alone.value + slack:
            yield Message("check_rollout_regret", {"year": number})
