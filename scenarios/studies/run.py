"""Answers the studies of a scenario, one after the other in the order of their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace

from geodata.errors import InfeasibleError, InputError, NoSolutionError, UsageError, XiangyouError
from geodata.messages import Lang, Message
from planner.plan import Kpi, KpiSet, PlanProblem, VerifiedPlan
from planner.progress import ProgressEvent, ProgressListener, no_progress
from scenarios.studies.settings import ChosenStudy
from scenarios.studies.study import FAILED, Study, StudyInput

STAGE = "studies"


def run_studies(
    problem: PlanProblem,
    verified: VerifiedPlan,
    chosen: Sequence[ChosenStudy],
    *,
    lang: Lang,
    listener: ProgressListener = no_progress,
) -> tuple[Study, ...]:
    """Answer studies about a county and its plan.

    Parameters
    ----------
    problem, verified
        The county with its travel times, and the checked plan.
    chosen
        Studies, in the order in which they are answered.
    lang
        Language of the cause in the message of a study that fails.
    listener
        Told of every study (stage ``studies``), with value and bound while one is solved.

    Raises
    ------
    InfeasibleError, NoSolutionError, InputError, UsageError
        What a study met that has no answer; the message names the study. A study that reports failures raises none of
        them: its answer says why there is none.
    """
    studies: dict[str, Study] = {}
    for done, entry in enumerate(sorted(chosen, key=lambda one: one.kind.reads_studies)):
        listener(ProgressEvent(STAGE, done=done, total=len(chosen)))
        given = StudyInput(entry.name, problem, verified, entry.options, entry.limits, _earlier(entry, studies))

        def told(event: ProgressEvent, done: int = done) -> None:
            listener(replace(event, stage=STAGE, done=done, total=len(chosen)))

        try:
            studies[entry.name] = entry.kind.answer(given, told)
        except (InfeasibleError, NoSolutionError, InputError, UsageError) as error:
            if not entry.reports_failure:
                raise _named(error, entry.name, lang) from error
            studies[entry.name] = _failed(entry, error)
    if chosen:
        listener(ProgressEvent(STAGE, done=len(chosen), total=len(chosen)))
    return tuple(studies[entry.name] for entry in chosen)


def _earlier(entry: ChosenStudy, studies: Mapping[str, Study]) -> tuple[Study, ...]:
    """Return the studies answered so far, by name, where the kind looks at them."""
    return tuple(studies[name] for name in sorted(studies)) if entry.kind.reads_studies else ()


def _named(error: XiangyouError, name: str, lang: Lang) -> XiangyouError:
    """Return the error with a message that names the study; everything it carries stays."""
    figures = {"study": name, "cause": error.message.text(lang)}
    if isinstance(error, InfeasibleError):
        return InfeasibleError(Message("study_infeasible", figures), error.fixes)
    if isinstance(error, NoSolutionError):
        return NoSolutionError(Message("study_no_solution", figures), error.fixes)
    if isinstance(error, InputError):
        return InputError(Message("study_refused", figures), error.problems)
    return UsageError(Message("study_wrong", figures))


def _failed(entry: ChosenStudy, error: XiangyouError) -> Study:
    """Return a study that says why it has no answer, and what would do."""
    said = [error.message]
    if isinstance(error, InfeasibleError | NoSolutionError):
        said += error.fixes
    if isinstance(error, InputError):
        for found in error.problems:
            place = {"table": found.table, "row": found.row or "", "column": found.column, "value": found.value}
            said.append(Message(found.code, {**place, **found.params}))
    return Study(entry.name, entry.kind.kind, None, (Message(FAILED, {"study": entry.name}), *said))


def with_study_kpis(verified: VerifiedPlan, studies: Sequence[Study]) -> VerifiedPlan:
    """Return the plan with the KPI rows of its studies; of two studies with the same row the first one's counts."""
    rows: dict[tuple[str, str], Kpi] = {(row.kpi_id, row.part): row for row in verified.kpis.rows}
    for study in studies:
        for row in study.kpis:
            rows.setdefault((row.kpi_id, row.part), row)
    return dataclasses.replace(verified, kpis=KpiSet(tuple(rows.values())))
