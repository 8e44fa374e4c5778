"""Start of the command: makes sure that the packages are ours and can be loaded, then hands over.

Nothing of the other packages is imported at the head of this module: their names are generic, and another distribution
could have overwritten one. The two sentences below stand here because the message tables may be what is missing.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from importlib import import_module

DISTRIBUTION = "xiangyou"
PACKAGES = ("geodata", "networks", "planner", "scenarios")
_FOREIGN = (
    "xiangyou: the package “{name}” at {path} belongs to another program, which has overwritten it. "
    "Install xiangyou in an environment of its own.\n"
    "位于 {path} 的程序包「{name}」已被其他软件覆盖。请在独立环境中重新安装 xiangyou。\n"
)
_BROKEN = (
    "xiangyou: the installation is not complete ({reason}). Install it again; the details are in {log}.\n"
    "安装不完整（{reason}）。请重新安装；详情见 {log}。\n"
)


def foreign_package() -> tuple[str, str] | None:
    """Return name and path of the first package that is not ours, or None."""
    for name in PACKAGES:
        package = import_module(name)
        if getattr(package, "__distribution__", None) != DISTRIBUTION:
            return name, str(getattr(package, "__file__", None) or "?")
    return None


def run() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        foreign = foreign_package()
        if foreign is not None:
            sys.exit(_FOREIGN.format(name=foreign[0], path=foreign[1]))
        start = import_module("scenarios.cli.app").start
    except (ImportError, AttributeError) as error:
        sys.exit(_BROKEN.format(reason=error, log=_write_trace(error)))
    start()


def _write_trace(error: BaseException) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="xiangyou-", suffix=".log", delete=False, encoding="utf-8") as stream:
        stream.writelines(traceback.format_exception(error))
        return stream.name
