"""``xiangyou batch``: many counties under many scenarios, and questions to what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geodata.errors import NoSolutionError
from geodata.messages import text
from scenarios.batch.cluster import BatchOutcome, BatchProgress, run_batch
from scenarios.batch.jobs import batch_jobs
from scenarios.batch.query import query_batch
from scenarios.batch.spec import read_batch
from scenarios.cli.console import Screen, speaking
from scenarios.cli.options import DataOption, JsonOption, LangOption
from scenarios.resolve import language_of

batch_app = typer.Typer(
    help="Plan many counties under many scenarios; 批量计算多县多方案.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
_File = Annotated[Path, typer.Argument(metavar="FILE", help="Batch file (TOML); 批量计算文件.")]


@batch_app.command("run")
def run(
    file: _File,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Batch folder; 结果目录. Default: batches/NAME.")
    ] = None,
    data: DataOption = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes; 进程数.")] = 2,
    scheduler: Annotated[
        str, typer.Option("--scheduler", metavar="ADDRESS", help="Running scheduler, tcp://host:port; 调度器地址.")
    ] = "",
    lang: LangOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress; 不显示进度.")] = False,
    json: JsonOption = False,
) -> None:
    """Run a batch; results that are there are kept, a stopped batch goes on; 运行批量计算，可中断后继续."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):

        def tell(at: BatchProgress) -> None:
            if not quiet:
                left = "" if at.eta_s is None else f"{at.eta_s / 60:.1f}"
                status = text(f"batch_status_{at.status}", screen.lang)
                figures = {
                    "done": at.done,
                    "total": at.total,
                    "where": f"{at.county} / {at.scenario}",
                    "status": status,
                    "left": left,
                }
                screen.note(text("batch_progress", screen.lang, figures))

        folder = out or Path("batches") / read_batch(file).name
        outcome = run_batch(file, folder, data_dir=data, workers=workers, scheduler=scheduler, listener=tell)
        _show(screen, outcome)


def _show(screen: Screen, outcome: BatchOutcome) -> None:
    wall, spent = outcome.seconds
    figures = {"jobs": outcome.jobs, "computed": outcome.computed, "kept": outcome.kept, "minutes": f"{wall / 60:.1f}"}
    screen.result(
        {
            "status": "ok" if not outcome.errors else "incomplete",
            "folder": str(outcome.folder),
            "jobs": outcome.jobs,
            "computed": outcome.computed,
            "kept": outcome.kept,
            "failed": outcome.failed,
            "errors": outcome.errors,
            "wall_s": round(wall, 1),
            "job_s": round(spent, 1),
        }
    )
    screen.say("batch_done", **figures)
    reasons = {where: why[screen.lang] for where, why in outcome.failed.items()}
    for key, found in (("batch_failed", reasons), ("batch_errors", outcome.errors)):
        if found:
            screen.say(key, count=len(found))
            for where, why in found.items():
                screen.line(f"  - {where}: {why}")
    screen.say("batch_folder", folder=str(outcome.folder))
    if outcome.errors:
        raise typer.Exit(1 if not outcome.computed + outcome.kept else NoSolutionError.exit_code)


@batch_app.command("list")
def list_jobs(file: _File, *, lang: LangOption = None, json: JsonOption = False) -> None:
    """List every county and scenario of a batch file with what is set; 列出批量计算的全部县和方案."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        jobs = batch_jobs(read_batch(file))
        origins = ("county ", "scenario ")
        made = [
            (job, {k: s.value for k, s in job.resolved.settings.items() if s.origin.startswith(origins)})
            for job in jobs
        ]
        screen.result(
            {
                "status": "ok",
                "jobs": [
                    {"county": job.county, "scenario": job.scenario, "hash": job.job_hash, "settings": values}
                    for job, values in made
                ],
            }
        )
        for job, values in made:
            screen.line(f"{job.county} / {job.scenario}: " + ", ".join(f"{k}={v}" for k, v in values.items()))


@batch_app.command("query")
def query(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Batch folder; 结果目录.")],
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="Question over runs, kpis, settings, sites, unserved; SQL查询.")
    ],
    *,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the answer as CSV; 输出为CSV.")
    ] = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the results of a batch with SQL; 用SQL查询批量结果."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        frame = query_batch(folder, sql)
        screen.result({"status": "ok", "rows": frame.astype(object).where(frame.notna(), None).to_dict("records")})
        if csv is not None:
            frame.to_csv(csv, index=False, lineterminator="\n", encoding="utf-8-sig")
        screen.line(frame.to_string(index=False))
