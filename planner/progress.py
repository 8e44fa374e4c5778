"""Progress of a solve, told to an injected listener; the library never prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One step of progress.

    Attributes
    ----------
    stage
        Stage name; glossary key ``stage_<stage>`` (``read``, ``travel``, ``siting``, ``routing``, ``verify``,
        ``write``).
    objective, bound, gap
        Best value, proved bound and relative gap so far, or None.
    done, total
        Units done and in all (rounds, files); None when not counted.
    """

    stage: str
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    done: int | None = None
    total: int | None = None


ProgressListener = Callable[[ProgressEvent], None]


def no_progress(_event: ProgressEvent) -> None:
    """Ignore progress."""
