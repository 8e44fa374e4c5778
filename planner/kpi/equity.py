"""K27: how evenly distance, cost and frequency fall on the villages."""

from __future__ import annotations

from collections.abc import Iterator

from planner.kpi.money import village_costs
from planner.kpi.nearness import village_km
from planner.kpi.rows import Case, Row
from planner.kpi.statistics import Sample, gini, gini_parts, worst_tenth_parts
from planner.plan import Kpi


def equity_rows(case: Case) -> Iterator[Kpi]:
    """Yield K27: Gini and mean of the worst tenth of persons, each village's figure weighted by its persons."""
    villages = case.facts.villages
    costs = village_costs(case)
    kilometres = list(village_km(case).values())
    per_parcel = [
        (cost / villages[c].parcels, villages[c].population) for c, cost in costs.items() if villages[c].parcels
    ]
    served = case.plan.siting.point_of_village
    visits = [(float(case.visits_per_week) if c in served else 0.0, v.population) for c, v in villages.items()]
    yield from _pair(case, "access", "km", kilometres, is_high_bad=True)
    yield from _pair(case, "cost", "cny_per_parcel", per_parcel, is_high_bad=True)
    yield from _pair(case, "frequency", "visit_per_week", visits, is_high_bad=False)


def _pair(case: Case, part: str, unit: str, sample: Sample, *, is_high_bad: bool) -> Iterator[Kpi]:
    note = f"kpi_note_k27_{part}"
    yield Row("K27", f"{part}_gini", "gini", case.villages_id, note).statistic(gini(sample), *gini_parts(sample))
    worst = worst_tenth_parts(sample, is_high_bad=is_high_bad)
    yield Row("K27", f"{part}_worst_tenth", unit, case.villages_id, note).ratio(*worst)
