"""Layers of settings: files, named overrides and ``--set``, laid over each other with the origin of every value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geodata.errors import UsageError
from geodata.messages import Message
from scenarios.spec import FILE_ONLY_KEYS, KeyProblem, ScenarioError, check_tree

#: Origin of a value no layer gives.
DEFAULT_ORIGIN = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved value.

    Attributes
    ----------
    value
        The value in force.
    origin
        Where it comes from: a file name, ``override NAME``, ``--set`` or another option, or ``default``.
    folder
        Folder a relative path in `value` starts from; None for defaults.
    """

    value: Any
    origin: str
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one origin, by dotted key."""

    origin: str
    folder: Path | None
    values: Mapping[str, Any]


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leaves of a nested tree by dotted key, in the tree's order."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": leaf for inner, leaf in flatten(value).items()})
        else:
            flat[key] = value
    return flat


def lay_over(layers: Iterable[Layer]) -> dict[str, Setting]:
    """Lay layers over each other; the later one wins."""
    settings: dict[str, Setting] = {}
    for layer in layers:
        settings.update({key: Setting(value, layer.origin, layer.folder) for key, value in layer.values.items()})
    return settings


def parse_set(text: str) -> tuple[str, Any]:
    """Split ``a.b=c`` into key and value; the value follows TOML, and anything else is plain text.

    Raises
    ------
    UsageError
        If there is no ``=`` or no key.
    """
    key, sign, written = text.partition("=")
    key, written = key.strip(), written.strip()
    if not sign or not key or not all(key.split(".")):
        raise UsageError(Message("scenario_set_form", {"text": text}))
    try:
        document = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return key, written
    return key, document["value"] if list(document) == ["value"] else written


def set_layer(assignments: Sequence[tuple[str, Any]], *, origin: str = "--set", folder: Path | None = None) -> Layer:
    """Make one layer of all ``--set`` options; each key may be set once.

    Raises
    ------
    ScenarioError
        If a key is unknown, set twice, belongs to files only, or its value does not fit.
    """
    problems: list[KeyProblem] = []
    tree: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in assignments:
        if key in seen:
            problems.append(KeyProblem(origin, key, Message("scenario_set_twice", {"key": key})))
        elif key.partition(".")[0] in FILE_ONLY_KEYS:
            problems.append(KeyProblem(origin, key, Message("scenario_set_file_only", {"key": key})))
        else:
            seen.add(key)
            if not put(tree, key.split("."), value):
                problems.append(KeyProblem(origin, key, Message("scenario_set_form", {"text": key})))
    checked, found = check_tree(tree, origin)
    if problems or found:
        raise ScenarioError([*problems, *found])
    return Layer(origin, folder or Path.cwd(), flatten(checked))


def put(tree: dict[str, Any], path: Sequence[str], value: Any) -> bool:
    """Put a value into a nested tree; False if a part of the path already holds a value."""
    branch: Any = tree
    for part in path[:-1]:
        branch = branch.setdefault(part, {})
        if not isinstance(branch, dict):
            return False
    if isinstance(branch.get(path[-1]), dict):
        return False
    branch[path[-1]] = value
    return True
