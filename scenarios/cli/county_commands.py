"""``xiangyou check``, ``template`` and ``export-reference``: a county's data before any planning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from geodata.county import TABLE_COLUMNS, County
from geodata.errors import InputError, Problem, UsageError
from geodata.importers.registry import IMPORTERS
from geodata.messages import Message
from geodata.read import read_county
from geodata.reference import reference_county
from geodata.template import write_template
from geodata.write import write_csv_folder, write_workbook
from scenarios.cli.console import Screen, problem_value, speaking
from scenarios.cli.options import DataOption, JsonOption, LangOption
from scenarios.plan_json import term
from scenarios.resolve import IMPORTER_PREFIX, REFERENCE_SOURCE, language_of
from scenarios.rundir import refuse_existing, refuse_occupied, whole_file, whole_folder
from scenarios.runner import import_county

WORKBOOK_SUFFIX = ".xlsx"


def check(
    county: Annotated[
        str,
        typer.Argument(
            metavar="COUNTY", help="Workbook, CSV folder, GeoPackage, reference or importer:NAME; 县域数据."
        ),
    ],
    *,
    data: DataOption = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Read a county and list every problem at once; 检查县域数据."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        found, problems = _read(county, data)
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise InputError(Message("run_county_unusable", {"count": len(errors)}), problems)
        rows = {name: len(found.table(name)) for name in TABLE_COLUMNS}
        listed = [problem_value(problem, screen.lang) for problem in problems]
        screen.result({"status": "ok", "county": found.name, "rows": rows, "problems": listed})
        if screen.is_json:
            return
        screen.problems(problems, to_stderr=False)
        screen.say("check_ok", county=found.name, code=found.county_code, count=len(problems))
        for name, count in rows.items():
            if count:
                screen.line(f"  {term(f'table_{name}', screen.lang, name)}: {count}")


def _read(county: str, data: Path | None) -> tuple[County, Sequence[Problem]]:
    if county == REFERENCE_SOURCE:
        return reference_county(), ()
    path = Path(county).expanduser()
    if county.startswith(IMPORTER_PREFIX) or (county in IMPORTERS and not path.exists()):
        return import_county(county.removeprefix(IMPORTER_PREFIX), data)
    return read_county(path)


def template(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Workbook to write (.xlsx); 要生成的工作簿.")],
    *,
    lang: LangOption = None,
) -> None:
    """Write an empty county workbook with lists, units and an example row a sheet; 生成数据模板."""
    screen = Screen(language_of(lang))
    with speaking(screen):
        _refuse_unless_workbook(file)
        with whole_file(file) as place:
            write_template(place, screen.lang)
        screen.say("template_done", file=str(file))


def export_reference(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="Workbook (.xlsx) or folder of CSV files; 工作簿或CSV目录.")
    ],
    *,
    townships: Annotated[int, typer.Option("--townships", min=1, max=500, help="Townships; 乡镇数.")] = 18,
    villages: Annotated[int | None, typer.Option("--villages", min=4, max=20_000, help="Villages; 村数.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed; 随机种子.")] = 1,
    lang: LangOption = None,
) -> None:
    """Write the invented reference county as a workbook or a folder of CSV files; 导出虚构的参考县."""
    screen = Screen(language_of(lang))
    with speaking(screen):
        if target.suffix:
            _refuse_unless_workbook(target)
            refuse_existing(target)
        else:
            refuse_occupied(target)
        county = reference_county(townships=townships, villages=villages, seed=seed)
        if target.suffix:
            with whole_file(target) as place:  # moves the workbook and the layers written beside it
                write_workbook(county, place, screen.lang)
        else:
            with whole_folder(target) as place:
                write_csv_folder(county, place, screen.lang)
        screen.say("export_done", file=str(target))


def _refuse_unless_workbook(file: Path) -> None:
    if file.suffix.lower() != WORKBOOK_SUFFIX:
        raise UsageError(Message("cli_needs_xlsx", {"file": str(file)}))
