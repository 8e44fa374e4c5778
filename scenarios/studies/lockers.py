"""Parcel lockers: where they pay, with how many compartments, what overflows; none at all is an allowed answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.plan import Kpi, VerifiedPlan
from planner.progress import ProgressListener
from planner.siting.lockers.choice import CHOICE_KINDS
from planner.siting.lockers.evaluate import LockerEvaluator, LockerSite
from planner.siting.lockers.model import LockerPlan, plan_lockers
from planner.siting.lockers.places import household_ratio
from scenarios.rounding import up
from scenarios.studies.locker_input import LockerQuestion, locker_question
from scenarios.studies.locker_relax import lockers_infeasible
from scenarios.studies.options import Options
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import (
    Cell,
    Study,
    StudyChart,
    StudyColumn,
    StudyInput,
    StudyKind,
    StudyOption,
    StudyPlace,
    StudySeries,
    StudyTable,
)

#: Parcels below this share of all are rounding.
_EXACT = 1e-9
_COLUMNS = (
    StudyColumn("place_id"),
    StudyColumn("name"),
    StudyColumn("cells", "count"),
    StudyColumn("cells_small", "count"),
    StudyColumn("cells_medium", "count"),
    StudyColumn("cells_large", "count"),
    StudyColumn("locker_parcels_per_day", "number"),
    StudyColumn("design_parcels_per_day", "number"),
    StudyColumn("overflow_p95_share", "share"),
    StudyColumn("overflow_year_share", "share"),
    StudyColumn("utilisation_share", "share"),
    StudyColumn("cell_turns", "number"),
    StudyColumn("consent_share", "share"),
    StudyColumn("cost_cny_per_year", "cny"),
    StudyColumn("saving_cny_per_year", "cny"),
    StudyColumn("subsidy_cny_per_year", "cny"),
    StudyColumn("balance_cny_per_year", "cny"),
)


def answer_lockers(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer a locker study."""
    question = locker_question(given.problem, Options(given.options))
    plan = plan_lockers(question.problem, limits=given.limits, listener=listener)
    report = plan.selection.report
    if report.status == "infeasible":
        raise lockers_infeasible(question.problem, Message(report.note_key), given.limits)
    if report.objective is None:
        raise NoSolutionError(Message(report.note_key), [Message("study_fix_limits")])
    reasons = _reasons(question, plan)
    kpis = locker_kpis(question, plan, given.verified, given.problem.county.village_list_id)
    return Study(
        name=given.name,
        kind="lockers",
        report=report,
        answer=(*_sentences(question, plan), status_message(report)),
        reasons=reasons,
        figures=_figures(question, plan, kpis),
        tables=_tables(question, plan, reasons),
        charts=_charts(plan),
        places=_places(question, plan),
        assumptions=_assumptions(question),
        kpis=kpis,
    )


def _sentences(question: LockerQuestion, plan: LockerPlan) -> list[Message]:
    figures = plan.selection.figures
    if not plan.sites:
        best = _best_single(question)
        return [Message("study_answer_lockers_none"), *best]
    balance = sum(site.balance_cny_per_year for site in plan.sites)
    subsidy = sum(site.subsidy_cny_per_year for site in plan.sites)
    worst = max(site.size.overflow_upper_share for site in plan.sites)
    told = {
        "lockers": len(plan.sites),
        "cells": round(figures["cells"]),
        "parcels": rounded(figures["parcels_per_day"]),
        "percent": percent(figures["parcels_per_day"] / max(float(question.problem.siting.weight.sum()), 1e-12)),
    }
    money = {"investment": round(_price(question, plan)), "balance": round(balance), "subsidy": round(subsidy)}
    return [
        Message("study_answer_lockers", told),
        Message("study_lockers_money", money),
        _overflow(question, worst, figures["overflow_one_round_share"]),
    ]


def _overflow(question: LockerQuestion, worst: float, one_round: float) -> Message:
    """Say what overflows as the lockers are filled, and what would if all parcels of the day came in one round."""
    rounds = question.problem.settings.rounds_per_day
    told: dict[str, float | int] = {"percent": up(100.0 * worst, 1), "one_round": up(100.0 * one_round, 1)}
    if rounds is None:
        return Message("study_lockers_overflow", told)
    return Message("study_lockers_overflow_rounds", {**told, "rounds": rounds})


def _best_single(question: LockerQuestion) -> list[Message]:
    """Say how much the least bad locker would lose a year: a counterfactual that is really computed."""
    evaluator = LockerEvaluator(question.problem)
    usable = [j for j in range(len(question.hosts)) if question.problem.siting.locked[j] >= 0]
    costs = [(evaluator.yearly_cny((j,)), j) for j in usable]
    if not costs:
        return []
    loss, j = min(costs)
    told = {"host": str(question.hosts["name"].iloc[j]), "loss": round(loss)}
    return [Message("study_lockers_least_loss", told)]


def _price(question: LockerQuestion, plan: LockerPlan) -> float:
    prices, siting = question.problem.settings.prices, question.problem.siting
    return float(sum(prices.price_cny(site.size.cells) + siting.capex_cny[site.host] for site in plan.sites))


def _consent(question: LockerQuestion, plan: LockerPlan, host: int) -> float | None:
    """Return the consent share of those who use a locker, weighted by their parcels; None if nobody does."""
    parts = [
        (question.problem.lockable[i] * share, question.problem.places[i].consent_share)
        for i, sites in plan.selection.allocation.items()
        for j, share in sites
        if j == host
    ]
    whole = sum(weight for weight, _ in parts)
    return float(sum(weight * consent for weight, consent in parts) / whole) if whole > 0.0 else None


def _row(question: LockerQuestion, plan: LockerPlan, site: LockerSite) -> tuple[Cell, ...]:
    host, size = question.hosts.iloc[site.host], site.size
    return (
        str(host["place_id"]),
        str(host["name"]),
        sum(size.cells),
        *size.cells,
        site.parcels_per_day,
        size.design_parcels,
        size.overflow_upper_share,
        size.overflow_year_share,
        size.utilisation_share,
        size.turns_per_day,
        _consent(question, plan, site.host),
        site.yearly_cost_cny,
        site.yearly_saving_cny,
        site.subsidy_cny_per_year,
        site.balance_cny_per_year,
    )


def _tables(question: LockerQuestion, plan: LockerPlan, reasons: Mapping[str, Message]) -> tuple[StudyTable, ...]:
    tables = []
    if plan.sites:
        rows = tuple(_row(question, plan, site) for site in plan.sites)
        tables.append(StudyTable("table_study_lockers", _COLUMNS, rows))
    if reasons:
        columns = (
            StudyColumn("place_id"),
            StudyColumn("name"),
            StudyColumn("weight_parcels", "number"),
            StudyColumn("reason", "message"),
        )
        named = {str(r["place_id"]): str(r["name"]) for _, r in question.demand.iterrows()}
        weights = dict(zip(question.problem.siting.demand_ids, question.problem.siting.weight.tolist(), strict=True))
        named |= {code: name for code, (name, _, _) in question.left_out.items()}
        weights |= {code: parcels for code, (_, _, parcels) in question.left_out.items()}
        rows = tuple((code, named[code], weights[code], reasons[code]) for code in sorted(reasons))
        tables.append(StudyTable("table_study_without_locker", columns, rows))
    return tuple(tables)


def _reasons(question: LockerQuestion, plan: LockerPlan) -> dict[str, Message]:
    reasons = {code: reason for code, (_, reason, _) in question.left_out.items()}
    for i, code in plan.selection.unserved.items():
        key = "study_reason_locker_pays_not" if code == "not_required" else "study_reason_locker_no_host"
        reasons[question.problem.siting.demand_ids[i]] = Message(key)
    return dict(sorted(reasons.items()))


def _charts(plan: LockerPlan) -> tuple[StudyChart, ...]:
    """Return compartments by size of all lockers, as bars."""
    if not plan.sites:
        return ()
    series = []
    for position, size in enumerate(("small", "medium", "large")):
        count = sum(site.size.cells[position] for site in plan.sites)
        series.append(StudySeries(f"cells_{size}", ((float(position), float(count)),)))
    return (StudyChart("chart_study_cells", "bar", "cell_size", "cells", tuple(series)),)


def _places(question: LockerQuestion, plan: LockerPlan) -> tuple[StudyPlace, ...]:
    shown = []
    for site in plan.sites:
        host = question.hosts.iloc[site.host]
        facts: dict[str, Cell] = {
            "cells": sum(site.size.cells),
            "locker_parcels_per_day": site.parcels_per_day,
            "overflow_p95_share": site.size.overflow_upper_share,
            "utilisation_share": site.size.utilisation_share,
            "balance_cny_per_year": site.balance_cny_per_year,
        }
        at = str(host["place_id"]), str(host["name"]), float(host["lon"]), float(host["lat"])
        shown.append(StudyPlace(*at, "locker", facts))
    return tuple(shown)


def _figures(question: LockerQuestion, plan: LockerPlan, kpis: tuple[Kpi, ...]) -> dict[str, Cell]:
    figures = plan.selection.figures
    ratio = household_ratio(plan.sites, question.problem.places)
    shown: dict[str, Cell] = {
        "lockers": len(plan.sites),
        "cells": round(figures["cells"]),
        "locker_parcels_per_day": figures["parcels_per_day"],
        "investment_cny": _price(question, plan),
        "cost_cny_per_year": figures["yearly_cost_cny"],
        "saving_cny_per_year": figures["yearly_saving_cny"],
        "subsidy_cny_per_year": figures["subsidy_cny_per_year"],
        "balance_cny_per_year": sum(site.balance_cny_per_year for site in plan.sites),
        "overflow_one_round_share": figures["overflow_one_round_share"],
        "locker_covered_share": figures["covered_share"],
        "cells_per_100_households": ratio.cells_per_100_households,
    }
    shown |= {f"{row.kpi_id}_{row.part}".lower(): row.value for row in kpis}
    return shown


def locker_kpis(question: LockerQuestion, plan: LockerPlan, verified: VerifiedPlan, list_id: str) -> tuple[Kpi, ...]:
    """Return K12 (door, point, locker by parcels delivered) and K22 (use, turns, overflow of lockers).

    K12 counts all inbound parcels: those the lockers take, those of villages the plan serves that are handed over at
    a point, and the rest (campuses' and unserved villages' parcels outside lockers), which stay with the door or are
    collected elsewhere. K22 weighs sets by compartments (use, turns) and by parcels offered (overflow of the P95 day).
    """
    served = set(verified.plan.siting.point_of_village)
    siting = question.problem.siting
    taken = sum(site.parcels_per_day for site in plan.sites)
    per_place = _taken_by_place(question, plan)
    at_point = sum(
        float(weight - per_place[i])
        for i, (code, weight) in enumerate(zip(siting.demand_ids, siting.weight, strict=True))
        if code in served
    )
    total = float(siting.weight.sum()) + sum(parcels for _, _, parcels in question.left_out.values())
    cells = float(sum(sum(site.size.cells) for site in plan.sites))
    offered = sum(site.load.parcels_per_day for site in plan.sites)
    held = sum(site.size.utilisation_share * sum(site.size.cells) for site in plan.sites)
    lost = sum(site.size.overflow_upper_share * site.load.parcels_per_day for site in plan.sites)
    rest = total - taken - at_point
    mix = (("locker", taken), ("point", at_point), ("other", rest if rest > _EXACT * total else 0.0))
    rows = [_kpi("K12", part, value, total, "share", list_id) for part, value in mix]
    rows.append(_kpi("K22", "utilisation", held, cells, "share", list_id))
    rows.append(_kpi("K22", "turns", taken, cells, "parcel_per_cell_day", list_id))
    rows.append(_kpi("K22", "overflow_p95", lost, offered, "share", list_id))
    return tuple(rows)


def _taken_by_place(question: LockerQuestion, plan: LockerPlan) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the parcels of each place that lockers take; a locker's overflow is spread evenly over its users."""
    taken = np.zeros(question.problem.siting.demand_count)
    sites = {site.host: site for site in plan.sites}
    shares = LockerEvaluator(question.problem).shares(sites)
    for host, site in sites.items():
        wanted = question.problem.lockable * shares[:, host]
        whole = float(wanted.sum())
        if whole > 0.0:
            taken += wanted * (site.parcels_per_day / whole)
    return taken


def _kpi(kpi_id: str, part: str, numerator: float, denominator: float, unit: str, list_id: str) -> Kpi:
    value = numerator / denominator if denominator > 0.0 else None
    return Kpi(kpi_id, part, value, unit, numerator, denominator, list_id, f"kpi_note_{kpi_id.lower()}")


def _assumptions(question: LockerQuestion) -> tuple[Message, ...]:
    told = [Message("study_assumption_lockers")]
    if (question.demand["kind"] == "campus").any():
        told.append(Message("study_assumption_campus"))
    return tuple(told)


KINDS = (
    StudyKind(
        "lockers",
        (
            StudyOption("reach_km", "number", None, above=0, is_optional=True),
            StudyOption("choice", "choice", "threshold", choices=CHOICE_KINDS),
            StudyOption("consent_share", "number", None, low=0, high=1, is_optional=True),
            StudyOption("overflow_share", "number", None, above=0, high=0.99, is_optional=True),
            StudyOption("rounds_per_day", "whole", None, low=1, is_optional=True),
            StudyOption("coverage_share", "number", 0.0, low=0, high=1),
            StudyOption("minimum_lockers", "whole", 0, low=0),
            StudyOption("maximum_lockers", "whole", None, low=0, is_optional=True),
            StudyOption("maximum_cells", "whole", None, low=1, is_optional=True),
            StudyOption("connection_cny", "number", 0.0, low=0),
            StudyOption("rent_cny_per_year", "number", 0.0, low=0),
            StudyOption("subsidy_capex_share", "number", 0.0, low=0, high=1),
            StudyOption("subsidy_cny_per_parcel", "number", 0.0, low=0),
            StudyOption("count_subsidy", "switch", False),
            StudyOption("budget_cny", "number", None, low=0, is_optional=True),
            StudyOption("open", "names", ()),
            StudyOption("closed", "names", ()),
            StudyOption("campuses", "names", ()),
        ),
        answer_lockers,
    ),
)
