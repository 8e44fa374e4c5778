"""The commands of ``xiangyou``.

Exit codes: 0 a plan (also with villages left unserved), 1 our fault, 2 wrong command or scenario, 3 wrong data,
4 no plan can meet the standard, 5 none found within the limits.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from geodata.errors import UsageError
from scenarios.cli.batch_commands import batch_app
from scenarios.cli.compare_command import compare
from scenarios.cli.console import quiet_libraries
from scenarios.cli.county_commands import check, export_reference, template
from scenarios.cli.monitor_commands import monitor_app
from scenarios.cli.rank_command import rank
from scenarios.cli.run_command import run as run_command
from scenarios.cli.scenario_commands import scenario_app
from scenarios.runner import xiangyou_version

app = typer.Typer(
    name="xiangyou",
    help="乡邮: plan three-tier rural courier networks; 编制县乡村三级寄递物流网络方案.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run_command)
app.command("check")(check)
app.command("template")(template)
app.command("compare")(compare)
app.command("rank")(rank)
app.command("export-reference")(export_reference)
app.add_typer(scenario_app, name="scenario")
app.add_typer(batch_app, name="batch")
app.add_typer(monitor_app, name="monitor")


@app.callback(invoke_without_command=True)
def _begin(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version; 显示版本.")] = False,
) -> None:
    """乡邮: plan three-tier rural courier networks; 编制县乡村三级寄递物流网络方案."""
    if version:
        typer.echo(f"xiangyou {xiangyou_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(UsageError.exit_code)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def start() -> None:
    """Run the command line."""
    quiet_libraries()
    signal.signal(signal.SIGTERM, _stop)
    app()
