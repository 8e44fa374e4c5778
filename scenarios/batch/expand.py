"""From a batch file's scenarios, grids, sweeps and samples to the list of scenarios it means."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geodata.messages import Message
from scenarios.batch.spec import Batch
from scenarios.composition import Part, Rules, compose
from scenarios.overrides import Layer, set_layer
from scenarios.scenario_files import override_names
from scenarios.spec import KeyProblem, ScenarioError, key_specs, nearest

BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class BatchScenario:
    """One scenario: its name and the layers over the base, each setting of one origin."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def values(self) -> dict[str, Any]:
        """Settings it makes, by dotted key."""
        return {key: value for layer in self.layers for key, value in layer.values.items()}


def expand(batch: Batch) -> tuple[BatchScenario, ...]:
    """Return every scenario of a batch, the baseline first, then in the file's order.

    Raises
    ------
    ScenarioError
        With every problem: an unknown or circular part, two parts that set one key (both are named), a bad value.
    """
    problems: list[KeyProblem] = []
    found: dict[str, BatchScenario] = {}
    for scenario in _all(batch, problems):
        if scenario.name in found:
            problems.append(KeyProblem(batch.name, scenario.name, Message("batch_name_twice", {"name": scenario.name})))
        found[scenario.name] = scenario
    if problems:
        raise ScenarioError(problems)
    return tuple(found.values())


def _all(batch: Batch, problems: list[KeyProblem]) -> Iterator[BatchScenario]:
    if BASELINE not in batch.trees:
        yield BatchScenario(BASELINE, ())
    known = {**_base_overrides(batch), **{name: Part(batch.trees[name], batch.applies[name]) for name in batch.trees}}
    for name in batch.trees:
        layers, found = compose({name: batch.name}, known, _rules(known))
        problems += found
        yield BatchScenario(name, tuple(layers.values()))
    for name, grid in batch.grids.items():
        yield from _grid(name, grid, problems)
    for name, sweep in batch.one_at_a_time.items():
        for key, values in sweep.items():
            yield from _grid(f"{name}-{key.rpartition('.')[2]}", {key: values}, problems)
    for name, sample in batch.samples.items():
        yield from _sample(name, *sample, problems)


def _base_overrides(batch: Batch) -> Mapping[str, Part]:
    """Return the overrides of the base, which a scenario may apply; read only where one applies something else."""
    named = {part for parts in batch.applies.values() for part in parts}
    return override_names(base_of(batch)) if named - set(batch.trees) else {}


def base_of(batch: Batch) -> str:
    """Return the scenario everything starts from: a file beside the batch file, or a library name."""
    path = batch.folder / batch.base
    return str(path) if path.is_file() else batch.base


def _rules(known: Mapping[str, Part]) -> Rules:
    return Rules(
        unknown=lambda name: Message("batch_unknown_part", {"name": name, "nearest": nearest(name, known)}),
        circle=lambda names: Message("batch_circle", {"names": " → ".join(names)}),
    )


def _grid(name: str, grid: Mapping[str, list[Any]], problems: list[KeyProblem]) -> Iterator[BatchScenario]:
    for number, combination in enumerate(itertools.product(*grid.values()), start=1):
        yield from _made(f"{name}-{number}", dict(zip(grid, combination, strict=True)), problems)


def _sample(
    name: str, count: int, seed: int, between: Mapping[str, tuple[float, float]], problems: list[KeyProblem]
) -> Iterator[BatchScenario]:
    """Latin hypercube: each key's range in `count` equal parts, one draw in each, parts paired at random."""
    rng = np.random.default_rng(seed)
    keys = sorted(between)
    units = np.column_stack([(rng.permutation(count) + rng.random(count)) / count for _ in keys])
    for number, row in enumerate(units, start=1):
        values = {}
        for key, unit in zip(keys, row, strict=True):
            low, high = between[key]
            value = low + (high - low) * float(unit)
            spec = key_specs().get(key)
            values[key] = round(value) if spec is not None and spec.kind == "whole" else float(f"{value:.9g}")
        yield from _made(f"{name}-{number}", values, problems)


def _made(name: str, values: Mapping[str, Any], problems: list[KeyProblem]) -> Iterator[BatchScenario]:
    try:
        layer = set_layer(list(values.items()), origin=f"scenario {name}")
    except ScenarioError as error:
        problems.extend(error.problems)
        return
    yield BatchScenario(name, (layer,))
