"""Scenario files as they stand on disk or in the library: found, read, checked, with everything they extend."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any

from geodata.errors import UsageError
from geodata.messages import Message
from scenarios.composition import Part
from scenarios.language.read import SheetDocument, is_workbook, read_sheets
from scenarios.overrides import Layer, flatten
from scenarios.spec import KeyProblem, check_file, nearest
from scenarios.toml_files import parse_toml

#: Keys a scenario does not hand down to one that extends it.
_OWN_KEYS = ("name", "title_en", "title_zh", "extends")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A scenario file that took part, with its bytes' SHA-256."""

    name: str
    sha256: str


def library_names() -> list[str]:
    """Return the names of the scenarios that come with the package, sorted."""
    folder = files("scenarios") / "library"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scenario file is: its name as shown, its bytes' reader, and the folder its paths start from."""

    label: str
    identity: str
    folder: Path | None
    data: bytes


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """One checked file of the chain."""

    stem: str
    layer: Layer
    overrides: Mapping[str, Part]
    problems: tuple[KeyProblem, ...]
    source: SourceFile
    sheets: SheetDocument | None = None


def find_scenario(word: str, folder: Path, asked_by: str) -> Place:
    """Find a scenario by library name or path."""
    if word in library_names():
        entry = files("scenarios") / "library" / f"{word}.toml"
        return Place(f"{word}.toml", f"library:{word}", None, entry.read_bytes())
    path = folder / Path(word).expanduser()
    if path.is_dir() and (path / "resolved.toml").is_file():
        path /= "resolved.toml"
    figures = {"scenario": word, "asked_by": asked_by, "known": ", ".join(library_names())}
    if not path.is_file():
        raise UsageError(Message("scenario_not_found", {**figures, "nearest": nearest(path.stem, library_names())}))
    try:
        return Place(path.name, str(path.resolve()), path.resolve().parent, path.read_bytes())
    except OSError as error:
        raise UsageError(Message("scenario_unreadable", {**figures, "reason": error.strerror or ""})) from error


def load_chain(place: Place, before: tuple[str, ...]) -> list[ScenarioFile]:
    """Read a file and everything it extends, the first parent first."""
    sheets = read_sheets(place.data, place.label) if is_workbook(place.label) else None
    document = parse_toml(place.data, place.label) if sheets is None else sheets.document
    checked, problems = check_file(document, place.label)
    if sheets is not None:
        problems = [*sheets.problems, *(sheets.located(problem, place.label) for problem in problems)]
    stem = place.label.removesuffix(".toml") if sheets is None else PurePath(place.label).stem
    trees = checked.pop("overrides", {})
    overrides = {name: _override(name, tree, place) for name, tree in trees.items()}
    source = SourceFile(place.label, hashlib.sha256(place.data).hexdigest())
    layer = Layer(place.label, place.folder, flatten(checked))
    part = ScenarioFile(stem, layer, overrides, tuple(problems), source, sheets)
    parent = document.get("extends")
    if not isinstance(parent, str) or not parent:
        return [part]
    found = find_scenario(parent, place.folder or Path.cwd(), place.label)
    if found.identity in (*before, place.identity):
        figures = {"file": place.label, "parent": parent}
        raise UsageError(Message("scenario_extends_cycle", figures))
    return [*load_chain(found, (*before, place.identity)), part]


def _override(name: str, tree: Mapping[str, Any], place: Place) -> Part:
    own = {key: value for key, value in tree.items() if key != "apply"}
    layer = Layer(f"override {name} ({place.label})", place.folder, flatten(own))
    return Part(layer, tuple(tree.get("apply", ())))


def known_overrides(chain: Sequence[ScenarioFile]) -> dict[str, Part]:
    """Return the overrides of a chain of files; one of the same name as a parent's replaces it whole."""
    return {name: part for file in chain for name, part in file.overrides.items()}


def heritage(layer: Layer) -> Layer:
    """Return what a parent hands down."""
    return Layer(layer.origin, layer.folder, {k: v for k, v in layer.values.items() if k not in _OWN_KEYS})


def located(problem: KeyProblem, chain: Sequence[ScenarioFile]) -> KeyProblem:
    """Return a problem with its cell, where it stands in a workbook."""
    for file in chain:
        if file.sheets is not None:
            problem = file.sheets.located(problem, file.source.name)
    return problem


def scenario_document(scenario: str | Path) -> tuple[dict[str, Any], Path | None]:
    """Return what a scenario's own file says, unresolved, and the folder its paths start from (None: the library).

    Raises
    ------
    UsageError
        If the scenario does not exist or cannot be read.
    """
    place = find_scenario(str(scenario), Path.cwd(), "xiangyou")
    if is_workbook(place.label):
        return read_sheets(place.data, place.label).document, place.folder
    return parse_toml(place.data, place.label), place.folder


def override_names(scenario: str | Path, folder: Path | None = None) -> dict[str, Part]:
    """Return the overrides a scenario and its parents define.

    Raises
    ------
    UsageError
        If the scenario does not exist or cannot be read.
    """
    return known_overrides(load_chain(find_scenario(str(scenario), folder or Path.cwd(), "xiangyou"), ()))
