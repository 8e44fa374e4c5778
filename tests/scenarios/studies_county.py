"""The three-township reference county with its plan, for the tests of studies; loaded by path, for tests are no package."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from geodata.completion import complete
from geodata.messages import LANGS, Message, has_label, label
from geodata.reference import reference_county
from networks.providers import build_travel
from planner.design import design_plan
from planner.plan import PlanProblem, VerifiedPlan
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from scenarios.overrides import DEFAULT_ORIGIN, Setting
from scenarios.studies.run import run_studies
from scenarios.studies.settings import ACTIVE, ON_FAILURE, chosen_studies, decide_studies
from scenarios.studies.study import Study

assert (ACTIVE, ON_FAILURE) == ("active", "on_failure")


@dataclass(frozen=True)
class Small:
    """A problem and its plan."""

    problem: PlanProblem
    verified: VerifiedPlan

    def ask(self, kind: str, lang: str = "en", **options: Any) -> Study:
        """Answer one study."""
        given = {
            f"studies.one.{key}": Setting(value, DEFAULT_ORIGIN) for key, value in {"kind": kind, **options}.items()
        }
        decided, problems = decide_studies(given)
        assert [p.text("en") for p in problems] == []
        (study,) = run_studies(self.problem, self.verified, chosen_studies(decided, seed=1), lang=lang)  # type: ignore[arg-type]
        return study

    def without_place(self, village_code: str) -> "Small":
        """Return the county with one village (and its hamlets) without a place."""
        villages = self.problem.county.villages.copy()
        villages.loc[villages["village_code"] == village_code, ["lon", "lat"]] = np.nan
        hamlets = self.problem.county.hamlets
        hamlets = hamlets[hamlets["village_code"] != village_code].reset_index(drop=True)
        county = self.problem.county.replace(villages=villages, hamlets=hamlets)
        travel = build_travel(county, access_cutoff_km=15.0).matrices
        return Small(replace(self.problem, county=county, travel=travel), self.verified)


@cache
def small() -> Small:
    """Return the county of 3 townships and 12 villages with its plan."""
    county = complete(reference_county(townships=3, villages=12, seed=1), seed=1)
    travel = build_travel(county, access_cutoff_km=15.0)
    problem = PlanProblem(county, travel.matrices, ServiceStandard(), SitingSettings(), RoutingSettings())
    return Small(problem, design_plan(problem))


def check_words(study: Study) -> None:
    """Check that everything a study names has its words in both languages and its rows fit their columns."""
    messages = [*study.answer, *study.reasons.values(), *study.assumptions]
    keys = [f"study_{study.kind}", *study.figures]
    for table in study.tables:
        keys += [table.key, *(column.key for column in table.columns)]
        for row in table.rows:
            assert len(row) == len(table.columns), table.key
            messages += [cell for cell in row if isinstance(cell, Message)]
            keys += [
                str(c) for c, column in zip(row, table.columns, strict=True) if column.kind == "label" and c is not None
            ]
    for chart in study.charts:
        keys += [chart.key, chart.x_key, chart.y_key, *(series.key for series in chart.series)]
    for place in study.places:
        assert np.isfinite([place.lon, place.lat]).all()
        keys += list(place.facts)
        messages += [cell for cell in place.facts.values() if isinstance(cell, Message)]
    assert [key for key in dict.fromkeys(keys) if not has_label(key)] == []
    for lang in LANGS:
        assert all(message.text(lang) for message in messages)
        assert all(label(key, lang) for key in keys)
