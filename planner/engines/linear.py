"""A mixed-integer minimisation in plain lists, independent of any solver."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(slots=True)
class LinearModel:
    """Minimise ``offset + Σ cost·x`` subject to rows ``lower ≤ Σ a·x ≤ upper``.

    Attributes
    ----------
    offset
        Constant part of the objective.
    costs, lower, upper, is_integer
        One entry a variable.
    row_lower, row_upper
        One entry a row.
    row_index, column_index, coefficients
        Non-zeros of the matrix, in the order they were added.
    """

    offset: float = 0.0
    costs: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    is_integer: list[bool] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)
    row_index: list[int] = field(default_factory=list)
    column_index: list[int] = field(default_factory=list)
    coefficients: list[float] = field(default_factory=list)

    def binary(self, cost: float = 0.0, *, lower: float = 0.0, upper: float = 1.0) -> int:
        """Add a 0/1 variable (fix it by its bounds); return its index."""
        return self._variable(cost, lower, upper, is_integer=True)

    def continuous(self, cost: float = 0.0, *, upper: float = math.inf) -> int:
        """Add a variable between 0 and `upper`; return its index."""
        return self._variable(cost, 0.0, upper, is_integer=False)

    def whole(self, cost: float = 0.0, *, upper: float = math.inf) -> int:
        """Add a whole number between 0 and `upper`; return its index."""
        return self._variable(cost, 0.0, upper, is_integer=True)

    def _variable(self, cost: float, lower: float, upper: float, *, is_integer: bool) -> int:
        self.costs.append(float(cost))
        self.lower.append(float(lower))
        self.upper.append(float(upper))
        self.is_integer.append(is_integer)
        return len(self.costs) - 1

    def row(self, terms: Iterable[tuple[int, float]], *, lower: float = -math.inf, upper: float = math.inf) -> None:
        """Add ``lower ≤ Σ coefficient·variable ≤ upper``; a variable named twice is summed."""
        summed: dict[int, float] = {}
        for column, coefficient in terms:
            summed[column] = summed.get(column, 0.0) + coefficient
        index = len(self.row_lower)
        self.row_lower.append(float(lower))
        self.row_upper.append(float(upper))
        for column in sorted(summed):
            if summed[column] != 0.0:
                self.row_index.append(index)
                self.column_index.append(column)
                self.coefficients.append(float(summed[column]))

    def at_most(self, column: int, coefficient: float, other: int) -> None:
        """Add ``column ≤ coefficient · other`` for two different variables; quicker than `row`."""
        index = len(self.row_lower)
        self.row_lower.append(-math.inf)
        self.row_upper.append(0.0)
        for position, value in sorted(((column, 1.0), (other, -float(coefficient)))):
            if value != 0.0:
                self.row_index.append(index)
                self.column_index.append(position)
                self.coefficients.append(value)

    def objective(self, values: Vector) -> float:
        """Return the objective of `values`."""
        return self.offset + float(np.dot(np.asarray(self.costs), values))

    def worst_violation(self, values: Vector) -> float:
        """Return the largest amount by which `values` break a row or a bound (0: none)."""
        activity = np.zeros(len(self.row_lower))
        np.add.at(activity, self.row_index, np.asarray(self.coefficients) * values[self.column_index])
        gaps = [
            np.asarray(self.row_lower) - activity,
            activity - np.asarray(self.row_upper),
            np.asarray(self.lower) - values,
            values - np.asarray(self.upper),
        ]
        return max([0.0, *(float(gap.max()) for gap in gaps if gap.size)])
