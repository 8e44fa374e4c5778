"""``xiangyou compare``: KPI differences and changed settings of several runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geodata.messages import text
from scenarios.cli.console import Screen, speaking
from scenarios.cli.options import JsonOption, LangOption
from scenarios.compare import Comparison, compare_runs, comparison_rows, write_comparison
from scenarios.resolve import language_of
from scenarios.rundir import whole_file

_PIPE_WIDTH = 200


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN…", help="Run folders, the base first; 结果目录，第一个为基准.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="Also write a CSV file; 另存为CSV.")
    ] = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Print the KPI differences and changed settings of several runs; 比较多个方案结果."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        comparison = compare_runs(runs)
        if out is not None:
            with whole_file(out) as place:
                write_comparison(comparison, screen.lang, place)
        screen.result({"status": "ok", **asdict(comparison, dict_factory=_plain_dict)})
        if not screen.is_json:
            _print(comparison, screen)
            if out is not None:
                screen.say("compare_written", file=str(out))


def _plain_dict(items: list[tuple[str, object]]) -> dict[str, object]:
    return dict(items)


def _print(comparison: Comparison, screen: Screen) -> None:
    for warning in comparison.warnings:
        screen.note(screen.message(warning))
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    heading, *rows = comparison_rows(comparison, screen.lang)
    for kind in ("kpi", "setting"):
        chosen = [row[1:] for row in rows if row[0] == kind]
        if not chosen:
            continue
        table = Table(title=text(f"compare_{kind}s", screen.lang), title_justify="left")
        columns = [i for i in range(len(heading) - 1) if kind == "kpi" or any(row[i] for row in chosen)]
        for i in columns:
            table.add_column(Text(heading[i + 1]), overflow="fold")
        for row in chosen:
            table.add_row(*(Text(row[i]) for i in columns))
        console.print(table)
