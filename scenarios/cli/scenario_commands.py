"""``xiangyou scenario list``, ``show`` and ``keys``: what a scenario may say, and what it comes to."""

from __future__ import annotations

from typing import Annotated

import typer

from scenarios.cli.console import Screen, speaking
from scenarios.cli.kind_tables import allowed, kind_tables, kind_values, unit
from scenarios.cli.options import JsonOption, LangOption, OverrideOption, SeedOption, SetOption
from scenarios.plan_json import plain
from scenarios.resolve import language_of, library_names, resolve_scenario
from scenarios.spec import NONE_WORD, KeySpec, key_specs

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
