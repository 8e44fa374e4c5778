"""Cooperation study: separate networks today, the best mix of modes village by village, and what it saves by which mode."""

from __future__ import annotations

from collections import Counter

from geodata.errors import NoSolutionError
from geodata.messages import Message
from planner.cooperation.baseline import (
    Calibration,
    KmCalibration,
    lines_for_saving,
    lines_per_village,
    restricted,
    separate_cny,
    separate_networks,
)
from planner.cooperation.build import CooperationCase
from planner.cooperation.contracts import BusSaving, contracts_of
from planner.cooperation.measures import cooperation_kpis
from planner.cooperation.modes import ModePlan, SavingStep, incremental_cny, saving_steps, solve_modes
from planner.problems.cooperation import SHARED_MODES
from planner.progress import ProgressListener
from planner.verification.cooperation import CooperationCheck, check_cooperation
from scenarios.studies.cooperation_case import cooperation_question
from scenarios.studies.cooperation_places import main_mode, mode_places, modes_by_village, today_view
from scenarios.studies.cooperation_waves import compared, departure_table, wave_sentences, wave_table
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
    StudyTable,
    waterfall_series,
)

#: Published savings of cooperation, and parcels a route-day of published cases (docs/cooperation.md).
SAVING_BAND = (0.10, 0.25)
ROUTE_BAND = (5.0, 714.0)
_STEP_COLUMNS = (
    StudyColumn("block", "label"),
    StudyColumn("change_cny_per_day", "cny"),
    StudyColumn("total_cny_per_day", "cny"),
)
_NETWORK_COLUMNS = (
    StudyColumn("operator_id"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("villages_count", "count"),
    StudyColumn("kpi_part_line_haul", "cny"),
    StudyColumn("outlets_cny", "cny"),
    StudyColumn("kpi_part_last_mile", "cny"),
    StudyColumn("handling_cny", "cny"),
    StudyColumn("total_cny_per_day", "cny"),
    StudyColumn("cny_per_parcel", "number"),
)
_VILLAGE_COLUMNS = (
    StudyColumn("village_code"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("operators_count", "count"),
    StudyColumn("main_mode", "label"),
    StudyColumn("modes_told"),
    StudyColumn("slowest_h", "number"),
    StudyColumn("incremental_cny_per_day", "cny"),
    StudyColumn("incremental_cny_per_parcel", "number"),
)
_CONTRACT_COLUMNS = (
    StudyColumn("mode", "label"),
    StudyColumn("tier", "label"),
    StudyColumn("contract_link"),
    StudyColumn("carrier"),
    StudyColumn("parties"),
    StudyColumn("villages_count", "count"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("price_rule", "label"),
    StudyColumn("handover", "label"),
)


def answer_cooperation(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer a cooperation study.

    Raises
    ------
    InputError
        If the operators' sheets are wrong.
    NoSolutionError
        If the plan fails its own check: the plan is then not shown.
    """
    options = Options(given.options)
    question = cooperation_question(
        given, options, modes=options.names("modes"), maximum_waves=options.whole("waves") or 1
    )
    case, scales = question.case, question.scales
    plan = solve_modes(case.problem, limits=given.limits, listener=listener)
    check = check_cooperation(plan)
    if check.violations:
        first = check.violations[0]
        raise NoSolutionError(Message("cooperation_check_failed", {"rule": first.rule, "place": first.place}))
    steps = saving_steps(case.problem, plan, limits=given.limits)
    extra = incremental_cny(plan) if options.switch("incremental") else {}
    tables = [_steps(steps), _networks(case), _villages(case, plan, extra), _contracts(plan)]
    if plan.waves:
        tables.append(departure_table(plan))
    waves = compared(plan, given.limits) if case.problem.settings.maximum_waves > 1 else None
    if waves is not None:
        tables.append(wave_table(waves))
    if scales:
        tables.append(_scales(scales))
    if case.km_scales:
        tables.append(_km_scales(case.km_scales))
    return Study(
        name=given.name,
        kind="cooperation",
        report=plan.report,
        answer=(*_sentences(given, case, plan, check, steps), *(wave_sentences(waves) if waves is not None else ())),
        reasons={v: Message(key) for v, key in sorted(case.problem.left_out.items())},
        figures=_figures(case, plan, check),
        tables=tuple(tables),
        charts=(_waterfall(steps),),
        places=mode_places(case, plan),
        views=(today_view(case),),
        assumptions=question.assumptions,
        kpis=cooperation_kpis(plan, case.county, extra),
    )


def _sentences(
    given: StudyInput, case: CooperationCase, plan: ModePlan, check: CooperationCheck, steps: tuple[SavingStep, ...]
) -> tuple[Message, ...]:
    problem = case.problem
    separate = separate_cny(problem)
    saving = 1.0 - plan.cny_per_day / separate if separate > 0.0 else 0.0
    money = {"separate": round(separate), "plan": round(plan.cny_per_day), "percent": percent(saving)}
    # Today's networks first: against separate networks to every village, which nobody runs, any saving looks too good.
    said = [
        _band(case, plan),
        Message("cooperation_answer", {**money, "villages": len(problem.village_ids)}),
        status_message(plan.report),
    ]
    number = lines_per_village(problem)
    single = int((number <= 1).sum())
    if single:
        said.append(Message("cooperation_single", {"count": single}))
    by_bus = sum(c.kind == "bus" for c in plan.carriages)
    if by_bus:
        without = frozenset(SHARED_MODES) - {"bus"}
        other = solve_modes(restricted(problem, without), limits=given.limits)
        gain = max(0.0, other.cny_per_day - plan.cny_per_day)
        said.append(BusSaving(gain, check.passenger_min_per_day).message())
        loads = sorted(check.bus_parcels_per_day.values())
        inside = ROUTE_BAND[0] <= loads[0] and loads[-1] <= ROUTE_BAND[1]
        figures = {"low": rounded(loads[0]), "high": rounded(loads[-1]), "band": f"{ROUTE_BAND[0]:g}–{ROUTE_BAND[1]:g}"}
        said.append(Message("cooperation_route_in_band" if inside else "cooperation_route_out_of_band", figures))
    left = len(problem.left_out)
    if left:
        said.append(Message("cooperation_left_out", {"count": left}))
    reached = steps[1].cny_per_day
    if reached > 0.0:
        said.append(Message("cooperation_reach", {"cny": round(reached)}))
    return tuple(said)


def _band(case: CooperationCase, plan: ModePlan) -> Message:
    """Say whether the change from today lies in the published band, or which assumption moves it out.

    Published figures compare before and after, so the plan is held against today's networks with the villages they reach.
    """
    today = separate_cny(case.problem, only_reached=True)
    saving = 1.0 - plan.cny_per_day / today if today > 0.0 else 0.0
    low, high = (percent(end) for end in SAVING_BAND)
    figures: dict[str, object] = {"today": round(today), "percent": percent(saving), "low": low, "high": high}
    if SAVING_BAND[0] <= saving <= SAVING_BAND[1]:
        return Message("cooperation_saving_in_band", figures)
    few, many = (lines_for_saving(case.problem, plan.cny_per_day, end) for end in SAVING_BAND)
    figures |= {
        "lines": round(float(lines_per_village(case.problem).mean()), 1),
        "few": round(few, 1),
        "many": round(many, 1),
        "survey": case.county.parameters["lines_per_village_today"],
    }
    return Message("cooperation_saving_out_of_band", figures)


def _figures(case: CooperationCase, plan: ModePlan, check: CooperationCheck) -> dict[str, Cell]:
    kinds = Counter(c.kind for c in plan.carriages)
    separate = separate_cny(case.problem)
    figures: dict[str, Cell] = {
        "separate_cny_per_day": separate,
        "total_cny_per_day": plan.cny_per_day,
        "saving_share": 1.0 - plan.cny_per_day / separate if separate > 0.0 else 0.0,
        "passenger_min_per_day": check.passenger_min_per_day,
        "joint_departures": len(plan.waves),
    }
    return figures | {f"carried_{kind}": number for kind, number in sorted(kinds.items())}


def _steps(steps: tuple[SavingStep, ...]) -> StudyTable:
    rows = tuple((f"block_{s.key}", s.cny_per_day, s.total_cny_per_day) for s in steps)
    return StudyTable("table_study_saving_steps", _STEP_COLUMNS, rows)


def _waterfall(steps: tuple[SavingStep, ...]) -> StudyChart:
    totals = [(f"block_{s.key}", s.total_cny_per_day) for s in steps]
    series = waterfall_series([*totals, ("block_plan", steps[-1].total_cny_per_day)])
    return StudyChart("chart_saving_steps", "waterfall", "block", "total_cny_per_day", series)


def _networks(case: CooperationCase) -> StudyTable:
    rows = tuple(
        (
            n.operator_id,
            n.parcels,
            n.villages,
            *(n.costs[item] for item in ("line_haul", "outlet", "rounds", "handling")),
            n.cny_per_day,
            n.cny_per_day / n.parcels if n.parcels > 0.0 else None,
        )
        for n in separate_networks(case.problem)
    )
    return StudyTable("table_study_networks", _NETWORK_COLUMNS, rows)


def _villages(case: CooperationCase, plan: ModePlan, extra: dict[str, float]) -> StudyTable:
    problem = case.problem
    names = case.county.villages.set_index("village_code")["name"]
    parcels, number = problem.parcels.sum(axis=0), lines_per_village(problem)
    by_village = modes_by_village(plan)
    rows: list[tuple[Cell, ...]] = []
    for v, code in enumerate(problem.village_ids):
        items = by_village.get(code, Counter())
        main = main_mode(items)
        hours = max((c.hours for c in plan.carriages if c.village_id == code), default=None)
        town = problem.township_ids[int(problem.village_township[v])]
        told = ", ".join(f"path_{kind}:{count}" for kind, count in sorted(items.items()))
        more = extra.get(code)
        each = None if more is None or parcels[v] <= 0.0 else more / float(parcels[v])
        rows.append(
            (code, str(names[code]), town, float(parcels[v]), int(number[v]), f"path_{main}", told, hours, more, each)
        )
    return StudyTable("table_study_village_modes", _VILLAGE_COLUMNS, tuple(rows))


def _contracts(plan: ModePlan) -> StudyTable:
    rows = tuple(
        (
            f"path_{c.mode}",
            f"tier_{c.tier}",
            c.link,
            c.carrier,
            ", ".join(c.parties),
            len(c.villages),
            c.parcels_per_day,
            f"price_{c.price_rule}",
            c.handover,
        )
        for c in contracts_of(plan)
    )
    return StudyTable("table_study_contracts", _CONTRACT_COLUMNS, rows)


def _scales(scales: tuple[Calibration, ...]) -> StudyTable:
    columns = (
        StudyColumn("operator_id"),
        StudyColumn("known_cost_low_cny_per_parcel", "number"),
        StudyColumn("known_cost_high_cny_per_parcel", "number"),
        StudyColumn("cny_per_parcel", "number"),
        StudyColumn("trip_scale", "number"),
    )
    rows = tuple((s.operator_id, s.low_cny, s.high_cny, s.modelled_cny, s.scale) for s in scales)
    return StudyTable("table_study_calibration", columns, rows)


def _km_scales(scales: tuple[KmCalibration, ...]) -> StudyTable:
    columns = (
        StudyColumn("operator_id"),
        StudyColumn("known_cost_cny_per_km", "number"),
        StudyColumn("line_cny_per_km", "number"),
        StudyColumn("round_cny_per_km", "number"),
        StudyColumn("line_trip_scale", "number"),
        StudyColumn("round_trip_scale", "number"),
    )
    rows = tuple(
        (s.operator_id, s.known_cny_per_km, s.line_cny_per_km, s.round_cny_per_km, s.line_scale, s.round_scale)
        for s in scales
    )
    return StudyTable("table_study_calibration_km", columns, rows)


KINDS = (
    StudyKind(
        "cooperation",
        (
            StudyOption("modes", "names", SHARED_MODES, meaning="study_option_cooperation_modes"),
            StudyOption("waves", "whole", 2, low=1, high=2, meaning="study_option_cooperation_waves"),
            StudyOption(
                "visits_per_week",
                "number",
                None,
                low=1,
                high=7,
                is_optional=True,
                meaning="study_option_cooperation_visits",
            ),
            StudyOption("assume_buses", "switch", False),
            StudyOption("assume_shops", "switch", False),
            StudyOption("incremental", "switch", True, meaning="study_option_cooperation_incremental"),
        ),
        answer_cooperation,
    ),
)
