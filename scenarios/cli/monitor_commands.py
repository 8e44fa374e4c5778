"""``xiangyou monitor``: the workbook of a quarterly return, and the report made from it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from geodata.errors import UsageError
from geodata.messages import Message
from geodata.parameters import default_parameters
from scenarios.cli.console import Screen, problem_value, speaking
from scenarios.cli.options import JsonOption, LangOption
from scenarios.monitor.indicators import definitions
from scenarios.monitor.outputs import BOOK, PAGE, monitor_document, write_monitor
from scenarios.monitor.quarter import Quarter, parse_quarter
from scenarios.monitor.report import MonitorOptions, monitor_report, sections
from scenarios.monitor.returns import read_returns
from scenarios.monitor.run_facts import read_run_facts
from scenarios.monitor.template import DUE_QUARTERS, return_frames, write_returns
from scenarios.resolve import language_of
from scenarios.rundir import whole_file, whole_folder

_SUFFIX = ".xlsx"

monitor_app = typer.Typer(
    help="Quarterly returns against the plan; 季度填报与方案对照.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
_Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of the plan; 方案结果目录.")]


@monitor_app.command("template")
def template(
    run: _Run,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Workbook to write; 要生成的填报表.")],
    *,
    quarter: Annotated[str, typer.Option("--quarter", metavar="2026Q1", help="Quarter of the return; 填报季度.")],
    due: Annotated[
        str,
        typer.Option(
            "--due", metavar="2026Q4", help="Quarter projects are due; 项目计划完成季度. Default: a year later."
        ),
    ] = "",
    lang: LangOption = None,
) -> None:
    """Write the workbook of a quarterly return, with a row for every village, township and project; 生成季度填报表."""
    screen = Screen(language_of(lang))
    with speaking(screen):
        if file.suffix.lower() != _SUFFIX:
            raise UsageError(Message("cli_needs_xlsx", {"file": str(file)}))
        at = _quarter("--quarter", quarter)
        frames = return_frames(read_run_facts(run), at, _quarter("--due", due) if due else at.later(DUE_QUARTERS))
        with whole_file(file) as place:
            write_returns(place, frames, screen.lang)
        screen.say("monitor_template_done", file=str(file))


@monitor_app.command("report")
def report(  # noqa: PLR0913 - one parameter an option
    run: _Run,
    returns: Annotated[Path, typer.Argument(metavar="RETURN.xlsx", help="Filled-in return; 填好的填报表.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write; 输出目录. Default: monitor-CODE-QUARTER."),
    ] = None,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="2026-04-15", help="Day of reading; 读取日期. Default: today.")
    ] = "",
    target: Annotated[
        list[str] | None,
        typer.Option("--target", metavar="INDICATOR=VALUE", help="Target 0-1; may be repeated; 目标值."),
    ] = None,
    complaint_limit: Annotated[
        float, typer.Option("--complaint-limit", min=0.0, help="Complaints per 100,000 parcels that pass; 投诉率上限.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sampling list; 抽样随机种子.")] = 1,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Read a return against the plan: indicators, index, late projects, savings, sampling list; 生成监测报告."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        options = MonitorOptions(seed, _targets(target or ()), complaint_limit)
        facts = read_run_facts(run)
        read = read_returns(returns, facts, as_of=_day(as_of))
        found = monitor_report(facts, read, default_parameters(), options)
        folder = out or Path(f"monitor-{facts.county_code}-{read.quarter}")
        with whole_folder(folder) as place:
            write_monitor(found, place, screen.lang)
        listed = [problem_value(problem, screen.lang) for problem in read.warnings]
        screen.result({"status": "ok", "folder": str(folder), "problems": listed, **monitor_document(found)})
        if not screen.is_json:
            screen.problems(read.warnings)
        for message in sections(found)[0].sentences:
            screen.line(screen.message(message))
        screen.say("monitor_report_done", folder=str(folder), page=PAGE, book=BOOK)


def _quarter(option: str, words: str) -> Quarter:
    quarter = parse_quarter(words)
    if quarter is None:
        raise UsageError(Message("monitor_bad_quarter", {"option": option, "value": words}))
    return quarter


def _day(words: str) -> dt.date:
    if not words:
        return dt.date.today()  # noqa: DTZ011 - the planner's own calendar
    try:
        return dt.date.fromisoformat(words)
    except ValueError:
        raise UsageError(Message("monitor_bad_day", {"value": words})) from None


def _targets(entries: Sequence[str]) -> dict[str, float]:
    known = [one.key for one in definitions()]
    targets = {}
    for entry in entries:
        key, _, words = entry.partition("=")
        try:
            value = float(words)
        except ValueError:
            value = math.nan
        if key not in known or not 0.0 <= value <= 1.0:
            raise UsageError(Message("monitor_bad_target", {"value": entry, "known": ", ".join(known)}))
        targets[key] = value
    return targets
