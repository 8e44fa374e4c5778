"""Why a figure differs between two runs: parts that sum exactly to the difference, to the last printed digit.

Amounts are counted in whole units of the last printed digit (a fen, a thousandth of a yuan), so that what a reader adds up
is what stands at the end. A figure that is a quotient c / p is split by the mean of both orders of change (the Shapley
value of two factors): Δc · ½ (1/p₀ + 1/p₁) for the numerator, and ½ (c₀ + c₁) · (1/p₁ − 1/p₀) for the denominator; the
two sum to c₁/p₁ − c₀/p₀. (L. S. Shapley, "A value for n-person games", 1953.)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from planner.kpi.money import PARTS as PARCEL_PARTS
from scenarios.comparison.runs import FinishedRun

Amounts = Mapping[str, float]
#: Part that says how many parcels share the cost.
PARCELS = "parcels"
NUMERATOR, DENOMINATOR = "numerator", "denominator"
#: Investment in what no site names.
REST = "rest"


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A figure of two runs and the parts of its difference, all as whole numbers of `step`.

    Attributes
    ----------
    figure
        ``cost``, ``parcel_cost``, ``investment``, ``served``, or the KPI and part of a quotient (``K1 total``).
    unit
        Glossary key of the unit, without ``unit_``.
    step
        What one counts: 0.01 for figures printed with two digits.
    start, end
        Figure of the first and of the other run.
    parts
        Part → change, those of no change left out; start + Σ parts = end.
    """

    figure: str
    unit: str
    step: Fraction
    start: int
    end: int
    parts: Mapping[str, int]

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return len(str(self.step.denominator)) - 1

    def amount(self, count: int) -> float:
        """Return a count as an amount in the figure's unit."""
        return float(count * self.step)


def whole(value: Fraction) -> int:
    """Round half up."""
    return math.floor(value + Fraction(1, 2))


def exact_parts(changes: Mapping[str, Fraction], total: int) -> dict[str, int]:
    """Return whole changes that sum to `total`, each next to its exact value (largest remainders get what is left).

    Parameters
    ----------
    changes
        Exact change of each part, in steps; they sum to `total` but for rounding.
    total
        What the whole changes must sum to.
    """
    parts = {key: math.floor(change) for key, change in changes.items()}
    order = sorted(changes, key=lambda key: (parts[key] - changes[key], key))
    missing = total - sum(parts.values())
    for i in range(abs(missing)):
        key = order[i % len(order)] if missing > 0 else order[-1 - i % len(order)]
        parts[key] += 1 if missing > 0 else -1
    return parts


def difference(figure: str, unit: str, step: Fraction, first: Amounts, other: Amounts) -> Waterfall:
    """Return the waterfall of a figure that is the sum of its parts in either run."""
    keys = dict.fromkeys([*first, *other])
    before = {key: Fraction(first.get(key, 0.0)) / step for key in keys}
    after = {key: Fraction(other.get(key, 0.0)) / step for key in keys}
    changes = {key: after[key] - before[key] for key in keys}
    return _made(figure, unit, step, (sum(before.values(), Fraction(0)), sum(after.values(), Fraction(0))), changes)


def _made(
    figure: str, unit: str, step: Fraction, ends: tuple[Fraction, Fraction], changes: Mapping[str, Fraction]
) -> Waterfall:
    start, end = whole(ends[0]), whole(ends[1])
    moved = {key: change for key, change in changes.items() if change}
    parts = exact_parts(moved, end - start) if moved else {}
    return Waterfall(figure, unit, step, start, end, {key: part for key, part in parts.items() if part})


def quotient(unit: str, step: Fraction, first: tuple[Amounts, float], other: tuple[Amounts, float]) -> Waterfall | None:
    """Return the waterfall of a cost for each parcel; None where either run carries none.

    Parameters
    ----------
    unit, step
        See `Waterfall`.
    first, other
        Cost by part, and parcels.
    """
    (costs0, count0), (costs1, count1) = first, other
    if count0 <= 0 or count1 <= 0:
        return None
    p0, p1 = Fraction(count0), Fraction(count1)
    mean = (1 / p0 + 1 / p1) / 2
    keys = dict.fromkeys([*costs0, *costs1])
    c0 = {key: Fraction(costs0.get(key, 0.0)) for key in keys}
    c1 = {key: Fraction(costs1.get(key, 0.0)) for key in keys}
    changes = {key: (c1[key] - c0[key]) * mean / step for key in keys}
    total0, total1 = sum(c0.values(), Fraction(0)), sum(c1.values(), Fraction(0))
    changes[PARCELS] = (total0 + total1) / 2 * (1 / p1 - 1 / p0) / step
    return _made("parcel_cost", unit, step, (total0 / p0 / step, total1 / p1 / step), changes)


def kpi_falls(first: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Waterfall, ...]:
    """Return why every KPI that is a quotient moves: what its numerator does, and what its denominator does.

    KPIs that are no quotient (percentiles, Gini) and those that do not move are left out.
    """
    rows = [{(row["kpi_id"], row["part"]): row for row in plan["kpis"]} for plan in (first, other)]
    found = []
    for key, row in rows[0].items():
        again = rows[1].get(key)
        if again is not None and row["value"] != again["value"] and _is_quotient(row) and _is_quotient(again):
            step = Fraction(1, 10_000) if row["unit"] == "share" else Fraction(1, 1000)
            ends = [(Fraction(r["numerator"]), Fraction(r["denominator"])) for r in (row, again)]
            found.append(_quotient_fall(" ".join(key), row["unit"], step, ends))
    return tuple(found)


def _is_quotient(row: Mapping[str, Any]) -> bool:
    value, top, bottom = row["value"], row["numerator"], row["denominator"]
    return None not in (value, top, bottom) and bottom > 0 and math.isclose(top / bottom, value, rel_tol=1e-6)


def _quotient_fall(figure: str, unit: str, step: Fraction, ends: list[tuple[Fraction, Fraction]]) -> Waterfall:
    (c0, p0), (c1, p1) = ends
    changes = {
        NUMERATOR: (c1 - c0) * (1 / p0 + 1 / p1) / 2 / step,
        DENOMINATOR: (c0 + c1) / 2 * (1 / p1 - 1 / p0) / step,
    }
    return _made(figure, unit, step, (c0 / p0 / step, c1 / p1 / step), changes)


def waterfalls(first: FinishedRun, other: FinishedRun) -> tuple[Waterfall, ...]:
    """Return the waterfalls from the first run to another: cost a day, cost a parcel, investment, villages served."""
    fen, milli, one = Fraction(1, 100), Fraction(1, 1000), Fraction(1)
    found = [difference("cost", "cny_per_day", fen, _costs(first.plan), _costs(other.plan))]
    parcel = quotient("cny_per_parcel", milli, _parcel_costs(first.plan), _parcel_costs(other.plan))
    if parcel is not None:
        found.append(parcel)
    found.append(difference("investment", "cny", one, _investment(first), _investment(other)))
    found.append(served_villages(first, other))
    return tuple(found)


def _costs(plan: Mapping[str, Any]) -> dict[str, float]:
    return {f"{line['tier']}.{line['item']}": line["cny_per_day"] for line in plan["costs"]}


def _parcel_costs(plan: Mapping[str, Any]) -> tuple[dict[str, float], float]:
    """Return the cost inside each part of K13, and the parcels they share."""
    lines = {(line["tier"], line["item"]): line["cny_per_day"] for line in plan["costs"]}
    costs = {part: math.fsum(lines.get(key, 0.0) for key in keys) for part, keys in PARCEL_PARTS.items()}
    row = next((row for row in plan["kpis"] if (row["kpi_id"], row["part"]) == ("K13", "total")), None)
    return costs, 0.0 if row is None else float(row["denominator"] or 0.0)


def _investment(run: FinishedRun) -> dict[str, float]:
    """Return the investment by what is invested in; closings are what the plan's total holds besides the open sites."""
    amounts: Counter[str] = Counter()
    for site in run.sites.values():
        if site.decision in ("kept", "new", "closed"):
            amounts[f"{site.kind}.{'closing' if site.decision == 'closed' else 'site'}"] += site.investment_cny  # type: ignore[assignment]
    rest = run.plan["investment_cny"] - math.fsum(amounts.values())
    if abs(rest) >= 1:
        amounts[REST] = rest
    return dict(amounts)


def served_villages(first: FinishedRun, other: FinishedRun) -> Waterfall:
    """Return how many villages each township gains and loses."""
    parts: Counter[str] = Counter()
    for code in dict.fromkeys([*first.villages, *other.villages]):
        before, after = first.villages.get(code), other.villages.get(code)
        was, is_now = before is not None and before.is_served, after is not None and after.is_served
        township = (after or before).township  # type: ignore[union-attr]
        if was != is_now:
            parts[f"{'gained' if is_now else 'lost'}.{township}"] += 1 if is_now else -1
    start = sum(v.is_served for v in first.villages.values())
    end = sum(v.is_served for v in other.villages.values())
    return Waterfall("served", "villages", Fraction(1), start, end, dict(sorted(parts.items())))
