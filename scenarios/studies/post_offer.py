"""Hand-over study: what to offer the post a parcel, what the fee in force does, what the public pays, what falls without it.

The same answers as in the settlement, without working out every group of operators: one joint plan is enough, so that many counties
and scenarios can be asked.
"""

from __future__ import annotations

from geodata.changes_money import HANDOVER_FEE
from geodata.messages import Message
from planner.cooperation.carriage_costs import PlanCosts, plan_costs
from planner.cooperation.coalition_cost import CoalitionSolution
from planner.cooperation.fees import FeeEffect, VillageOffer, at_fee, package
from planner.cooperation.handover import post_offers
from planner.cooperation.subsidy import Relapse
from planner.engines.mathopt import ENGINE
from planner.progress import ProgressListener
from planner.reports import SolveReport
from scenarios.studies.options import Options
from scenarios.studies.settlement_case import (
    SettlementCase,
    chosen_villages,
    joint_plan,
    pay_tiers,
    settlement_case,
)
from scenarios.studies.settlement_money import (
    fee_kpis,
    line_fates,
    line_subsidy,
    paid_share,
    point_balances,
    point_table,
    service_kpis,
)
from scenarios.studies.settlement_options import MONEY_OPTIONS, OFFER_OPTIONS
from scenarios.studies.settlement_tables import line_places, offer_table, relapse_table
from scenarios.studies.settlement_words import offer_sentences, public_sentences
from scenarios.studies.study import Cell, Study, StudyInput, StudyKind


def answer_post_offer(given: StudyInput, _listener: ProgressListener) -> Study:
    """Answer a hand-over study.

    Raises
    ------
    InputError
        If the operators' sheets, tiers or villages are wrong.
    """
    options = Options(given.options)
    case = settlement_case(given, options)
    asked, tiers = chosen_villages(options, case), pay_tiers(options.names("performance"))
    told = options.number("village_leg_fee")
    parameters = given.problem.county.parameters
    income = parameters["village_leg_fee_cny_per_parcel"] if told is None else told
    minimum = options.figure("minimum_visits")
    offers: tuple[VillageOffer, ...] = ()
    if case.problem.post is not None:
        offers = post_offers(case.problem, asked, income_cny_per_parcel=income, minimum_visits=minimum)
    plan = joint_plan(case.problem, gap=options.figure("gap"))
    costs = plan_costs(case.problem, plan)
    fates = line_fates(
        costs, income_cny_per_parcel=income, minimum_visits=minimum, subsidy=line_subsidy(given, options)
    )
    points, in_force = point_balances(given, tiers), at_fee(offers, parameters[HANDOVER_FEE])
    part = options.figure("offer_part")
    names = dict(zip(case.case.county.villages["village_code"], case.case.county.villages["name"], strict=True))
    said = offer_sentences(offers, part, in_force) if case.problem.post is not None else [Message("settlement_no_post")]
    tables = [offer_table(case, offers, package(offers), part)] if offers else []
    return Study(
        name=given.name,
        kind="post_offer",
        report=_report(given, options, plan),
        answer=(*said, *public_sentences(fates, names, None, has_ended=paid_share(given) <= 0.0)),
        reasons={v: Message(key) for v, key in sorted(case.problem.left_out.items())},
        figures=_figures(costs, fates, in_force),
        tables=(*tables, relapse_table(case, fates), point_table(points)),
        places=line_places(case, fates),
        assumptions=_assumptions(case, minimum),
        kpis=(*service_kpis(given, fates, points), *(fee_kpis(given, in_force) if offers else ())),
    )


def _report(given: StudyInput, options: Options, plan: CoalitionSolution) -> SolveReport:
    """Return how sure the joint plan behind the village lines is."""
    limits = {"relative_gap": options.figure("gap")}
    cost = plan.cost
    return SolveReport(cost.status, cost.value, cost.bound, ENGINE, given.limits.seed, limits)


def _figures(costs: PlanCosts, fates: tuple[Relapse, ...], in_force: FeeEffect) -> dict[str, Cell]:
    return {
        "fee_in_force_cny_per_parcel": in_force.fee_cny_per_parcel,
        "post_gain_cny_per_day": in_force.taker_gain,
        "couriers_gain_cny_per_day": in_force.giver_gain,
        "villages_both_gain": in_force.both_gain,
        "lines_holding": sum(entry.fate == "holds" for entry in fates),
        "lines_lost_without_subsidy": sum(entry.fate == "relapses" for entry in fates),
        "lines_not_kept": sum(entry.fate == "never" for entry in fates),
        "deficit_public_cny_per_day": sum(entry.line.deficit.public for entry in fates),
        "deficit_commercial_cny_per_day": sum(entry.line.deficit.commercial for entry in fates),
        "joint_company_cny_per_day": costs.joint,
    }


def _assumptions(case: SettlementCase, minimum: float) -> tuple[Message, ...]:
    return (
        *case.assumptions,
        Message("settlement_note_deficit", {"visits": minimum}),
        Message("settlement_note_post"),
        Message("settlement_note_fee"),
    )


KINDS = (
    StudyKind(
        "post_offer",
        (
            *OFFER_OPTIONS,
            *MONEY_OPTIONS,
        ),
        answer_post_offer,
    ),
)
