"""Settlement study: who pays what for the joint network, what to offer the post a parcel, what the public pays, who relapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from geodata.changes_money import HANDOVER_FEE
from geodata.errors import UsageError
from geodata.messages import Message
from planner.cooperation.carriage_costs import PlanCosts, plan_costs
from planner.cooperation.coalition_cost import CoalitionSolution
from planner.cooperation.fees import FeeEffect, PackageOffer, VillageOffer, at_fee, clearings, package
from planner.cooperation.game import MAXIMUM_PLAYERS
from planner.cooperation.handover import post_offers
from planner.cooperation.nucleolus import nucleolus_spread
from planner.cooperation.sharing import RULES, WEIGHTED, Division, Rule, SettlementResult, settle
from planner.cooperation.subsidy import GRADES, Grant, Relapse, schemes
from planner.engines.mathopt import ENGINE
from planner.progress import ProgressListener
from planner.reports import SolveReport
from planner.rules.check import RuleCheck, RuleInput
from planner.rules.facts import RuleFacts, read_facts
from planner.rules.registry import check_rules, refuse_broken
from scenarios.rounding import up
from scenarios.studies import settlement_tables as tables
from scenarios.studies.options import Options
from scenarios.studies.rules import (
    ENFORCE_OPTION,
    FACTS_OPTION,
    charge_kpis,
    rule_figures,
    rule_sentences,
    rule_tables,
)
from scenarios.studies.settlement_case import (
    SettlementCase,
    chosen_villages,
    coalition_costs,
    joint_plan,
    pay_tiers,
    settlement_case,
    weights_of,
)
from scenarios.studies.settlement_money import (
    PointBalance,
    fee_kpis,
    grants_of,
    line_fates,
    line_subsidy,
    paid_share,
    point_balances,
    point_table,
    settlement_kpis,
)
from scenarios.studies.settlement_options import MONEY_OPTIONS, OFFER_OPTIONS, settlement_option
from scenarios.studies.settlement_words import offer_sentences, public_sentences
from scenarios.studies.shown import percent, rounded
from scenarios.studies.study import (
    Cell,
    Study,
    StudyChart,
    StudyInput,
    StudyKind,
    StudyTable,
)

#: Games drawn between bounds and values to see how far the nucleolus moves.
_DRAWS = 12


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Everything a settlement study found."""

    given: StudyInput
    options: Options
    case: SettlementCase
    result: SettlementResult
    rule: Rule
    plan: CoalitionSolution
    costs: PlanCosts
    offers: tuple[VillageOffer, ...]
    fates: tuple[Relapse, ...]
    points: tuple[PointBalance, ...]
    grants: tuple[Grant, ...] | None
    checks: tuple[RuleCheck, ...]
    facts: RuleFacts

    @property
    def division(self) -> Division:
        return self.result.divisions[self.rule]

    @property
    def whole_offer(self) -> PackageOffer | None:
        return package(self.offers)

    @property
    def in_force(self) -> FeeEffect:
        return at_fee(self.offers, self.given.problem.county.parameters[HANDOVER_FEE])


def answer_settlement(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer a settlement study.

    Raises
    ------
    InputError
        If operators' sheets, weights, tiers, claims, facts or villages are wrong.
    UsageError
        If there are more operators than whose coalitions can all be worked out, or a weighted rule lacks weights.
    InfeasibleError
        If the joint plan breaks a hard rule and `enforce` is set: a charge to recipients, an operator appointed without a tender …
    """
    options = Options(given.options)
    facts = read_facts(options.names("facts"))
    case = settlement_case(given, options)
    if len(case.players) > MAXIMUM_PLAYERS:
        raise UsageError(Message("settlement_too_many", {"count": len(case.players), "most": MAXIMUM_PLAYERS}))
    rule = cast("Rule", options.text("rule"))
    weights = weights_of(options.names("weights"), case.players)
    if rule in WEIGHTED and weights is None:
        raise UsageError(Message("settlement_needs_weights"))
    asked, tiers = chosen_villages(options, case), pay_tiers(options.names("performance"))
    granted = grants_of(given, options)
    plan = joint_plan(case.problem, gap=options.figure("gap"))
    checks = check_rules(
        RuleInput(given.problem, given.verified, facts, _bus_villages(case, plan), _appointed(options), granted)
    )
    if options.switch("enforce"):
        refuse_broken(checks)
    game = coalition_costs(
        case.problem, gap=options.figure("gap"), workers=options.whole("workers") or 1, listener=listener
    )
    costs = plan_costs(case.problem, plan)
    income = _income(given, options)
    minimum = options.figure("minimum_visits")
    found = _Answer(
        given,
        options,
        case,
        settle(game, volumes=case.volumes, weights=weights),
        rule,
        plan,
        costs,
        _offers(case, asked, income, minimum),
        line_fates(
            costs,
            income_cny_per_parcel=income,
            minimum_visits=minimum,
            subsidy=line_subsidy(given, options),
        ),
        point_balances(given, tiers),
        granted,
        checks,
        facts,
    )
    return _study(found)


def _income(given: StudyInput, options: Options) -> float:
    told = options.number("village_leg_fee")
    return given.problem.county.parameters["village_leg_fee_cny_per_parcel"] if told is None else told


def _offers(case: SettlementCase, asked: Sequence[str], income: float, minimum: float) -> tuple[VillageOffer, ...]:
    if case.problem.post is None:
        return ()
    return post_offers(case.problem, asked, income_cny_per_parcel=income, minimum_visits=minimum)


def _appointed(options: Options) -> tuple[str, ...]:
    return options.names("carriers")


def _bus_villages(case: SettlementCase, plan: CoalitionSolution) -> tuple[str, ...]:
    """Return the villages to which buses carry parcels in the joint plan."""
    kinds = [path.kind for path in plan.table.paths]
    found = {
        case.problem.village_ids[v]
        for row in plan.decision.choice
        for v, path in enumerate(row)
        if path >= 0 and kinds[int(path)] == "bus"
    }
    return tuple(sorted(found))


def _study(found: _Answer) -> Study:
    return Study(
        name=found.given.name,
        kind="settlement",
        report=_report(found),
        answer=_sentences(found),
        reasons={v: Message(key) for v, key in sorted(found.case.problem.left_out.items())},
        figures=_figures(found),
        tables=_tables(found),
        charts=(tables.share_chart(found.result), _waterfall(found)[1]),
        places=tables.line_places(found.case, found.fates),
        assumptions=(
            *found.case.assumptions,
            Message("settlement_note_game"),
            Message("settlement_note_deficit", {"visits": found.options.figure("minimum_visits")}),
            Message("settlement_note_post"),
            Message("settlement_note_fee"),
        ),
        kpis=(
            *settlement_kpis(found.given, found.result, found.rule, found.fates, found.points),
            *fee_kpis(found.given, found.in_force),
            *charge_kpis(found.facts, found.given.problem.county.county_code),
        ),
    )


def _report(found: _Answer) -> SolveReport:
    game = found.result.game
    value, bound = float(game.value[game.grand]), float(game.bound[game.grand])
    status = "optimal" if value - bound <= 1e-6 * max(value, 1e-12) else "feasible"
    limits = {"relative_gap": found.options.figure("gap")}
    return SolveReport(status, value, bound, ENGINE, found.given.limits.seed, limits)  # type: ignore[arg-type]


def _waterfall(found: _Answer) -> tuple[StudyTable, StudyChart]:
    return tables.waterfall(found.result, found.division, found.case.players)


def _tables(found: _Answer) -> tuple[StudyTable, ...]:
    case, division = found.case, found.division
    spends = [float(value) for value in found.costs.spends]
    cleared = clearings(case.players, [float(s) for s in division.shares], spends, found.costs.uses)
    part = found.options.figure("offer_part")
    shown = [
        tables.share_table(case, found.result, division),
        tables.rule_table(found.result),
        tables.side_by_side(case, found.result),
        tables.coalition_table(found.result, division),
        _waterfall(found)[0],
        tables.clearing_table(cleared, case.volumes),
        tables.fee_table(cleared),
    ]
    if found.offers:
        shown.append(tables.offer_table(case, found.offers, found.whole_offer, part))
    shown += [tables.relapse_table(case, found.fates), point_table(found.points)]
    if found.grants:
        shown.append(tables.grant_table(found.grants))
    return (*shown, *rule_tables(found.checks))


def _figures(found: _Answer) -> dict[str, Cell]:
    result, game = found.result, found.result.game
    gaps = (game.value - game.bound)[1:] / game.value[1:].clip(min=1e-9)
    kept = [entry for entry in found.fates if entry.fate == "relapses"]
    figures: dict[str, Cell] = {
        "players_count": game.count,
        "coalitions_count": game.grand,
        "coalition_gap_share": float(gaps.clip(min=0.0).max()),
        "alone_cny_per_day": float(result.alone.sum()),
        "together_cny_per_day": float(game.value[game.grand]),
        "saves_cny_per_day": result.saving,
        "least_surplus_cny_per_day": result.core.epsilon,
        "joint_company_cny_per_day": found.costs.joint,
        "deficit_public_cny_per_day": sum(entry.line.deficit.public for entry in found.fates),
        "deficit_commercial_cny_per_day": sum(entry.line.deficit.commercial for entry in found.fates),
        "lines_lost_without_subsidy": len(kept),
        "fee_in_force_cny_per_parcel": found.in_force.fee_cny_per_parcel,
        "post_gain_cny_per_day": found.in_force.taker_gain,
        "couriers_gain_cny_per_day": found.in_force.giver_gain,
        "villages_both_gain": found.in_force.both_gain,
        "points_in_balance": sum(point.balance_cny >= 0.0 for point in found.points),
    }
    return figures | rule_figures(found.checks)


def _sentences(found: _Answer) -> tuple[Message, ...]:
    return (
        *_money_sentences(found),
        *_stability_sentences(found),
        *_offer_sentences(found),
        *_public_sentences(found),
        *rule_sentences(found.checks),
    )


def _money_sentences(found: _Answer) -> list[Message]:
    result, game = found.result, found.result.game
    alone, together = float(result.alone.sum()), float(game.value[game.grand])
    told = {
        "players": game.count,
        "alone": round(alone),
        "together": round(together),
        "percent": percent(result.saving / alone if alone > 0.0 else 0.0),
    }
    proof = float(((game.value - game.bound)[1:] / game.value[1:].clip(min=1e-9)).clip(min=0.0).max())
    sure = Message("settlement_proved", {"coalitions": game.grand})
    if not game.is_proved:
        sure = Message("settlement_gap", {"coalitions": game.grand, "percent": up(100.0 * proof, 3)})
    said = [Message("settlement_answer", told), sure, Message(f"settlement_rule_{found.rule}")]
    if found.rule == "nucleolus" and not game.is_proved:
        moved = {"draws": _DRAWS, "cny": up(nucleolus_spread(game, draws=_DRAWS), 2)}
        said.append(Message("settlement_nucleolus_spread", moved))
    return said


def _stability_sentences(found: _Answer) -> list[Message]:
    core, held = found.result.core, found.division.stability
    told = [Message(f"settlement_core_{core.has_core}", {"cny": rounded(abs(core.epsilon))})]
    worst = held.worst
    if worst is not None:
        who = {"members": ", ".join(worst.members), "cny": rounded(abs(worst.gain_cny_per_day))}
        told.append(Message(f"settlement_stable_{held.is_stable}", {**who, "count": held.leaving}))
    worse = [n for n, v in zip(found.case.players, found.division.rational, strict=True) if v == "no"]
    if worse:
        told.append(Message("settlement_worse_off", {"count": len(worse), "names": ", ".join(worse)}))
    else:
        told.append(Message("settlement_nobody_worse_off"))
    return told


def _offer_sentences(found: _Answer) -> list[Message]:
    if found.case.problem.post is None:
        return [Message("settlement_no_post")]
    return offer_sentences(found.offers, found.options.figure("offer_part"), found.in_force)


def _public_sentences(found: _Answer) -> list[Message]:
    villages = found.case.case.county.villages
    names = dict(zip(villages["village_code"], villages["name"], strict=True))
    return public_sentences(found.fates, names, found.grants, has_ended=paid_share(found.given) <= 0.0)


KINDS = (
    StudyKind(
        "settlement",
        (
            settlement_option("rule", "choice", "shapley", choices=RULES),
            settlement_option("weights", "names", ()),
            *OFFER_OPTIONS,
            settlement_option("carriers", "names", ()),
            settlement_option("scheme", "choice", "none", choices=("none", *schemes())),
            settlement_option("grade", "choice", "B", choices=GRADES),
            settlement_option("investment_year", "whole", None, low=2000, high=2100, is_optional=True),
            settlement_option("claims", "names", ()),
            *MONEY_OPTIONS,
            settlement_option("workers", "whole", 1, low=1, high=64),
            FACTS_OPTION,
            ENFORCE_OPTION,
        ),
        answer_settlement,
    ),
)
