"""The batch file: counties, scenarios, grids, sweeps and samples, checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from geodata.messages import Message
from scenarios.overrides import Layer, flatten
from scenarios.spec import KeyProblem, ScenarioError, check_tree
from scenarios.toml_files import read_model

_NAME = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,60}$")]
_CONFIG = ConfigDict(extra="forbid", frozen=True)


class _Grid(BaseModel):
    """Every combination of the values listed."""

    model_config = _CONFIG
    values: dict[str, list[Any]]


class _Sample(BaseModel):
    """Seeded Latin hypercube between two ends of each key."""

    model_config = _CONFIG
    count: Annotated[int, Field(ge=1, le=100_000)]
    seed: Annotated[int, Field(ge=0)] = 1
    between: dict[str, tuple[float, float]]


class _File(BaseModel):
    model_config = _CONFIG
    name: _NAME
    base: str = "base"
    data: str = ""
    counties: dict[_NAME, dict[str, Any]]
    scenarios: dict[_NAME, dict[str, Any]] = {}
    grids: dict[_NAME, _Grid] = {}
    one_at_a_time: dict[_NAME, _Grid] = {}
    samples: dict[_NAME, _Sample] = {}


@dataclass(frozen=True, slots=True)
class Batch:
    """A checked batch.

    Attributes
    ----------
    name
        Short name.
    base
        Library scenario or path (relative to the file) everything starts from.
    folder
        Folder of the batch file.
    data_dir
        Folder importers read from, or None.
    counties
        Name → settings of the county.
    trees
        Scenario name → settings it makes.
    applies
        Scenario name → scenarios it is made of, before its own settings.
    grids, one_at_a_time
        Name → dotted key → values.
    samples
        Name → (count, seed, dotted key → ends).
    """

    name: str
    base: str
    folder: Path
    data_dir: Path | None
    counties: Mapping[str, Layer]
    trees: Mapping[str, Layer]
    applies: Mapping[str, tuple[str, ...]]
    grids: Mapping[str, Mapping[str, list[Any]]]
    one_at_a_time: Mapping[str, Mapping[str, list[Any]]]
    samples: Mapping[str, tuple[int, int, Mapping[str, tuple[float, float]]]]


def read_batch(path: Path) -> Batch:
    """Read and check a batch file.

    Raises
    ------
    UsageError
        If it cannot be read as TOML.
    ScenarioError
        With every problem at once: unknown sections and keys, wrong values, unknown or circular parts.
    """
    return _checked(read_model(path, _File, "batch_bad_key"), path)


def _checked(file: _File, path: Path) -> Batch:
    problems: list[KeyProblem] = []
    folder = path.resolve().parent
    counties = {name: _layer(f"county {name}", tree, folder, problems) for name, tree in file.counties.items()}
    trees, applies = {}, {}
    for name, tree in file.scenarios.items():
        own = dict(tree)
        applied = own.pop("apply", [])
        if not isinstance(applied, list) or not all(isinstance(part, str) for part in applied):
            problems.append(
                KeyProblem(path.name, f"scenarios.{name}.apply", Message("batch_bad_apply", {"name": name}))
            )
            applied = []
        applies[name] = tuple(applied)
        trees[name] = _layer(f"scenario {name}", own, folder, problems)
    if not counties:
        problems.append(KeyProblem(path.name, "counties", Message("batch_no_counties")))
    if problems:
        raise ScenarioError(problems)
    return Batch(
        name=file.name,
        base=file.base,
        folder=folder,
        data_dir=(folder / file.data).resolve() if file.data else None,
        counties=counties,
        trees=trees,
        applies=applies,
        grids={name: grid.values for name, grid in file.grids.items()},
        one_at_a_time={name: grid.values for name, grid in file.one_at_a_time.items()},
        samples={name: (s.count, s.seed, s.between) for name, s in file.samples.items()},
    )


def _layer(origin: str, tree: Mapping[str, Any], folder: Path, problems: list[KeyProblem]) -> Layer:
    """Check a partial scenario; keys may be dotted."""
    nested: dict[str, Any] = {}
    for key, value in flatten(tree).items():
        branch = nested
        *parents, leaf = key.split(".")
        for part in parents:
            branch = branch.setdefault(part, {})
        branch[leaf] = value
    checked, found = check_tree(nested, origin)
    problems.extend(found)
    return Layer(origin, folder, flatten(checked))
