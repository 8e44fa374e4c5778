"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class LangChoice(StrEnum):
    """Languages the command speaks."""

    ZH = "zh"
    EN = "en"


LangOption = Annotated[
    LangChoice | None, typer.Option("--lang", help="Language; 语言. Default: the scenario's, else zh.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Result as JSON on stdout; 以JSON输出结果.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder the importers read from; 导入数据所在目录.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option("--override", metavar="NAME", help="Apply a named override; may be repeated; 应用命名的调整项."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key, for example standard.access_km=2; 设定单个参数."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of the run; 随机种子.")]
StudyOption = Annotated[
    list[str] | None,
    typer.Option("--study", metavar="NAME", help="Answer this study only; may be repeated; 只做指定的专题分析."),
]
