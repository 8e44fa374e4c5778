"""K6 and K7: how far people go to their point, by road."""

from __future__ import annotations

import math
from collections.abc import Iterator

from planner.kpi.rows import Case, Row
from planner.kpi.statistics import mean, percentile, weight_up_to
from planner.plan import Kpi
from planner.verification.facts import access
from planner.verification.measures import is_more
from planner.verification.service import covered_persons

BANDS_KM = (1, 2, 3, 5)
_P90 = 0.9


def nearness_rows(case: Case) -> Iterator[Kpi]:
    """Yield K6 (persons within bands and within the standard) and K7 (mean and 90th percentile)."""
    everyone, note = case.facts.population, place_note(case)
    sample = way_to_point_km(case)
    for band in BANDS_KM:
        near = math.fsum(persons for km, persons in sample if not is_more(km, band))
        yield Row("K6", f"within_{band}_km", "share", case.villages_id, note).ratio(near, everyone)
    covered = covered_persons(case.problem, case.facts, case.plan)
    yield Row("K6", "within_standard", "share", case.villages_id, note).ratio(covered, everyone)
    persons = math.fsum(count for _, count in sample)
    total = math.fsum(km * count for km, count in sample)
    yield Row("K7", "mean", "km", case.villages_id, note).ratio(total, persons)
    far = percentile(sample, _P90)
    near = 0.0 if far is None else weight_up_to(sample, far)
    yield Row("K7", "p90", "km", case.villages_id, note).statistic(far, near, persons)
    left_out = max(0.0, everyone - persons)
    yield Row("K7", "left_out", "share", case.villages_id, "kpi_note_k7_left_out").ratio(left_out, everyone)


def way_to_point_km(case: Case) -> list[tuple[float, float]]:
    """Return (km to the assigned point, persons) for every hamlet or village with a way to its point."""
    ways = []
    for code, point in sorted(case.plan.siting.point_of_village.items()):
        for persons in case.facts.villages[code].persons:
            km = access(case.problem, persons.place_id, point)[0]
            if math.isfinite(km):
                ways.append((km, persons.count))
    return ways


def village_km(case: Case) -> dict[str, tuple[float, float]]:
    """Return village → (mean km of its persons to the point, persons with a way), served villages only."""
    found = {}
    for code, point in sorted(case.plan.siting.point_of_village.items()):
        groups = case.facts.villages[code].persons
        ways = [(access(case.problem, group.place_id, point)[0], group.count) for group in groups]
        ways = [(km, count) for km, count in ways if math.isfinite(km)]
        average = mean(ways)
        if average is not None:
            found[code] = (average, math.fsum(count for _, count in ways))
    return found


def place_note(case: Case) -> str:
    """Return the note that says whether people start at hamlets or at their village's own place."""
    with_hamlets = {str(code) for code in case.problem.county.hamlets["village_code"]} & set(case.facts.villages)
    if not with_hamlets:
        return "kpi_note_no_hamlets"
    return "kpi_note_hamlets" if len(with_hamlets) == len(case.facts.villages) else "kpi_note_some_hamlets"
