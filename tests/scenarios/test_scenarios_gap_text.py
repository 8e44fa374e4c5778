"""Gaps as the command shows them."""

from __future__ import annotations

import pytest

from scenarios.cli.console import Screen
from scenarios.cli.run_command import _status_line
from scenarios.progress import gap_text


@pytest.mark.parametrize(
    ("gap", "shown"),
    [(0.0, "0%"), (1e-6, "0%"), (1.1e-6, "< 0.01%"), (9.9e-5, "< 0.01%"), (1e-4, "0.01%"), (0.0279, "2.79%")],
)
def test_a_gap_is_never_rounded_to_nothing(gap: float, shown: str) -> None:
    assert gap_text(gap) == shown


def test_an_optimal_plan_shows_no_gap_and_a_feasible_one_its_own() -> None:
    screen = Screen("en", is_json=False)
    assert "gap" not in _status_line(screen, "siting", {"status": "optimal", "gap": 3e-7})
    assert _status_line(screen, "siting", {"status": "feasible", "gap": 2e-5}).endswith("gap < 0.01%")
