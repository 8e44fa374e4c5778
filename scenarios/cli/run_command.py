"""``xiangyou run``: from a scenario to a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from geodata.messages import Message, text
from scenarios.cli.console import Screen, speaking
from scenarios.cli.options import DataOption, JsonOption, LangOption, OverrideOption, SeedOption, SetOption, StudyOption
from scenarios.plan_json import term
from scenarios.progress import gap_text, shown_progress
from scenarios.resolve import language_of
from scenarios.runner import RunOutcome, RunRequest, execute


def run(  # noqa: PLR0913 - one parameter an option
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="Library scenario or path of a scenario file; 方案名称或文件.")
    ],
    *,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Run folder; 结果目录. Default: runs/NAME-HASH8.")
    ] = None,
    override: OverrideOption = None,
    assign: SetOption = None,
    study: StudyOption = None,
    seed: SeedOption = None,
    lang: LangOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; 不显示进度.")] = False,
    json: JsonOption = False,
) -> None:
    """Design a county's network and write a run folder; 编制县域寄递网络方案."""
    screen = Screen(language_of(lang), is_json=json)
    request = RunRequest(
        scenario,
        data,
        out,
        tuple(override or ()),
        tuple(assign or ()),
        lang and str(lang),
        seed,
        studies=tuple(study or ()),
    )
    with speaking(screen):
        resolved = request.resolve()
        screen.lang = resolved.lang
        with shown_progress(screen.lang, is_quiet=quiet) as listener:
            outcome = execute(resolved, request, listener=listener)
        show_outcome(screen, outcome)


def show_outcome(screen: Screen, outcome: RunOutcome) -> None:
    """Say what the plan comes to and where to look."""
    files = sorted(path.name for path in outcome.folder.iterdir())
    folder = str(outcome.folder)
    screen.result({"status": "ok", "folder": folder, "is_new": outcome.is_new, "files": files, **outcome.summary})
    if screen.is_json:
        return
    head = outcome.summary
    screen.say("run_county", county=head["county"], villages=head["villages"], served=head["villages_served"])
    if head["is_invented"]:
        screen.say("run_invented")
    _show_unserved(screen, head)
    _show_sites(screen, head)
    screen.say("run_cost", cost=f"{head['cost_cny_per_day']:,.2f}", investment=f"{head['investment_cny']:,.0f}")
    for tier in ("siting", "routing"):
        screen.line(_status_line(screen, tier, head[tier]))
    _show_studies(screen, head)
    count = len(head["warnings"]) + len(head["input_warnings"])
    if count:
        screen.say("run_warnings", count=count)
    screen.say("run_done" if outcome.is_new else "run_up_to_date", folder=folder)
    for name in ("map.html", "report.html", "summary.xlsx"):
        if name in files:
            screen.line(f"  {outcome.folder / name}")


def _show_unserved(screen: Screen, head: Mapping[str, Any]) -> None:
    if not head["villages_unserved"]:
        return
    screen.say("run_unserved", count=head["villages_unserved"])
    for reason, count in head["unserved_reasons"].items():
        screen.line(f"  - {text(f'run_reason_{reason}', screen.lang, {'count': count})}")


def _show_studies(screen: Screen, head: Mapping[str, Any]) -> None:
    """Print the first sentence of every study, and how sure it is."""
    for name, study in head["studies"].items():
        kind = term(f"study_{study['kind']}", screen.lang, study["kind"])
        screen.say("run_study", study=name, kind=kind)
        for said in study["answer"][:2]:
            screen.line(f"  {screen.message(Message(said['key'], said['params']))}")


def _show_sites(screen: Screen, head: Mapping[str, Any]) -> None:
    sites = {kind: head["open_sites"].get(kind, 0) for kind in ("county_centre", "township_station", "village_point")}
    screen.say("run_sites", **sites, routes=sum(head["routes"].values()))


def _status_line(screen: Screen, tier: str, report: Mapping[str, Any]) -> str:
    gap = None if report["status"] == "optimal" else report["gap"]
    stage = term(f"stage_{tier}", screen.lang, tier)
    status = text(f"run_status_{report['status']}", screen.lang)
    return stage + "：" * (screen.lang == "zh") + ": " * (screen.lang == "en") + status + _gap_text(screen, gap)


def _gap_text(screen: Screen, gap: float | None) -> str:
    return "" if gap is None else " · " + text("progress_gap", screen.lang, {"value": gap_text(gap)})
