"""The cooperation on the map: who brings parcels to each village in the plan, and how many networks go there today."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from planner.cooperation.build import CooperationCase
from planner.cooperation.modes import ModePlan
from planner.problems.cooperation import CooperationProblem
from scenarios.studies.study import Cell, Mark, StudyPlace, StudyView

#: Path → mark on the map, by who does the last tier.
_MARKS: Mapping[str, Mark] = {
    "own": "by_own",
    "own_post": "by_post",
    "post": "by_post",
    "joint_post": "by_post",
    "joint": "by_joint",
    "bus": "by_bus",
    "shop": "by_shop",
    "post_network": "by_mail",
}
_FEW = 3


def modes_by_village(plan: ModePlan) -> dict[str, Counter[str]]:
    """Return village → how many operators' parcels come by each path."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for c in plan.carriages:
        found[c.village_id][c.kind] += 1
    return found


def main_mode(items: Counter[str]) -> str:
    """Return the path by which most operators' parcels come; ``post_network`` where only the post's own do."""
    return max(sorted(items), key=lambda kind: items[kind]) if items else "post_network"


def _placed(case: CooperationCase) -> Iterator[tuple[str, str, float, float]]:
    """Yield (code, name, lon, lat) of every village with a place, those left out last."""
    villages = case.county.villages.set_index("village_code")
    for code in (*case.problem.village_ids, *sorted(case.problem.left_out)):
        row = villages.loc[code]
        lon, lat = float(row["lon"]), float(row["lat"])
        if np.isfinite(lon) and np.isfinite(lat):
            yield code, str(row["name"]), lon, lat


def mode_places(case: CooperationCase, plan: ModePlan) -> tuple[StudyPlace, ...]:
    """Return every village with the way most operators' parcels come by, and all ways as facts."""
    by_village = modes_by_village(plan)
    today = networks_today(case.problem)
    shown = []
    for code, name, lon, lat in _placed(case):
        items = by_village.get(code, Counter())
        mark: Mark = "unserved" if code in case.problem.left_out else _MARKS[main_mode(items)]
        facts: dict[str, Cell] = {f"carried_{kind}": count for kind, count in sorted(items.items())}
        if code in today:
            facts["networks_today"] = len(today[code])
        shown.append(StudyPlace(code, name, lon, lat, mark, facts))
    return tuple(shown)


def networks_today(problem: CooperationProblem) -> dict[str, tuple[str, ...]]:
    """Return village → operators whose own rounds go there today."""
    found: dict[str, tuple[str, ...]] = {}
    goes = [
        problem.goes_to(i)
        & (problem.reached[i] if o.kind == "courier" else np.ones(len(problem.village_ids), np.bool_))
        if o.has_parcels
        else np.zeros(len(problem.village_ids), np.bool_)
        for i, o in enumerate(problem.operators)
    ]
    for v, code in enumerate(problem.village_ids):
        found[code] = tuple(o.operator_id for o, there in zip(problem.operators, goes, strict=True) if there[v])
    return found


def today_view(case: CooperationCase) -> StudyView:
    """Return today's map: how many separate networks go to each village, and whose."""
    today, shown = networks_today(case.problem), []
    for code, name, lon, lat in _placed(case):
        names = today.get(code, ())
        mark: Mark = "lines_one"
        if code in case.problem.left_out:
            mark = "unserved"
        elif len(names) != 1:
            mark = "lines_none" if not names else "lines_few" if len(names) <= _FEW else "lines_many"
        facts: dict[str, Cell] = {"networks_today": len(names), "networks_of": ", ".join(names)}
        shown.append(StudyPlace(code, name, lon, lat, mark, facts))
    return StudyView("today", tuple(shown))
