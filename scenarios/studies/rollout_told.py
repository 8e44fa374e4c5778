"""What a roll-out has to say: sentences, the table by year, sites, vehicles and villages with their year, charts, the map by year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from geodata.messages import Message
from planner.reports import SolveReport
from planner.rollout.operate import YearRounds
from planner.rollout.result import Rollout, VillageYear
from scenarios.studies.shown import percent, rounded, status_message
from scenarios.studies.study import (
    Cell,
    Study,
    StudyChart,
    StudyColumn,
    StudyInput,
    StudyPlace,
    StudySeries,
    StudyTable,
)

#: Years with a colour of their own on the map; later ones share the last.
MAP_YEARS = 6
_VILLAGES = (
    StudyColumn("village_code"),
    StudyColumn("name"),
    StudyColumn("township_code"),
    StudyColumn("year_served", "text"),
    StudyColumn("year_own_point", "text"),
    StudyColumn("reason", "message"),
)
_SITES = (
    StudyColumn("facility_id"),
    StudyColumn("name"),
    StudyColumn("kind", "label"),
    StudyColumn("township_code"),
    StudyColumn("decision", "label"),
    StudyColumn("rollout_year", "text"),
    StudyColumn("spent_cny", "cny"),
)
_VEHICLES = (
    StudyColumn("rollout_year", "text"),
    StudyColumn("vehicle_type_id"),
    StudyColumn("name"),
    StudyColumn("vehicles_in_use", "count"),
    StudyColumn("vehicles_to_buy", "count"),
)


class Told:
    """A roll-out in the shape every output can show."""

    def __init__(
        self, given: StudyInput, rollout: Rollout, rounds: Sequence[YearRounds], labels: Sequence[int]
    ) -> None:
        self.given, self.rollout, self.rounds, self.labels = given, rollout, rounds, labels
        self.facilities = given.problem.county.facilities.set_index("facility_id")
        self.villages = given.problem.county.villages.set_index("village_code")
        self.population = float(self.villages["population"].astype(float).sum())
        self.is_cost = rollout.asked.objective == "cost"

    def study(self) -> Study:
        """Return the study."""
        return Study(
            name=self.given.name,
            kind="rollout",
            report=self._report(),
            answer=self._answer(),
            reasons=self._reasons(),
            figures=self._figures(),
            tables=self._tables(),
            charts=self._charts(),
            places=self._places(),
            assumptions=self._assumptions(),
        )

    def _report(self) -> SolveReport:
        return replace(self.rollout.report)

    def _year(self, number: int | None) -> str:
        """Return a year as it is printed: today, its name, or a dash."""
        if number is None:
            return "–"
        return "0" if number == 0 else str(self.labels[number - 1])

    # --- sentences ----------------------------------------------------------------------------------------------

    def _answer(self) -> tuple[Message, ...]:
        years, last = self.rollout.years, self.rollout.years[-1]
        spent = math.fsum(year.spent_cny + year.vehicles_cny for year in years)
        figures = {
            "years": len(years),
            "cny": rounded(spent),
            "money": rounded(math.fsum(self.rollout.asked.budgets_cny)),
            "served": len(last.siting.point_of_village),
            "villages": len(self.villages),
            "today": sum(village.served == 0 for village in self.rollout.villages),
            "last": str(self.labels[-1]),
        }
        said = [Message("study_answer_rollout", figures)]
        if self.is_cost:
            total = float(self.rollout.report.objective or 0.0)
            said.append(
                Message(
                    "study_rollout_cost", {"cny": rounded(total), "rate": percent(self.rollout.asked.discount_rate)}
                )
            )
        else:
            said.append(
                Message(
                    f"study_rollout_need_{self.rollout.asked.need}",
                    {"count": rounded(last.need), "year": str(self.labels[-1])},
                )
            )
        said += [self._regret(), status_message(self.rollout.report)]
        waits = sum(v.served is not None and v.served > 1 for v in self.rollout.villages)
        never = sum(v.served is None for v in self.rollout.villages)
        said.append(Message("study_rollout_waiting", {"wait": waits, "never": never}))
        return tuple(said)

    def _regret(self) -> Message:
        found = [self.rollout.regret(t) for t in range(len(self.labels))]
        worst = max(range(len(found)), key=lambda t: (found[t][0], found[t][1]))
        figures = {"year": str(self.labels[worst]), "found": rounded(found[worst][0])}
        if not math.isfinite(found[worst][1]):
            return Message("study_rollout_regret_open", figures)
        key = "study_rollout_regret_cost" if self.is_cost else f"study_rollout_regret_{self.rollout.asked.need}"
        return Message(key, {**figures, "most": rounded(max(most for _, most in found))})

    def _assumptions(self) -> tuple[Message, ...]:
        asked = self.rollout.asked
        said = [Message("study_assumption_rollout"), Message(f"study_rollout_existing_{asked.existing}")]
        said.append(Message("study_rollout_carry" if asked.carries_over else "study_rollout_no_carry"))
        if not self.is_cost:
            said.append(Message("study_rollout_cost_second"))
        if self.rounds:
            said.append(Message("study_rollout_rounds"))
        return tuple(said)

    def _reasons(self) -> dict[str, Message]:
        return {
            v.village_code: Message(f"reason_{v.reason.reason}", v.reason.params)
            for v in self.rollout.villages
            if v.served is None and v.reason is not None
        }

    def _figures(self) -> dict[str, Cell]:
        years = self.rollout.years
        figures: dict[str, Cell] = {
            "rollout_spent_cny": math.fsum(y.spent_cny + y.vehicles_cny for y in years),
            "rollout_money_cny": math.fsum(self.rollout.asked.budgets_cny),
        }
        if self.is_cost:
            figures["rollout_discounted_cny"] = float(self.rollout.report.objective or 0.0)
            figures["rollout_bound_cny"] = self.rollout.report.bound
        figures["rollout_new_points"] = self._count("village_point")
        figures["rollout_new_stations"] = self._count("township_station")
        figures["rollout_closed_stations"] = sum(
            self.facilities.loc[name]["kind"] == "township_station" for y in years for name in y.closed
        )
        if self.rounds:
            figures["vehicles_to_buy"] = sum(sum(r.bought.values()) for r in self.rounds)
        return figures

    def _count(self, kind: str) -> int:
        return sum(self.facilities.loc[name]["kind"] == kind for year in self.rollout.years for name in year.opened)

    # --- tables -------------------------------------------------------------------------------------------------

    def _tables(self) -> tuple[StudyTable, ...]:
        made = [StudyTable("table_study_rollout_years", self._year_columns(), self._year_rows())]
        made.append(StudyTable("table_study_rollout_sites", _SITES, self._site_rows()))
        if self.rounds:
            made.append(StudyTable("table_study_rollout_vehicles", _VEHICLES, self._vehicle_rows()))
        made.append(StudyTable("table_study_rollout_villages", _VILLAGES, self._village_rows()))
        return tuple(made)

    def _year_columns(self) -> tuple[StudyColumn, ...]:
        unit = "cny" if self.is_cost else "number"
        ending = "cny_per_day" if self.is_cost else f"served_{self.rollout.asked.need}"
        return (
            StudyColumn("rollout_year", "text"),
            StudyColumn("parcels_per_day", "number"),
            StudyColumn("budget_cny", "cny"),
            StudyColumn("spent_cny", "cny"),
            StudyColumn("vehicles_spent_cny", "cny"),
            StudyColumn("left_over_cny", "cny"),
            StudyColumn("rollout_new_points", "count"),
            StudyColumn("rollout_new_stations", "count"),
            StudyColumn("rollout_closed_stations", "count"),
            StudyColumn("villages_served", "count"),
            StudyColumn("own_point_villages", "count"),
            StudyColumn("rollout_covered_share", "share"),
            StudyColumn("model_cny_per_day", "cny"),
            StudyColumn("true_cny_per_day", "cny"),
            StudyColumn(f"year_alone_{ending}", unit),  # type: ignore[arg-type]
            StudyColumn(f"year_alone_bound_{ending}", unit),  # type: ignore[arg-type]
            StudyColumn(f"regret_{ending}", unit),  # type: ignore[arg-type]
            StudyColumn(f"regret_most_{ending}", unit),  # type: ignore[arg-type]
        )

    def _year_rows(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        left = 0.0
        for t, year in enumerate(self.rollout.years):
            money = self.rollout.asked.budgets_cny[t] + (left if self.rollout.asked.carries_over else 0.0)
            left = money - year.spent_cny - year.vehicles_cny
            kinds = [self.facilities.loc[name]["kind"] for name in year.opened]
            found, most = self.rollout.regret(t)
            rows.append(
                (
                    str(self.labels[t]),
                    self._parcels(t),
                    self.rollout.asked.budgets_cny[t],
                    year.spent_cny,
                    year.vehicles_cny,
                    max(0.0, left),
                    kinds.count("village_point"),
                    kinds.count("township_station"),
                    sum(self.facilities.loc[name]["kind"] == "township_station" for name in year.closed),
                    len(year.siting.point_of_village),
                    self._own(t),
                    self._covered(t),
                    year.cost_cny_per_day,
                    self.rounds[t].verified.cost_cny_per_day if self.rounds else None,
                    _finite(year.alone.value),
                    _finite(year.alone.bound),
                    found,
                    _finite(most),
                )
            )
        return tuple(rows)

    def _parcels(self, t: int) -> float:
        demand = self.rollout.years[t].problem.county.demand
        return float(demand[["inbound_parcels_per_day", "outbound_parcels_per_day"]].astype(float).to_numpy().sum())

    def _own(self, t: int) -> int:
        return sum(v.own_point is not None and v.own_point <= t + 1 for v in self.rollout.villages)

    def _covered(self, t: int) -> float:
        """Return the share of all residents within the access standard of their point."""
        return self.rollout.covered[t] / max(1.0, self.population)

    def _site_rows(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for t, year in enumerate(self.rollout.years):
            changes = [(name, "decision_chosen", "capex_cny") for name in year.opened]
            changes += [(name, "decision_closed", "closing_cost_cny") for name in year.closed]
            for name, decision, price in changes:
                row = self.facilities.loc[name]
                cost = 0.0 if pd.isna(row[price]) else float(row[price])
                told = (name, str(row["name"]), f"kind_{row['kind']}", str(row["township_code"]))
                rows.append((*told, decision, str(self.labels[t]), cost))
        return tuple(rows)

    def _vehicle_rows(self) -> tuple[tuple[Cell, ...], ...]:
        names = self.given.problem.county.vehicles.set_index("vehicle_type_id")["name"]
        return tuple(
            (str(self.labels[t]), kind, str(names[kind]), count, year.bought.get(kind, 0))
            for t, year in enumerate(self.rounds)
            for kind, count in year.needed.items()
        )

    def _village_rows(self) -> tuple[tuple[Cell, ...], ...]:
        rows: list[tuple[Cell, ...]] = []
        for village in self.rollout.villages:
            row = self.villages.loc[village.village_code]
            told = village.village_code, str(row["name"]), str(row["township_code"])
            years = self._year(village.served), self._year(village.own_point)
            rows.append((*told, *years, self._why(village)))
        return tuple(rows)

    def _why(self, village: VillageYear) -> Message:
        """Say why a village is not reached earlier."""
        if village.served == 0:
            return Message("rollout_why_today")
        if village.served == 1:
            return Message("rollout_why_first", {"year": str(self.labels[0])})
        if village.reason is None:
            return Message("rollout_why_order")
        code, params = village.reason.reason, village.reason.params
        year = self.labels[-1] if village.served is None else self.labels[village.served - 2]
        if code in ("not_required", "budget"):
            return Message(f"rollout_why_{code}", {"year": str(year), **params})
        return Message(f"reason_{code}", params)

    # --- pictures -----------------------------------------------------------------------------------------------

    def _charts(self) -> tuple[StudyChart, ...]:
        years = self.rollout.years
        x = [float(label) for label in self.labels]
        villages = max(1, len(self.villages))
        lines = {
            "villages_served_share": [len(y.siting.point_of_village) / villages for y in years],
            "own_point_share": [self._own(t) / villages for t in range(len(years))],
            "rollout_covered_share": [self._covered(t) for t in range(len(years))],
        }
        money = {
            "budget_cny": list(self.rollout.asked.budgets_cny),
            "spent_cny": [year.spent_cny + year.vehicles_cny for year in years],
        }
        cost = {"model_cny_per_day": [year.cost_cny_per_day for year in years]}
        if self.rounds:
            cost["true_cny_per_day"] = [year.verified.cost_cny_per_day for year in self.rounds]
        if self.is_cost:
            cost["year_alone_cny_per_day"] = [year.alone.value for year in years]
        return (
            StudyChart("chart_rollout_coverage", "line", "rollout_year", "share_reached", _series(x, lines)),
            StudyChart("chart_rollout_money", "bar", "rollout_year", "money_of_year_cny", _series(x, money)),
            StudyChart("chart_rollout_cost", "line", "rollout_year", "cost_of_year_cny_per_day", _series(x, cost)),
        )

    def _places(self) -> tuple[StudyPlace, ...]:
        year_of = {name: t for t, year in enumerate(self.rollout.years, start=1) for name in year.opened}
        closed = {name: t for t, year in enumerate(self.rollout.years, start=1) for name in year.closed}
        last = set(self.rollout.years[-1].siting.open_ids)
        shown = []
        for name in sorted({*year_of, *closed, *last}):
            row = self.facilities.loc[name]
            if pd.isna(row["lon"]) or pd.isna(row["lat"]):
                continue
            when = year_of.get(name, closed.get(name, 0))
            mark = "closed" if name in closed else "kept" if when == 0 else f"year_{min(when, MAP_YEARS)}"
            facts: dict[str, Cell] = {"rollout_year": self._year(when)} if when else {}
            shown.append(StudyPlace(str(name), str(row["name"]), float(row["lon"]), float(row["lat"]), mark, facts))  # type: ignore[arg-type]
        for village in self.rollout.villages:
            row = self.villages.loc[village.village_code]
            if village.served is None and not pd.isna(row["lon"]):
                at = village.village_code, str(row["name"]), float(row["lon"]), float(row["lat"])
                shown.append(StudyPlace(*at, "unserved"))
        return tuple(shown)


def _series(x: Sequence[float], lines: dict[str, list[float]]) -> tuple[StudySeries, ...]:
    return tuple(
        StudySeries(key, tuple((a, b) for a, b in zip(x, values, strict=True) if math.isfinite(b)))
        for key, values in lines.items()
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
