"""Subsidies around a settlement: claims of the plan, pay for performance, lines and points with and without, and the KPI rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geodata.changes_money import PAID_SHARE
from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.cooperation.carriage_costs import PlanCosts
from planner.cooperation.fees import FeeEffect, split_deficit
from planner.cooperation.sharing import Rule, SettlementResult, savings_fairness
from planner.cooperation.subsidy import (
    Grade,
    Grant,
    Investment,
    PayTier,
    Relapse,
    Scheme,
    ServedLine,
    grants,
    relapse,
    schemes,
    tiered_cny,
)
from planner.costs import DAYS_PER_YEAR
from planner.plan import Kpi
from scenarios.studies.options import Options
from scenarios.studies.study import StudyColumn, StudyInput, StudyTable

_CLAIM_PARTS = 4
_KIND_ITEMS = {"county_centre": "centre_new", "township_station": "township_station"}


def line_fates(
    costs: PlanCosts, *, income_cny_per_parcel: float, minimum_visits: float, subsidy: float
) -> tuple[Relapse, ...]:
    """Return which village lines of the joint plan a subsidy (CNY a day) keeps, and which fall when it ends."""
    lines = [
        ServedLine(
            line.village_id,
            line.parcels_per_day,
            income_cny_per_parcel * line.parcels_per_day,
            split_deficit(
                line.visits_cny,
                line.parcels_cny,
                income_cny_per_parcel * line.parcels_per_day,
                visits_per_week=line.visits_per_week,
                minimum_visits=minimum_visits,
            ),
        )
        for line in costs.lines
    ]
    return relapse(lines, subsidy)


def paid_share(given: StudyInput) -> float:
    """Return the part of subsidies that is paid: 0 where they have ended (``changes.subsidy_ends``)."""
    return given.problem.county.parameters[PAID_SHARE]


def line_subsidy(given: StudyInput, options: Options) -> float:
    """Return the CNY a day there is for village lines: what the option gives, else all that is needed; none where it has ended."""
    yearly, part = options.number("subsidy_cny_per_year"), paid_share(given)
    if yearly is None:
        return math.inf if part > 0.0 else 0.0
    return part * yearly / DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class PointBalance:
    """What a village point earns and costs a year."""

    facility_id: str
    name: str
    parcels_per_day: float
    commission_cny: float
    cost_cny: float
    subsidy_cny: float

    @property
    def balance_cny(self) -> float:
        """Return the year's balance without subsidy."""
        return self.commission_cny - self.cost_cny


def point_balances(given: StudyInput, tiers: Sequence[PayTier]) -> tuple[PointBalance, ...]:
    """Return K20's balances: commission less rent and keeper's share (the site's annual cost), and tiered pay by parcel."""
    county, plan = given.problem.county, given.verified.plan.siting
    flows = county.demand.groupby("village_code")[["inbound_parcels_per_day", "outbound_parcels_per_day"]].sum()
    sites = county.facilities.set_index("facility_id")
    parcels: dict[str, float] = {}
    for village, point in plan.point_of_village.items():
        parcels[point] = parcels.get(point, 0.0) + (float(flows.loc[village].sum()) if village in flows.index else 0.0)
    commission = county.parameters["station_commission_cny_per_parcel"]
    found = []
    for point in sorted(parcels):
        site, yearly = sites.loc[point], parcels[point] * DAYS_PER_YEAR
        cost = float(site["annual_cost_cny"])
        found.append(
            PointBalance(
                point,
                str(site["name"]),
                parcels[point],
                commission * yearly,
                0.0 if math.isnan(cost) else cost,
                paid_share(given) * tiered_cny(tiers, yearly),
            )
        )
    return tuple(found)


def point_table(points: Sequence[PointBalance]) -> StudyTable:
    """Return every point, those that lose most first."""
    columns = (
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("commission_cny_per_year", "cny"),
        StudyColumn("cost_cny_per_year", "cny"),
        StudyColumn("balance_cny_per_year", "cny"),
        StudyColumn("subsidy_cny_per_year", "cny"),
        StudyColumn("fate", "label"),
    )
    ordered = sorted(points, key=lambda p: (p.balance_cny, p.facility_id))
    rows = tuple(
        (p.facility_id, p.name, p.parcels_per_day, p.commission_cny, p.cost_cny, p.balance_cny, p.subsidy_cny, _fate(p))
        for p in ordered
    )
    return StudyTable("table_study_point_balances", columns, rows)


def _fate(point: PointBalance) -> str:
    if point.balance_cny >= 0.0:
        return "fate_line_holds"
    return "fate_line_relapses" if point.balance_cny + point.subsidy_cny >= 0.0 else "fate_line_never"


def grants_of(given: StudyInput, options: Options) -> tuple[Grant, ...] | None:
    """Return the grants of the adopted scheme for the plan's new sites and the claims named; None where none is adopted.

    Raises
    ------
    InputError
        If a claim cannot be read.
    """
    name = options.text("scheme", "none")
    if name == "none":
        return None
    year = options.whole("investment_year") or schemes()[name].first_year
    asked = [*_plan_investments(given, year), *_claims(options.names("claims"), year, schemes()[name])]
    grade: Grade = options.text("grade", "B")  # type: ignore[assignment]
    part = paid_share(given)
    return tuple(replace(grant, paid_cny=part * grant.paid_cny) for grant in grants(schemes()[name], asked, grade))


def _plan_investments(given: StudyInput, year: int) -> list[Investment]:
    county, plan = given.problem.county, given.verified.plan.siting
    sites = county.facilities[county.facilities["facility_id"].isin(plan.open_ids)]
    new = sites[(sites["status"] == "candidate") & sites["kind"].isin(list(_KIND_ITEMS))]
    return [
        Investment(str(row["facility_id"]), _KIND_ITEMS[str(row["kind"])], float(row["capex_cny"]), year)
        for _, row in new.sort_values("facility_id").iterrows()
        if float(row["capex_cny"]) > 0.0
    ]


def _claims(entries: Sequence[str], year: int, scheme: Scheme) -> list[Investment]:
    """Read ``id;item;cost;year;money of another programme`` lines; the last two may be left out."""
    found, problems = [], []
    for entry in entries:
        parts = [part.strip() for part in entry.replace("；", ";").split(";")]
        try:
            cost = float(parts[2])
            when = int(parts[3]) if len(parts) >= _CLAIM_PARTS and parts[3] else year
            other = float(parts[4]) if len(parts) > _CLAIM_PARTS and parts[4] else 0.0
        except (IndexError, ValueError):
            cost, when, other = math.nan, year, 0.0
        if math.isnan(cost) or cost < 0.0 or parts[1] not in scheme.items:
            known = {"known": ", ".join(scheme.items)}
            problems.append(Problem("error", "settlement_claim_bad", column="claims", value=entry, params=known))
            continue
        found.append(Investment(parts[0], parts[1], cost, when, other))
    if problems:
        raise InputError(Message("study_entries_bad", {"count": len(problems)}), problems)
    return found


def settlement_kpis(
    given: StudyInput,
    result: SettlementResult,
    rule: Rule,
    fates: Sequence[Relapse],
    points: Sequence[PointBalance],
) -> tuple[Kpi, ...]:
    """Return K20, K21, K28 and K29 with numerator, denominator and list."""
    return (
        *service_kpis(given, fates, points),
        *_fairness_rows(result, rule, given.problem.county.county_code),
    )


def service_kpis(given: StudyInput, fates: Sequence[Relapse], points: Sequence[PointBalance]) -> tuple[Kpi, ...]:
    """Return K20, K21 and K28, which need no division of the cost."""
    county = given.problem.county
    villages = f"villages {county.county_code}@{county.village_list_date}"
    return (*_point_rows(points, f"points {county.county_code}"), *_line_rows(given, fates, points, villages))


def fee_kpis(given: StudyInput, in_force: FeeEffect) -> tuple[Kpi, ...]:
    """Return the part of K29 that the hand-over fee in force decides: villages in which neither post nor couriers lose by it."""
    county = given.problem.county
    list_id = f"villages {county.county_code}@{county.village_list_date}"
    both, villages = float(in_force.both_gain), float(in_force.villages)
    note = "kpi_note_k29_fee"
    return (Kpi("K29", "fee_in_force", _ratio(both, villages), "share", both, villages, list_id, note),)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None


def _point_rows(points: Sequence[PointBalance], list_id: str) -> list[Kpi]:
    count = float(len(points))
    alone = float(sum(p.balance_cny >= 0.0 for p in points))
    paid = float(sum(p.balance_cny + p.subsidy_cny >= 0.0 for p in points))
    note = "kpi_note_k20"
    return [
        Kpi("K20", "without_subsidy", _ratio(alone, count), "share", alone, count, list_id, note),
        Kpi("K20", "with_subsidy", _ratio(paid, count), "share", paid, count, list_id, note),
    ]


def _line_rows(given: StudyInput, fates: Sequence[Relapse], points: Sequence[PointBalance], list_id: str) -> list[Kpi]:
    people = given.problem.county.villages.set_index("village_code")["population"].astype(float).fillna(0.0)
    kept = [entry for entry in fates if entry.fate == "relapses"]
    served = float(sum(entry.fate != "never" for entry in fates))
    line_pay = sum(entry.subsidy for entry in kept) * DAYS_PER_YEAR
    public = sum(entry.line.deficit.public for entry in kept) * DAYS_PER_YEAR
    # Performance pay is spent for the same service, but buys no further village.
    spent = line_pay + sum(point.subsidy_cny for point in points)
    parcels = sum(entry.line.parcels_per_day for entry in kept) * DAYS_PER_YEAR
    persons = float(sum(people[entry.line.line_id] for entry in kept))
    note = "kpi_note_k28"
    return [
        Kpi(
            "K21",
            "subsidy_ends",
            _ratio(float(len(kept)), served),
            "share",
            float(len(kept)),
            served,
            list_id,
            "kpi_note_k21",
        ),
        Kpi("K28", "per_parcel", _ratio(spent, parcels), "cny_per_parcel", spent, parcels, list_id, note),
        Kpi("K28", "per_person", _ratio(spent, persons), "cny_per_person_year", spent, persons, list_id, note),
        Kpi("K28", "public_part", _ratio(public, line_pay), "share", public, line_pay, list_id, note),
        Kpi(
            "K28",
            "commercial_part",
            _ratio(line_pay - public, line_pay),
            "share",
            line_pay - public,
            line_pay,
            list_id,
            note,
        ),
    ]


def _fairness_rows(result: SettlementResult, rule: Rule, county_code: str) -> list[Kpi]:
    fair = savings_fairness(result, rule)
    known = [float(value) for value in fair if not math.isnan(value)]
    list_id, note = f"operators {county_code}", "kpi_note_k29"
    held = result.divisions[rule].stability
    stay = float(held.coalitions - held.leaving - held.undecided)
    alone, own = result.alone, result.divisions[rule].shares
    best = result.divisions["shapley"].shares
    rows = []
    for part, pick in (("least", min), ("greatest", max)):
        value = pick(known) if known else None
        at = next((i for i, f in enumerate(fair) if value is not None and f == value), None)
        above = float(alone[at] - own[at]) if at is not None else None
        below = float(alone[at] - best[at]) if at is not None else None
        rows.append(Kpi("K29", part, value, "ratio", above, below, list_id, note))
    coalitions = float(held.coalitions)
    rows.append(Kpi("K29", "stable_coalitions", _ratio(stay, coalitions), "share", stay, coalitions, list_id, note))
    return rows
