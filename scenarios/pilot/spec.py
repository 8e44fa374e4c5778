"""The ranking file: indicators, weights, gates and the queue, checked before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from geodata.messages import Message
from scenarios.spec import KeyProblem, ScenarioError
from scenarios.toml_files import read_model

_CONFIG = ConfigDict(extra="forbid", frozen=True)
_NAME = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,60}$")]
_MOST_INDICATORS = 10


class Source(BaseModel):
    """Where a figure comes from: a KPI row (part `total` unless said), a column of `runs`, or of a CSV file with a column ``county``."""

    model_config = _CONFIG
    kpi: str = ""
    part: str = "total"
    column: str = ""
    table: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Source:
        if bool(self.kpi) == bool(self.column) or (self.table and not self.column):
            msg = "give either kpi (and part), or column (and table)"
            raise ValueError(msg)
        return self


class Indicator(Source):
    """One indicator; weight counts with weights = “user”."""

    better: Literal["more", "less"]
    weight: Annotated[float, Field(ge=0)] = 1.0
    name_en: str = ""
    name_zh: str = ""


class Gate(Source):
    """A condition that excludes a county: at most, or at least. It never enters the score."""

    most: float | None = None
    least: float | None = None
    name_en: str = ""
    name_zh: str = ""

    @model_validator(mode="after")
    def _one_limit(self) -> Gate:
        if (self.most is None) == (self.least is None):
            msg = "give either most or least"
            raise ValueError(msg)
        return self


class Queue(BaseModel):
    """The queue over years."""

    model_config = _CONFIG
    years: Annotated[list[int], Field(min_length=1, max_length=30)]
    budget_cny: list[float] = []
    per_year: Annotated[int, Field(ge=1)] = 1
    cost: str = "investment_cny"
    before: dict[str, list[str]] = {}


class RankFile(BaseModel):
    """A checked ranking file; see docs/pilot_counties.md."""

    model_config = _CONFIG
    indicators: Annotated[dict[_NAME, Indicator], Field(min_length=1, max_length=_MOST_INDICATORS)]
    gates: dict[_NAME, Gate] = {}
    weights: Literal["user", "equal", "entropy", "ahp"] = "user"
    ahp: dict[str, dict[str, Annotated[float, Field(gt=0)]]] = {}
    scenario: str = "baseline"
    uncertain: list[str] = []
    draws: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    concentration: Annotated[float, Field(gt=0)] = 50.0
    seed: Annotated[int, Field(ge=0)] = 1
    queue: Queue | None = None


def read_rank_file(path: Path) -> RankFile:
    """Read and check a ranking file.

    Raises
    ------
    UsageError
        If it cannot be read as TOML.
    ScenarioError
        With every problem at once.
    """
    file = read_model(path, RankFile, "rank_bad_key")
    problems = list(_cross_problems(file, path.name))
    if problems:
        raise ScenarioError(problems)
    return file


def _cross_problems(file: RankFile, origin: str) -> list[KeyProblem]:
    found = []
    if file.weights == "user" and not any(i.weight > 0 for i in file.indicators.values()):
        found.append(KeyProblem(origin, "weights", Message("rank_no_weight")))
    for a, row in file.ahp.items():
        for b in (a, *row):
            if b not in file.indicators:
                figures = {"name": b, "known": ", ".join(file.indicators)}
                found.append(KeyProblem(origin, f"ahp.{a}", Message("rank_unknown_indicator", figures)))
    queue = file.queue
    if queue is not None and queue.budget_cny and len(queue.budget_cny) != len(queue.years):
        counts = {"years": len(queue.years), "budgets": len(queue.budget_cny)}
        found.append(KeyProblem(origin, "queue.budget_cny", Message("rank_budgets", counts)))
    return found
