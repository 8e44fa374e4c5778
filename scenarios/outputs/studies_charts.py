"""The charts of a study: axes with units, large sums of money in units people speak in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from geodata.messages import Lang, label
from scenarios.outputs.studies_words import heading, unit_of, with_unit
from scenarios.outputs.terms import capital, number, say, share
from scenarios.outputs.xy_chart import Axis, Series, finite, xy_chart
from scenarios.studies.study import StudyChart

#: Sums from here on are printed in ten thousands (Chinese) or thousands (English).
_LARGE_CNY = 100_000.0


@dataclass(frozen=True, slots=True)
class ShownChart:
    """A chart as it is shown: heading and picture."""

    heading: str
    picture: Markup


@dataclass(frozen=True, slots=True)
class AxisRule:
    """How an axis is headed and divided: words, divisor of its values, printed value, whole numbers only."""

    words: str
    divisor: float
    text: Callable[[float], str]
    is_whole: bool


def axis_rule(key: str, values: list[float], lang: Lang) -> AxisRule:
    """Return how the axis of the figures `values` named `key` is shown."""
    unit = unit_of(key)
    greatest = max((abs(v) for v in values), default=0.0)
    if unit == "cny" and greatest >= _LARGE_CNY:
        divisor = 10_000.0 if lang == "zh" else 1_000.0
        words = with_unit(capital(label(key, lang)), say("chart_large_cny", lang), lang)
        return AxisRule(words, divisor, _short, False)
    if unit == "share":
        return AxisRule(heading(key, lang), 1.0, _percent(values), False)
    if key.endswith("_year"):
        return AxisRule(heading(key, lang), 1.0, "{:.0f}".format, True)
    is_whole = not unit and all(float(v).is_integer() for v in values)
    return AxisRule(heading(key, lang), 1.0, _short, is_whole)


def _percent(values: list[float]) -> Callable[[float], str]:
    digits = 0 if all(abs(v * 100 - round(v * 100)) < 1e-9 for v in values) else 1  # noqa: PLR2004

    def text(value: float) -> str:
        percent = share(value, digits)
        return percent.replace(".0%", "%")

    return text


def _short(value: float) -> str:
    """Return a figure with three digits that count, or whole from 100 on."""
    return number(value) if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"  # noqa: PLR2004


def study_charts(charts: tuple[StudyChart, ...], lang: Lang) -> list[ShownChart]:
    """Return the charts that have something to show."""
    shown = []
    for chart in charts:
        picture = _picture(chart, lang)
        if picture is not None:
            shown.append(ShownChart(capital(label(chart.key, lang)), picture))
    return shown


def _picture(chart: StudyChart, lang: Lang) -> Markup | None:
    series = finite([Series(capital(label(s.key, lang)), s.points) for s in chart.series])
    x_rule = axis_rule(chart.x_key, [x for s in series for x, _ in s.points], lang)
    y_rule = axis_rule(chart.y_key, [y for s in series for _, y in s.points], lang)
    scaled = [Series(s.words, tuple((x / x_rule.divisor, y / y_rule.divisor) for x, y in s.points)) for s in series]
    axes = [Axis(rule.words, rule.text, rule.is_whole) for rule in (x_rule, y_rule)]
    return xy_chart(chart.kind, scaled, axes[0], axes[1], label(chart.key, lang))
