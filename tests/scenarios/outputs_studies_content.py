"""Studies of every shape, built by hand: frontier with steps, lockers with cells, alternatives, odd and hostile ones.

Their terms are not in the glossary: `with_terms` puts them beside it for a test.
"""

import importlib.util
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal
from unittest.mock import patch

from geodata import messages
from geodata.messages import Lang, Message
from planner.reports import SolveReport
from scenarios.content import RunContent
from scenarios.studies.study import Study, StudyChart, StudyColumn, StudyPlace, StudySeries, StudyTable


def _hand_made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outputs_content", Path(__file__).parent / "outputs_content.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HAND = _hand_made()

TERMS = {
    "study_t_frontier": ("What each budget buys", "不同预算能覆盖多少人"),
    "study_t_lockers": ("Parcel lockers", "智能快件箱选址"),
    "study_t_alternatives": ("Equally good plans", "同等优劣的备选方案"),
    "study_t_fleet": ("Electric vehicles", "电动车充电设施"),
    "study_t_empty": ("A question without figures", "没有数值的问题"),
    "t_budget_cny": ("Budget", "预算"),
    "t_covered_share": ("Residents within 3 km", "3公里内居民比例"),
    "t_bound_share": ("No plan can do better", "理论上限"),
    "t_rollout": ("Built step by step", "逐步建设"),
    "t_chart_frontier": ("Residents covered by budget", "预算与覆盖比例"),
    "t_table_frontier": ("Every budget", "各档预算"),
    "t_table_frontier_again": ("Every budget and what it buys, site by site in the order of building", "各档预算"),
    "t_sites_count": ("New sites", "新建站点数"),
    "t_gap_share": ("Gap", "差距"),
    "t_spent_cny": ("Spent", "实际支出"),
    "t_cells_count": ("Compartments", "格口数"),
    "t_small_count": ("Small", "小格"),
    "t_medium_count": ("Medium", "中格"),
    "t_large_count": ("Large", "大格"),
    "t_overflow_share": ("Overflow on a busy day", "高峰日溢出比例"),
    "t_parcels_per_day": ("Parcels", "件量"),
    "t_mean_km": ("Mean way", "平均距离"),
    "t_is_host": ("Host agrees", "场所同意"),
    "t_host": ("Host", "依托场所"),
    "t_chart_lockers": ("Compartments at each locker", "各箱格口数"),
    "t_rank": ("Locker", "箱号"),
    "t_table_lockers": ("Lockers and their cells", "快件箱与格口"),
    "t_table_alternatives": ("Plans side by side", "方案对照"),
    "t_plan": ("Plan", "方案"),
    "t_cost_cny_per_day": ("Cost", "成本"),
    "t_note": ("What it means", "说明"),
    "t_state": ("State", "现状"),
    "t_chart_queue": ("Waiting parcels over the day", "全天滞留件量"),
    "t_hour_h": ("Hour", "时刻"),
    "t_waiting": ("Waiting parcels", "滞留件量"),
    "t_morning": ("Rural point", "村级点"),
    "t_evening": ("Town centre", "镇区"),
    "t_campus": ("School", "学校"),
    "t_way_km": ("Mean way (km)", "平均距离（公里）"),
}
SENTENCES = {
    "t_weight": ("350,000 CNY are enough for two thirds of all people.", "35万元可覆盖三分之二的人口。"),
    "t_money": (
        "Once: {once} CNY; a year: {yearly} CNY; {closed} sites close.",
        "一次性投入{once}元，年运行费{yearly}元，关停{closed}个站点。",
    ),
    "t_straight": ("Distances are as the crow flies.", "距离按直线计。"),
    "t_kept": ("This site is kept.", "该站点保留。"),
    "t_chosen": ("Lockers pay for themselves at six places.", "六处快件箱可以收支平衡。"),
    "t_closed": ("No site is in reach.", "可及范围内没有站点。"),
    "t_left": ("Serving it would cost more than the budget.", "服务该处将超出预算。"),
    "t_far": (
        "The nearest site is {nearest} {unit} away, more than {cutoff}.",
        "最近站点距离{nearest}{unit}，超过{cutoff}。",
    ),
}


@contextmanager
def with_terms() -> Iterator[None]:
    """Add the terms of the hand-made studies to the glossary for a while."""
    read = messages._table

    def table(kind: Literal["glossary", "messages"]) -> Mapping[str, Mapping[str, str]]:
        extra = TERMS if kind == "glossary" else SENTENCES
        return {**read(kind), **{key: {"en": en, "zh": zh} for key, (en, zh) in extra.items()}}

    glossary = {kind: table(kind) for kind in ("glossary", "messages")}  # type: ignore[arg-type]
    with patch.object(messages, "_table", lambda kind: glossary[kind]):
        yield


def frontier(steps: int = 24) -> Study:
    budgets = [50_000.0 * i for i in range(steps)]
    reached = [1 - math.exp(-i / 7) for i in range(steps)]
    bound = [min(1.0, r * 1.015 + 0.004) for r in reached]
    rollout = [r * (0.97 if 2 < i < 12 else 1.0) for i, r in enumerate(reached)]
    series = tuple(
        StudySeries(key, tuple(zip(budgets, values, strict=True)))
        for key, values in (("t_covered_share", reached), ("t_bound_share", bound), ("t_rollout", rollout))
    )
    columns = (
        StudyColumn("t_budget_cny", "cny"),
        StudyColumn("t_covered_share", "share"),
        StudyColumn("t_bound_share", "share"),
        StudyColumn("t_gap_share", "share"),
        StudyColumn("t_sites_count", "count"),
        StudyColumn("t_spent_cny", "cny"),
    )
    rows = tuple(
        (b, r, top, top - r, i, b * 0.93) for i, (b, r, top) in enumerate(zip(budgets, reached, bound, strict=True))
    )
    return Study(
        name="budget",
        kind="t_frontier",
        report=SolveReport("feasible", 1000.0, 988.0, "Lagrange", 3, {"iterations": 400.0}),
        answer=(
            Message("t_weight"),
            Message("t_money", {"once": 350000, "yearly": 41000, "closed": 2}),
        ),
        figures={
            "t_budget_cny": 350_000.0,
            "t_covered_share": reached[min(7, steps - 1)],
            "t_sites_count": 7,
            "t_mean_km": 2.456,
        },
        tables=(
            StudyTable("t_table_frontier", columns, rows),
            StudyTable("t_table_frontier_again", columns, rows[:3]),
            StudyTable("t_table_frontier_again", columns[:2], ((None, math.nan),)),
        ),
        charts=(StudyChart("t_chart_frontier", "step", "t_budget_cny", "t_covered_share", series),),
        assumptions=(Message("t_straight"),),
    )


def lockers(count: int = 9, villages: Any = None) -> Study:
    cells = [24 + 11 * ((i * 7) % 5) for i in range(count)]
    parts = (("t_small_count", 0.5), ("t_medium_count", 0.35), ("t_large_count", 0.15))
    columns = (
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn("t_host", "label"),
        StudyColumn("t_cells_count", "count"),
        *(StudyColumn(key, "count") for key, _ in parts),
        StudyColumn("t_parcels_per_day", "number"),
        StudyColumn("t_overflow_share", "share"),
        StudyColumn("t_mean_km", "km"),
        StudyColumn("t_is_host", "text"),
    )
    rows = tuple(
        (
            f"L{i + 1:02d}",
            f"第{i + 1}小区",
            "kind_shop",
            n,
            *(round(n * part) for _, part in parts),
            n * 1.37,
            0.004 * i,
            0.21 + 0.03 * i,
            i % 3 != 0,
        )
        for i, n in enumerate(cells)
    )
    series = tuple(
        StudySeries(key, tuple((float(i + 1), float(round(n * part))) for i, n in enumerate(cells)))
        for key, part in parts
    )
    return Study(
        name="t_lockers",
        kind="t_lockers",
        report=SolveReport("optimal", 812.5, 812.5, "enumeration", 0),
        answer=(Message("t_chosen"),),
        reasons={} if villages is None else villages,
        figures={"t_cells_count": sum(cells), "t_overflow_share": 0.0123, "t_is_host": True, "t_host": None},
        tables=(StudyTable("t_table_lockers", columns, rows),),
        charts=(StudyChart("t_chart_lockers", "bar", "t_rank", "t_cells_count", series),),
        places=tuple(
            StudyPlace(
                f"L{i + 1:02d}",
                f"第{i + 1}小区",
                HAND.WEST + 0.02 + 0.021 * i,
                HAND.SOUTH + 0.03 + 0.011 * (i % 4),
                "locker" if i % 4 else "candidate",
                {"t_cells_count": n, "t_overflow_share": 0.004 * i, "t_mean_km": 0.21, "t_host": "超市"},
            )
            for i, n in enumerate(cells)
        ),
    )


def alternatives() -> Study:
    columns = (
        StudyColumn("t_plan"),
        StudyColumn("t_cost_cny_per_day", "cny"),
        StudyColumn("t_sites_count", "count"),
        StudyColumn("t_state", "label"),
        StudyColumn("t_note", "message"),
    )
    rows = tuple((f"{i}", 1840.0 + 11.25 * i, 30 + i, "status_existing", Message("t_kept")) for i in range(1, 11))
    marks = ("chosen", "kept", "closed", "unserved", "served", "locker", "charger", "candidate")
    return Study(
        name="方案比较",
        kind="t_alternatives",
        report=SolveReport("feasible", 5.0, None, "interchange"),
        answer=(Message("t_kept"),),
        tables=(StudyTable("t_table_alternatives", columns, rows),),
        charts=(
            StudyChart(
                "t_chart_queue",
                "line",
                "t_hour_h",
                "t_waiting",
                tuple(
                    StudySeries(key, tuple((float(h), 40 + 30 * math.sin(h / 3 + k) + 10 * k) for h in range(0, 24, 2)))
                    for k, key in enumerate(("t_morning", "t_evening", "t_campus"))
                ),
            ),
        ),
        places=tuple(
            StudyPlace(
                f"{mark}-{n}",
                f"{mark} {n}",
                HAND.WEST + 0.03 + 0.025 * i,
                HAND.SOUTH + 0.02 + 0.03 * n,
                mark,  # type: ignore[arg-type]
                {"t_sites_count": n},
            )
            for i, mark in enumerate(marks)
            for n in range(i % 3 + 1)
        ),
        reasons={"unserved-0": Message("t_closed")},
    )


def long_list(count: int = 130) -> Study:
    columns = (StudyColumn("village_code"), StudyColumn("name"), StudyColumn("t_mean_km", "km"))
    rows = tuple((f"{i:012d}", f"村{i}", i / 10) for i in range(count))
    return Study(
        name="list",
        kind="t_fleet",
        report=SolveReport("infeasible", None, None, "cp-sat"),
        answer=(),
        reasons={f"{i:012d}": Message("t_left") for i in range(count)},
        tables=(StudyTable("t_table_alternatives", columns, rows),),
        charts=(
            StudyChart(
                "t_chart_queue", "line", "t_hour_h", "t_waiting", (StudySeries("t_morning", ((math.nan, 1.0),)),)
            ),
        ),
        places=(StudyPlace("nowhere", "", math.nan, 27.6, "charger"), StudyPlace("c", "", 109.7, 27.65, "charger")),
    )


def empty() -> Study:
    return Study("nothing", "t_empty", None, ())


def hostile() -> Study:
    """Names, facts and texts that must reach a page only as text."""
    texts = HAND.HOSTILE
    return Study(
        name=texts[4],
        kind="t_alternatives",
        report=None,
        answer=(Message("t_far", {"nearest": texts[2], "unit": texts[0], "cutoff": texts[3]}),),
        reasons={text: Message("t_closed") for text in texts},
        figures={"t_host": texts[2]},
        tables=(StudyTable("t_table_alternatives", (StudyColumn("t_plan"),), tuple((text,) for text in texts)),),
        places=tuple(
            StudyPlace(text, text, HAND.WEST + 0.03 * (i + 1), HAND.SOUTH + 0.05, "chosen", {"t_host": text})
            for i, text in enumerate(texts)
        ),
    )


def all_studies() -> tuple[Study, ...]:
    return frontier(), lockers(), alternatives(), long_list(), empty()


def studied(lang: Lang = "zh", studies: tuple[Study, ...] | None = None, size: Any = None) -> RunContent:
    """Return a hand-made run with studies."""
    content: RunContent = HAND.make_content(lang, size or HAND.Size(2, 6))
    return replace(content, studies=all_studies() if studies is None else studies)
