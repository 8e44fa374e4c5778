"""Progress of a solve, told to an injected listener; the library never prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


_told_of_preparing: list[Callable[[], None]] = []


@contextmanager
def told_of_preparing(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` whenever, in this block, compiled searches are prepared that were never used on this computer before."""
    _told_of_preparing.append(tell)
    try:
        yield
    finally:
        _told_of_preparing.remove(tell)


def preparing() -> None:
    """Tell those who asked that a compiled search is being prepared, which takes seconds, once."""
    for tell in _told_of_preparing:
        tell()
