"""``xiangyou compare``: two to four runs side by side, on the screen and as one page and one workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geodata.messages import Lang, text
from scenarios import compare as comparing
from scenarios.cli.console import Screen, speaking
from scenarios.cli.options import JsonOption, LangOption
from scenarios.comparison import outputs
from scenarios.comparison.runs import read_runs
from scenarios.resolve import language_of
from scenarios.rundir import whole_file, whole_folder

_PIPE_WIDTH = 200
_TABLE = "compare.csv"


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN…", help="Two to four run folders, the base first; 结果目录，第一个为基准."),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write page and workbook there (FILE.csv: the table only); 写入网页和工作簿."
        ),
    ] = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Compare finished runs of one county: settings, decisions, KPIs, villages that win and lose; 比较多个方案结果."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        comparison = comparing.compare_runs(runs)
        if out is not None:
            _write(comparison, runs, out, screen.lang)
        screen.result({"status": "ok", **asdict(comparison, dict_factory=_plain_dict)})
        if not screen.is_json:
            _print(comparison, screen)
            if out is not None:
                screen.say("compare_written", file=str(out))


def _write(comparison: comparing.Comparison, runs: Sequence[Path], out: Path, lang: Lang) -> None:
    """Write the table alone, or page, workbook and table."""
    if out.suffix.lower() == ".csv":
        with whole_file(out) as place:
            comparing.write_comparison(comparison, lang, place)
        return
    whole = outputs.compare(read_runs(runs, lang), lang)
    with whole_folder(out) as place:
        outputs.write_comparison_page(whole, place / outputs.HTML, lang)
        outputs.write_comparison_workbook(whole, place / outputs.WORKBOOK, lang)
        comparing.write_comparison(comparison, lang, place / _TABLE)


def _plain_dict(items: list[tuple[str, object]]) -> dict[str, object]:
    return dict(items)


def _print(comparison: comparing.Comparison, screen: Screen) -> None:
    for warning in comparison.warnings:
        screen.note(screen.message(warning))
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)
    heading, *rows = comparing.comparison_rows(comparison, screen.lang)
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
