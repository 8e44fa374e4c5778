"""The report's charts, made from the run's figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from planner.plan import Kpi
from scenarios.content import RunContent
from scenarios.outputs.columns import words
from scenarios.outputs.reach import CLASSES_KM, persons_by_distance
from scenarios.outputs.svg import Bar, Column, Segment, histogram, share_bars, stacked_bar
from scenarios.outputs.tables import RunTables
from scenarios.outputs.terms import number, say, share, term

#: Cost blocks from county to village; colours stay apart in grey as well.
_TIER_COLOURS = {
    "county_centre": "#1B3A57",
    "county_township": "#3B2A6B",
    "township_station": "#0072B2",
    "township_village": "#9579C6",
    "village_point": "#009E73",
}
_OTHER_COLOUR = "#66727C"
_KPI_BARS = ("K1", "K2", "K3", "K4", "K5", "K6", "K8")


def kpi_chart(content: RunContent) -> Markup | None:
    """Return the ratios as bars, with a tick at what the service standard asks; None without ratios."""
    lang = content.lang
    standard = content.problem.standard
    wanted = {
        ("K6", "within_standard"): standard.population_share,
        ("K4", "total"): standard.village_point_share,
        ("K3", "total"): standard.township_station_share,
    }
    bars = []
    parts = Counter(row.kpi_id for row in _bar_rows(content))
    for kpi in _bar_rows(content):
        name, part = term(f"kpi_{kpi.kpi_id}", lang), term(f"kpi_part_{kpi.part}", lang)
        is_alone = kpi.part == "total" and parts[kpi.kpi_id] == 1
        figure = f"{share(kpi.value)}  ({number(kpi.numerator)} / {number(kpi.denominator)})"
        target = wanted.get((kpi.kpi_id, kpi.part))
        value = kpi.value or 0.0
        bars.append(Bar(name, value, figure, target) if is_alone else Bar(part, value, figure, target, name))
    return share_bars(bars, say("report_kpi_title", lang)) if bars else None


def _bar_rows(content: RunContent) -> list[Kpi]:
    rows = content.verified.kpis.rows
    return [row for row in rows if row.kpi_id in _KPI_BARS and row.unit == "share" and row.value is not None]


def cost_chart(content: RunContent) -> Markup | None:
    """Return the daily cost by tier as one stacked bar; None where nothing costs anything."""
    lang = content.lang
    sums: dict[str, float] = {}
    for line in content.verified.costs:
        sums[line.tier] = sums.get(line.tier, 0.0) + line.cny_per_day
    order = [*_TIER_COLOURS, *sorted(set(sums) - set(_TIER_COLOURS))]
    segments = [
        Segment(
            words("cost_tier", tier, lang),
            sums[tier],
            say("cny_per_day", lang, {"value": number(sums[tier])}),
            _TIER_COLOURS.get(tier, _OTHER_COLOUR),
        )
        for tier in order
        if sums.get(tier, 0.0) > 0.0
    ]
    return stacked_bar(segments, say("report_cost_title", lang)) if segments else None


@dataclass(frozen=True, slots=True)
class AccessChart:
    """The histogram of distances with the sentence that belongs to it."""

    picture: Markup
    sentence: str


def access_chart(content: RunContent, tables: RunTables) -> AccessChart | None:
    """Return persons by distance to their point; None where no distance is known."""
    lang = content.lang
    persons, unknown = persons_by_distance(content, tables)
    total = sum(persons) + unknown
    if not sum(persons):
        return None
    last = max(i for i, count in enumerate(persons) if count)
    labels = _class_labels(content)
    columns = [
        Column(labels[i], persons[i], f"{number(persons[i])} · {share(persons[i] / total, 0)}") for i in range(last + 1)
    ]
    if unknown:
        text = f"{number(unknown)} · {share(unknown / total, 0)}"
        columns.append(Column(say("report_access_unknown", lang), unknown, text, "#D55E00"))
    picture = histogram(columns, say("report_access_title", lang), say("report_access_axis", lang))
    within = [sum(persons[: i + 1]) / total for i, km in enumerate(CLASSES_KM) if km in (1.0, 2.0, 3.0, 5.0)]
    figures = dict(zip(("one", "two", "three", "five"), (share(value) for value in within), strict=True))
    return AccessChart(picture, say("report_access_sentence", lang, {**figures, "persons": number(total)}))


def _class_labels(content: RunContent) -> list[str]:
    ends = [f"{km:g}" for km in CLASSES_KM]
    labels = [f"0–{ends[0]} km", *(f"{a}–{b} km" for a, b in pairwise(ends)), f"> {ends[-1]} km"]
    return [label.replace(" km", "公里") if content.lang == "zh" else label for label in labels]
