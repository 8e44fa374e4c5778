"""Progress on stderr: stage, best value, bound and gap, by rich."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from geodata.messages import Lang, text
from planner.progress import ProgressEvent, ProgressListener, no_progress, told_of_preparing
from planner.reports import OPTIMALITY_TOLERANCE
from scenarios.plan_json import term
from scenarios.rounding import up

_LEAST_GAP = 1e-4


def gap_text(gap: float) -> str:
    """Return a relative gap as it is shown: 0 only within the tolerance of a proof, else rounded up."""
    if gap <= OPTIMALITY_TOLERANCE:
        return "0%"
    return "< 0.01%" if gap < _LEAST_GAP else f"{up(100.0 * gap, 2):.2f}%"


class ConsoleProgress:
    """Show progress: one living line on a terminal, one plain line a stage elsewhere.

    Parameters
    ----------
    lang
        Language of the stage names.
    console
        Console to write to.
    status
        The living line, or None.
    """

    def __init__(self, lang: Lang, console: Console, status: Status | None) -> None:
        self.lang = lang
        self._console = console
        self._status = status
        self._stage = ""
        self._last = ""
        self._is_prepared = False
        self._since = time.perf_counter()

    def __call__(self, event: ProgressEvent) -> None:
        """Take one event."""
        if event.stage != self._stage:
            self.finish()
            self._stage = event.stage
            self._since = time.perf_counter()
        self._last = self.line(event)
        if self._status is not None:
            self._status.update(escape(self._last))

    def preparing(self) -> None:
        """Say, once, that this computer prepares compiled searches."""
        if not self._is_prepared:
            self._console.print(text("progress_preparing", self.lang), markup=False, highlight=False, soft_wrap=True)
        self._is_prepared = True

    def line(self, event: ProgressEvent) -> str:
        """Return one line: stage, units done, best value, bound and gap."""
        parts = [term(f"stage_{event.stage}", self.lang, event.stage)]
        if event.done is not None:
            parts.append(f"{event.done}/{event.total}" if event.total is not None else str(event.done))
        if event.objective is not None:
            parts.append(text("progress_objective", self.lang, {"value": f"{event.objective:,.2f}"}))
        if event.bound is not None:
            parts.append(text("progress_bound", self.lang, {"value": f"{event.bound:,.2f}"}))
        if event.gap is not None:
            parts.append(text("progress_gap", self.lang, {"value": gap_text(event.gap)}))
        return " · ".join(parts)

    def finish(self) -> None:
        """Leave a plain line for the stage that ended."""
        if self._stage:
            seconds = time.perf_counter() - self._since
            self._console.print(f"{self._last}  {seconds:.1f} s", markup=False, highlight=False, soft_wrap=True)
        self._stage = ""


@contextmanager
def shown_progress(lang: Lang, *, is_quiet: bool, console: Console | None = None) -> Iterator[ProgressListener]:
    """Give a listener that shows progress on stderr while the block runs; a silent one if `is_quiet`."""
    if is_quiet:
        yield no_progress
        return
    console = console or Console(stderr=True)
    if not console.is_terminal:
        progress = ConsoleProgress(lang, console, None)
        with told_of_preparing(progress.preparing):
            yield progress
        progress.finish()
        return
    with console.status("") as status:
        progress = ConsoleProgress(lang, console, status)
        with told_of_preparing(progress.preparing):
            yield progress
        progress.finish()
