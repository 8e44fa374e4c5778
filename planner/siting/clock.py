"""The clock of a solve: one end for everything a solve does, which compiled loops look at too."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from planner.siting.selection import SolveLimits

Rung = npt.NDArray[np.int64]


def never() -> Rung:
    """Return the bell of a clock that never rings."""
    return np.zeros(1, dtype=np.int64)


def left_of(limits: SolveLimits, stop: float) -> SolveLimits:
    """Return the limits with the seconds left until `stop` (of `time.monotonic`), at least a little."""
    return replace(limits, time_limit_s=max(stop - time.monotonic(), 0.01))


@dataclass(slots=True, eq=False)
class Alarm:
    """Rings when the time is over: compiled loops, which cannot ask the clock, look at `rung` instead.

    A run that ends in time never sees it, so it decides nothing that iterations decide.

    Attributes
    ----------
    seconds
        Time from entering on.
    rung
        One number, 0 until the time is over, then 1.
    """

    seconds: float
    rung: Rung = field(default_factory=never)
    _timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        """Start the clock."""
        if self.seconds <= 0:
            self._ring()
        elif self.seconds < threading.TIMEOUT_MAX:
            self._timer = threading.Timer(self.seconds, self._ring)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self.rung[0] = 1
