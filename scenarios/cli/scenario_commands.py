"""``xiangyou scenario …``: what a scenario may say, what it comes to, how two differ, and its other forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tomli_w
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geodata.messages import text
from scenarios.cli.console import Screen, speaking
from scenarios.cli.kind_tables import allowed, kind_tables, kind_values, unit
from scenarios.cli.options import JsonOption, LangOption, OverrideOption, SeedOption, SetOption
from scenarios.language.difference import SettingChange, scenario_changes
from scenarios.language.export import export_scenario
from scenarios.language.page import reference_page
from scenarios.language.schema import json_text, scenario_schema
from scenarios.overrides import Setting
from scenarios.plan_json import plain
from scenarios.resolve import language_of, resolve_scenario
from scenarios.rundir import whole_file, write_text
from scenarios.scenario_files import library_names
from scenarios.spec import NONE_WORD, KeySpec, key_specs

_PIPE_WIDTH = 200
OutFileOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to a file instead; 写入文件.")]

scenario_app = typer.Typer(
    help="List and show scenarios; 查看方案设定.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@scenario_app.command("list")
def list_library(*, lang: LangOption = None, json: JsonOption = False) -> None:
    """List the scenarios that come with the package; 列出自带方案."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        titles = {name: resolve_scenario(name).title(screen.lang) for name in library_names()}
        screen.result({"status": "ok", "scenarios": titles})
        for name, title in titles.items():
            screen.line(f"{name}  {title}")


@scenario_app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="Library scenario or path of a scenario file; 方案名称或文件.")
    ],
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from; 注明来源.")] = False,
    override: OverrideOption = None,
    assign: SetOption = None,
    seed: SeedOption = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Print a scenario with every setting decided; 显示方案的全部设定."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        resolved = resolve_scenario(
            name, overrides=override or (), sets=assign or (), lang=lang and str(lang), seed=seed
        )
        values = {key: {"value": plain(value), "origin": where} for key, (value, where) in resolved.display().items()}
        screen.result({"status": "ok", "scenario": resolved.name, "settings": values})
        screen.line(resolved.toml(with_origin=origin, absolute=False).rstrip())


@scenario_app.command("diff")
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="Scenario, file or run folder; 方案、文件或结果目录.")],
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The other; none: A itself, with the options; 另一方案.")
    ] = None,
    *,
    override: OverrideOption = None,
    assign: SetOption = None,
    seed: SeedOption = None,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Print the settings in which two scenarios differ, with their origins; 比较两个方案的设定."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        one = resolve_scenario(first)
        other = resolve_scenario(second or first, overrides=override or (), sets=assign or (), seed=seed)
        changes = scenario_changes(one, other)
        rows = [{"key": c.key, "first": _side(c.first), "second": _side(c.second)} for c in changes]
        screen.result({"status": "ok", "scenarios": [one.name, other.name], "differences": rows})
        if changes:
            _print_changes(changes, screen)
        else:
            screen.say("scenario_no_difference")


def _side(setting: Setting | None) -> dict[str, object] | None:
    return None if setting is None else {"value": plain(setting.value), "origin": setting.origin}


def _print_changes(changes: Sequence[SettingChange], screen: Screen) -> None:
    if screen.is_json:
        return
    table = Table()
    for heading in ("sheet_column_key", "scenario_first", "scenario_origin", "scenario_second", "scenario_origin"):
        table.add_column(Text(text(heading, screen.lang)), overflow="fold")
    for change in changes:
        cells = [change.key]
        for setting in (change.first, change.second):
            cells += ["—", ""] if setting is None else [_written(setting.value), setting.origin]
        table.add_row(*map(Text, cells))
    console = Console()
    (console if console.is_terminal else Console(width=_PIPE_WIDTH)).print(table)


def _written(value: object) -> str:
    """Return a value as a scenario file writes it."""
    return tomli_w.dumps({"v": NONE_WORD if value is None else value}).partition("=")[2].strip()


@scenario_app.command("export")
def export(
    name: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="Library scenario or path of a scenario file; 方案名称或文件.")
    ],
    target: Annotated[Path, typer.Argument(metavar="FILE", help="FILE.xlsx or FILE.toml to write; 要写入的文件.")],
    *,
    lang: LangOption = None,
    json: JsonOption = False,
) -> None:
    """Write a scenario as an Excel workbook or as TOML; 将方案另存为Excel或TOML."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        export_scenario(name, target, screen.lang)
        screen.result({"status": "ok", "file": str(target)})
        screen.say("export_written", file=str(target))


@scenario_app.command("schema")
def schema(*, out: OutFileOption = None, lang: LangOption = None) -> None:
    """Print the JSON Schema of scenario files; 输出方案文件的JSON Schema."""
    _give(json_text(scenario_schema()), out, Screen(language_of(lang)))


@scenario_app.command("reference")
def reference(*, out: OutFileOption = None, lang: LangOption = None) -> None:
    """Print the reference page of all keys, made from the schema; 输出参数名参考页."""
    _give(reference_page(scenario_schema()), out, Screen(language_of(lang)))


def _give(words: str, out: Path | None, screen: Screen) -> None:
    """Print a text, or write it to a file that does not exist yet."""
    with speaking(screen):
        if out is None:
            typer.echo(words, nl=False)
            return
        with whole_file(out) as place:
            write_text(place, words)
        screen.say("export_written", file=str(out))


@scenario_app.command("keys")
def keys() -> None:
    """List every key of a scenario file as a Markdown table; 列出方案文件的全部参数名."""
    typer.echo(key_table())


@scenario_app.command("kinds")
def kinds(*, lang: LangOption = None, json: JsonOption = False) -> None:
    """List the kinds of study and their options as Markdown tables; 列出专题分析的类型和参数."""
    screen = Screen(language_of(lang), is_json=json)
    with speaking(screen):
        screen.result({"status": "ok", "kinds": kind_values(screen.lang)})
        screen.line(kind_tables(screen.lang))


def key_table() -> str:
    """Return the table of all keys: what may stand there, unit, default, meaning."""
    lines = ["| key | value | unit | default | meaning |", "|---|---|---|---|---|"]
    lines += [
        f"| `{spec.key}` | {allowed(spec)} | {unit(spec)} | {_default(spec)} | {spec.meaning} |"
        for spec in key_specs().values()
    ]
    return "\n".join(lines).replace("``", "`")


def _default(spec: KeySpec) -> str:
    if spec.key in ("siting.seed", "routing.seed"):
        return "`seed`"
    if spec.default is None:
        return f"`{NONE_WORD}`" if spec.is_optional else "—"
    if spec.kind == "names":
        return "`[]`"
    return f"`{str(spec.default).lower() if spec.kind == 'switch' else spec.default}`"
