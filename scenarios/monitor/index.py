"""The development index 发展指数: published formula, anchors, weights and data hash; gates stand beside it.

::

    score_i = min(1, max(0, (x_i - low_i) / (high_i - low_i)))
    index   = 100 · Σ w_i · score_i        with Σ w_i = 1

It is not published while any weighted indicator lacks figures: a missing figure is neither zero nor left out. Complaints
about illegal charges (K30) and accidents are gates: passed or not, never weighed against anything.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from scenarios.monitor.indicators import DEFINITION_VERSION, Indicator, definitions
from scenarios.monitor.quarter import Quarter

_PER_PARCELS = 100_000.0
_DIGITS = 9
#: Columns the index and its gates depend on; names and remarks do not count.
_VILLAGE_COLUMNS = (
    "village_code",
    "has_sign",
    "is_active",
    "has_bus",
    "visits_per_week",
    "quarter_parcels",
    "village_parcels",
    "on_time_parcels",
    "excused_parcels",
    "cartons_received",
    "cartons_recovered",
    "complaints",
)
_TOWNSHIP_COLUMNS = (
    "township_code",
    "nodes",
    "online_share",
    "records",
    "records_complete",
    "interface_calls",
    "interface_ok",
    "accidents",
)


@dataclass(frozen=True, slots=True)
class Score:
    """An indicator's part in the index, in points of 100; None where it has no figure."""

    key: str
    weight: float
    score: float | None

    @property
    def points(self) -> float | None:
        """Weight × score × 100."""
        return None if self.score is None else 100.0 * self.weight * self.score


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that is passed or not.

    Attributes
    ----------
    key
        ``complaints`` or ``accidents``; glossary key ``gate_<key>``.
    state
        Passed, failed, or unknown because nothing was returned.
    count, rate, limit
        Cases; complaints for each 100,000 parcels (None for accidents); most that pass.
    unanswered
        Rows without an answer; a gate with any is at best unknown.
    """

    key: str
    state: Literal["passed", "failed", "unknown"]
    count: float
    rate: float | None
    limit: float
    unanswered: int


@dataclass(frozen=True, slots=True)
class DevelopmentIndex:
    """The index of a quarter.

    Attributes
    ----------
    value
        0 to 100, or None while figures are missing.
    scores
        Parts, in the order of the definitions.
    gates
        Conditions, never weighted.
    data_hash
        SHA-256 over definitions and figures; the same whatever the order of rows and the units written.
    """

    value: float | None
    scores: tuple[Score, ...]
    gates: tuple[Gate, ...]
    data_hash: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Weighted indicators without figures."""
        return tuple(score.key for score in self.scores if score.score is None)


def development_index(
    found: Sequence[Indicator],
    sheets: tuple[pd.DataFrame, pd.DataFrame],
    county_quarter: tuple[str, Quarter],
    complaint_limit: float = 0.0,
) -> DevelopmentIndex:
    """Compute the index.

    Parameters
    ----------
    found
        Indicators of the return.
    sheets
        Sheets of villages and of townships.
    county_quarter
        County code and quarter, part of the hash.
    complaint_limit
        Most complaints for each 100,000 parcels that pass the gate.
    """
    scores = tuple(_score(one) for one in found if one.definition.weight > 0.0)
    points = [score.points for score in scores]
    value = None if None in points else math.fsum(p for p in points if p is not None)
    return DevelopmentIndex(value, scores, _gates(*sheets, complaint_limit), _data_hash(sheets, county_quarter))


def _score(one: Indicator) -> Score:
    rule = one.definition
    if one.value is None:
        return Score(rule.key, rule.weight, None)
    score = (one.value - rule.low) / (rule.high - rule.low)
    return Score(rule.key, rule.weight, min(1.0, max(0.0, score)))


def _gates(villages: pd.DataFrame, townships: pd.DataFrame, limit: float) -> tuple[Gate, Gate]:
    complaints, accidents = float(villages["complaints"].sum()), float(townships["accidents"].sum())
    parcels = float(villages["quarter_parcels"].sum())
    rate = complaints / parcels * _PER_PARCELS if parcels > 0.0 else None
    is_over = complaints > 0.0 if rate is None else rate > limit
    open_complaints = int(villages["complaints"].isna().sum())
    open_accidents = int(townships["accidents"].isna().sum())
    return (
        Gate("complaints", _state(open_complaints, is_failed=is_over), complaints, rate, limit, open_complaints),
        Gate("accidents", _state(open_accidents, is_failed=accidents > 0.0), accidents, None, 0.0, open_accidents),
    )


def _state(unanswered: int, *, is_failed: bool) -> Literal["passed", "failed", "unknown"]:
    return "failed" if is_failed else "unknown" if unanswered else "passed"


def _data_hash(sheets: tuple[pd.DataFrame, pd.DataFrame], county_quarter: tuple[str, Quarter]) -> str:
    rules = [(d.key, d.weight, d.low, d.high) for d in definitions()]
    rows = [_rows(sheets[0], _VILLAGE_COLUMNS), _rows(sheets[1], _TOWNSHIP_COLUMNS)]
    hashed = [DEFINITION_VERSION, rules, county_quarter[0], str(county_quarter[1]), rows]
    return hashlib.sha256(json.dumps(hashed, ensure_ascii=False, allow_nan=False).encode()).hexdigest()


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[Any]]:
    return sorted(
        ([_plain(value) for value in row] for row in frame[list(columns)].to_numpy()), key=lambda r: str(r[0])
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") + 0.0 if math.isfinite(value) else None
    return str(value)
