"""How often each village is visited: the curve of one more day a week, and a choice of weekdays village by village."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from geodata.errors import InputError, NoSolutionError, Problem
from geodata.messages import Message
from planner.progress import ProgressEvent, ProgressListener
from planner.reports import OPTIMALITY_TOLERANCE, SolveReport
from planner.routing.frequency import FrequencyProblem, gaps, waiting_days
from planner.routing.frequency_county import station_frequencies
from planner.routing.frequency_solve import FrequencyAnswer, FrequencyLimits, best_uniform, choose_patterns
from scenarios.studies.options import Options
from scenarios.studies.shown import rounded, status_message
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

_CURVE = (
    StudyColumn("visits_per_week", "count"),
    StudyColumn("rounds_cny_per_day", "cny"),
    StudyColumn("one_more_day_cny_per_day", "cny"),
    StudyColumn("rounds_cny_per_parcel", "cny"),
    StudyColumn("mean_waiting_days", "number"),
    StudyColumn("stock_parcels", "number"),
    StudyColumn("peak_stock_parcels", "number"),
)
_VILLAGES = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("parcels_per_day", "number"),
    StudyColumn("visits_per_week", "count"),
    StudyColumn("service_days"),
    StudyColumn("mean_waiting_days", "number"),
)
_STATIONS = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("points", "count"),
    StudyColumn("rounds_as_standard_cny_per_day", "cny"),
    StudyColumn("rounds_cny_per_day", "cny"),
    StudyColumn("bound_cny_per_day", "cny"),
    StudyColumn("mean_waiting_days", "number"),
)
_DIGITS = "1234567"


@dataclass(frozen=True, slots=True)
class _Step:
    """All stations visited so many days a week, each on its own best weekdays."""

    visits: int
    cny: float
    waiting: float
    peak: float


def answer_frequency(given: StudyInput, listener: ProgressListener) -> Study:
    """Answer what one more day a week costs, and which villages deserve it."""
    options = Options(given.options)
    patterns = _patterns(options)
    problems = station_frequencies(
        given.problem,
        given.verified.plan,
        patterns=patterns,
        least_visits=options.whole("least_visits") or 1,
        waiting_cny_per_parcel_day=options.figure("waiting_cny_per_parcel_day"),
        stations=_stations(given, options),
    )
    if not problems:
        raise NoSolutionError(Message("frequency_no_rounds"))
    lost = sorted({p for f in problems for r in patterns for p in f.dropped((r,) * len(f.points))})
    if lost:
        raise NoSolutionError(Message("frequency_not_served", {"points": ", ".join(lost[:5]), "count": len(lost)}))
    curve = [_step(problems, visits) for visits in sorted({len(r) for r in patterns})]
    answers = _choices(given, options, problems, listener)
    told = _Told(given, problems, curve, answers)
    return Study(
        name=given.name,
        kind="frequency",
        report=told.report,
        answer=told.sentences(),
        figures=told.figures(),
        tables=told.tables(),
        charts=told.charts(),
        places=told.places(),
        assumptions=(Message("study_assumption_frequency"),),
    )


def _patterns(options: Options) -> tuple[str, ...]:
    patterns = options.names("patterns")
    problems = [
        Problem("error", "frequency_bad_pattern", column="patterns", value=r)
        for r in patterns
        if not r or set(r) - set(_DIGITS) or len(set(r)) != len(r)
    ]
    least = options.whole("least_visits") or 1
    if not problems and not any(len(r) >= least for r in patterns):
        problems.append(Problem("error", "frequency_none_allowed", column="least_visits", value=str(least)))
    if problems:
        raise InputError(Message("frequency_unusable", {"count": len(problems)}), problems)
    return tuple(dict.fromkeys("".join(sorted(r)) for r in patterns))


def _stations(given: StudyInput, options: Options) -> tuple[str, ...]:
    asked, known = options.names("stations"), given.verified.plan.siting.centre_of_station
    unknown = [name for name in asked if name not in known]
    if unknown:
        figures = {"known": ", ".join(sorted(known))}
        problems = [
            Problem("error", "frequency_no_station", column="stations", value=s, params=figures) for s in unknown
        ]
        raise InputError(Message("frequency_unusable", {"count": len(problems)}), problems)
    return asked


def _step(problems: Sequence[FrequencyProblem], visits: int) -> _Step:
    cny, waiting, peak = 0.0, 0.0, 0.0
    for problem in problems:
        best = best_uniform(problem, visits)
        if best is not None:
            chosen = (best[0],) * len(problem.points)
            cny += best[1]
            waiting += problem.waiting_parcel_days(chosen)
            peak += problem.peak_stock(chosen)
    return _Step(visits, cny, waiting, peak)


def _choices(
    given: StudyInput, options: Options, problems: Sequence[FrequencyProblem], listener: ProgressListener
) -> tuple[FrequencyAnswer, ...]:
    if not options.switch("by_village"):
        return ()
    limits = FrequencyLimits(
        case_limit=options.whole("case_limit") or 1,
        relative_gap=max(given.limits.relative_gap, options.figure("gap")),
        node_limit=given.limits.node_limit,
        time_limit_s=given.limits.time_limit_s,
        seed=given.limits.seed,
    )
    found = []
    for done, problem in enumerate(problems, start=1):
        found.append(choose_patterns(problem, limits))
        total = math.fsum(a.report.objective or 0.0 for a in found)
        listener(ProgressEvent("routing", total, done=done, total=len(problems)))
    return tuple(found)


class _Told:
    """What the curve and the choice have to say."""

    def __init__(
        self,
        given: StudyInput,
        problems: Sequence[FrequencyProblem],
        curve: Sequence[_Step],
        answers: Sequence[FrequencyAnswer],
    ) -> None:
        self.given, self.problems, self.curve, self.answers = given, problems, curve, answers
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.parcels = math.fsum(point.parcels_per_day for problem in problems for point in problem.points)
        self.standard = given.problem.standard.visits_per_week
        self.report = self._sum()

    def _sum(self) -> SolveReport | None:
        """Add up the stations' reports; a bound only where every station has one."""
        reports = [answer.report for answer in self.answers]
        if not reports:
            return None
        objective = math.fsum(r.objective or 0.0 for r in reports)
        bounds = [r.bound for r in reports if r.bound is not None]
        bound = min(objective, math.fsum(bounds)) if len(bounds) == len(reports) else None
        proved = bound is not None and objective - bound <= OPTIMALITY_TOLERANCE * abs(objective)
        first = reports[0]
        return SolveReport(
            "optimal" if proved else "feasible", objective, bound, first.engine, first.seed, dict(first.limits)
        )

    def _at(self, visits: int) -> _Step | None:
        return next((step for step in self.curve if step.visits == visits), None)

    def mean_days(self, waiting: float) -> float:
        """Return parcel-days of waiting over parcels."""
        return waiting / self.parcels if self.parcels else 0.0

    def chosen_cny(self) -> float:
        """Return the rounds of the choice by village, CNY of a mean day."""
        return math.fsum(p.rounds_cny_per_day(a.chosen) for p, a in zip(self.problems, self.answers, strict=True))

    def chosen_waiting(self) -> float:
        """Return the parcel-days of waiting of the choice by village."""
        return math.fsum(p.waiting_parcel_days(a.chosen) for p, a in zip(self.problems, self.answers, strict=True))

    def sentences(self) -> tuple[Message, ...]:
        """Say the price of a day more, then the choice by village beside the standard."""
        said = []
        now, more = self._at(self.standard), self._at(self.standard + 1)
        if now is not None and more is not None:
            figures = {
                "from": now.visits,
                "to": more.visits,
                "cny": rounded(more.cny - now.cny),
                "days": round(self.mean_days(now.waiting) - self.mean_days(more.waiting), 2),
                "stock": round(now.waiting - more.waiting),
            }
            said.append(Message("study_answer_frequency", figures))
        else:
            said.append(Message("study_answer_frequency_curve", {"steps": len(self.curve)}))
        if self.answers:
            counts = [len(r) for answer in self.answers for r in answer.chosen]
            figures = {
                "mean": round(sum(counts) / len(counts), 2),
                "cny": rounded(self.chosen_cny()),
                "days": round(self.mean_days(self.chosen_waiting()), 2),
            }
            said.append(Message("study_frequency_choice", figures))
            if now is not None:
                told = {"visits": now.visits, "cny": rounded(now.cny), "days": round(self.mean_days(now.waiting), 2)}
                said.append(Message("study_frequency_beside", told))
            assert self.report is not None  # noqa: S101 - there are answers
            said.append(status_message(self.report))
        return tuple(said)

    def figures(self) -> dict[str, Cell]:
        """Return single figures."""
        found: dict[str, Cell] = {"parcels_per_day": self.parcels, "stations": len(self.problems)}
        if self.answers:
            found["rounds_cny_per_day"] = self.chosen_cny()
            found["mean_waiting_days"] = self.mean_days(self.chosen_waiting())
            found["stock_parcels"] = self.chosen_waiting()
        return found

    def tables(self) -> tuple[StudyTable, ...]:
        """Return the curve, and villages and stations of the choice."""
        made = [StudyTable("table_study_frequency", _CURVE, self._curve())]
        if self.answers:
            made.append(StudyTable("table_study_frequency_stations", _STATIONS, self._stations()))
            made.append(StudyTable("table_study_frequency_villages", _VILLAGES, self._villages()))
        return tuple(made)

    def _curve(self) -> tuple[tuple[Cell, ...], ...]:
        rows = []
        for i, step in enumerate(self.curve):
            before = self.curve[i - 1] if i and self.curve[i - 1].visits == step.visits - 1 else None
            extra = None if before is None else step.cny - before.cny
            per_parcel = step.cny / self.parcels if self.parcels else None
            rows.append(
                (step.visits, step.cny, extra, per_parcel, self.mean_days(step.waiting), step.waiting, step.peak)
            )
        return tuple(rows)

    def _stations(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for problem, answer in zip(self.problems, self.answers, strict=True):
            depot, rounds = problem.round.depot_id, problem.rounds_cny_per_day(answer.chosen)
            standard = best_uniform(problem, self.standard)
            waits = problem.waiting_parcel_days(answer.chosen)
            parcels = math.fsum(point.parcels_per_day for point in problem.points)
            bound = answer.report.bound
            priced = problem.waiting_cny_per_parcel_day * waits
            rows.append(
                (
                    depot,
                    str(self.facilities.loc[depot]["name"]),
                    len(problem.points),
                    None if standard is None else standard[1],
                    rounds,
                    None if bound is None else max(0.0, bound - priced),
                    waits / parcels if parcels else None,
                )
            )
        return tuple(rows)

    def _villages(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for problem, answer in zip(self.problems, self.answers, strict=True):
            for point, pattern in zip(problem.points, answer.chosen, strict=True):
                row = self.facilities.loc[point.point_id]
                at = point.point_id, str(row["name"]), str(row["township_code"]), point.parcels_per_day
                rows.append((*at, len(pattern), pattern, waiting_days(pattern)))
        return tuple(rows)

    def charts(self) -> tuple[StudyChart, ...]:
        """Return cost and waiting over visits a week, for all villages alike."""
        lines: Mapping[str, list[tuple[float, float]]] = {
            "rounds_cny_per_day": [(float(s.visits), s.cny) for s in self.curve],
            "mean_waiting_days": [(float(s.visits), self.mean_days(s.waiting)) for s in self.curve],
        }
        return tuple(
            StudyChart(f"chart_frequency_{key}", "line", "visits_per_week", key, (StudySeries(key, tuple(points)),))
            for key, points in lines.items()
        )

    def places(self) -> tuple[StudyPlace, ...]:
        """Return the villages' points with their weekdays; those above the standard stand out."""
        if not self.answers:
            return ()
        shown = []
        for problem, answer in zip(self.problems, self.answers, strict=True):
            for point, pattern in zip(problem.points, answer.chosen, strict=True):
                row = self.facilities.loc[point.point_id]
                facts: dict[str, Cell] = {
                    "visits_per_week": len(pattern),
                    "service_days": pattern,
                    "longest_gap_days": max(gaps(pattern).values()),
                    "parcels_per_day": point.parcels_per_day,
                }
                mark = (
                    "chosen" if len(pattern) > self.standard else "kept" if len(pattern) == self.standard else "served"
                )
                at = point.point_id, str(row["name"]), float(row["lon"]), float(row["lat"])
                shown.append(StudyPlace(*at, mark, facts))  # type: ignore[arg-type]
        return tuple(shown)


KINDS = (
    StudyKind(
        "frequency",
        (
            StudyOption("patterns", "names", ("14", "25", "135", "246", "1246", "12345", "123456", "1234567")),
            StudyOption("least_visits", "whole", 3, low=1, high=7),
            StudyOption("waiting_cny_per_parcel_day", "number", 0.1, low=0),
            StudyOption("stations", "names", ()),
            StudyOption("by_village", "switch", True),
            StudyOption("case_limit", "whole", 4, low=1, meaning="study_option_frequency_cases"),
            StudyOption("gap", "number", 0.005, low=0, high=1, meaning="study_option_frequency_gap"),
        ),
        answer_frequency,
    ),
)
