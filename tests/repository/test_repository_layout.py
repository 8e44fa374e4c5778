"""The house rules that a machine can check."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("geodata", "networks", "planner", "scenarios")
MODULES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))


@pytest.mark.parametrize("name", PACKAGES)
def test_package_lists_its_public_names(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__distribution__ == "xiangyou"
    assert package.__all__ == sorted(package.__all__)
    assert len(package.__all__) > 3
    for public in package.__all__:
        assert getattr(package, public).__doc__ or not callable(getattr(package, public)), public


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_says_what_it_is_for_and_is_one_concept(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), "module docstring"
    assert len(source.splitlines()) <= 420


def test_lock_names_no_address_and_pins_every_line() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index" not in lock
    pins = [line for line in lock.splitlines() if re.match(r"^[A-Za-z0-9]", line)]
    assert len(pins) > 60
    assert all("==" in line for line in pins)
    assert any("win32" in line for line in pins), "Windows markers are kept"


def test_no_print_in_library_code() -> None:
    for path in MODULES:
        assert not re.search(r"^\s*print\(", path.read_text(encoding="utf-8"), re.MULTILINE), path


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), ids=lambda p: p.name)
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
        assert (path.parent / target).exists(), target
