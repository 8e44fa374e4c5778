"""From a batch file's scenarios, grids, sweeps and samples to the list of scenarios it means."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geodata.messages import Message
from scenarios.batch.spec import Batch
from scenarios.overrides import Layer, set_layer
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
    for name in batch.trees:
        yield BatchScenario(name, tuple(_parts(batch, name, (), problems).values()))
    for name, grid in batch.grids.items():
        yield from _grid(name, grid, problems)
    for name, sweep in batch.one_at_a_time.items():
        for key, values in sweep.items():
            yield from _grid(f"{name}-{key.rpartition('.')[2]}", {key: values}, problems)
    for name, sample in batch.samples.items():
        yield from _sample(name, *sample, problems)


def _parts(batch: Batch, name: str, before: tuple[str, ...], problems: list[KeyProblem]) -> dict[str, Layer]:
    """Return the layers a scenario is made of by name, its own last; two that touch one key are refused."""
    if name in before:
        problems.append(KeyProblem(batch.name, name, Message("batch_circle", {"names": " → ".join((*before, name))})))
        return {}
    if name not in batch.trees:
        figures = {"name": name, "nearest": nearest(name, batch.trees)}
        problems.append(KeyProblem(batch.name, name, Message("batch_unknown_part", figures)))
        return {}
    layers: dict[str, Layer] = {}
    for part in dict.fromkeys(batch.applies[name]):
        layers.update(_parts(batch, part, (*before, name), problems))
    layers[name] = batch.trees[name]
    touched: dict[str, str] = {}
    for part, layer in layers.items():
        for key in layer.values:
            if key in touched:
                figures = {"key": key, "first": touched[key], "second": part}
                problems.append(KeyProblem(batch.name, name, Message("scenario_override_conflict", figures)))
            touched.setdefault(key, part)
    return layers


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
