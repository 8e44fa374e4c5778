"""A scenario's whole way: county, travel times, plan, run folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from geodata.changes import Cut, apply_changes
from geodata.completion import complete
from geodata.county import County
from geodata.errors import InputError, Problem, UsageError
from geodata.importers.registry import IMPORTERS
from geodata.messages import Message
from geodata.read import read_county
from geodata.reference import reference_county
from networks.providers import TravelTimes, build_travel
from planner.design import design_plan
from planner.plan import PlanProblem, VerifiedPlan
from planner.progress import ProgressEvent, ProgressListener, no_progress
from scenarios.content import RunContent
from scenarios.outputs.drawing import along_roads
from scenarios.outputs.geopackage import write_geopackage
from scenarios.outputs.map import write_map
from scenarios.outputs.report import write_report
from scenarios.outputs.tables import run_tables
from scenarios.outputs.workbook import write_workbook
from scenarios.plan_json import (
    KPI_FILE,
    PLAN_FILE,
    RESOLVED_FILE,
    plan_document,
    read_plan,
    summary,
    write_kpis,
)
from scenarios.resolve import REFERENCE_SOURCE, ResolvedScenario, resolve_scenario
from scenarios.rundir import (
    DISTRIBUTION,
    MANIFEST,
    MANIFEST_SCHEMA,
    environment,
    is_up_to_date,
    output_hashes,
    path_hashes,
    refuse_occupied,
    source_hashes,
    whole_folder,
    write_json,
    write_text,
)
from scenarios.spec import nearest
from scenarios.studies.run import run_studies, with_study_kpis

Writers = Mapping[str, Callable[[RunContent, Path], None]]
#: Villages and hamlets farther from a point than this, and than the standard asks, do not reach it.
ACCESS_CUTOFF_KM = 15.0
Loaded = tuple[County, Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is asked of a run.

    Attributes
    ----------
    scenario
        Library name or path of a scenario file.
    data_dir
        Folder the importers read from.
    out
        Run folder; None: ``runs_dir/NAME-HASH8``.
    overrides, sets, lang, seed
        See `scenarios.resolve.resolve_scenario`.
    runs_dir
        Where run folders without an `out` go.
    studies
        Studies to answer; none: all that are active.
    """

    scenario: str | Path
    data_dir: Path | None = None
    out: Path | None = None
    overrides: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    lang: str | None = None
    seed: int | None = None
    runs_dir: Path = Path("runs")
    studies: tuple[str, ...] = ()

    def resolve(self) -> ResolvedScenario:
        """Resolve the scenario asked for."""
        return resolve_scenario(
            self.scenario,
            overrides=self.overrides,
            sets=self.sets,
            studies=self.studies,
            lang=self.lang,
            seed=self.seed,
        )


def output_writers(content: RunContent) -> Writers:
    """Return the files made from a run's content, by name, in the order they are written."""
    tables = run_tables(content)
    drawn = replace(content, studies=along_roads(content.studies, tables.drawing))
    return {
        "plan.gpkg": lambda _, path: write_geopackage(drawn, path, tables=tables),
        "summary.xlsx": lambda _, path: write_workbook(drawn, path, tables=tables),
        "map.html": lambda _, path: write_map(drawn, path, tables=tables),
        "report.html": lambda _, path: write_report(drawn, path, tables=tables),
    }


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a run; tests put their own in."""

    complete: Callable[..., County] = complete
    build_travel: Callable[..., TravelTimes] = build_travel
    design_plan: Callable[..., VerifiedPlan] = design_plan
    writers: Callable[[RunContent], Writers] = output_writers


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run that ended well.

    Attributes
    ----------
    folder
        The run folder.
    is_new
        False if the very same run was there already.
    summary
        Head of the plan (see `scenarios.plan_json.summary`).
    """

    folder: Path
    is_new: bool
    summary: Mapping[str, Any]


class _Clock:
    """Times the stages as their events pass by; times go to the manifest only."""

    def __init__(self, listener: ProgressListener) -> None:
        self.timings_s: dict[str, float] = {}
        self.started_at = datetime.now(UTC)
        self._listener = listener
        self._stage = ""
        self._since = time.perf_counter()

    def __call__(self, event: ProgressEvent) -> None:
        if event.stage != self._stage:
            self.stop()
            self._stage = event.stage
        self._listener(event)

    def stop(self) -> None:
        """End the stage under way."""
        now = time.perf_counter()
        if self._stage:
            self.timings_s[self._stage] = round(self.timings_s.get(self._stage, 0.0) + now - self._since, 3)
        self._stage, self._since = "", now


def xiangyou_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def run_scenario(request: RunRequest, *, listener: ProgressListener = no_progress) -> Path:
    """Run a scenario and return its run folder.

    Raises
    ------
    UsageError
        The scenario or an option asks for something that does not exist.
    InputError
        The county cannot be used, or the run folder is occupied.
    InfeasibleError, NoSolutionError, VerificationError
        There is no plan. No folder is left behind.
    """
    return execute(request.resolve(), request, listener=listener).folder


def execute(
    scenario: ResolvedScenario,
    request: RunRequest,
    *,
    listener: ProgressListener = no_progress,
    steps: Steps | None = None,
) -> RunOutcome:
    """Run a resolved scenario; see `run_scenario`."""
    steps = steps or Steps()
    if request.out is not None:
        refuse_occupied(request.out)
    clock = _Clock(listener)
    clock(ProgressEvent("read"))
    county, problems = _county(scenario, request.data_dir, steps)
    changed, cuts = apply_changes(county, scenario.changes)
    run_hash = scenario.content_hash(county.content_hash())
    folder = request.out or request.runs_dir / f"{scenario.name}-{run_hash[:8]}"
    if request.out is None and is_up_to_date(folder, run_hash):
        return RunOutcome(folder, is_new=False, summary=summary(read_plan(folder)))
    refuse_occupied(folder)
    content, travel_problems = _plan(scenario, changed, (run_hash, cuts), clock, steps)
    problems = (*problems, *travel_problems)
    clock(ProgressEvent("write"))
    with whole_folder(folder) as place:
        document = plan_document(content, problems)
        write_json(place / PLAN_FILE, document)
        write_text(place / RESOLVED_FILE, scenario.toml())
        write_kpis(content.verified, content.lang, place / KPI_FILE)
        shown = _with_input_warnings(content, problems)
        writers = steps.writers(shown)
        for done, (name, write) in enumerate(writers.items(), start=1):
            write(shown, place / name)
            clock(ProgressEvent("write", done=done, total=len(writers)))
        clock.stop()
        write_json(place / MANIFEST, _manifest(scenario, request, content, run_hash, clock, place))
    return RunOutcome(folder, is_new=True, summary=summary(document))


def evaluate(
    scenario: ResolvedScenario, data_dir: Path | None, *, loaded: County | None = None, steps: Steps | None = None
) -> tuple[RunContent, Sequence[Problem]]:
    """Plan a resolved scenario without writing anything; return the run's content and the warnings about its input.

    Parameters
    ----------
    scenario, data_dir
        What to plan, and where importers read.
    loaded
        The completed county, if it is at hand (see `completed_county`).

    Raises
    ------
    UsageError, InputError, InfeasibleError, NoSolutionError, VerificationError
        As `run_scenario`.
    """
    steps = steps or Steps()
    county, problems = (loaded, ()) if loaded is not None else _county(scenario, data_dir, steps)
    changed, cuts = apply_changes(county, scenario.changes)
    content, more = _plan(scenario, changed, (scenario.content_hash(county.content_hash()), cuts), no_progress, steps)
    return content, (*problems, *more)


def completed_county(scenario: ResolvedScenario, data_dir: Path | None) -> tuple[County, Sequence[Problem]]:
    """Return the county of a scenario, read and completed, before its changes."""
    return _county(scenario, data_dir, Steps())


def load_county(scenario: ResolvedScenario, data_dir: Path | None) -> Loaded:
    """Read the county a scenario names, before anything is filled in.

    Raises
    ------
    UsageError
        If the importer is unknown, or its data folder is not given.
    InputError
        With every problem of the data.
    """
    if scenario.source == REFERENCE_SOURCE:
        return (
            reference_county(
                townships=scenario.value("county.townships"),
                villages=scenario.value("county.villages"),
                seed=scenario.value("county.seed"),
            ),
            (),
        )
    path = scenario.source_path
    if path is not None:
        return read_county(path)
    return import_county(scenario.importer, data_dir)


def import_county(name: str, data_dir: Path | None) -> Loaded:
    """Read a county with an importer.

    Raises
    ------
    UsageError
        If the importer is unknown, or the data folder is not given or not there.
    """
    if name not in IMPORTERS:
        figures = {"name": name, "nearest": nearest(name, IMPORTERS), "known": ", ".join(sorted(IMPORTERS))}
        raise UsageError(Message("run_unknown_importer", figures))
    if data_dir is None:
        raise UsageError(Message("run_needs_data", {"name": name}))
    if not data_dir.is_dir():
        raise InputError(Message("run_no_data_folder", {"folder": str(data_dir)}))
    return IMPORTERS[name](data_dir)


def _county(scenario: ResolvedScenario, data_dir: Path | None, steps: Steps) -> tuple[County, Sequence[Problem]]:
    """Read the county, put the scenario's parameters in, and fill what the data lacks."""
    county, problems = load_county(scenario, data_dir)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InputError(Message("run_county_unusable", {"count": len(errors)}), problems)
    parameters = county.parameters
    for origin, values in scenario.parameters_by_origin().items():
        parameters = parameters.with_values(values, origin)
    completed = steps.complete(
        county.replace(parameters=parameters),
        seed=scenario.seed,
        township_cluster_count=scenario.value("county.township_cluster_count"),
        place_unlocated=scenario.value("county.place_unlocated"),
        county_population=scenario.value("county.population"),
    )
    return completed, problems


def _plan(
    scenario: ResolvedScenario,
    county: County,
    identity: tuple[str, Sequence[Cut]],
    clock: ProgressListener,
    steps: Steps,
) -> tuple[RunContent, Sequence[Problem]]:
    """Design the plan; return the run's content and what travel times warn about.

    `identity` is the run's hash and the cuts of the county's changes.
    """
    run_hash, cuts = identity
    clock(ProgressEvent("travel"))
    standard = scenario.standard
    travel = steps.build_travel(
        county,
        detour_factor=scenario.value("county.detour_factor"),
        access_cutoff_km=max(ACCESS_CUTOFF_KM, standard.allocation_km, standard.access_km),
        cuts=cuts,
    )
    problem = PlanProblem(county, travel.matrices, standard, scenario.siting, scenario.routing)
    verified = steps.design_plan(problem, listener=clock)
    warnings = (*verified.plan.warnings, *scenario.parameter_warnings())
    verified = dataclasses.replace(verified, plan=dataclasses.replace(verified.plan, warnings=warnings))
    studies = run_studies(problem, verified, scenario.studies, lang=scenario.lang, listener=clock)
    verified = with_study_kpis(verified, studies)
    content = RunContent(
        run_name=scenario.name,
        run_hash=run_hash[:8],
        title=scenario.title(scenario.lang),
        lang=scenario.lang,
        problem=problem,
        verified=verified,
        resolved=scenario.display(),
        version=xiangyou_version(),
        studies=studies,
    )
    return content, travel.warnings


def _with_input_warnings(content: RunContent, problems: Sequence[Problem]) -> RunContent:
    """Put the warnings about the input among the plan's, in the run's language: map and report print them."""
    found = [problem for problem in problems if problem.severity == "warning"]
    shown = [
        Message("run_input_warning", {"where": problem.where(content.lang), "text": problem.text(content.lang)})
        for problem in found
    ]
    plan = content.verified.plan
    plan = dataclasses.replace(plan, warnings=(*plan.warnings, *shown))
    return dataclasses.replace(content, verified=dataclasses.replace(content.verified, plan=plan))


def _manifest(
    scenario: ResolvedScenario,
    request: RunRequest,
    content: RunContent,
    run_hash: str,
    clock: _Clock,
    place: Path,
) -> dict[str, Any]:
    """Return what happened when and with what: the only file in which times stand."""
    verified = content.verified.plan
    return {
        "schema_version": MANIFEST_SCHEMA,
        "run": scenario.name,
        "run_hash": run_hash,
        "started_at": clock.started_at.isoformat(timespec="seconds"),
        "timings_s": clock.timings_s,
        "scenario_files": [dataclasses.asdict(source) for source in scenario.files],
        "county": {
            "source": scenario.source,
            "data": str(request.data_dir) if scenario.importer else "",
            "files": _input_hashes(scenario, request, content.problem.county),
            "content_hash": content.problem.county.content_hash(),
        },
        "seed": scenario.seed,
        "limits": {
            "siting": dict(verified.siting.report.limits),
            "routing": dict(verified.routing.report.limits),
        },
        "engines": {
            "siting": verified.siting.report.engine,
            "routing": verified.routing.report.engine,
            **{f"studies.{s.name}": s.report.engine for s in content.studies if s.report is not None},
        },
        "outputs": dict(output_hashes(place)),
        **environment(),
    }


def _input_hashes(scenario: ResolvedScenario, request: RunRequest, county: County) -> dict[str, str]:
    """Return name → SHA-256 of the files the county was read from."""
    if scenario.importer and request.data_dir is not None:
        return source_hashes(request.data_dir, (entry.source for entry in county.provenance.values()))
    path = scenario.source_path
    return path_hashes(path) if path is not None else {}
