"""What a command says and how it ends: results on stdout, the rest on stderr, one exit code an error class."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import typer

from geodata.errors import InfeasibleError, InputError, NoSolutionError, Problem, VerificationError, XiangyouError
from geodata.messages import Lang, Message, text
from scenarios.spec import ScenarioError

#: A command stopped by the planner (Ctrl-C), as shells count it.
STOPPED_EXIT = 130
FAULT_EXIT = 1
#: Problems printed one by one on the console; the rest is counted (``--json`` lists all).
SHOWN_PROBLEMS = 200


class Screen:
    """Where a command speaks.

    Parameters
    ----------
    lang
        Language; a scenario may set it later.
    is_json
        Whether the result is given as one JSON value on stdout.
    """

    def __init__(self, lang: Lang, *, is_json: bool = False) -> None:
        self.lang = lang
        self.is_json = is_json

    def say(self, key: str, **params: object) -> None:
        """Print a sentence of the result on stdout; nothing with ``--json``."""
        if not self.is_json:
            typer.echo(text(key, self.lang, params))

    def line(self, line: str = "") -> None:
        """Print a plain line of the result on stdout; nothing with ``--json``."""
        if not self.is_json:
            typer.echo(line)

    def note(self, line: str) -> None:
        """Print a line on stderr."""
        typer.echo(line, err=True)

    def result(self, value: Mapping[str, Any]) -> None:
        """Print the machine-readable result, with ``--json`` only."""
        if self.is_json:
            is_unicode = "utf" in (sys.stdout.encoding or "").lower()
            typer.echo(json.dumps(value, ensure_ascii=not is_unicode, sort_keys=True, indent=1))

    def message(self, message: Message) -> str:
        """Render a message; one whose text is missing is shown by its key rather than hiding what it goes with."""
        return _rendered(message, self.lang)

    def problems(self, problems: Sequence[Problem], *, to_stderr: bool = True) -> None:
        """Print problems, errors and warnings apart."""
        for severity in ("error", "warning"):
            found = [problem for problem in problems if problem.severity == severity]
            if not found:
                continue
            typer.echo(text(f"cli_{severity}s", self.lang, {"count": len(found)}), err=to_stderr)
            for problem in found[:SHOWN_PROBLEMS]:
                typer.echo(f"  - {_located(problem, self.lang)}", err=to_stderr)
            if len(found) > SHOWN_PROBLEMS:
                more = len(found) - SHOWN_PROBLEMS
                typer.echo(f"  {text('cli_more', self.lang, {'count': more})}", err=to_stderr)

    def error(self, error: XiangyouError) -> None:
        """Print an error with everything it carries."""
        self.note(text("cli_error", self.lang, {"text": self.message(error.message)}))
        if isinstance(error, InputError):
            self.problems(error.problems)
        if isinstance(error, ScenarioError):
            for key_problem in error.problems:
                self.note(f"  - {key_problem.origin}: {self.message(key_problem.message)}")
        if isinstance(error, InfeasibleError | NoSolutionError) and error.fixes:
            self.note(text("cli_fixes", self.lang))
            for fix in error.fixes:
                self.note(f"  - {self.message(fix)}")
        if isinstance(error, VerificationError):
            for violation in error.violations[:SHOWN_PROBLEMS]:
                self.note(f"  - {self.message(violation)}")
        self.result(error_value(error, self.lang))


def _rendered(message: Message, lang: Lang) -> str:
    try:
        return message.text(lang)
    except (KeyError, ValueError, IndexError):
        return f"{message.key} {dict(message.params)}"


def _located(problem: Problem, lang: Lang) -> str:
    try:
        sentence = problem.text(lang)
    except (KeyError, ValueError, IndexError):
        sentence = f"{problem.code} {problem.value} {dict(problem.params)}"
    where = problem.where(lang)
    return f"{where}{'：' if lang == 'zh' else ': '}{sentence}" if where else sentence


def problem_value(problem: Problem, lang: Lang) -> dict[str, Any]:
    """Return a problem as plain data."""
    return {
        "severity": problem.severity,
        "code": problem.code,
        "file": problem.file,
        "table": problem.table,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "cell": problem.cell,
        "value": problem.value,
        "text": _located(problem, lang),
    }


def error_value(error: XiangyouError, lang: Lang) -> dict[str, Any]:
    """Return an error as plain data for ``--json``."""
    value: dict[str, Any] = {
        "status": "error",
        "exit_code": error.exit_code,
        "code": error.message.key,
        "message": _rendered(error.message, lang),
    }
    if isinstance(error, InputError):
        value["problems"] = [problem_value(problem, lang) for problem in error.problems]
    if isinstance(error, ScenarioError):
        value["problems"] = [
            {"file": p.origin, "key": p.key, "code": p.message.key, "text": _rendered(p.message, lang)}
            for p in error.problems
        ]
    if isinstance(error, InfeasibleError | NoSolutionError):
        value["fixes"] = [_rendered(fix, lang) for fix in error.fixes]
    if isinstance(error, VerificationError):
        value["violations"] = [_rendered(violation, lang) for violation in error.violations]
    return value


@contextmanager
def speaking(screen: Screen) -> Iterator[None]:
    """Run a command's body; say what went wrong and leave with the error's exit code, never with a stack trace."""
    try:
        yield
    except XiangyouError as error:
        screen.error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        screen.note(text("cli_stopped", screen.lang))
        raise typer.Exit(STOPPED_EXIT) from None
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except Exception as error:  # noqa: BLE001 - the last net: whatever else happens is our fault, and is logged
        log = _write_trace(error)
        screen.note(text("cli_fault", screen.lang, {"kind": type(error).__name__, "log": log}))
        value = {"status": "error", "exit_code": FAULT_EXIT, "code": "cli_fault", "log": log}
        screen.result({**value, "message": type(error).__name__})
        raise typer.Exit(FAULT_EXIT) from None


def _write_trace(error: Exception) -> str:
    """Write the trace to a file in the temporary folder and return its path."""
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile("w", prefix="xiangyou-", suffix=".log", delete=False, encoding="utf-8") as stream,
    ):
        stream.writelines(traceback.format_exception(error))
        return stream.name
    return "-"


def quiet_libraries() -> None:
    """Keep what libraries log and warn about off the console."""
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
