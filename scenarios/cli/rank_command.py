"""``xiangyou rank``: pilot counties in order, how sure the order is, and the queue over years."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from scenarios.batch.store import SHAPES
from scenarios.cli.console import Screen, speaking
from scenarios.cli.options import JsonOption, LangOption
from scenarios.pilot.answer import rank_counties
from scenarios.pilot.outputs import write_ranking
from scenarios.pilot.spec import read_rank_file
from scenarios.resolve import language_of
from scenarios.rundir import refuse_occupied, whole_folder


def rank(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Batch folder; 批量结果目录.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ranking file (TOML); 排序设定文件.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write; 输出目录.")] = Path("ranking"),
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Rank pilot counties from the results of a batch; 根据批量结果对试点县排序."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        ranking = rank_counties(folder, read_rank_file(file), file.resolve().parent)
        shapes = folder / SHAPES
        outlines = json_module.loads(shapes.read_text(encoding="utf-8")) if shapes.is_file() else {}
        refuse_occupied(out)
        with whole_folder(out) as place:
            write_ranking(ranking, place, screen.lang, outlines)
        order = sorted(range(len(ranking.counties)), key=lambda c: ranking.rank[c])
        rows = [
            {
                "rank": ranking.rank[c],
                "county": ranking.counties[c],
                "score": round(float(ranking.scores[c]), 6),
                "first_share": round(float(ranking.probabilities.share[c, 0]), 6),
            }
            for c in order
        ]
        screen.result({"status": "ok", "folder": str(out), "ranking": rows})
        for row in rows:
            figures = {
                "rank": row["rank"],
                "county": row["county"],
                "score": row["score"],
                "share": f"{row['first_share']:.1%}",
            }
            screen.say("rank_line", **figures)
        for message in ranking.excluded.values():
            screen.line(f"  - {screen.message(message)}")
        screen.say("rank_done", folder=str(out))
