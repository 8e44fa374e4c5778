"""The indicators of a return: numerator, denominator, list, sources and target of every figure.

Each is a share with its definition version. A row counts where both its figures are given; rows without an answer are
counted beside it. For the shares of the village list the denominator is always the whole list: a village that gives no
answer counts as not served, never as absent.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

import numpy as np
import pandas as pd

from scenarios.monitor.run_facts import RunFacts

#: Changes whenever an indicator's definition, a weight or an anchor changes.
DEFINITION_VERSION = "1"
_LISTED = "listed"
_NO_SOURCE = "unstated"


@dataclass(frozen=True, slots=True)
class Definition:
    """What an indicator is.

    Attributes
    ----------
    key
        Glossary key ``indicator_<key>``; formula: message ``indicator_formula_<key>``.
    kpi_id
        KPI it belongs to; empty for signs, which are no service.
    sheet
        ``villages`` or ``townships``.
    numerator, denominator
        Columns made by `_columns`; ``listed``: one a row.
    weight
        Part in the index (0: shown, never in it).
    low, high
        Values that score 0 and 1 in the index.
    target_kpi, target_part
        KPI of the plan it is held against; empty: the plan has none.
    """

    key: str
    kpi_id: str
    sheet: str
    numerator: str
    denominator: str
    weight: float
    low: float
    high: float
    target_kpi: str
    target_part: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator's figure.

    Attributes
    ----------
    definition
        What it is.
    value, numerator, denominator
        Figure and what it was divided from; `value` None where nothing was returned.
    list_id
        Dated list of the denominator.
    unanswered
        Rows without an answer.
    sources
        How the figures were come by → rows.
    target, gap
        Plan's or the bureau's target; target less value, above 0 where it is not reached.
    """

    definition: Definition
    value: float | None
    numerator: float
    denominator: float
    list_id: str
    unanswered: int
    sources: Mapping[str, int]
    target: float | None

    @property
    def gap(self) -> float | None:
        """Target less value."""
        return None if self.target is None or self.value is None else self.target - self.value


@cache
def definitions() -> tuple[Definition, ...]:
    """Return the published definitions, in order."""
    source = (files("geodata") / "data" / "indicators.csv").read_text(encoding="utf-8")
    return tuple(
        Definition(
            row["indicator"],
            row["kpi_id"],
            row["sheet"],
            row["numerator"],
            row["denominator"],
            float(row["weight"]),
            float(row["low"]),
            float(row["high"]),
            row["target_kpi"],
            row["target_part"],
        )
        for row in csv.DictReader(StringIO(source))
    )


def indicators(
    villages: pd.DataFrame, townships: pd.DataFrame, run: RunFacts, targets: Mapping[str, float]
) -> tuple[Indicator, ...]:
    """Compute every indicator.

    Parameters
    ----------
    villages, townships
        Canonical sheets of a return.
    run
        Plan it is held against.
    targets
        Indicator → target the bureau sets; goes before the plan's.
    """
    sheets = {"villages": _village_columns(villages), "townships": _township_columns(townships)}
    lists = {"villages": run.list_id, "townships": run.list_id.replace("villages", "townships", 1)}
    return tuple(_indicator(one, sheets[one.sheet], lists[one.sheet], run, targets) for one in definitions())


def _village_columns(frame: pd.DataFrame) -> pd.DataFrame:
    made = frame[
        ["village_code", "quarter_parcels", "village_parcels", "on_time_parcels", "cartons_received", "data_source"]
    ].copy()
    made["cartons_recovered"] = frame["cartons_recovered"]
    for column in ("is_active", "has_sign", "has_bus"):
        made[column] = frame[column].map({"true": 1.0, "false": 0.0}).astype(float)
    for least in (3, 5):
        visits = frame["visits_per_week"]
        made[f"visits_ge_{least}"] = (visits >= least).astype(float).where(visits.notna(), np.nan)
    made["promised_parcels"] = frame["quarter_parcels"] - frame["excused_parcels"].fillna(0.0)
    return made


def _township_columns(frame: pd.DataFrame) -> pd.DataFrame:
    made = frame.copy()
    made["nodes_online"] = frame["online_share"] * frame["nodes"]
    return made


def _indicator(
    one: Definition, frame: pd.DataFrame, list_id: str, run: RunFacts, targets: Mapping[str, float]
) -> Indicator:
    above = frame[one.numerator]
    is_list = one.denominator == _LISTED
    below = pd.Series(1.0, index=frame.index) if is_list else frame[one.denominator]
    answered = above.notna() & below.notna()
    numerator = float(np.sort(above[answered].to_numpy(dtype=float)).sum())
    denominator = float(len(frame)) if is_list else float(np.sort(below[answered].to_numpy(dtype=float)).sum())
    value = numerator / denominator if answered.any() and denominator > 0.0 else None
    told = frame.loc[answered, "data_source"].replace("", _NO_SOURCE).value_counts()
    target = targets.get(one.key, run.targets.get((one.target_kpi, one.target_part)))
    return Indicator(
        one,
        value,
        numerator,
        denominator,
        list_id,
        int((~answered).sum()),
        {str(key): int(told[key]) for key in sorted(told.index)},
        target,
    )
